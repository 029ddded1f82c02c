//! A whole world: a node, its processes, clients, a network and a clock, none of it real.

mod check;
mod client;
mod deeds;
mod ending;
mod engine;
mod network;
mod outside;
mod served;
mod talk;

pub use client::{Client, Heard};

use crate::count::Counts;
use crate::dice::Dice;
use crate::options::Options;
use crate::roaming::{Roaming, Who};
use crate::swarm::Deed;
use crate::tap::{DeadLetters, Fact, Log, Observed, Tap, Way};
use crate::timeline::Timeline;
use crate::trace::Trace;
use crate::watch::{Invariant, Violation, Watch};
use client::Party;
use served::Served;
use std::fmt;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::process::{Actor, Pid, Signal};
use wsrelay_core::time::Instant;
use wsrelay_core::upgrade::{Request, Response};
use wsrelay_host::{
    ActorRunner, Clock, Desk, Home, Local, Mailbox, NameFault, Node, NodeOptions, ReadBuffer, Scratch,
};

/// A node with its processes, and clients on a virtual network, under a virtual clock.
///
/// Everything in it follows from its [`Options`] and from the calls that are made: the same calls in a world of the
/// same seed have the same effects, in the same order. Nothing happens but in [`World::run_for`].
///
/// ```
/// use std::time::Duration;
/// use wsrelay_core::message::{Message, Payload, Topic};
/// use wsrelay_core::process::{Actor, Context, Event};
/// use wsrelay_core::relay::RelayConfig;
/// use wsrelay_sim::World;
/// use wsrelay_sim::wire::text;
///
/// struct Echo;
///
/// impl Actor for Echo {
///     fn handle(&mut self, event: Event, context: &mut Context<'_>) {
///         if let Event::Message(Message { payload: Payload::Client(client), .. }) = event {
///             context.send(client.pid, Topic::SEND, client.data);
///         }
///     }
/// }
///
/// let mut world = World::from_seed(7);
/// let echo = world.spawn(Echo);
/// world.serve(move |_| RelayConfig::to(echo).into());
/// let client = world.connect("/");
/// world.send(client, &text("hello"));
/// world.run_for(Duration::from_secs(5));
/// assert_eq!(world.heard(client)[1], text("hello"));
/// world.finish()?;
/// # Ok::<(), wsrelay_sim::Violation>(())
/// ```
pub struct World {
    options: Options,
    shared: Arc<ConnectionOptions>,
    pub(crate) now: Instant,
    dice: Dice,
    clock: Clock,
    node: Node,
    workers: Vec<Worker>,
    actors: Vec<Option<Running>>,
    parties: Vec<Party>,
    served: Vec<Option<Served>>,
    pids: Vec<Pid>,
    timeline: Timeline<Due>,
    /// When the last thing that a user has planned is due.
    planned_until: Instant,
    /// What can be done at once.
    ready: Vec<Ready>,
    /// Who has got something, for a moment.
    woken: Vec<Who>,
    handler: Handler,
    log: Log,
    /// Watches every process from outside.
    observer: Arc<Mailbox>,
    pub(crate) watch: Watch,
    pub(crate) trace: Trace,
    pub(crate) counts: Counts,
}

/// Answers requests, each after so much time.
type Handler = Box<dyn FnMut(&mut World, &Request) -> (Response, Duration)>;

/// A virtual thread.
struct Worker {
    desk: Desk<Tap>,
    buffer: ReadBuffer,
    /// Where its processes live; none for those that live nowhere in particular.
    home: Option<Arc<Home>>,
}

/// An actor that runs.
struct Running {
    runner: ActorRunner<Observed>,
    worker: usize,
    alarm: Option<Instant>,
    /// Until when it does not look at what came for it.
    rests_until: Instant,
    is_ready: bool,
}

/// What can be done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    /// The server reads from this client, gives it a turn, or writes to it.
    Read(usize),
    Turn(usize),
    Write(usize),
    /// An actor gets its turn.
    Actor(usize),
    /// A client reads.
    Client(usize),
    /// A worker fetches what has come from the others.
    Fetch(usize),
}

/// What is due at some moment.
enum Due {
    /// Something arrives at the server, or at the client.
    Up(usize),
    Down(usize),
    /// A connection or an actor asked to be called, or is looked at again.
    Port(usize),
    Actor(usize),
    Answer(usize, Box<Response>),
    /// The client reads again, or its socket takes something again.
    Client(usize),
    Served(usize),
    /// A client does something.
    Deed(Client, Deed),
    /// Whatever a user wants.
    Call(Box<dyn FnOnce(&mut World)>),
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("now", &self.now)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl World {
    /// A world whose network, limits and policies are drawn from the seed ([`Options::from_seed`]).
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self::new(Options::from_seed(seed))
    }

    /// A world without processes and clients.
    #[must_use]
    pub fn new(options: Options) -> Self {
        // Not the clock's origin, so that nothing works by accident at zero alone.
        let now = Instant::from_millis(1_000_000);
        let mut dice = Dice::new(options.seed);
        let clock = Clock::manual(now);
        let node_options =
            NodeOptions { limits: options.relay.limits.clone(), connections_max: options.connections_max };
        let count = options.workers.clamp(1, Node::HOMES_MAX);
        let node = Node::simulated(node_options, count, dice.roll(), clock.clone());
        let log = Log::default();
        let letters = DeadLetters::default();
        let workers =
            (0..count).map(|number| Worker::new(number, options.roams, &node, &log, &letters)).collect();
        let hook = Arc::clone(&letters);
        node.on_dead_letter(move |letter| {
            hook.lock().unwrap_or_else(PoisonError::into_inner).push(letter.clone());
        });
        let shared =
            ConnectionOptions { relay: Arc::new(options.relay.clone()), upgrade: options.upgrade.clone() };
        let observer = node.open();
        let watch = Watch::new(&options, observer.pid());
        Self {
            shared: Arc::new(shared),
            now,
            dice,
            clock,
            observer,
            node,
            workers,
            actors: Vec::new(),
            parties: Vec::new(),
            served: Vec::new(),
            pids: Vec::new(),
            timeline: Timeline::new(),
            planned_until: now,
            ready: Vec::new(),
            woken: Vec::new(),
            handler: Box::new(|_, _| (Response::text(404, "not found\n"), Duration::ZERO)),
            log,
            watch,
            trace: Trace::default(),
            counts: Counts::default(),
            options,
        }
    }

    /// Writes down what happens, to be [read](Self::trace_lines) afterwards.
    pub fn record(&mut self) {
        self.trace.record();
        self.trace.name(self.observer.pid(), || "outside".to_owned());
    }

    /// What was written down.
    #[must_use]
    pub fn trace_lines(&self) -> &[String] {
        self.trace.lines()
    }

    /// A number that stands for everything that has happened, in its order.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.trace.hash()
    }

    /// Does not look at this invariant.
    pub fn leave_out(&mut self, invariant: Invariant) {
        self.watch.leave_out(invariant);
    }

    /// The node, to look at. What it is used to send goes past the watch: there are [`World::tell`], [`World::cancel`] and
    /// [`World::terminate`] for that.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// The present time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Starts an actor.
    pub fn spawn(&mut self, actor: impl Actor + 'static) -> Pid {
        let worker = self.dice.index(self.workers.len());
        let key = self.actors.len();
        let observed = Observed::new(Box::new(actor), Rc::clone(&self.log));
        let Worker { desk, home, .. } = &mut self.workers[worker];
        let runner = match home {
            Some(home) => ActorRunner::new_at(&self.node, home, observed),
            None => ActorRunner::new(&self.node, observed),
        };
        let pid = runner.pid();
        desk.carrier.install(runner.mailbox(), key);
        self.observe(pid);
        self.actors.push(Some(Running {
            runner,
            worker,
            alarm: None,
            rests_until: Instant::ZERO,
            is_ready: true,
        }));
        self.ready.push(Ready::Actor(key));
        self.trace.name(pid, || format!("process {key}"));
        self.note(|| format!("process {key} starts"));
        pid
    }

    /// Starts an actor under a name.
    ///
    /// # Errors
    ///
    /// [`NameFault`] when somebody else holds the name; the process is ended again.
    pub fn spawn_named(&mut self, name: &str, actor: impl Actor + 'static) -> Result<Pid, NameFault> {
        let pid = self.spawn(actor);
        if let Err(fault) = self.node.register(name, pid) {
            // It was started just now.
            _ = self.terminate(pid);
            return Err(fault);
        }
        Ok(pid)
    }

    /// A panic of this process is no violation, but the crash that it is for everybody else.
    pub fn may_panic(&mut self, process: Pid) {
        self.watch.may_panic(process);
    }

    /// Has `handler` answer every request from now on, at once.
    pub fn serve(&mut self, mut handler: impl FnMut(&Request) -> Response + 'static) {
        self.serve_with(move |_, request| (handler(request), Duration::ZERO));
    }

    /// The same for a handler that starts processes, or does anything else in the world, and takes its time: each
    /// answer is given so much later. Time does not pass within a handler: it may not run the world.
    pub fn serve_with(&mut self, handler: impl FnMut(&mut Self, &Request) -> (Response, Duration) + 'static) {
        self.handler = Box::new(handler);
    }

    /// The invariant that did not hold, if there is one.
    #[must_use]
    pub const fn violation(&self) -> Option<&Violation> {
        self.watch.violation.as_ref()
    }

    /// Has the world watch a process from outside.
    fn observe(&mut self, pid: Pid) {
        self.watch.knows(pid);
        // It was opened just now.
        _ = self.node.signal(&pid.into(), Signal::Monitor { watcher: self.observer.pid() });
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        self.trace.note(self.now, line);
    }

    /// What was told since this was last asked.
    fn look(&mut self) {
        self.watch.now = self.now;
        // What one of the workers has not told yet.
        self.workers[0].desk.carrier.tell_dead();
        let facts = std::mem::take(&mut *self.log.borrow_mut());
        for fact in &facts {
            self.trace.fact(self.now, fact);
            self.watch.fact(fact);
        }
        self.keep(facts);
        // What it is told was seen on its way.
        let mut told = wsrelay_host::Deliveries::new();
        self.observer.drain(&mut told, std::task::Waker::noop());
    }

    /// Gives the room of what was looked at back.
    fn keep(&self, mut facts: Vec<Fact>) {
        facts.clear();
        let mut log = self.log.borrow_mut();
        if log.is_empty() {
            *log = facts;
        }
    }
}

impl Worker {
    fn new(number: usize, roams: bool, node: &Node, log: &Log, letters: &DeadLetters) -> Self {
        let knocked = Arc::new(AtomicBool::new(false));
        let bell = Arc::clone(&knocked);
        let home = (!roams).then(|| Home::new(number, move || bell.store(true, Ordering::Relaxed)));
        let way = match &home {
            Some(home) => {
                // It sleeps whenever it has nothing to do, and so it is knocked at when something comes.
                _ = home.may_sleep();
                Way::Local(Local::new(node.clone(), Arc::clone(home)), knocked)
            }
            None => Way::Roaming(Roaming::new(node.clone())),
        };
        let tap = Tap::new(way, Rc::clone(log), Arc::clone(letters));
        Self { desk: Desk::new(Scratch::new(), tap), buffer: ReadBuffer::new(), home }
    }
}
