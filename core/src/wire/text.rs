//! Text that is known to be text.

use super::utf8::NotUtf8;
use alloc::string::String;
use bytes::Bytes;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

/// Bytes proven to be UTF-8. A short text is held in place; of a longer one, which is in shared memory, a clone
/// copies a pointer.
///
/// ```
/// use wsrelay_core::wire::{NotUtf8, Text};
///
/// let text = Text::from("hello");
/// assert_eq!(text.as_str(), "hello");
/// assert_eq!(Text::try_from(bytes::Bytes::from_static(&[0xff])), Err(NotUtf8));
/// ```
#[derive(Clone)]
pub struct Text(Repr);

#[derive(Clone)]
enum Repr {
    /// Such a text keeps no buffer alive, and shares nothing with other threads.
    Short(Short),
    Shared(Bytes),
}

/// A few bytes, and in the last one how many they are; the others are zero. Aligned like what it is an alternative
/// to, so that it is moved about in whole words.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct Short([u8; SHORT_BYTES_MAX + 1]);

/// What fits into the size of the pointers to a shared text.
const SHORT_BYTES_MAX: usize = Text::SHORT_BYTES_MAX;

impl Short {
    #[inline]
    const fn len(&self) -> usize {
        self.0[SHORT_BYTES_MAX] as usize
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        &self.0[..self.len()]
    }
}

impl Text {
    /// The longest text that is held in place, in bytes.
    pub const SHORT_BYTES_MAX: usize = 23;

    /// A text of its own, copied from a borrowed one.
    #[must_use]
    pub fn copy_from_str(text: &str) -> Self {
        Self::copy_validated(text.as_bytes())
    }

    /// Bytes that the decoder has already found to be UTF-8.
    pub(crate) fn from_validated(bytes: Bytes) -> Self {
        debug_assert!(core::str::from_utf8(&bytes).is_ok(), "the decoder let through what is not UTF-8");
        Self(Repr::Shared(bytes))
    }

    /// The same, copied.
    pub(crate) fn copy_validated(bytes: &[u8]) -> Self {
        Self::short(bytes).unwrap_or_else(|| Self::from_validated(Bytes::copy_from_slice(bytes)))
    }

    /// The same, if they are few.
    #[inline]
    pub(crate) fn short(bytes: &[u8]) -> Option<Self> {
        debug_assert!(core::str::from_utf8(bytes).is_ok(), "the decoder let through what is not UTF-8");
        if bytes.len() > SHORT_BYTES_MAX {
            return None;
        }
        let mut short = [0; SHORT_BYTES_MAX + 1];
        short[..bytes.len()].copy_from_slice(bytes);
        short[SHORT_BYTES_MAX] = u8::try_from(bytes.len()).ok()?;
        Some(Self(Repr::Short(Short(short))))
    }

    /// Unmasks a text of `len` bytes out of the 24 that begin with it, if it is short and ASCII. `key` is the masking key,
    /// twice.
    ///
    /// All of it in registers: a copy of so many bytes as there happen to be costs several times as much.
    #[inline]
    pub(crate) fn unmask_short_ascii(bytes: &[u8; 24], len: usize, key: u64) -> Option<Self> {
        const HIGH: u64 = 0x8080_8080_8080_8080;
        let (words, _) = bytes.as_chunks::<8>();
        let [first, second, third] = [0, 1, 2].map(|at| u64::from_le_bytes(words[at]) ^ key);
        // What lies behind the text is cleared.
        let of_text = |at: usize| match len.saturating_sub(at).min(8) {
            8 => u64::MAX,
            bytes => (1 << (8 * bytes)) - 1,
        };
        let (first, second, third) = (first & of_text(0), second & of_text(8), third & of_text(16));
        if len > SHORT_BYTES_MAX || (first | second | third) & HIGH != 0 {
            return None;
        }
        // A short text leaves the last byte to its length.
        let third = third | (len as u64) << 56;
        let mut short = [0; SHORT_BYTES_MAX + 1];
        for (bytes, word) in short.as_chunks_mut::<8>().0.iter_mut().zip([first, second, third]) {
            *bytes = word.to_le_bytes();
        }
        Some(Self(Repr::Short(Short(short))))
    }

    /// The bytes of a short text and how many of them there are; others follow them.
    #[inline]
    pub(crate) const fn as_short(&self) -> Option<(&[u8; SHORT_BYTES_MAX + 1], usize)> {
        match &self.0 {
            Repr::Short(short) => Some((&short.0, short.len())),
            Repr::Shared(_) => None,
        }
    }

    /// The text as a string slice. Costs a pass over the bytes; [`Text::as_bytes`] costs nothing.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "every constructor has validated the bytes")]
    pub fn as_str(&self) -> &str {
        // Every constructor takes a `str`, validates, or is handed what the decoder validated,
        // and nothing changes the bytes afterwards. The unchecked conversion would be unsafe code.
        core::str::from_utf8(self.as_bytes()).expect("a `Text` holds UTF-8")
    }

    /// The text's bytes.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Short(short) => short.as_bytes(),
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The bytes, without a copy unless they are few.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Repr::Short(short) => Bytes::copy_from_slice(short.as_bytes()),
            Repr::Shared(bytes) => bytes,
        }
    }

    #[inline]
    pub(crate) const fn is_in_place(&self) -> bool {
        matches!(self.0, Repr::Short(_))
    }

    /// The same text in a buffer of its own, where it has one at all.
    pub(crate) fn compact(self) -> Self {
        match &self.0 {
            Repr::Short(_) => self,
            Repr::Shared(bytes) => Self::copy_validated(bytes),
        }
    }

    /// Length in bytes.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Short(short) => short.len(),
            Repr::Shared(bytes) => bytes.len(),
        }
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Text {
    fn default() -> Self {
        Self(Repr::Short(Short([0; SHORT_BYTES_MAX + 1])))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self(Repr::Shared(Bytes::from_static(text.as_bytes())))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Repr::Shared(Bytes::from(text)))
    }
}

impl TryFrom<Bytes> for Text {
    type Error = NotUtf8;

    fn try_from(bytes: Bytes) -> Result<Self, NotUtf8> {
        match core::str::from_utf8(&bytes) {
            Ok(_) => Ok(Self(Repr::Shared(bytes))),
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
    use crate::testing::check;
    use crate::wire::mask;
    use alloc::format;
    use alloc::vec::Vec;

    #[test]
    fn a_text_is_the_same_whatever_it_was_made_from() {
        let texts = [
            Text::from("ä"),
            Text::from(String::from("ä")),
            Text::copy_from_str("ä"),
            Text::from_validated("ä".into()),
            Text::copy_validated("ä".as_bytes()),
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
    fn a_clone_of_a_long_text_shares_the_bytes() {
        let text = Text::copy_from_str("a text that does not fit in place");
        assert_eq!(text.clone().into_bytes().as_ptr(), text.as_bytes().as_ptr());
    }

    #[test]
    fn a_short_text_is_unmasked_as_any_other() {
        fn is_unmasked_alike(key: [u8; 4], len: u8, byte: u8, at: u8) -> bool {
            let len = usize::from(len) % 32;
            let mut bytes: Vec<u8> = (b'a'..).take(24).collect();
            bytes[usize::from(at) % 24] = byte;
            let expected = bytes.get(..len).filter(|text| text.is_ascii() && len <= SHORT_BYTES_MAX);
            let mut masked = bytes.clone();
            mask(key, 0, &mut masked);
            let word = u64::from(u32::from_le_bytes(key));
            let masked = masked.try_into().expect("24 bytes");
            let text = Text::unmask_short_ascii(&masked, len, word << 32 | word);
            text.as_ref().map(Text::as_bytes) == expected
                && text.is_none_or(|text| match text.as_short() {
                    Some((all, _)) => all[len..SHORT_BYTES_MAX].iter().all(|&zero| zero == 0),
                    None => false,
                })
        }
        check(5_000, is_unmasked_alike as fn([u8; 4], u8, u8, u8) -> bool);
    }

    #[test]
    fn a_short_text_takes_no_more_room_than_a_pointer_to_a_long_one() {
        assert_eq!(size_of::<Text>(), size_of::<Bytes>());
        for len in 0..40 {
            let text = "x".repeat(len);
            assert_eq!(Text::copy_from_str(&text).as_str(), text);
            assert_eq!(Text::short(text.as_bytes()).is_some(), len <= SHORT_BYTES_MAX);
        }
    }
}
