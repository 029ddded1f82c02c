//! The bus of events: who wants which, within this program.

use std::sync::{PoisonError, RwLock};
use wsrelay_core::message::Topic;
use wsrelay_core::process::Pid;

/// All subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Bus(RwLock<Vec<Subscription>>);

/// Most subscriptions of one process.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 256;

#[derive(Debug)]
struct Subscription {
    process: Pid,
    topic: Topic,
    system: Pattern,
    kind: Option<Pattern>,
}

impl Bus {
    /// Subscribes a process, which gets each event on a topic of its own; `None` when it has too many.
    pub(crate) fn subscribe(
        &self,
        process: Pid,
        number: u64,
        system: &str,
        kind: Option<&str>,
    ) -> Option<Topic> {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.iter().filter(|one| one.process == process).count() >= SUBSCRIPTIONS_MAX {
            return None;
        }
        // No process can send on a topic that begins so.
        let topic = Topic::from(&*format!("@events/{number}"));
        let (system, kind) = (Pattern::parse(system), kind.map(Pattern::parse));
        all.push(Subscription { process, topic: topic.clone(), system, kind });
        Some(topic)
    }

    pub(crate) fn unsubscribe(&self, process: Pid, topic: &str) {
        self.forget(|one| one.process == process && one.topic.as_str() == topic);
    }

    /// The process has ended.
    pub(crate) fn leave(&self, process: Pid) {
        self.forget(|one| one.process == process);
    }

    fn forget(&self, is_over: impl Fn(&Subscription) -> bool) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).retain(|one| !is_over(one));
    }

    /// Who wants an event.
    pub(crate) fn subscribers(&self, system: &str, kind: &str) -> Vec<(Pid, Topic)> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = all.iter().filter(|one| {
            one.system.matches(system) && one.kind.as_ref().is_none_or(|pattern| pattern.matches(kind))
        });
        wanted.map(|one| (one.process, one.topic.clone())).collect()
    }
}

/// A pattern of names with dots: `*` is one part, `**` any number of them, `(a|b)` one of those.
#[derive(Debug, PartialEq, Eq)]
struct Pattern(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    OneOf(Vec<String>),
    Any,
    AnyNumber,
}

impl Pattern {
    fn parse(text: &str) -> Self {
        let parts = text.split('.').map(|part| match part {
            "*" => Part::Any,
            "**" => Part::AnyNumber,
            part => {
                let inside = part.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
                Part::OneOf(inside.unwrap_or(part).split('|').map(str::to_owned).collect())
            }
        });
        Self(parts.collect())
    }

    /// Each `**` is tried once per position, by way of a table and not of recursion: no pattern is slow.
    fn matches(&self, name: &str) -> bool {
        let names: Vec<&str> = name.split('.').collect();
        // Whether what is before this part of the pattern can end before this name.
        let mut reached = vec![false; names.len() + 1];
        reached[0] = true;
        for part in &self.0 {
            let mut next = vec![false; names.len() + 1];
            for at in 0..=names.len() {
                match part {
                    Part::AnyNumber => next[at] = reached[at] || (at > 0 && next[at - 1]),
                    Part::Any => next[at] = at > 0 && reached[at - 1],
                    Part::OneOf(words) => {
                        next[at] =
                            at > 0 && reached[at - 1] && words.iter().any(|word| word == names[at - 1]);
                    }
                }
            }
            reached = next;
        }
        reached[names.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_part_by_part() {
        for (pattern, name, matches) in [
            ("chat", "chat", true),
            ("chat", "chat.room", false),
            ("chat.*", "chat.room", true),
            ("chat.*", "chat", false),
            ("chat.**", "chat", true),
            ("chat.**", "chat.room.one", true),
            ("**.one", "chat.room.one", true),
            ("**.one", "chat.room.two", false),
            ("chat.(room|user).*", "chat.user.7", true),
            ("chat.(room|user).*", "chat.bot.7", false),
            ("**", "", true),
        ] {
            assert_eq!(Pattern::parse(pattern).matches(name), matches, "{pattern} {name}");
        }
    }
}
