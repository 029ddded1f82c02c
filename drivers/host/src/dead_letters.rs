//! Messages that nobody got (P7).

use crate::faults::SendFault;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use wsrelay_core::message::{Destination, Message};

/// A message that nobody got, and whose sender could not be told (P7).
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// Whom it was for.
    pub to: Destination,
    /// The message.
    pub message: Message,
    /// Why nobody got it.
    pub why: SendFault,
}

pub(crate) type DeadLetterHook = Box<dyn Fn(&DeadLetter) + Send + Sync>;

/// Counts them, and tells whoever wants to know.
#[derive(Default)]
pub(crate) struct DeadLetters {
    count: AtomicU64,
    hook: OnceLock<DeadLetterHook>,
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").field("count", &self.count).finish_non_exhaustive()
    }
}

impl DeadLetters {
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn set_hook(&self, hook: DeadLetterHook) -> bool {
        self.hook.set(hook).is_ok()
    }

    pub(crate) fn add(&self, letter: &DeadLetter) {
        self.count.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(to = %letter.to, topic = %letter.message.topic, why = %letter.why, "dead letter");
        if let Some(hook) = self.hook.get() {
            // A hook is the user's code, and runs where a process ends: its panic must end nothing else.
            if catch_unwind(AssertUnwindSafe(|| hook(letter))).is_err() {
                tracing::error!("dead letter hook panicked");
            }
        }
    }
}
