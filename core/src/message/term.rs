//! Values of a language with types of its own, such as a script's tables.

use alloc::sync::Arc;
use core::any::Any;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::panic::{RefUnwindSafe, UnwindSafe};
use serde_json::Value;

/// What a [`Term`] holds: a value that its own language reads back as it was, and everybody else as JSON. Its text is
/// for logs.
pub trait Foreign: Any + fmt::Debug + fmt::Display + Send + Sync + RefUnwindSafe + UnwindSafe {
    /// About how many bytes it holds: what mailboxes count.
    fn bytes(&self) -> usize;

    /// The nearest JSON there is.
    fn to_json(&self) -> Value;
}

/// A value of another language, as a process there sent it or ended with it. Cheap to clone, and the same as another
/// only if it is the same memory.
#[derive(Clone, Debug)]
pub struct Term(Arc<dyn Foreign>);

impl Term {
    /// This value, shared.
    #[must_use]
    pub fn new(value: impl Foreign) -> Self {
        Self(Arc::new(value))
    }

    /// The value, for who knows its type.
    #[must_use]
    pub fn downcast_ref<T: Foreign>(&self) -> Option<&T> {
        let value: &dyn Any = &*self.0;
        value.downcast_ref()
    }

    /// About how many bytes it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// The nearest JSON there is.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.0.to_json()
    }

    fn address(&self) -> *const () {
        Arc::as_ptr(&self.0).cast()
    }
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for Term {}

impl Hash for Term {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Payload;
    use crate::process::ExitReason;
    use alloc::string::ToString as _;

    #[derive(Debug)]
    struct Point(i32, i32);

    impl fmt::Display for Point {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "({}, {})", self.0, self.1)
        }
    }

    impl Foreign for Point {
        fn bytes(&self) -> usize {
            8
        }

        fn to_json(&self) -> Value {
            serde_json::json!([self.0, self.1])
        }
    }

    #[test]
    fn its_own_language_reads_a_term_back_and_others_read_json() {
        let payload = Payload::Term(Term::new(Point(1, 2)));
        assert_eq!((payload.len(), payload.to_json()), (8, serde_json::json!([1, 2])));
        let Payload::Term(term) = payload.clone().compact() else { panic!("it stays one") };
        assert_eq!(term.downcast_ref::<Point>().map(|point| point.1), Some(2));
        assert_eq!(payload, Payload::Term(term));
        assert_ne!(payload, Payload::Term(Term::new(Point(1, 2))));
    }

    /// P4
    #[test]
    fn a_process_that_returned_a_value_ended_normally_and_one_that_raised_it_did_not() {
        let term = Term::new(Point(1, 2));
        let (returned, raised) = (ExitReason::Returned(term.clone()), ExitReason::Raised(term));
        assert_eq!((returned.is_normal(), returned.to_string()), (true, "normal".to_string()));
        assert_eq!((raised.is_normal(), raised.to_string()), (false, "(1, 2)".to_string()));
        assert_ne!(returned, raised);
    }
}
