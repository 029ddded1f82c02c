//! From the handler's answer to the 101, or to why there is none (H4–H13).

use super::{Asked, Http, Stage};
use crate::connection::{Note, Output, Outputs, Refused};
use crate::fault::{ConfigFault, HttpFault};
use crate::message::{Abort, Destination, Message, Payload, Topic};
use crate::process::{Lifecycle, Pid, Signal, SignalSink};
use crate::relay::{RelayConfig, Start};
use crate::time::Instant;
use crate::upgrade::{Extensions, RELAY_HEADER, Response, choose_subprotocol, switching};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use bytes::{Bytes, BytesMut};

/// An upgrade that waits for its target to be found.
#[derive(Debug)]
pub(super) struct Attaching {
    pub(super) config: RelayConfig,
    pub(super) due: Instant,
    subprotocol: Option<Arc<str>>,
    extensions: Extensions,
    switching: Bytes,
}

/// Why an upgrade is not made although the handler asked for one.
enum Obstacle {
    Fault(HttpFault),
    Config(ConfigFault),
}

impl Http {
    /// The handler has answered.
    pub(super) fn response(&mut self, now: Instant, mut response: Response, out: &mut Outputs) {
        let values = response.headers.remove(RELAY_HEADER);
        let config = (!values.is_empty())
            .then(|| RelayConfig::parse(values.iter().map(|value| &value[..]), &self.options.relay.limits));
        let stage = core::mem::replace(&mut self.stage, Stage::Done);
        let Stage::Handling { asked, .. } = stage else {
            // Too late: the client has had its 503, or is gone.
            self.stage = stage;
            if let Some(target) = named_target(&values) {
                self.abort(&target, "handler answered too late", out);
            }
            return;
        };
        match config {
            None => self.respond(now, &response, asked.keep_alive, out),
            // H5
            Some(_) if !(200..300).contains(&response.status) => {
                if let Some(target) = named_target(&values) {
                    self.abort(&target, "handler refused the connection", out);
                }
                self.respond(now, &response, asked.keep_alive, out);
            }
            // H7
            Some(Err(fault)) => {
                let target = named_target(&values);
                self.stop(now, target.as_ref(), Obstacle::Config(fault), out);
            }
            Some(Ok(config)) => self.upgrade(now, &asked, config, &response, out),
        }
    }

    fn upgrade(
        &mut self,
        now: Instant,
        asked: &Asked,
        config: RelayConfig,
        response: &Response,
        out: &mut Outputs,
    ) {
        match self.prepare(asked, response) {
            Ok((subprotocol, switching)) => {
                out.push(Output::Attach(config.target.clone()));
                let due = now + self.options.relay.limits.handler_wait_max;
                let subprotocol = subprotocol.map(Arc::from);
                let extensions = asked
                    .handshake
                    .as_ref()
                    .map_or_else(Extensions::default, |handshake| handshake.extensions);
                let attaching = Attaching { config, due, subprotocol, extensions, switching };
                self.stage = Stage::Attaching(Box::new(attaching));
            }
            Err(obstacle) => self.stop(now, Some(&config.target), obstacle, out),
        }
    }

    /// Everything of the upgrade that can be known before the target is looked for: the subprotocol and
    /// the 101.
    fn prepare(&self, asked: &Asked, response: &Response) -> Result<(Option<String>, Bytes), Obstacle> {
        // H6
        let Some(handshake) = &asked.handshake else {
            return Err(Obstacle::Fault(HttpFault::UpgradeRequired));
        };
        if self.draining {
            return Err(Obstacle::Fault(HttpFault::Unavailable));
        }
        // H12
        let chosen = chosen_subprotocol(response).map_err(Obstacle::Config)?;
        let subprotocol =
            choose_subprotocol(handshake, &self.options.upgrade, chosen).map_err(Obstacle::Config)?;
        let switching =
            switching(handshake, subprotocol.as_deref(), &response.headers).map_err(Obstacle::Config)?;
        Ok((subprotocol, switching))
    }

    /// The target has got our monitor, or there is none.
    pub(super) fn attached(
        &mut self,
        now: Instant,
        result: Result<Pid, Refused>,
        out: &mut Outputs,
    ) -> Option<Box<Start>> {
        let stage = core::mem::replace(&mut self.stage, Stage::Done);
        let Stage::Attaching(attaching) = stage else {
            self.stage = stage;
            self.detach(result, out);
            return None;
        };
        let target = match result {
            Ok(target) if !self.draining => target,
            // H9: the drain began meanwhile.
            Ok(_) => {
                self.detach(result, out);
                self.turn_away(now, &attaching.config.target, true, out);
                return None;
            }
            // H8, H9
            Err(refused) => {
                let is_alive = refused == Refused::AtLimit;
                self.turn_away(now, &attaching.config.target, is_alive, out);
                return None;
            }
        };
        let Attaching { config, subprotocol, extensions, switching, .. } = *attaching;
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
            extensions,
            response: switching,
            early: core::mem::replace(&mut self.buffer, BytesMut::new()),
        }))
    }

    /// Nobody has said in time whether the target is alive.
    pub(super) fn give_up_attaching(&mut self, now: Instant, out: &mut Outputs) {
        if let Stage::Attaching(attaching) = core::mem::replace(&mut self.stage, Stage::Done) {
            self.turn_away(now, &attaching.config.target, true, out);
        }
    }

    /// 503, and word to the target if there is one.
    fn turn_away(&mut self, now: Instant, target: &Destination, is_alive: bool, out: &mut Outputs) {
        out.push(Output::Note(Note::Unavailable(target.clone())));
        if is_alive {
            self.abort(target, "no place for the connection", out);
        }
        self.refuse(now, &HttpFault::Unavailable, out);
    }

    /// A monitor that nobody needs any more.
    fn detach(&self, result: Result<Pid, Refused>, out: &mut Outputs) {
        if let Ok(target) = result {
            out.signal(target, Signal::Demonitor { watcher: self.pid() });
        }
    }

    /// An upgrade that the handler asked for is not made.
    fn stop(&mut self, now: Instant, target: Option<&Destination>, obstacle: Obstacle, out: &mut Outputs) {
        let fault = match obstacle {
            Obstacle::Fault(fault) => fault,
            Obstacle::Config(fault) => {
                out.push(Output::Note(Note::Misconfigured(fault)));
                HttpFault::Handler
            }
        };
        if let Some(target) = target {
            self.abort(target, &fault.to_string(), out);
        }
        self.refuse(now, &fault, out);
    }

    /// H13: the target that was named does not wait for this client for ever.
    pub(super) fn abort(&self, target: &Destination, reason: &str, out: &mut Outputs) {
        let payload = Payload::Abort(Abort { reason: Arc::from(reason) });
        let message = Message { from: Some(self.pid()), topic: Topic::ABORT, payload };
        out.push(Output::Signal { to: target.clone(), signal: Signal::Message(message) });
    }
}

/// H13: the target that the handler meant, even where the rest of its header cannot be honoured.
fn named_target(values: &[Bytes]) -> Option<Destination> {
    values.iter().find_map(|value| RelayConfig::target_of(value))
}

/// What the handler chose: one protocol, as text, or none.
fn chosen_subprotocol(response: &Response) -> Result<Option<&str>, ConfigFault> {
    const NAME: &str = "Sec-WebSocket-Protocol";
    match response.headers.get_all(NAME).count() {
        0 => Ok(None),
        1 => match response.headers.get(NAME) {
            Some(name) => Ok(Some(name)),
            None => Err(ConfigFault::Header(NAME.to_string())),
        },
        _ => Err(ConfigFault::Header(NAME.to_string())),
    }
}
