//! Close codes, reasons and payloads (RFC 6455 §5.5.1, §7.4).

use crate::fault::ClientFault;
use alloc::boxed::Box;
use bytes::{BufMut, Bytes, BytesMut};
use core::fmt;

/// A close code that may stand in a close frame: 1000–1003, 1007–1014, 3000–4999 (RFC 6455 §7.4
/// and the IANA registry that §11.7 founded).
///
/// The codes that only describe an end without a close frame (1005, 1006, 1015) cannot be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server goes down, or the browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a kind of data that this end cannot accept.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1007: data that contradicts the message's type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: the peer broke a policy of this end.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message too big to process.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: the client needs an extension that the server did not negotiate.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: something unexpected at the server.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts (IANA registry).
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the service is overloaded (IANA registry).
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: an upstream server answered badly (IANA registry).
    pub const BAD_GATEWAY: Self = Self(1014);

    /// The code, if it may be sent.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 => Some(Self(code)),
            // RFC 6455 §7.4.1: 1004 is "Reserved"; 1005, 1006 and 1015 are each "a reserved value
            // and MUST NOT be set as a status code in a Close control frame by an endpoint."
            // 1012 to 1014 came later, through the registry.
            1007..=1014 => Some(Self(code)),
            // §7.4.2: 3000–3999 are "reserved for use by libraries, frameworks, and applications",
            // 4000–4999 "reserved for private use". The rest of 1000–2999 waits for "future
            // revisions" of the protocol, and 0–999 "are not used".
            3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a connection is closed, in words: at most 123 bytes of UTF-8.
///
/// A longer text is cut, because a close frame over 125 bytes would be no close frame at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CloseReason(Box<str>);

impl CloseReason {
    /// Longest reason, in bytes: a control frame's 125, less two for the code (RFC 6455 §5.5).
    pub const BYTES_MAX: usize = 123;

    /// The reason, cut before the first character that no longer fits.
    #[must_use]
    pub fn new(reason: &str) -> Self {
        Self(reason[..reason.floor_char_boundary(Self::BYTES_MAX)].into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for CloseReason {
    fn from(reason: &str) -> Self {
        Self::new(reason)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a close frame says, when it says anything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CloseFrame {
    /// Why, as a number.
    pub code: CloseCode,
    /// Why, in words; may be empty.
    pub reason: CloseReason,
}

impl CloseFrame {
    /// Reads the payload of a close frame; `None` when it is empty.
    ///
    /// # Errors
    ///
    /// [`ClientFault::ShortClose`], [`ClientFault::CloseCode`] or [`ClientFault::CloseReason`]
    /// when the payload breaks RFC 6455 §5.5.1; [`ClientFault::LongControl`] when it is longer
    /// than any control frame's.
    pub fn parse(payload: &[u8]) -> Result<Option<Self>, ClientFault> {
        let (code, reason) = match payload {
            [] => return Ok(None),
            // RFC 6455 §5.5.1: "If there is a body, the first two bytes of the body MUST be a
            // 2-byte unsigned integer (in network byte order) representing a status code".
            [_] => return Err(ClientFault::ShortClose),
            [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        };
        let code = CloseCode::new(code).ok_or(ClientFault::CloseCode(code))?;
        // §5.5.1: "the body MAY contain UTF-8-encoded data with value /reason/".
        let reason = core::str::from_utf8(reason).map_err(|_| ClientFault::CloseReason)?;
        if reason.len() > CloseReason::BYTES_MAX {
            return Err(ClientFault::LongControl);
        }
        Ok(Some(Self { code, reason: CloseReason::new(reason) }))
    }
}

/// The payload of a close frame: empty for `None`.
#[must_use]
pub fn close_payload(close: Option<&CloseFrame>) -> Bytes {
    let Some(CloseFrame { code, reason }) = close else { return Bytes::new() };
    let mut payload = BytesMut::with_capacity(2 + reason.as_str().len());
    payload.put_u16(code.get());
    payload.extend_from_slice(reason.as_str().as_bytes());
    payload.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn exactly_the_registered_and_the_private_codes_can_be_held() {
        for code in 0..=u16::MAX {
            let sendable = [1000..=1003, 1007..=1014, 3000..=4999].iter().any(|range| range.contains(&code));
            assert_eq!(CloseCode::new(code).map(CloseCode::get), sendable.then_some(code));
        }
    }

    #[test]
    fn an_empty_close_payload_says_nothing() {
        assert_eq!(CloseFrame::parse(b""), Ok(None));
        assert!(close_payload(None).is_empty());
    }

    #[test]
    fn a_close_payload_of_one_byte_is_refused() {
        assert_eq!(CloseFrame::parse(&[3]), Err(ClientFault::ShortClose));
    }

    #[test]
    fn a_code_that_must_not_be_sent_is_refused_before_its_reason_is_read() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535_u16] {
            let [high, low] = code.to_be_bytes();
            assert_eq!(CloseFrame::parse(&[high, low, 0xff]), Err(ClientFault::CloseCode(code)));
        }
    }

    #[test]
    fn a_reason_that_is_not_utf8_is_refused() {
        assert_eq!(CloseFrame::parse(&[0x03, 0xe8, b'a', 0xce]), Err(ClientFault::CloseReason));
    }

    #[test]
    fn a_reason_of_124_bytes_never_came_in_a_control_frame() {
        let payload = [&[0x03, 0xe8][..], &[b'a'; 124]].concat();
        assert_eq!(CloseFrame::parse(&payload), Err(ClientFault::LongControl));
        assert!(CloseFrame::parse(&payload[..125]).is_ok());
    }

    #[test]
    fn a_long_reason_is_cut_before_the_character_that_does_not_fit() {
        let mut reason = "a".repeat(121);
        reason.push('€');
        assert_eq!(CloseReason::new(&reason).as_str(), "a".repeat(121));
        assert_eq!(CloseReason::new(&reason[1..]).as_str(), &reason[1..]);
        assert_eq!(CloseReason::default().as_str(), "");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let close = CloseFrame { code: CloseCode::TRY_AGAIN_LATER, reason: "später".into() };
        assert_eq!(close_payload(Some(&close))[..2], [0x03, 0xf5]);
        assert_eq!(CloseFrame::parse(&close_payload(Some(&close))), Ok(Some(close)));
    }

    #[test]
    fn a_code_and_a_reason_print_as_they_are_sent() {
        use alloc::string::ToString;
        assert_eq!(CloseCode::GOING_AWAY.to_string(), "1001");
        assert_eq!(CloseReason::from("bye").to_string(), String::from("bye"));
    }
}
