//! Requests that functions answer.

use smol::channel::Sender;
use wsrelay_core::upgrade::{Request, Response};

/// A request on its way to a function, and where the response goes.
#[derive(Debug)]
pub struct Call {
    /// The request.
    pub request: Request,
    /// The parameters of its path.
    pub params: Vec<(String, String)>,
    /// Where the response goes. Whoever waits there and stops waiting has lost interest.
    pub reply: Sender<Response>,
}
