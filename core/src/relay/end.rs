//! How a connection ends: table C of the promises, one variant a row.

use crate::fault::ClientFault;
use crate::process::ExitReason;
use crate::wire::{CloseCode, CloseFrame, CloseReason};
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;

/// Why a connection ends.
///
/// From it follow, in one place each: what the client is told ([`End::close_frame`]), what the target
/// is told ([`End::leave`]), what the monitors are told ([`End::exit_reason`]), and how
/// ([`End::manner`]).
///
/// | end | close code | leave | exit |
/// |---|---|---|---|
/// | `TargetExited` | 1000 | none | normal |
/// | `TargetFailed` | 1011 | none | abnormal |
/// | `Commanded` | its own, or 1000 | the code | normal |
/// | `ClientClosed` | echoed | its code, clean | normal for 1000, 1001, 1005, 3000–4999 |
/// | `Lost` | none | 1006 | abnormal |
/// | `Fault` | 1002, 1007, 1008, 1009 | the code | abnormal |
/// | `Unresponsive` | 1011 if it can be written | 1006 | abnormal |
/// | `Stalled` | none | 1006 | abnormal |
/// | `Idle`, `Expired` | 1001 | the code | normal |
/// | `SlowClient` | 1013, queued data skipped | the code | abnormal |
/// | `TargetBusy` | 1013 | the code | abnormal |
/// | `LinkedCrash` | 1011 | the code | abnormal |
/// | `Cancelled` | 1001 | the code | normal |
/// | `Killed` | none | 1006 | killed |
/// | `Drained` | 1012 | the code | normal, reason shutdown |
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The target came to its end.
    TargetExited,
    /// The target crashed, was killed, is on a lost node, or was gone after the 101 was sent.
    TargetFailed,
    /// A process sent `ws.close`.
    Commanded(CloseFrame),
    /// The client sent a close frame.
    ClientClosed(Option<CloseFrame>),
    /// The TCP connection ended without a close frame.
    Lost,
    /// The client broke the protocol or a limit.
    Fault(ClientFault),
    /// No byte came in time after a ping was written.
    Unresponsive,
    /// Nothing could be written for too long.
    Stalled,
    /// No message in either direction for too long.
    Idle,
    /// Older than its lifetime.
    Expired,
    /// The outbox went over its bound, and its policy is to close.
    SlowClient,
    /// The target's mailbox stayed full past its deadline.
    TargetBusy,
    /// A linked process crashed.
    LinkedCrash,
    /// The connection's process was cancelled, with these words.
    Cancelled(Arc<str>),
    /// The connection's process was terminated.
    Killed,
    /// The node drains.
    Drained,
}

/// How the socket is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Queued messages go out, then the close frame; the peer's is awaited before the target is told.
    Graceful,
    /// The target is told at once. Queued messages and the close frame go out, then the socket is shut down.
    Prompt,
    /// The target is told at once. Queued messages are skipped, the close frame goes out if it can.
    Abrupt,
    /// The target is told at once and the socket is cut.
    Cut,
}

/// What the target reads in `ws.leave`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveTerms {
    /// The close code.
    pub code: u16,
    /// Why, in words.
    pub reason: Arc<str>,
}

/// RFC 6455 §7.4.1: no code was received. Never on the wire.
pub const NO_STATUS: u16 = 1005;
/// RFC 6455 §7.4.1: the connection ended without a close frame. Never on the wire.
pub const ABNORMAL: u16 = 1006;

impl End {
    /// How the socket is treated.
    #[must_use]
    pub const fn manner(&self) -> Manner {
        match self {
            Self::TargetExited
            | Self::TargetFailed
            | Self::Commanded(_)
            | Self::Idle
            | Self::Expired
            | Self::Cancelled(_)
            | Self::Drained => Manner::Graceful,
            Self::ClientClosed(_) | Self::Fault(_) => Manner::Prompt,
            Self::Unresponsive | Self::SlowClient | Self::TargetBusy | Self::LinkedCrash => Manner::Abrupt,
            Self::Lost | Self::Stalled | Self::Killed => Manner::Cut,
        }
    }

    /// The close frame for the client: `None` when there is none, `Some(None)` for one without a code.
    /// It says nothing of the system's own (R8).
    #[must_use]
    pub fn close_frame(&self) -> Option<Option<CloseFrame>> {
        let frame = |code, reason: &str| Some(Some(CloseFrame { code, reason: CloseReason::new(reason) }));
        match self {
            Self::TargetExited => frame(CloseCode::NORMAL, ""),
            Self::TargetFailed | Self::LinkedCrash => frame(CloseCode::INTERNAL_ERROR, "internal error"),
            Self::Commanded(close) => Some(Some(close.clone())),
            // RFC 6455 §5.5.1: "the endpoint typically echos the status code it received".
            Self::ClientClosed(close) => Some(
                close.as_ref().map(|close| CloseFrame { code: close.code, reason: CloseReason::default() }),
            ),
            Self::Lost | Self::Stalled | Self::Killed => None,
            Self::Fault(fault) => frame(fault.close_code(), &fault.to_string()),
            Self::Unresponsive => frame(CloseCode::INTERNAL_ERROR, "no answer to a ping"),
            Self::Idle => frame(CloseCode::GOING_AWAY, "idle too long"),
            Self::Expired => frame(CloseCode::GOING_AWAY, "open too long"),
            Self::SlowClient => frame(CloseCode::TRY_AGAIN_LATER, "client too slow"),
            Self::TargetBusy => frame(CloseCode::TRY_AGAIN_LATER, "server busy"),
            Self::Cancelled(_) => frame(CloseCode::GOING_AWAY, "going away"),
            Self::Drained => frame(CloseCode::SERVICE_RESTART, "server restarting"),
        }
    }

    /// What the target is told; `None` when nobody is there to be told.
    #[must_use]
    pub fn leave(&self) -> Option<LeaveTerms> {
        let terms = |code: u16, reason: &str| Some(LeaveTerms { code, reason: Arc::from(reason) });
        match self {
            Self::TargetExited | Self::TargetFailed => None,
            Self::Commanded(close) => terms(close.code.get(), close.reason.as_str()),
            Self::ClientClosed(None) => terms(NO_STATUS, ""),
            Self::ClientClosed(Some(close)) => terms(close.code.get(), close.reason.as_str()),
            Self::Lost => terms(ABNORMAL, "connection lost"),
            Self::Fault(fault) => terms(fault.close_code().get(), &fault.to_string()),
            Self::Unresponsive => terms(ABNORMAL, "no answer to a ping"),
            Self::Stalled => terms(ABNORMAL, "client does not read"),
            Self::Idle => terms(CloseCode::GOING_AWAY.get(), "idle too long"),
            Self::Expired => terms(CloseCode::GOING_AWAY.get(), "open too long"),
            Self::SlowClient => terms(CloseCode::TRY_AGAIN_LATER.get(), "client too slow"),
            Self::TargetBusy => terms(CloseCode::TRY_AGAIN_LATER.get(), "mailbox full"),
            Self::LinkedCrash => terms(CloseCode::INTERNAL_ERROR.get(), "linked process failed"),
            Self::Cancelled(why) => terms(CloseCode::GOING_AWAY.get(), why),
            Self::Killed => terms(ABNORMAL, "terminated"),
            Self::Drained => terms(CloseCode::SERVICE_RESTART.get(), "shutdown"),
        }
    }

    /// What the connection's monitors and links are told.
    #[must_use]
    pub fn exit_reason(&self) -> ExitReason {
        match self {
            Self::TargetExited
            | Self::Commanded(_)
            | Self::ClientClosed(None)
            | Self::Idle
            | Self::Expired
            | Self::Cancelled(_) => ExitReason::Normal,
            Self::ClientClosed(Some(close)) => match close.code.get() {
                1000 | 1001 | 3000..=4999 => ExitReason::Normal,
                code => ExitReason::crashed(&format!("client closed with {code}")),
            },
            Self::TargetFailed => ExitReason::crashed("target failed"),
            Self::Lost => ExitReason::crashed("connection lost"),
            Self::Fault(fault) => ExitReason::crashed(&format!("client: {fault} ({})", fault.source())),
            Self::Unresponsive => ExitReason::crashed("no answer to a ping"),
            Self::Stalled => ExitReason::crashed("client does not read"),
            Self::SlowClient => ExitReason::crashed("client too slow"),
            Self::TargetBusy => ExitReason::crashed("target's mailbox full"),
            Self::LinkedCrash => ExitReason::Linked,
            Self::Killed => ExitReason::Killed,
            Self::Drained => ExitReason::Shutdown,
        }
    }
}
