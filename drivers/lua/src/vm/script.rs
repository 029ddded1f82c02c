//! The code of one process in its state.

use super::budget;
use super::memory::{self, Category};
use super::modules::errors::{self, ErrorObject, Kind};
use super::program::Program;
use super::state::{Shared, Vm};
use super::value::Values;
use crate::app::model::CodeKind;
use crate::runtime::Context;
use mlua::chunk::ChunkMode;
use mlua::{Function, MultiValue, Table, Thread, Value};
use std::collections::BTreeMap;
use std::rc::Rc;
use wsrelay_core::time::Instant;

/// A process's root coroutine and what belongs to it.
#[derive(Debug)]
pub struct Script {
    state: Rc<Shared>,
    context: Rc<Context>,
    category: Category,
    /// What the prelude keeps of the process.
    process: Table,
    root: Thread,
    /// Whether it was pre-empted and has not waited since.
    is_busy: bool,
}

/// What a slice has brought.
#[derive(Debug)]
pub enum Outcome {
    /// It waits, until something happens or for this time.
    Waits(Option<Instant>),
    /// It could go on.
    Preempted,
    /// It has ended, with a value or an error.
    Ended(Result<Values, ErrorObject>),
    /// It wants to become other code.
    Upgrades,
}

impl Script {
    /// Loads a process's code into a state; it has not run yet.
    ///
    /// # Errors
    ///
    /// When there is no memory left.
    pub fn start(vm: &Vm, context: &Rc<Context>, arguments: &Values) -> mlua::Result<Self> {
        let state = vm.shared();
        let category = state.ledger.borrow_mut().move_in(&state.lua)?;
        let before = state.lua.used_memory();
        let prepared = prepare(&state, context, category, arguments).and_then(|prepared| {
            let bytes = state.lua.used_memory().saturating_sub(before);
            // Whether that is too much is looked at when it has run.
            state.ledger.borrow_mut().allocated(&state.lua, category, bytes, 0)?;
            Ok(prepared)
        });
        match prepared {
            Ok((process, root)) => {
                Ok(Self { context: Rc::clone(context), state, category, process, root, is_busy: false })
            }
            Err(error) => {
                state.ledger.borrow_mut().move_out(&state.lua, category);
                Err(error)
            }
        }
    }

    /// The context's new program in the place of the old.
    ///
    /// # Errors
    ///
    /// As [`Script::start`].
    pub fn replace(&mut self, context: &Rc<Context>, arguments: &Values) -> mlua::Result<()> {
        (self.process, self.root) = prepare(&self.state, context, self.category, arguments)?;
        Ok(())
    }

    /// Runs one slice. `budget` is what is left until the script has to have waited.
    pub fn resume(&mut self, budget: &mut u64, full: u64) -> Outcome {
        let before = self.state.lua.used_memory();
        let result = self.slice(budget, full);
        let after = self.state.lua.used_memory();
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Ended(Err(to_error(&error))),
        };
        self.is_busy = matches!(outcome, Outcome::Preempted);
        let grown = self.state.ledger.borrow_mut().allocated(
            &self.state.lua,
            self.category,
            after.saturating_sub(before),
            self.context.sent.get(),
        );
        match (outcome, grown) {
            (Outcome::Ended(result), _) => {
                Outcome::Ended(result.map_err(|error| Self::explained(error, *budget, full)))
            }
            (Outcome::Waits(_) | Outcome::Preempted | Outcome::Upgrades, Ok(true) | Err(_)) => {
                Outcome::Ended(Err(ErrorObject::new(Kind::Internal, TOO_MUCH_MEMORY)))
            }
            (outcome, Ok(false)) => outcome,
        }
    }

    fn slice(&mut self, budget: &mut u64, full: u64) -> mlua::Result<Outcome> {
        let state = &self.state;
        state.ledger.borrow().allow(&state.lua)?;
        state.running.replace(Some(Rc::clone(&self.context)));
        state.enter.call::<()>(&self.process)?;
        state.budget.begin(*budget, full, self.is_busy, state.lua.used_memory());
        let result = self.root.resume::<MultiValue>(());
        *budget = state.budget.end();
        let outcome = result.and_then(|values| self.outcome(values));
        state.running.replace(None);
        outcome
    }

    /// Reads what the root has yielded or returned.
    fn outcome(&self, values: MultiValue) -> mlua::Result<Outcome> {
        let mut values = values.into_iter();
        let (first, second, third) = (values.next(), values.next(), values.next());
        if self.root.is_resumable() {
            return Ok(match first {
                None => Outcome::Preempted,
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "nanoseconds since the start"
                )]
                Some(Value::Number(at)) => Outcome::Waits(Some(Instant::from_nanos(at as u64))),
                #[expect(clippy::cast_sign_loss, reason = "nanoseconds since the start")]
                Some(Value::Integer(at)) => Outcome::Waits(Some(Instant::from_nanos(at as u64))),
                Some(_) => Outcome::Waits(None),
            });
        }
        let word = match &first {
            Some(Value::String(word)) => word.to_string_lossy(),
            _ => String::new(),
        };
        Ok(match word.as_str() {
            "upgrade" => Outcome::Upgrades,
            "done" => Outcome::Ended(returned(&second.unwrap_or_default(), &third.unwrap_or_default())),
            _ => Outcome::Ended(Err(raised(&second.unwrap_or_default(), &third.unwrap_or_default()))),
        })
    }

    /// The error of a script that has used all of its budget.
    #[must_use]
    pub fn exhausted(full: u64) -> ErrorObject {
        ErrorObject::new(Kind::Internal, format!("{} (budget: {full} safepoints)", budget::EXHAUSTED))
    }

    /// An error that came of a bound says so, whatever words it had.
    fn explained(error: ErrorObject, budget: u64, full: u64) -> ErrorObject {
        if budget == 0 {
            return Self::exhausted(full);
        }
        if error.message().ends_with("not enough memory") {
            return ErrorObject::new(Kind::Internal, TOO_MUCH_MEMORY);
        }
        error
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if self.state.ledger.borrow_mut().move_out(&self.state.lua, self.category) {
            self.state.untidy.set(2);
        }
    }
}

const TOO_MUCH_MEMORY: &str = "the process holds more memory than it may";

/// As many as a process can use between two upgrades; numbers stay exact for two million of those.
const TOKENS_OF_A_LIFE: u64 = 1 << 32;

/// The process's state in the prelude, and its root coroutine.
fn prepare(
    state: &Shared,
    context: &Rc<Context>,
    category: Category,
    arguments: &Values,
) -> mlua::Result<(Table, Thread)> {
    let lua = &state.lua;
    lua.set_memory_limit(0)?;
    // What is made from here on is the process's, and so is what its coroutines make.
    lua.set_memory_category(&memory::name(category))?;
    let prepared = (|| {
        let program = load(state, &context.program.borrow(), &mut BTreeMap::new())?;
        let values = arguments.to_lua(lua)?;
        let packed = lua.create_table()?;
        packed.raw_set("n", values.len())?;
        for (at, value) in values.into_iter().enumerate() {
            packed.raw_set(at + 1, value)?;
        }
        // Results that come for its former life are none of its present one's.
        program.raw_set("first_token", context.lives.get() * TOKENS_OF_A_LIFE)?;
        state.start.call::<(Table, Thread)>((program, packed))
    })();
    lua.set_memory_category("main")?;
    prepared
}

/// A program as the prelude takes it: each library once, however often it is imported.
fn load(state: &Shared, program: &Program, loaded: &mut BTreeMap<String, Table>) -> mlua::Result<Table> {
    let id = program.code.id.as_str();
    if let Some(table) = loaded.get(id) {
        return Ok(table.clone());
    }
    let lua = &state.lua;
    let imports = lua.create_table()?;
    for (alias, import) in &program.imports {
        let one = lua.create_table()?;
        one.raw_set("alias", &**alias)?;
        one.raw_set("program", load(state, import, loaded)?)?;
        imports.raw_push(one)?;
    }
    let modules = lua.create_sequence_from(program.code.modules.iter().map(|(name, _)| &**name))?;
    let (environment, allowed) = state.environment.call::<(Table, Table)>(modules)?;
    environment.set_safeenv(true);
    let chunk: Function = lua
        .load(&program.bytecode[..])
        .set_name(&program.chunk_name)
        .set_mode(ChunkMode::Binary)
        .set_environment(environment.clone())
        .into_function()?;
    let table = lua.create_table()?;
    table.raw_set("id", id)?;
    table.raw_set("method", &*program.code.method)?;
    table.raw_set("file", &*program.code.source_place.file)?;
    table.raw_set("is_function", program.code.kind == CodeKind::Function)?;
    table.raw_set("imports", imports)?;
    table.raw_set("environment", environment)?;
    table.raw_set("allowed", allowed)?;
    table.raw_set("chunk", chunk)?;
    loaded.insert(id.to_owned(), table.clone());
    Ok(table)
}

/// What the process's function returned: a value, or an error in the second place.
fn returned(value: &Value, fault: &Value) -> Result<Values, ErrorObject> {
    if let Some(error) = errors::object(fault) {
        return Err(error);
    }
    if let Value::String(message) = fault {
        return Err(ErrorObject::new(Kind::Unknown, message.to_string_lossy()).retryable(false));
    }
    Values::from_lua([value]).map_err(|fault| ErrorObject::new(Kind::Internal, fault.to_string()))
}

/// An error that nothing caught.
fn raised(error: &Value, traceback: &Value) -> ErrorObject {
    let object = match error {
        Value::Error(error) => to_error(error),
        error => {
            errors::object(error).unwrap_or_else(|| ErrorObject::new(Kind::Unknown, errors::words(error)))
        }
    };
    match traceback {
        Value::String(traceback) => object.with_stack(traceback.to_string_lossy()),
        _ => object,
    }
}

fn to_error(error: &mlua::Error) -> ErrorObject {
    let text = errors::raised(error);
    // mlua may add a traceback behind the words.
    let message = text.split("\nstack traceback:").next().unwrap_or(&text);
    ErrorObject::new(Kind::Unknown, message)
}
