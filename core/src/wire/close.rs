//! Close codes.

/// A close code that may be sent: 1000–1003, 1007–1014, 3000–4999 (RFC 6455 §7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1007.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009.
    pub const TOO_BIG: Self = Self(1009);
}
