//! The processes that wsrelay's servers relay to, those of its demo, and the handler that names them.

use crate::scenario::Kind;
pub(crate) use wsrelay::demo::{Broadcast, Echo};
use wsrelay_core::process::Pid;
use wsrelay_core::relay::RelayConfig;
use wsrelay_core::upgrade::{Request, Response};

/// The answer to a request on wsrelay, whose driver does not matter: a client of either path is relayed.
pub(crate) fn answer(request: &Request, echo: Pid, broadcast: Pid) -> Response {
    let target = if request.path() == Kind::Fanout.path() { broadcast } else { echo };
    RelayConfig::to(target).into()
}
