//! From the handler's answer to the 101, or to why there is none (H4–H13).

use super::{Asked, Http, Stage};
use crate::connection::{Note, Output, Outputs, Refused};
use crate::fault::{ConfigFault, HttpFault};
use crate::message::{Abort, Message, Payload, Topic};
use crate::process::{Lifecycle, Pid, Signal};
use crate::relay::{RelayConfig, Start};
use crate::time::Instant;
use crate::upgrade::{RELAY_HEADER, Response, choose_subprotocol, switching};
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use bytes::Bytes;

/// An upgrade that waits for its target to be found.
#[derive(Debug)]
pub(super) struct Attaching {
    config: RelayConfig,
    subprotocol: Option<Arc<str>>,
    switching: Bytes,
}

/// Why an upgrade is not made although the handler asked for one.
enum Obstacle {
    Fault(HttpFault),
    Config(ConfigFault),
}

impl Http {
    pub(super) fn response(&mut self, now: Instant, mut response: Response, out: &mut Outputs) {
        let values = response.headers.remove(RELAY_HEADER);
        let config = (!values.is_empty())
            .then(|| RelayConfig::parse(values.iter().map(|value| &value[..]), &self.options.relay.limits));
        let stage = core::mem::replace(&mut self.stage, Stage::Done);
        let Stage::Handling { asked, .. } = stage else {
            // Too late: the client has had its 503.
            self.stage = stage;
            return self.abort(config.as_ref(), "handler answered too late", out);
        };
        match config {
            None => self.respond(now, &response, &asked.method, asked.keep_alive, out),
            // H5
            Some(config) if !(200..300).contains(&response.status) => {
                self.abort(Some(&config), "handler refused the connection", out);
                self.respond(now, &response, &asked.method, asked.keep_alive, out);
            }
            Some(Err(fault)) => self.stop(now, None, Obstacle::Config(fault), out),
            Some(Ok(config)) => match self.prepare(&asked, &config, &response) {
                Ok(attaching) => {
                    out.push(Output::Attach(config.target));
                    self.stage = Stage::Attaching(Box::new(attaching));
                }
                Err(obstacle) => self.stop(now, Some(config), obstacle, out),
            },
        }
    }

    /// Everything of the upgrade that can be known before the target is looked for.
    fn prepare(
        &self,
        asked: &Asked,
        config: &RelayConfig,
        response: &Response,
    ) -> Result<Attaching, Obstacle> {
        // H6
        let Some(handshake) = &asked.handshake else {
            return Err(Obstacle::Fault(HttpFault::UpgradeRequired));
        };
        if self.draining {
            return Err(Obstacle::Fault(HttpFault::Unavailable));
        }
        let chosen = response.headers.get("Sec-WebSocket-Protocol");
        let subprotocol =
            choose_subprotocol(handshake, &self.options.upgrade, chosen).map_err(Obstacle::Config)?;
        let switching =
            switching(handshake, subprotocol.as_deref(), &response.headers).map_err(Obstacle::Config)?;
        let subprotocol = subprotocol.map(Arc::from);
        Ok(Attaching { config: config.clone(), subprotocol, switching })
    }

    pub(super) fn attached(
        &mut self,
        now: Instant,
        result: Result<Pid, Refused>,
        out: &mut Outputs,
    ) -> Option<Box<Start>> {
        let stage = core::mem::replace(&mut self.stage, Stage::Done);
        let Stage::Attaching(attaching) = stage else {
            self.stage = stage;
            return None;
        };
        let Attaching { config, subprotocol, switching } = *attaching;
        match result {
            Ok(target) => {
                let pid = self.pid();
                let mut lifecycle = core::mem::replace(&mut self.lifecycle, Lifecycle::new(pid));
                lifecycle.expect_down(target);
                Some(Box::new(Start {
                    lifecycle,
                    target,
                    config,
                    subprotocol,
                    peer: self.peer.map(|peer| Arc::from(peer.to_string())),
                    options: Arc::clone(&self.options.relay),
                    seed: self.seed,
                    response: switching,
                    early: core::mem::take(&mut self.buffer),
                }))
            }
            // H8, H9
            Err(refused) => {
                out.push(Output::Note(Note::Unavailable(config.target.clone())));
                match refused {
                    Refused::NoProcess => {}
                    Refused::AtLimit => self.abort(Some(&Ok(config)), "node at its limit", out),
                }
                self.refuse(now, &HttpFault::Unavailable, out);
                None
            }
        }
    }

    /// An upgrade that the handler asked for is not made.
    fn stop(&mut self, now: Instant, config: Option<RelayConfig>, obstacle: Obstacle, out: &mut Outputs) {
        let fault = match obstacle {
            Obstacle::Fault(fault) => fault,
            Obstacle::Config(fault) => {
                out.push(Output::Note(Note::Misconfigured(fault)));
                HttpFault::Handler
            }
        };
        self.abort(config.map(Ok).as_ref(), &fault.to_string(), out);
        self.refuse(now, &fault, out);
    }

    /// H13: the target that was named does not wait for this client for ever.
    fn abort(&self, config: Option<&Result<RelayConfig, ConfigFault>>, reason: &str, out: &mut Outputs) {
        if let Some(Ok(config)) = config {
            let payload = Payload::Abort(Abort { reason: Arc::from(reason) });
            let message = Message { from: Some(self.pid()), topic: Topic::ABORT, payload };
            let to = config.target.clone();
            out.push(Output::Signal { to, signal: Signal::Message(message) });
        }
    }
}
