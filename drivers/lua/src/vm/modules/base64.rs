//! The module `base64`: the standard alphabet, padded. What is decoded may have line breaks in it, and bits at its end
//! that say nothing, as mail and other encoders leave them.

use ::base64::Engine as _;
use ::base64::alphabet;
use ::base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use mlua::{Lua, Table, Value};

use super::errors::{self, Kind};
use super::{Answer, args, good};

const STANDARD: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The table `base64`.
///
/// # Errors
///
/// Lua has no memory left.
pub fn module(lua: &Lua) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    module.raw_set("encode", lua.create_function(|lua, data: Value| encode(lua, &data))?)?;
    module.raw_set("decode", lua.create_function(|lua, text: Value| decode(lua, &text))?)?;
    Ok(args::frozen(module))
}

fn encode(lua: &Lua, data: &Value) -> Answer {
    let Value::String(data) = data else { return not_a_string(lua, data) };
    good(lua, STANDARD.encode(data.as_bytes()))
}

fn decode(lua: &Lua, text: &Value) -> Answer {
    let Value::String(text) = text else { return not_a_string(lua, text) };
    let text = text.as_bytes();
    let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let decoded = if text.iter().any(is_break) {
        STANDARD.decode(text.iter().copied().filter(|byte| !is_break(byte)).collect::<Vec<u8>>())
    } else {
        STANDARD.decode(text)
    };
    match decoded {
        Ok(data) => good(lua, lua.create_string(data)?),
        Err(error) => errors::fail(lua, Kind::Invalid, error.to_string()),
    }
}

fn not_a_string(lua: &Lua, got: &Value) -> Answer {
    errors::fail(lua, Kind::Invalid, format!("a string is expected, not {}", args::type_name(got)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lua, run, run_in};

    #[test]
    fn bytes_go_there_and_back() {
        assert_eq!(run("return (base64.encode('\\0\\255 any'))"), "AP8gYW55");
        assert_eq!(run("return base64.decode('AP8gYW55') == '\\0\\255 any'"), "true");
        assert_eq!(run("return (base64.encode('')) .. (base64.decode(''))"), "");
    }

    #[test]
    fn line_breaks_and_bits_that_say_nothing_are_passed_over() {
        assert_eq!(run(r"return (base64.decode('QUJD\r\nREVG\n'))"), "ABCDEF");
        assert_eq!(run("return (base64.decode('QR=='))"), "A");
    }

    quickcheck::quickcheck! {
        fn any_bytes_go_there_and_back(bytes: Vec<u8>) -> bool {
            let lua = lua();
            lua.globals().set("bytes", lua.create_string(&bytes).unwrap()).unwrap();
            run_in(&lua, "return base64.decode((base64.encode(bytes))) == bytes") == "true"
        }
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for argument in ["'a'", "'QUI'", "'QUI='..'='", "'@@@@'", "'QUJ D'", "'_-8='", "5", "nil"] {
            let program = format!("local v, e = base64.decode({argument}) return v, e:kind()");
            assert_eq!(run(&program), "nil Invalid", "{argument}");
        }
    }
}
