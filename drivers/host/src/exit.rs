//! From what a process's function returns to the reason of its end.

use std::fmt;
use wsrelay_core::process::ExitReason;

/// How the return value of a process's function becomes the reason of its end.
pub trait IntoExit {
    /// The reason.
    fn into_exit(self) -> ExitReason;
}

impl IntoExit for () {
    fn into_exit(self) -> ExitReason {
        ExitReason::Normal
    }
}

impl IntoExit for ExitReason {
    fn into_exit(self) -> ExitReason {
        self
    }
}

impl<E: fmt::Display> IntoExit for Result<(), E> {
    /// An error is a crash, in the error's words.
    fn into_exit(self) -> ExitReason {
        match self {
            Ok(()) => ExitReason::Normal,
            Err(error) => ExitReason::crashed(&error.to_string()),
        }
    }
}
