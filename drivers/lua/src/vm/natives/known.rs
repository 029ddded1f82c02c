//! Texts that recur: of processes, and of the relay's topics.

use mlua::{Lua, LuaString, Value};
use std::cell::RefCell;
use std::collections::HashMap;
use wsrelay_core::message::Topic;
use wsrelay_core::process::Pid;

/// Most PIDs that are kept in mind; past it, all are forgotten.
const PIDS_MAX: usize = 1024;

/// What a state's processes have met lately.
#[derive(Debug)]
pub(super) struct Known {
    topics: Vec<(Topic, LuaString)>,
    nobody: LuaString,
    pids: RefCell<Pids>,
}

#[derive(Debug, Default)]
struct Pids {
    texts: HashMap<Pid, LuaString>,
    pids: HashMap<Box<[u8]>, Pid>,
}

impl Known {
    pub(super) fn new(lua: &Lua) -> mlua::Result<Self> {
        let topics = [Topic::MESSAGE, Topic::JOIN, Topic::LEAVE, Topic::HEARTBEAT, Topic::ACK];
        let topics = topics.into_iter().map(|topic| {
            let text = lua.create_string(topic.as_str())?;
            Ok((topic, text))
        });
        Ok(Self {
            topics: topics.collect::<mlua::Result<_>>()?,
            nobody: lua.create_string("")?,
            pids: RefCell::default(),
        })
    }

    /// A topic's name.
    pub(super) fn topic(&self, lua: &Lua, topic: &Topic) -> mlua::Result<Value> {
        let known = self.topics.iter().find(|(known, _)| known == topic);
        Ok(Value::String(match known {
            Some((_, text)) => text.clone(),
            None => lua.create_string(topic.as_str())?,
        }))
    }

    /// The sender where there is none.
    pub(super) fn nobody(&self) -> Value {
        Value::String(self.nobody.clone())
    }

    /// A PID's text.
    pub(super) fn text(&self, lua: &Lua, pid: Pid) -> mlua::Result<Value> {
        let mut pids = self.pids.borrow_mut();
        if let Some(text) = pids.texts.get(&pid) {
            return Ok(Value::String(text.clone()));
        }
        let text = pid.to_string();
        let string = lua.create_string(&text)?;
        if pids.texts.len() >= PIDS_MAX {
            *pids = Pids::default();
        }
        pids.texts.insert(pid, string.clone());
        pids.pids.insert(text.into_bytes().into(), pid);
        Ok(Value::String(string))
    }

    /// The PID of a text that was made lately.
    pub(super) fn pid(&self, text: &Value) -> Option<Pid> {
        let Value::String(text) = text else { return None };
        self.pids.borrow().pids.get(&*text.as_bytes()).copied()
    }
}
