//! Text that is known to be text.

use super::utf8::NotUtf8;
use alloc::string::String;
use bytes::Bytes;
use core::fmt;

/// Bytes proven to be UTF-8, in shared memory: a clone copies a pointer.
///
/// ```
/// use wsrelay_core::wire::{NotUtf8, Text};
///
/// let text = Text::from("hello");
/// assert_eq!(text.as_str(), "hello");
/// assert_eq!(Text::try_from(bytes::Bytes::from_static(&[0xff])), Err(NotUtf8));
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Bytes);

impl Text {
    /// A text of its own, copied from a borrowed one.
    #[must_use]
    pub fn copy_from_str(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// Bytes that the decoder has already found to be UTF-8.
    pub(crate) fn from_validated(bytes: Bytes) -> Self {
        debug_assert!(core::str::from_utf8(&bytes).is_ok(), "the decoder let through what is not UTF-8");
        Self(bytes)
    }

    /// The text as a string slice. Costs a pass over the bytes; [`Text::as_bytes`] costs nothing.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "every constructor has validated the bytes")]
    pub fn as_str(&self) -> &str {
        // Every constructor takes a `str`, validates, or is handed what the decoder validated,
        // and nothing changes the bytes afterwards. The unchecked conversion would be unsafe code.
        core::str::from_utf8(&self.0).expect("a `Text` holds UTF-8")
    }

    /// The text's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl TryFrom<Bytes> for Text {
    type Error = NotUtf8;

    fn try_from(bytes: Bytes) -> Result<Self, NotUtf8> {
        match core::str::from_utf8(&bytes) {
            Ok(_) => Ok(Self(bytes)),
            Err(_) => Err(NotUtf8),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_text_is_the_same_whatever_it_was_made_from() {
        let texts = [
            Text::from("ä"),
            Text::from(String::from("ä")),
            Text::copy_from_str("ä"),
            Text::from_validated("ä".into()),
        ];
        for text in texts {
            assert_eq!(Ok(&text), Text::try_from(Bytes::from_static(&[0xc3, 0xa4])).as_ref());
            assert_eq!((text.as_str(), text.len(), text.is_empty()), ("ä", 2, false));
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_do_not_become_a_text() {
        assert_eq!(Text::try_from(Bytes::from_static(&[0xc3])), Err(NotUtf8));
    }

    #[test]
    fn a_text_prints_as_a_string() {
        assert_eq!(format!("{0:?} {0}", Text::from("a\nb")), "\"a\\nb\" a\nb");
    }

    #[test]
    fn a_clone_shares_the_bytes() {
        let text = Text::from(String::from("shared"));
        assert_eq!(text.clone().into_bytes().as_ptr(), text.as_bytes().as_ptr());
    }
}
