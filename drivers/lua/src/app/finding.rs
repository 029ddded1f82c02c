//! What is wrong with an application, and where.

use crate::printable::printable;
use std::fmt;
use std::sync::Arc;

/// A place in a file of the application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, relative to the application's folder, with `/` between its parts.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column, in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", printable(&self.file, usize::MAX), self.line, self.column)
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The application cannot run.
    Error,
    /// It runs, but perhaps not as its author thinks.
    Warning,
}

/// One thing that is wrong. Its text is `file:line:column: error: message`, as compilers write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// How bad.
    pub severity: Severity,
    /// What was found, and what was expected.
    pub message: String,
}

impl Finding {
    /// An error at this place.
    pub fn error(place: &Place, message: impl Into<String>) -> Self {
        Self {
            place: place.clone(),
            severity: Severity::Error,
            message: printable(&message.into(), CHARS_MAX),
        }
    }

    /// A warning at this place.
    pub fn warning(place: &Place, message: impl Into<String>) -> Self {
        Self {
            place: place.clone(),
            severity: Severity::Warning,
            message: printable(&message.into(), CHARS_MAX),
        }
    }
}

/// Messages quote what is in files, which must not fill a screen.
const CHARS_MAX: usize = 600;

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}: {severity}: {}", self.place, self.message)
    }
}
