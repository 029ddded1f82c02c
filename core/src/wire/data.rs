//! What a message carries.

use super::text::Text;
#[cfg(feature = "deflate")]
use super::utf8::is_utf8;
#[cfg(feature = "deflate")]
use crate::fault::ClientFault;
use bytes::Bytes;

/// The payload of a message (RFC 6455 §5.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    /// UTF-8 text.
    Text(Text),
    /// Any bytes.
    Binary(Bytes),
}

impl Data {
    /// Which of the two it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }

    /// A message of these bytes, copied.
    ///
    /// # Errors
    ///
    /// [`ClientFault::Utf8`] for a text that is none.
    #[cfg(feature = "deflate")]
    pub(crate) fn checked(kind: Kind, bytes: &[u8]) -> Result<Self, ClientFault> {
        match kind {
            Kind::Text if is_utf8(bytes) => Ok(Self::Text(Text::copy_validated(bytes))),
            Kind::Text => Err(ClientFault::Utf8),
            Kind::Binary => Ok(Self::Binary(Bytes::copy_from_slice(bytes))),
        }
    }

    /// The same message in a buffer of its own, if that is small: a short message that is kept for long
    /// would otherwise keep the whole buffer that it arrived in.
    #[must_use]
    pub fn compact(self) -> Self {
        const BYTES_MAX: usize = 64 * 1024;
        if self.len() >= BYTES_MAX {
            return self;
        }
        match self {
            Self::Text(text) => Self::Text(text.compact()),
            Self::Binary(bytes) => Self::Binary(Bytes::copy_from_slice(&bytes)),
        }
    }

    /// Whether it has no buffer at all, but is held in place.
    #[must_use]
    #[inline]
    pub const fn is_in_place(&self) -> bool {
        match self {
            Self::Text(text) => text.is_in_place(),
            Self::Binary(_) => false,
        }
    }

    /// The payload's bytes.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The payload's bytes, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Length in bytes.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether the payload is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

/// The two types of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Messages of UTF-8 text.
    Text,
    /// Messages of any bytes.
    Binary,
}

impl Kind {
    /// `text` or `binary`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_binary_differ_in_kind_and_not_in_bytes() {
        let (text, binary) = (Data::Text("abc".into()), Data::Binary(Bytes::from_static(b"abc")));
        assert_ne!(text, binary);
        assert_eq!((text.kind().as_str(), binary.kind().as_str()), ("text", "binary"));
        assert_eq!((text.len(), text.is_empty(), binary.len(), binary.is_empty()), (3, false, 3, false));
        assert_eq!(text.as_bytes(), binary.as_bytes());
        assert_eq!(text.into_bytes(), binary.into_bytes());
    }
}
