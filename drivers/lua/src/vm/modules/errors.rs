//! The global `errors`: error objects with a kind, which behave like strings where a program treats them as such.
//!
//! Read [`ErrorObject`] first, then [`fail`], by which every other module reports.

mod detail;
mod kind;
#[cfg(test)]
mod tests;

use std::fmt;

use mlua::{IntoLua, Lua, MetaMethod, Table, UserData, UserDataMethods, Value};

pub use self::detail::Detail;
pub use self::kind::Kind;
use super::{Answer, Outcome, args, good};

/// An error as Lua programs see it. It holds no handle into a Lua state and may be moved to another.
///
/// Two are equal if kind, message, retryable and details are; where they arose is not compared.
#[derive(Clone, Debug)]
pub struct ErrorObject(Box<Fields>);

/// What an error holds: in one place on the heap, for errors are seldom and results are not.
#[derive(Clone, Debug)]
struct Fields {
    kind: Kind,
    message: String,
    retryable: Option<bool>,
    details: Option<Detail>,
    /// What `errors.wrap` added, innermost first.
    contexts: Vec<String>,
    thread: String,
    frames: Vec<Frame>,
    /// The stack where nothing caught it.
    traceback: Option<String>,
}

/// One level of the call stack at the place where the error arose.
#[derive(Clone, Debug)]
struct Frame {
    source: String,
    line: Option<usize>,
    name: Option<String>,
    what: &'static str,
}

impl PartialEq for ErrorObject {
    fn eq(&self, other: &Self) -> bool {
        let of = |error: &Self| (error.0.kind, error.0.retryable);
        of(self) == of(other) && self.0.message == other.0.message && self.0.details == other.0.details
    }
}

impl fmt::Display for ErrorObject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.message)
    }
}

impl std::error::Error for ErrorObject {}

impl ErrorObject {
    /// Deepest call stack that is kept; the levels past it are left out.
    const FRAMES_MAX: usize = 32;
    /// Most contexts that are kept; those of later wrappings are left out, of which a loop may do any number.
    const CONTEXTS_MAX: usize = 32;

    /// An error from nowhere in particular, that says nothing about retrying.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Fields {
            kind,
            message: message.into(),
            retryable: None,
            details: None,
            contexts: Vec::new(),
            thread: String::new(),
            frames: Vec::new(),
            traceback: None,
        }))
    }

    /// The same, which says whether retrying may help.
    #[must_use]
    pub fn retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = Some(retryable);
        self
    }

    /// The same, with details; an empty table counts as none.
    #[must_use]
    pub fn with_details(mut self, details: Detail) -> Self {
        self.0.details = Some(details).filter(|details| !details.is_empty());
        self
    }

    /// The same, with a stack that was taken elsewhere.
    #[must_use]
    pub fn with_stack(mut self, stack: String) -> Self {
        self.0.traceback = Some(stack);
        self
    }

    /// The same, with the place in the program that is running now.
    #[must_use]
    pub fn captured(mut self, lua: &Lua) -> Self {
        self.0.thread = format!("thread: {:p}", lua.current_thread().to_pointer());
        self.0.frames.clear();
        for level in 0.. {
            let frame = lua.inspect_stack(level, |debug| {
                let source = debug.source();
                Frame {
                    source: source.short_src.unwrap_or_default().into_owned(),
                    line: debug.current_line(),
                    name: debug.names().name.map(std::borrow::Cow::into_owned),
                    what: source.what,
                }
            });
            let Some(frame) = frame else { break };
            // The innermost levels are the function that makes the error.
            if self.0.frames.is_empty() && frame.what == "C" {
                continue;
            }
            self.0.frames.push(frame);
            if self.0.frames.len() == Self::FRAMES_MAX {
                break;
            }
        }
        self
    }

    /// The object in a state. What it holds outside of Lua's memory is allocated there once more, so that it counts as the process's.
    ///
    /// # Errors
    ///
    /// Lua has no memory left.
    pub fn to_lua(self, lua: &Lua) -> mlua::Result<Value> {
        const LIGHT_BYTES: usize = 512;
        let bytes = self.bytes();
        let object = lua.create_userdata(self)?;
        if bytes > LIGHT_BYTES {
            object.set_user_value(lua.create_buffer_with_capacity(bytes)?)?;
        }
        Ok(Value::UserData(object))
    }

    fn bytes(&self) -> usize {
        let Fields { message, details, contexts, thread, frames, traceback, .. } = &*self.0;
        let contexts: usize = contexts.iter().map(String::len).sum();
        let frame = |frame: &Frame| {
            size_of::<Frame>() + frame.source.len() + frame.name.as_ref().map_or(0, String::len)
        };
        let frames: usize = frames.iter().map(frame).sum();
        let texts = message.len() + thread.len() + traceback.as_ref().map_or(0, String::len);
        size_of::<Fields>() + texts + contexts + frames + details.as_ref().map_or(0, Detail::bytes)
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The message, without what `errors.wrap` added.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether retrying may help, if that was said.
    #[must_use]
    pub fn is_retryable(&self) -> Option<bool> {
        self.0.retryable
    }

    /// The details, never an empty table.
    #[must_use]
    pub fn details(&self) -> Option<&Detail> {
        self.0.details.as_ref()
    }

    /// The message, every context, and the call stack; never empty.
    #[must_use]
    pub fn stack(&self) -> String {
        let mut text = format!("error: {}", self.0.message);
        for context in &self.0.contexts {
            text.push_str("\nwrapped: ");
            text.push_str(context);
        }
        if !self.0.frames.is_empty() {
            text.push_str("\nstack traceback:");
        }
        for frame in &self.0.frames {
            text.push_str("\n\t");
            text.push_str(&frame.source);
            if let Some(line) = frame.line {
                text.push_str(&format!(":{line}"));
            }
            if let Some(name) = &frame.name {
                text.push_str(&format!(" in function '{name}'"));
            }
        }
        if let Some(traceback) = &self.0.traceback {
            text.push_str("\nuncaught in:\n");
            text.push_str(traceback.trim_end());
        }
        text
    }

    /// `{thread, frames}` for `errors.call_stack`; nil for an error that did not arise in a Lua program.
    fn call_stack(&self, lua: &Lua) -> mlua::Result<Value> {
        if self.0.frames.is_empty() {
            return Ok(Value::Nil);
        }
        let frames = lua.create_table_with_capacity(self.0.frames.len(), 0)?;
        for (level, frame) in self.0.frames.iter().enumerate() {
            let row = lua.create_table_with_capacity(0, 5)?;
            row.raw_set("level", level)?;
            row.raw_set("source", frame.source.as_str())?;
            row.raw_set("line", frame.line)?;
            row.raw_set("name", frame.name.as_deref())?;
            row.raw_set("type", frame.what)?;
            frames.raw_push(row)?;
        }
        let stack = lua.create_table_with_capacity(0, 2)?;
        stack.raw_set("thread", self.0.thread.as_str())?;
        stack.raw_set("frames", frames)?;
        stack.into_lua(lua)
    }
}

impl UserData for ErrorObject {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("kind", |_, this, ()| Ok(this.0.kind.as_str()));
        methods.add_method("message", |_, this, ()| Ok(this.0.message.clone()));
        methods.add_method("retryable", |_, this, ()| Ok(this.0.retryable));
        methods.add_method("details", |lua, this, ()| {
            this.0.details.as_ref().map(|details| details.to_lua(lua)).transpose()
        });
        methods.add_method("stack", |_, this, ()| Ok(this.stack()));
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| Ok(this.0.message.clone()));
        methods.add_meta_function(MetaMethod::Concat, |lua, (left, right): (Value, Value)| {
            let mut text = bytes(lua, &left)?;
            text.extend(bytes(lua, &right)?);
            lua.create_string(text)
        });
        methods.add_meta_function(MetaMethod::Eq, |_, (left, right): (Value, Value)| {
            Ok(object(&left).is_some_and(|left| object(&right).is_some_and(|right| left == right)))
        });
    }
}

/// What an operand of `..` contributes.
fn bytes(lua: &Lua, value: &Value) -> mlua::Result<Vec<u8>> {
    if let Some(message) = text(value) {
        return Ok(message.into_bytes());
    }
    match value {
        Value::String(text) => Ok(text.as_bytes().to_vec()),
        Value::Integer(_) | Value::Number(_) => {
            let text = lua.coerce_string(value.clone())?;
            Ok(text.map(|text| text.as_bytes().to_vec()).unwrap_or_default())
        }
        other => Err(mlua::Error::RuntimeError(format!(
            "attempt to concatenate an error with a value of type {}",
            args::type_name(other)
        ))),
    }
}

/// The error object behind a value, if it is one.
#[must_use]
pub fn object(value: &Value) -> Option<ErrorObject> {
    value.as_userdata()?.borrow_scoped(ErrorObject::clone).ok()
}

/// The text of a value that is an error: an error object, or one that a Rust function raised.
#[must_use]
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::UserData(data) => data.borrow_scoped(|error: &ErrorObject| error.0.message.clone()).ok(),
        Value::Error(error) => Some(raised(error)),
        _ => None,
    }
}

/// What a value says that was raised, or returned as an error.
pub fn words(value: &Value) -> String {
    match value {
        Value::String(words) => words.to_string_lossy(),
        Value::Integer(_) | Value::Number(_) | Value::Boolean(_) => value.to_string().unwrap_or_default(),
        other => text(other).unwrap_or_else(|| format!("an error that is a {}", other.type_name())),
    }
}

/// What was raised first, without the stacks that were added on its way.
pub(in crate::vm) fn raised(error: &mlua::Error) -> String {
    match error {
        mlua::Error::CallbackError { cause, .. } => raised(cause),
        mlua::Error::RuntimeError(message) => message.clone(),
        other => other.to_string(),
    }
}

/// `nil` and an error object that knows where the program is; by its kind it says whether retrying is in vain.
///
/// # Errors
///
/// Lua has no memory left.
pub fn fail(lua: &Lua, kind: Kind, message: impl Into<String>) -> Answer {
    let mut error = ErrorObject::new(kind, message).captured(lua);
    error.0.retryable = kind.retryable();
    Ok(Outcome::Bad(error.to_lua(lua)?))
}

/// The value, or what [`fail`] makes of the message.
///
/// # Errors
///
/// Lua has no memory left.
pub fn answer(lua: &Lua, kind: Kind, result: Result<impl IntoLua, impl Into<String>>) -> Answer {
    match result {
        Ok(value) => good(lua, value),
        Err(message) => fail(lua, kind, message),
    }
}

/// The table `errors`.
///
/// # Errors
///
/// Lua has no memory left.
pub fn module(lua: &Lua) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    for kind in Kind::ALL {
        module.raw_set(kind.constant(), kind.as_str())?;
    }
    module.raw_set(
        "new",
        lua.create_function(|lua, (first, second): (Value, Value)| {
            made(&first, &second)?.captured(lua).to_lua(lua)
        })?,
    )?;
    module.raw_set("wrap", lua.create_function(wrap)?)?;
    module.raw_set(
        "is",
        lua.create_function(|_, (error, kind): (Value, Value)| {
            let kind = args::string("errors.is", 2, &kind)?;
            let kind = Kind::parse(&kind.to_string_lossy());
            Ok(kind.is_some() && object(&error).map(|error| error.0.kind) == kind)
        })?,
    )?;
    module.raw_set(
        "call_stack",
        lua.create_function(|lua, error: Value| match object(&error) {
            Some(error) => error.call_stack(lua),
            None => Ok(Value::Nil),
        })?,
    )?;
    Ok(args::frozen(module))
}

/// `errors.new(message)`, `errors.new(kind, message)`, `errors.new{message, kind?, retryable?, details?}`.
fn made(first: &Value, second: &Value) -> mlua::Result<ErrorObject> {
    match (first, second) {
        (Value::String(kind), second) => {
            let kind = kind.to_string_lossy();
            Ok(match (Kind::parse(&kind), second, text(second)) {
                // A kind that nobody knows must not swallow the message.
                (known, Value::String(message), _) => {
                    ErrorObject::new(known.unwrap_or(Kind::Unknown), message.to_string_lossy())
                }
                (Some(kind), _, Some(message)) => ErrorObject::new(kind, message),
                _ => ErrorObject::new(Kind::Unknown, kind),
            })
        }
        (Value::Table(fields), _) => from_fields(fields),
        (other, _) => Err(args::wrong("errors.new", 1, "string or table", other)),
    }
}

/// The message that a string or an error is.
fn message_of(value: &Value) -> Option<String> {
    match value {
        Value::String(message) => Some(message.to_string_lossy()),
        other => text(other),
    }
}

fn from_fields(fields: &Table) -> mlua::Result<ErrorObject> {
    let wrong = |field: &str, expected: &str| {
        mlua::Error::RuntimeError(format!(
            "bad argument #1 to 'errors.new' (field '{field}': {expected} expected)"
        ))
    };
    let Some(message) = message_of(&fields.get("message")?) else { return Err(wrong("message", "string")) };
    let kind = match fields.get("kind")? {
        Value::Nil => Kind::Unknown,
        Value::String(kind) => Kind::parse(&kind.to_string_lossy()).unwrap_or(Kind::Unknown),
        _ => return Err(wrong("kind", "string")),
    };
    let mut error = ErrorObject::new(kind, message);
    error.0.retryable = match fields.get("retryable")? {
        Value::Nil => None,
        Value::Boolean(retryable) => Some(retryable),
        _ => return Err(wrong("retryable", "boolean")),
    };
    match fields.get("details")? {
        Value::Nil => Ok(error),
        Value::Table(details) => Ok(match Detail::copied(&Value::Table(details)) {
            Some(details) => error.with_details(details),
            None => error,
        }),
        _ => Err(wrong("details", "table")),
    }
}

/// Keeps kind, message, retryable and details; the context shows in the stack.
fn wrap(lua: &Lua, (inner, context): (Value, Value)) -> mlua::Result<Value> {
    let mut error = match (object(&inner), message_of(&inner)) {
        (Some(error), _) => error,
        (None, Some(message)) => ErrorObject::new(Kind::Unknown, message).captured(lua),
        (None, None) => return Err(args::wrong("errors.wrap", 1, "error or string", &inner)),
    };
    if !context.is_nil() {
        let context = args::string("errors.wrap", 2, &context)?.to_string_lossy();
        if error.0.contexts.len() < ErrorObject::CONTEXTS_MAX {
            error.0.contexts.push(context);
        }
    }
    error.to_lua(lua)
}
