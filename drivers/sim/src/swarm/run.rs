//! Runs a plan.

use super::puppet::{ACT, Cast, Puppet, Strings};
use super::{Act, Deed, Door, Outcome, Plan, Step};
use crate::count::Fault;
use crate::watch::{Invariant, Violation};
use crate::wire::upgrade;
use crate::world::{Client, World};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;
use wsrelay_core::message::Payload;
use wsrelay_core::process::Pid;
use wsrelay_core::relay::RelayConfig;
use wsrelay_core::upgrade::{RELAY_HEADER, Request, Response};
use wsrelay_host::panic_text;

/// A random world while it runs.
struct Stage {
    world: World,
    cast: Rc<Cast>,
    /// By the numbers of the plan.
    strings: BTreeMap<usize, Strings>,
    clients: BTreeMap<usize, Client>,
}

impl Plan {
    /// Runs it once. `record` has what happens written down; `without` are the invariants that are not looked at.
    #[must_use]
    pub fn run(&self, record: bool, without: &[Invariant]) -> Outcome {
        let mut stage = Stage::new(self, record, without);
        let result = catch_unwind(AssertUnwindSafe(|| stage.play(self)));
        if let Err(panic) = result {
            stage.world.watch.fail(Invariant::Panics, panic_text(&*panic));
        }
        let Stage { mut world, .. } = stage;
        let outcome = Outcome {
            counts: world.counts(),
            hash: world.hash(),
            violation: world.watch.violation.take(),
            trace: world.trace_lines().to_vec(),
        };
        // What a panic has left half done is not looked at again.
        _ = catch_unwind(AssertUnwindSafe(|| drop(world)));
        outcome
    }

    /// Runs it twice, the same way.
    ///
    /// # Errors
    ///
    /// The first invariant that did not hold, or what differed.
    pub fn check(&self) -> Result<Outcome, Violation> {
        let (first, second) = (self.run(false, &[]), self.run(false, &[]));
        if first.hash != second.hash {
            let what = format!("the same plan went {:016x} and then {:016x}", first.hash, second.hash);
            return Err(Violation { invariant: Invariant::Determinism, what });
        }
        match first.violation {
            Some(violation) => Err(violation),
            None => Ok(first),
        }
    }
}

impl Stage {
    fn new(plan: &Plan, record: bool, without: &[Invariant]) -> Self {
        let mut world = World::new(plan.options());
        if record {
            world.record();
        }
        without.iter().for_each(|invariant| world.leave_out(*invariant));
        let cast = Rc::new(Cast::default());
        let doors = Rc::clone(&cast);
        world.serve_with(move |_, request| answer(request, &doors));
        Self { world, cast, strings: BTreeMap::new(), clients: BTreeMap::new() }
    }

    fn play(&mut self, plan: &Plan) {
        let start = self.world.now();
        for (at, step) in &plan.steps {
            self.world.run_until(start + Duration::from_millis(*at));
            if self.world.violation().is_some() {
                return;
            }
            self.step(step);
        }
        // What it finds is found in the world.
        _ = self.world.finish();
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Spawn(process, habit) => {
                let strings = Strings::default();
                let puppet = Puppet::new(process, habit, Rc::clone(&strings), Rc::clone(&self.cast));
                let pid = self.world.spawn(puppet);
                self.world.may_panic(pid);
                self.cast.processes.borrow_mut().insert(process, pid);
                self.strings.insert(process, strings);
                if habit == super::Habit::EndsAtOnce {
                    self.world.counts.fault(Fault::ExitAtOnce);
                }
            }
            Step::Connect(client, process, door) => self.connect(client, process, door),
            Step::Client(client, deed) => {
                if let Some(client) = self.clients.get(&client) {
                    self.world.perform(*client, deed);
                }
            }
            Step::Writes(client, ref bytes) => {
                if let Some(client) = self.clients.get(&client) {
                    self.world.send_bytes(*client, bytes);
                }
            }
            Step::Process(process, act) => self.act(process, act),
            Step::Rest(process, millis) => {
                if let Some(pid) = self.cast.process(process) {
                    self.world.rest(pid, Duration::from_millis(millis));
                }
            }
            Step::Stall(client, millis) => {
                if let Some(client) = self.clients.get(&client) {
                    self.world.stall(*client, Duration::from_millis(millis));
                }
            }
            Step::Drain(millis) => {
                self.world.drain(Duration::from_millis(millis));
            }
            Step::Jump(millis) => {
                self.world.jump(Duration::from_millis(millis));
            }
        }
    }

    fn connect(&mut self, number: usize, process: usize, door: Door) {
        let client = self.world.open();
        self.clients.insert(number, client);
        self.cast.connections.borrow_mut().insert(number, self.world.pid(client));
        let (name, amount) = match door {
            Door::Beating(seconds) => ("beating", seconds),
            Door::Late(millis) => ("late", millis),
            Door::ByName => ("name", 0),
            Door::Unwelcome => ("unwelcome", 0),
            Door::Misnamed => ("misnamed", 0),
            Door::Doubled => ("doubled", 0),
            Door::Nowhere => ("nowhere", 0),
            Door::Open | Door::Early(_) | Door::Plain | Door::Wrong(_) | Door::Slowly => ("open", 0),
        };
        let target = format!("/{name}/{amount}/{process}/{number}");
        let offer = OFFERS[number % OFFERS.len()];
        let (head, allowed, fault) = match door {
            Door::Open | Door::Beating(_) | Door::Early(_) | Door::ByName => {
                (upgrade(&target, offer), vec![101], None)
            }
            Door::Late(_) => (upgrade(&target, offer), vec![101], Some(Fault::LateHandler)),
            Door::Unwelcome => (upgrade(&target, ""), vec![401], None),
            Door::Misnamed | Door::Doubled => (upgrade(&target, ""), vec![500], Some(Fault::BadHandler)),
            Door::Nowhere => (upgrade(&target, ""), vec![503], Some(Fault::BadHandler)),
            Door::Plain => (
                format!("GET {target} HTTP/1.1\r\nHost: example.com\r\n\r\n"),
                vec![426],
                Some(Fault::BadHandler),
            ),
            Door::Wrong(head) => {
                let (head, allowed) = head.bytes(&target);
                (head, allowed, Some(Fault::Smuggling))
            }
            Door::Slowly => ("GET / HTTP/1.1\r\nX-Slow: ".to_owned(), vec![408], Some(Fault::Slowloris)),
        };
        if let Some(fault) = fault {
            self.world.counts.fault(fault);
        }
        let wanted = if door == Door::ByName { None } else { self.cast.process(process) };
        self.world.ask(client, head.as_bytes(), allowed, wanted);
        if let Door::Early(count) = door {
            for _ in 0..count {
                self.world.perform(client, Deed::Says(12));
            }
        }
    }

    fn act(&mut self, process: usize, act: Act) {
        let fault = match act {
            Act::Floods(..) => Some(Fault::ProcessFlood),
            Act::HandsOver(..) => Some(Fault::Transfer),
            Act::SendsNonsense(..) => Some(Fault::BadCommand),
            Act::Monitors(_) => Some(Fault::Monitor),
            Act::LinksTo(_) => Some(Fault::Link),
            Act::Cancels(_) | Act::Terminates(_) => Some(Fault::Kill),
            Act::Exits(true) => Some(Fault::Exit),
            Act::Exits(false) | Act::Panics => Some(Fault::Crash),
            Act::Sends(..)
            | Act::SendsBinary(..)
            | Act::Tells(_)
            | Act::Writes(_)
            | Act::Closes(..)
            | Act::Demonitors(_)
            | Act::UnlinksFrom(_)
            | Act::TrapsLinks(_)
            | Act::Registers => None,
        };
        let Some(pid) = self.cast.process(process) else { return };
        self.strings[&process].borrow_mut().push_back(act);
        // A mailbox without room: it is done with the next one.
        if self.world.node().send(pid, ACT, Payload::Empty).is_ok()
            && let Some(fault) = fault
        {
            self.world.counts.fault(fault);
        }
    }
}

/// What clients offer, by their numbers.
const OFFERS: [&str; 6] = [
    "",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; server_max_window_bits=9\r\n",
    "Sec-WebSocket-Extensions: foo, permessage-deflate; bar, permessage-deflate; client_no_context_takeover\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=16\r\n",
];

/// The handler of a random world: the path says what it does.
fn answer(request: &Request, cast: &Cast) -> (Response, Duration) {
    let mut parts = request.path().split('/').skip(1);
    let name = parts.next().unwrap_or_default().to_owned();
    let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    let (amount, process, client): (u64, u64, u64) = (number(), number(), number());
    let index = usize::try_from(process).unwrap_or(0);
    let Some(pid) = cast.process(index) else { return (Response::text(503, "nobody"), Duration::ZERO) };
    let metadata = serde_json::Map::from_iter([("client".to_owned(), client.into())]);
    let config = RelayConfig::to(pid).metadata(metadata);
    let header = config.to_header();
    let response = match &*name {
        "beating" => config.heartbeat(Duration::from_secs(amount)).into(),
        "late" => return (config.into(), Duration::from_millis(amount)),
        "name" => RelayConfig::to(&*format!("p{index}")).into(),
        "unwelcome" => Response::text(401, "who are you").header(RELAY_HEADER, header),
        "misnamed" => Response::new(200).header(RELAY_HEADER, format!("{{{}", crate::SECRET)),
        "doubled" => Response::new(200).header(RELAY_HEADER, header.clone()).header("x-ws-relay", header),
        "nowhere" => RelayConfig::to(nobody(pid)).into(),
        _ => config.into(),
    };
    (response, Duration::ZERO)
}

/// A process that there never was.
fn nobody(pid: Pid) -> Pid {
    let serial = std::num::NonZeroU64::new(pid.serial().get() | 1 << 62).unwrap_or(pid.serial());
    Pid::new(pid.node(), serial)
}
