//! What goes wrong in tungstenite, in our words.

use super::dial::DialFault;
use async_tungstenite::tungstenite::Error;
use async_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use wsrelay_core::fault::ClientFault;

/// An error before the connection was open.
pub(super) fn handshake_fault(error: &Error) -> DialFault {
    match error {
        Error::Http(response) => DialFault::Status(response.status().as_u16()),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Tls(_)
        | Error::Capacity(_)
        | Error::Protocol(_)
        | Error::WriteBufferFull(_)
        | Error::Utf8(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::HttpFormat(_) => DialFault::Handshake(error.to_string()),
    }
}

/// An error of an open connection: which rule the server broke; `None` when it is only gone.
pub(super) fn broken_rule(error: &Error) -> Option<ClientFault> {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Some(ClientFault::MessageTooBig),
        Error::Utf8(_) => Some(ClientFault::Utf8),
        Error::Protocol(error) => protocol_fault(error),
        // A socket that failed is a peer that is gone; the rest belongs to handshakes and to mistakes in
        // the use of tungstenite, after which the connection cannot be used either.
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Tls(_)
        | Error::Capacity(CapacityError::TooManyHeaders)
        | Error::WriteBufferFull(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_) => None,
    }
}

fn protocol_fault(error: &ProtocolError) -> Option<ClientFault> {
    match error {
        ProtocolError::NonZeroReservedBits => Some(ClientFault::ReservedBits),
        ProtocolError::MaskedFrameFromServer => Some(ClientFault::Masked),
        ProtocolError::UnmaskedFrameFromClient => Some(ClientFault::Unmasked),
        ProtocolError::FragmentedControlFrame => Some(ClientFault::FragmentedControl),
        ProtocolError::ControlFrameTooBig => Some(ClientFault::LongControl),
        ProtocolError::UnknownControlFrameType(opcode)
        | ProtocolError::UnknownDataFrameType(opcode)
        | ProtocolError::InvalidOpcode(opcode) => Some(ClientFault::ReservedOpcode(*opcode)),
        ProtocolError::UnexpectedContinueFrame => Some(ClientFault::UnexpectedContinuation),
        ProtocolError::ExpectedFragment(_) => Some(ClientFault::MissingContinuation),
        ProtocolError::InvalidCloseSequence => Some(ClientFault::ShortClose),
        ProtocolError::ResetWithoutClosingHandshake
        | ProtocolError::HandshakeIncomplete
        | ProtocolError::SendAfterClosing
        | ProtocolError::ReceivedAfterClosing
        | ProtocolError::WrongHttpMethod
        | ProtocolError::WrongHttpVersion
        | ProtocolError::MissingConnectionUpgradeHeader
        | ProtocolError::MissingUpgradeWebSocketHeader
        | ProtocolError::MissingSecWebSocketVersionHeader
        | ProtocolError::MissingSecWebSocketKey
        | ProtocolError::InvalidSecWebSocketKey
        | ProtocolError::SecWebSocketAcceptKeyMismatch
        | ProtocolError::SecWebSocketSubProtocolError(_)
        | ProtocolError::JunkAfterRequest
        | ProtocolError::CustomResponseSuccessful
        | ProtocolError::InvalidHeader(_)
        | ProtocolError::HttparseError(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn each_rule_a_server_can_break_has_its_code() {
        let codes = [
            (Error::Protocol(ProtocolError::MaskedFrameFromServer), Some(1002)),
            (Error::Protocol(ProtocolError::UnknownDataFrameType(3)), Some(1002)),
            (Error::Protocol(ProtocolError::InvalidCloseSequence), Some(1002)),
            (Error::Utf8("\u{fffd}".to_owned()), Some(1007)),
            (Error::Capacity(CapacityError::MessageTooLong { size: 2, max_size: 1 }), Some(1009)),
            (Error::Protocol(ProtocolError::ResetWithoutClosingHandshake), None),
            (Error::Io(io::ErrorKind::ConnectionReset.into()), None),
        ];
        for (error, code) in codes {
            assert_eq!(broken_rule(&error).map(|fault| fault.close_code().get()), code, "{error}");
        }
    }
}
