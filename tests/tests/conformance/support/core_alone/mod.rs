//! The core and nothing else: a connection driven by hand, actors with a queue each, and a virtual clock.
//!
//! What a driver and its host do is done here in the plainest way, one thing after the other.

mod processes;
mod socket;

use crate::support::names::Names;
use crate::support::play::World;
use crate::support::probe::{Handle, ORDER, Order, Probe, Report};
use crate::support::saw::Saw;
use crate::support::scenario::{NodeAct, Who};
use crate::support::setup::{DRAIN, Handler, Setup};
use bytes::BytesMut;
use processes::Process;
use socket::Socket;
use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;
use wsrelay_core::connection::{Connection, ConnectionOptions, Input, Output, Outputs, Refused};
use wsrelay_core::fault::HttpFault;
use wsrelay_core::message::{Destination, Message, Payload, Topic};
use wsrelay_core::process::{ActorInput, ActorProcess, NodeId, Pid, Signal};
use wsrelay_core::time::{Instant, Wake};
use wsrelay_core::upgrade::{Request, refusal};

/// The world of one scenario.
pub(crate) struct CoreAlone {
    now: Instant,
    names: Names,
    options: Arc<ConnectionOptions>,
    handler: Handler,
    places: usize,
    asked: VecDeque<Saw>,
    client: Option<Client>,
    processes: BTreeMap<Pid, Process>,
    handles: BTreeMap<Who, Handle>,
    /// The process that is never run, and its mailbox.
    stuck: (Pid, Vec<Signal>),
    registered: BTreeMap<Arc<str>, Pid>,
    drain: Option<Duration>,
    serials: u64,
}

/// A client, its socket, and its connection.
struct Client {
    connection: Connection,
    socket: Socket,
    mailbox: VecDeque<Signal>,
    /// Whether the connection's process is alive.
    alive: bool,
    relaying: bool,
}

impl World for CoreAlone {
    fn start(setup: &Setup) -> Self {
        let mut world = Self {
            // Not the clock's origin, so that nothing works by accident at zero alone.
            now: Instant::from_millis(1_000_000),
            names: Names::default(),
            options: Arc::new(setup.connection_options()),
            handler: setup.handler(),
            places: setup.places,
            asked: VecDeque::new(),
            client: None,
            processes: BTreeMap::new(),
            handles: BTreeMap::new(),
            stuck: (pid(1), Vec::new()),
            registered: BTreeMap::new(),
            drain: None,
            serials: 1,
        };
        world.names.add(Who::Stuck, world.stuck.0);
        for who in Who::PROCESSES {
            let (probe, handle) = Probe::new();
            let pid = world.new_pid();
            world.names.add(who, pid);
            world.handles.insert(who, handle);
            let actor = ActorProcess::new(pid, probe);
            world.processes.insert(pid, Process { actor, mailbox: VecDeque::new() });
            world.run_process(pid, ActorInput::Start);
        }
        world
    }

    fn names(&self) -> &Names {
        &self.names
    }

    fn connect(&mut self) {
        // A client that was there before is gone.
        self.input(Input::Eof);
        self.settle();
        let pid = self.new_pid();
        self.names.add(Who::Client, pid);
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000));
        let seed = pid.serial().get();
        let options = Arc::clone(&self.options);
        let connection = Connection::new(self.now, pid, seed, Some(peer), false, options);
        self.client = Some(Client {
            connection,
            socket: Socket::default(),
            mailbox: VecDeque::new(),
            alive: true,
            relaying: false,
        });
        if let Some(window) = self.drain {
            self.input(Input::Drain(window));
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.socket().arriving.push_back(BytesMut::from(bytes));
        self.settle();
    }

    fn finish(&mut self) {
        self.socket().ending = true;
        self.settle();
    }

    fn stop_reading(&mut self) {
        self.socket().stuck = true;
    }

    fn order(&mut self, who: Who, order: Order) {
        let handle = &self.handles[&who];
        handle.orders.send(order).expect("a live process");
        let message = Message { from: None, topic: ORDER, payload: Payload::Empty };
        self.deliver(self.names.pid(who), Signal::Message(message));
        self.settle();
    }

    fn node(&mut self, act: &NodeAct) {
        let (to, signal) = match act {
            NodeAct::Sends(to, topic, payload) => {
                let payload = self.names.fill_payload(payload);
                (to, Signal::Message(Message { from: None, topic: Topic::from(*topic), payload }))
            }
            NodeAct::Cancels(to, reason) => (to, Signal::Cancel { from: None, reason: Arc::from(*reason) }),
            NodeAct::Terminates(to) => (to, Signal::Kill),
            NodeAct::Registers(name, who) => {
                self.registered.insert(Arc::from(*name), self.names.pid(*who));
                return;
            }
            NodeAct::Drains(window) => {
                self.drain = Some(*window);
                self.input(Input::Drain(*window));
                return self.settle();
            }
        };
        let to = self.names.destination(to);
        self.post(&to, signal);
        self.settle();
    }

    fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(client) = &self.client
            && let Wake::At(at) = client.connection.wake()
            && at <= until
        {
            self.now = self.now.max(at);
            self.settle();
        }
        self.now = until;
        self.settle();
    }

    fn next(&mut self, who: Who) -> Option<Saw> {
        match who {
            Who::Client => {
                if std::mem::take(&mut self.socket().stuck) {
                    self.flush();
                    self.settle();
                }
                self.socket().next()
            }
            Who::Handler => self.asked.pop_front(),
            Who::Target | Who::Other | Who::Watcher => match self.handles[&who].reports.try_recv() {
                Ok(Report::Event(event)) => Some(self.names.saw(event)),
                Ok(Report::Mark) | Err(_) => None,
            },
            Who::Stuck => None,
        }
    }

    fn rest(&mut self, who: Who) -> Vec<Saw> {
        if who == Who::Client && self.client.is_none() {
            return Vec::new();
        }
        std::iter::from_fn(|| self.next(who)).collect()
    }
}

fn pid(serial: u64) -> Pid {
    Pid::new(NodeId(0x5eed), NonZeroU64::new(serial).expect("serials begin with one"))
}

impl CoreAlone {
    fn new_pid(&mut self) -> Pid {
        self.serials += 1;
        pid(self.serials)
    }

    fn socket(&mut self) -> &mut Socket {
        &mut self.client.as_mut().expect("a client").socket
    }

    /// Lets everything happen that can happen now.
    fn settle(&mut self) {
        for _ in 0..1_000_000 {
            let mut went_on = self.step_client();
            let pids: Vec<_> = self.processes.keys().copied().collect();
            for pid in pids {
                let signal = self.processes.get_mut(&pid).and_then(|process| process.mailbox.pop_front());
                if let Some(signal) = signal {
                    self.run_process(pid, ActorInput::Signal(signal));
                    went_on = true;
                }
            }
            if !went_on {
                return;
            }
        }
        panic!("it never settles");
    }

    /// One signal, one piece of what the client sent, and one tick. Whether there was any.
    fn step_client(&mut self) -> bool {
        let Some(client) = &mut self.client else { return false };
        let signal = client.mailbox.pop_front().map(Input::Signal);
        let arrived = client.socket.arrive();
        let is_due = client.connection.wake().is_due(self.now) && !client.socket.cut;
        let inputs = [signal, arrived, is_due.then_some(Input::Tick)];
        let mut any = false;
        for input in inputs.into_iter().flatten() {
            any = true;
            self.input(input);
        }
        any
    }

    /// Hands an input to the connection, if there is one, and does what the core wants.
    fn input(&mut self, input: Input) {
        let mut out = Outputs::new();
        self.hand_over(input, &mut out);
        self.perform(out);
        self.flush();
    }

    fn hand_over(&mut self, input: Input, out: &mut Outputs) {
        if let Some(client) = &mut self.client {
            client.connection.handle(self.now, input, out);
        }
    }

    /// The socket takes everything, unless it is stuck.
    fn flush(&mut self) {
        while let Some(written) = self.client.as_mut().and_then(|client| client.socket.take_written()) {
            let mut out = Outputs::new();
            self.hand_over(Input::Written(written), &mut out);
            self.perform(out);
        }
    }

    fn perform(&mut self, mut out: Outputs) {
        while !out.is_empty() {
            let mut more = Outputs::new();
            for output in out.drain() {
                self.effect(output, &mut more);
            }
            if self.is_target_full() {
                self.hand_over(Input::TargetFull(self.stuck.0), &mut more);
            }
            out = more;
        }
    }

    fn effect(&mut self, output: Output, more: &mut Outputs) {
        match output {
            Output::Request(request) => self.ask(&request, more),
            Output::Attach(to) => {
                let found = self.attach(&to);
                self.hand_over(Input::Attached(found), more);
            }
            Output::Signal { to, signal } => self.post(&to, signal),
            Output::Write(bytes) => self.socket().write(&bytes),
            Output::StopReading => self.socket().reading = false,
            Output::ResumeReading => self.socket().reading = true,
            Output::Shutdown => self.socket().shutdown(),
            Output::Cut => self.socket().cut(),
            Output::Exit(_) => {
                if let Some(client) = &mut self.client {
                    client.alive = false;
                }
            }
            Output::Note(_) => {}
        }
    }

    fn ask(&mut self, request: &Request, more: &mut Outputs) {
        if request.is_upgrade() && self.places == 0 {
            return self.hand_over(Input::Response(refusal(&HttpFault::Unavailable)), more);
        }
        self.asked.push_back(Saw::asked(request));
        let mut drains = false;
        let response = self.handler.answer(&self.names, || drains = true);
        if drains {
            self.drain = Some(DRAIN);
            self.hand_over(Input::Drain(DRAIN), more);
        }
        self.hand_over(Input::Response(response), more);
    }

    fn attach(&mut self, to: &Destination) -> Result<Pid, Refused> {
        let pid = self.resolve(to).filter(|pid| self.is_alive(*pid)).ok_or(Refused::NoProcess)?;
        let Some(client) = &mut self.client else { return Err(Refused::NoProcess) };
        if !client.relaying && self.places == 0 {
            return Err(Refused::AtLimit);
        }
        client.relaying = true;
        let watcher = client.connection.pid();
        self.deliver(pid, Signal::Monitor { watcher });
        Ok(pid)
    }

    /// Whether the process that takes nothing is the target, and has no room left.
    fn is_target_full(&self) -> bool {
        let session = self.client.as_ref().and_then(|client| client.connection.session());
        let messages = self.stuck.1.iter().filter(|signal| {
            matches!(signal, Signal::Message(message) if matches!(message.payload, Payload::Client(_)))
        });
        session.is_some_and(|session| session.target() == self.stuck.0)
            && messages.count() >= self.options.relay.limits.mailbox_messages_max
    }
}
