//! A user's process as a pure state machine.

use super::{Effect, Effects, Event, ExitReason, Lifecycle, Pid, Reaction, Signal};
use crate::message::{Destination, Message, Payload, Topic};
use crate::time::{Instant, Wake};
use alloc::sync::Arc;

/// A process written as state and a function: events in, effects out.
///
/// The same actor runs on every driver and in simulation, because it can name no clock, no socket
/// and no thread. Its first event is [`Event::Started`].
///
/// ```
/// use wsrelay_core::message::{Message, Payload, Topic};
/// use wsrelay_core::process::{Actor, Context, Event};
///
/// /// Sends every client's messages back to it.
/// struct Echo;
///
/// impl Actor for Echo {
///     fn handle(&mut self, event: Event, context: &mut Context<'_>) {
///         if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
///             context.send(client.pid, Topic::SEND, client.data);
///         }
///     }
/// }
/// ```
pub trait Actor {
    /// Handles one event. Everything it wants done goes through `context`.
    fn handle(&mut self, event: Event, context: &mut Context<'_>);
}

impl<A: Actor + ?Sized> Actor for alloc::boxed::Box<A> {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        (**self).handle(event, context);
    }
}

/// An actor's view of the world during one event.
#[derive(Debug)]
pub struct Context<'a> {
    now: Instant,
    lifecycle: &'a mut Lifecycle,
    effects: &'a mut Effects,
    wake: &'a mut Wake,
}

impl Context<'_> {
    /// The time of this event.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The actor's own PID.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.lifecycle.pid()
    }

    /// Sends a message. A receiver that is gone, or whose mailbox is full, makes it a dead letter;
    /// monitor the receiver, or ask a connection for an acknowledgement, to learn of it.
    #[inline]
    pub fn send(&mut self, to: impl Into<Destination>, topic: Topic, payload: impl Into<Payload>) {
        let from = self.pid();
        match (to.into(), payload.into()) {
            (Destination::Pid(to), Payload::Data(data)) if !topic.always_has_room() => {
                if self.lifecycle.ended().is_none() {
                    self.effects.push_data(to, from, &topic, data);
                }
            }
            (to, payload) => {
                let message = Message { from: Some(from), topic, payload };
                self.push(Effect::Signal { to, signal: Signal::Message(message) });
            }
        }
    }

    /// Watches `target`: one [`Event::Exit`] when it ends, at once if it is not alive.
    pub fn monitor(&mut self, target: Pid) {
        self.lifecycle.monitor(target, self.effects);
    }

    /// Stops watching `target`.
    pub fn demonitor(&mut self, target: Pid) {
        self.lifecycle.demonitor(target, self.effects);
    }

    /// Links this process and `peer`.
    pub fn link(&mut self, peer: Pid) {
        self.lifecycle.link(peer, self.effects);
    }

    /// Takes the link away.
    pub fn unlink(&mut self, peer: Pid) {
        self.lifecycle.unlink(peer, self.effects);
    }

    /// Whether the crash of a linked process becomes an [`Event::LinkDown`].
    pub const fn trap_links(&mut self, trap: bool) {
        self.lifecycle.trap_links(trap);
    }

    /// Asks `target` to end.
    pub fn cancel(&mut self, target: impl Into<Destination>, reason: &str) {
        let signal = Signal::Cancel { from: Some(self.pid()), reason: Arc::from(reason) };
        self.push(Effect::Signal { to: target.into(), signal });
    }

    /// Ends `target` without asking.
    pub fn terminate(&mut self, target: impl Into<Destination>) {
        self.push(Effect::Signal { to: target.into(), signal: Signal::Kill });
    }

    /// Registers a name for this process.
    pub fn register(&mut self, name: impl Into<Arc<str>>) {
        self.push(Effect::Register(name.into()));
    }

    /// Gives a name up.
    pub fn unregister(&mut self, name: impl Into<Arc<str>>) {
        self.push(Effect::Unregister(name.into()));
    }

    /// Asks for an [`Event::Tick`] at `at`. There is one such alarm; a later call moves it.
    pub const fn wake_at(&mut self, at: Instant) {
        *self.wake = Wake::At(at);
    }

    /// A process that has ended does nothing more.
    fn push(&mut self, effect: Effect) {
        if self.lifecycle.ended().is_none() {
            self.effects.push(effect);
        }
    }

    /// Ends this process. No event comes afterwards, and what it does afterwards has no effect.
    pub fn exit(&mut self, reason: ExitReason) {
        self.lifecycle.end(reason, self.effects);
    }
}

/// What can happen to an actor's process.
#[derive(Clone, Debug, PartialEq)]
pub enum ActorInput {
    /// It starts.
    Start,
    /// A signal arrived.
    Signal(Signal),
    /// Time passed.
    Tick,
    /// Its code panicked; the driver caught it.
    Crash(Arc<str>),
}

/// An actor and its lifecycle: what a driver runs.
#[derive(Debug)]
pub struct ActorProcess<A> {
    actor: A,
    lifecycle: Lifecycle,
    wake: Wake,
}

impl<A: Actor> ActorProcess<A> {
    /// The process `pid`, not started yet.
    pub const fn new(pid: Pid, actor: A) -> Self {
        Self { actor, lifecycle: Lifecycle::new(pid), wake: Wake::Never }
    }

    /// The process.
    pub const fn pid(&self) -> Pid {
        self.lifecycle.pid()
    }

    /// Handles one input; every effect is appended, in order, before it returns.
    pub fn handle(&mut self, now: Instant, input: ActorInput, effects: &mut Effects) {
        let event = match input {
            ActorInput::Start => Some(Event::Started),
            ActorInput::Signal(signal) => match self.lifecycle.handle(signal, effects) {
                Reaction::Event(event) => Some(event),
                Reaction::Quiet => None,
                Reaction::End(reason) => {
                    self.lifecycle.end(reason, effects);
                    None
                }
            },
            ActorInput::Tick if self.wake.is_due(now) => {
                self.wake = Wake::Never;
                Some(Event::Tick)
            }
            ActorInput::Tick => None,
            ActorInput::Crash(why) => {
                self.lifecycle.end(ExitReason::Crashed(why), effects);
                None
            }
        };
        if let Some(event) = event
            && self.lifecycle.ended().is_none()
        {
            let Self { actor, lifecycle, wake } = self;
            actor.handle(event, &mut Context { now, lifecycle, effects, wake });
        }
    }

    /// Handles one message: the short form of a signal that brings it.
    #[inline]
    pub fn message(&mut self, now: Instant, message: Message, effects: &mut Effects) {
        if self.lifecycle.ended().is_none() {
            let Self { actor, lifecycle, wake } = self;
            actor.handle(Event::Message(message), &mut Context { now, lifecycle, effects, wake });
        } else {
            self.handle(now, ActorInput::Signal(Signal::Message(message)), effects);
        }
    }

    /// When to call again if nothing happens.
    pub fn wake(&self) -> Wake {
        if self.lifecycle.ended().is_some() { Wake::Never } else { self.wake }
    }

    /// Why the process ended; `None` while it lives.
    pub const fn ended(&self) -> Option<&ExitReason> {
        self.lifecycle.ended()
    }

    /// The actor's state.
    pub const fn actor(&self) -> &A {
        &self.actor
    }
}
