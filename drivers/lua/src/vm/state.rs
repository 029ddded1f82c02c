//! One Luau state.

use super::budget::Budget;
use super::memory::Ledger;
use super::modules;
use super::natives;
use crate::runtime::{Context, HubOptions};
use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, LuaOptions, MultiValue, StdLib, Table, Value};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wsrelay_host::Clock;

/// The process that runs in a state at this moment.
pub(crate) type Running = Rc<RefCell<Option<Rc<Context>>>>;

/// A state, with everything that its processes share.
#[derive(Debug)]
pub struct Vm(Rc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) lua: Lua,
    pub(super) running: Running,
    pub(super) budget: Rc<Budget>,
    pub(super) ledger: RefCell<Ledger>,
    /// Cycles of the collector until what processes have left is gone: one may have begun before they ended.
    pub(super) untidy: Cell<u8>,
    pub(super) enter: Function,
    pub(super) start: Function,
    pub(super) environment: Function,
}

/// The parts of the prelude, in their order: the kernel gets the native functions, the others the kernel and those, and
/// `globals` what else scripts are to see.
const KERNEL: &str = include_str!("prelude/kernel.luau");
const CHANNEL: &str = include_str!("prelude/channel.luau");
const PROCESS: &str = include_str!("prelude/process.luau");
const GLOBALS: &str = include_str!("prelude/globals.luau");

/// Those of its files that are modules.
const MODULES: [(&str, &str); 5] = [
    ("time", include_str!("prelude/waiting.luau")),
    ("http", include_str!("prelude/http.luau")),
    ("websocket", include_str!("prelude/websocket.luau")),
    ("events", include_str!("prelude/events.luau")),
    ("logger", include_str!("prelude/logger.luau")),
];

impl Vm {
    /// A state without processes.
    ///
    /// # Errors
    ///
    /// When there is no memory for it.
    pub fn new(clock: &Clock, options: &HubOptions) -> mlua::Result<Self> {
        let libraries = StdLib::COROUTINE
            | StdLib::TABLE
            | StdLib::STRING
            | StdLib::UTF8
            | StdLib::BIT
            | StdLib::BUFFER
            | StdLib::MATH
            | StdLib::DEBUG;
        let lua = Lua::new_with(libraries, LuaOptions::new())?;
        let string_library = modules::string::library(&lua)?;
        let budget = Budget::install(&lua, clock, options.memory_bytes_max / 2);
        let running = Running::default();
        let native = natives::table(&lua, &running, &budget, clock)?;
        let kernel: Table = run(&lua, "kernel", KERNEL, [Value::Table(native.clone())])?;
        let (for_kernel, for_native) = (Value::Table(kernel.clone()), Value::Table(native));
        let both = || [for_kernel.clone(), for_native.clone()];
        run::<()>(&lua, "channel", CHANNEL, both())?;
        run::<()>(&lua, "process", PROCESS, both())?;
        let shared_modules = modules(&lua, clock, &both())?;
        kernel.raw_set("modules", shared_modules)?;
        let globals = [
            string_library,
            modules::string::types(&lua)?,
            modules::os::module(&lua, wall(clock))?,
            modules::errors::module(&lua)?,
        ];
        let given = both().into_iter().chain(globals.into_iter().map(Value::Table));
        run::<()>(&lua, "globals", GLOBALS, given)?;
        let function = |name| kernel.raw_get::<Function>(name);
        let (enter, start, environment) = (function("enter")?, function("start")?, function("environment")?);
        let shared_globals: Table = kernel.raw_get("globals")?;
        // Libraries are read-only, strings' metatable included.
        lua.sandbox(true)?;
        // Names in a script are looked up in its own globals when it runs, and not in these while it is loaded.
        lua.globals().set_safeenv(false);
        for table in shared_globals.pairs::<String, Value>() {
            if let (_, Value::Table(table)) = table? {
                table.set_readonly(true);
            }
        }
        shared_globals.set_safeenv(true);
        lua.gc_collect()?;
        let ledger = RefCell::new(Ledger::new(options));
        Ok(Self(Rc::new(Shared {
            lua,
            running,
            budget,
            ledger,
            untidy: Cell::new(0),
            enter,
            start,
            environment,
        })))
    }

    /// Whether another process may be started here.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.0.ledger.borrow().has_room(&self.0.lua)
    }

    /// Whether no process is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.ledger.borrow().is_empty()
    }

    /// Collects some of the garbage that processes have left. Whether there may be more.
    pub fn tidy(&self) -> bool {
        let left = self.0.untidy.get();
        if left > 0 {
            // A state that cannot collect cannot run either, which the next process is told.
            let is_over = self.0.lua.gc_step().unwrap_or(true);
            self.0.untidy.set(left - u8::from(is_over));
        }
        self.0.untidy.get() > 0
    }

    pub(super) fn shared(&self) -> Rc<Shared> {
        Rc::clone(&self.0)
    }
}

fn run<T: mlua::FromLuaMulti>(
    lua: &Lua,
    name: &str,
    source: &str,
    given: impl IntoIterator<Item = Value>,
) -> mlua::Result<T> {
    let chunk = lua.load(source).set_name(format!("={name}")).set_mode(ChunkMode::Text);
    chunk.into_function()?.call(given.into_iter().collect::<MultiValue>())
}

/// The modules that a source can name.
fn modules(lua: &Lua, clock: &Clock, both: &[Value; 2]) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("json", modules::json::module(lua)?)?;
    table.raw_set("uuid", modules::uuid::module(lua, wall(clock))?)?;
    table.raw_set("base64", modules::base64::module(lua)?)?;
    let time = modules::time::module(lua, wall(clock))?;
    for (name, source) in MODULES {
        let mut given = both.to_vec();
        if name == "time" {
            given.push(Value::Table(time.clone()));
        }
        table.raw_set(name, run::<Value>(lua, name, source, given)?)?;
    }
    Ok(table)
}

/// The time of day, as modules take it.
fn wall(clock: &Clock) -> impl Fn() -> (i64, u32) + Clone + 'static {
    let clock = clock.clone();
    move || {
        let wall = clock.wall();
        (i64::try_from(wall.as_secs()).unwrap_or(i64::MAX), wall.subsec_nanos())
    }
}
