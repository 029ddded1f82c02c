//! The one number of Luau's that has no safe way to it.

use super::Category;
use mlua::{Lua, ffi};
use std::ffi::c_int;

/// What a category holds, garbage and all.
#[expect(
    unsafe_code,
    reason = "mlua tells it in a dump of the whole heap only, for which everything else stands still for seconds"
)]
pub(super) fn bytes(lua: &Lua, category: Category) -> mlua::Result<usize> {
    let mut bytes = 0;
    // SAFETY: the function reads a number of the state, which has one for each value of a byte. It takes nothing from the stack, puts
    // nothing on it, calls nothing and raises nothing.
    unsafe { lua.exec_raw::<()>((), |state| bytes = ffi::lua_totalbytes(state, number(category)))? };
    Ok(bytes)
}

/// The category's number: mlua gives them out in the order in which their names come up, the first for all that is nobody's.
fn number(category: Category) -> c_int {
    c_int::from(u8::try_from(category + 1).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::name;
    use super::*;

    #[test]
    fn each_category_has_its_own_number() {
        let lua = Lua::new();
        for category in 0..200 {
            assert_eq!(bytes(&lua, category).unwrap(), 0);
            lua.set_memory_category(&name(category)).unwrap();
            let text = lua.create_string(vec![b'x'; 1000 + category]).unwrap();
            let held = bytes(&lua, category).unwrap();
            assert!((1000 + category..1200 + category).contains(&held), "{held} in {category}");
            lua.set_memory_category("main").unwrap();
            drop(text);
        }
        lua.gc_collect().unwrap();
        lua.gc_collect().unwrap();
        assert_eq!((0..200).map(|category| bytes(&lua, category).unwrap()).sum::<usize>(), 0);
    }
}
