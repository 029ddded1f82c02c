//! The same world over real sockets, on any driver.

use super::names::Names;
use super::play::World;
use super::probe::{Handle, ORDER, Order, Probe, Report};
use super::saw::Saw;
use super::scenario::{NodeAct, Who};
use super::setup::{DRAIN, Setup};
use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::message::{Payload, Topic};
use wsrelay_core::process::{Actor, Pid};
use wsrelay_core::upgrade::{Request, Response};
use wsrelay_host::{Node, NodeOptions, SendFault};
use wsrelay_tests::{ClientReader, ping, pong};

/// What a driver has to offer to be played on.
pub(crate) trait Driver: Sized {
    /// A node, and a server on it that listens on a port of the system's choice. Dropping it ends both.
    fn start(
        node: NodeOptions,
        options: ConnectionOptions,
        handler: impl Fn(Request) -> Response + Send + Sync + 'static,
    ) -> Self;

    /// Where the server listens.
    fn address(&self) -> SocketAddr;

    /// The node behind the driver's own.
    fn node(&self) -> &Node;

    /// Starts a pure actor as a process.
    fn spawn(&self, actor: impl Actor + Send + 'static) -> Pid;

    /// Starts a process of the driver's own kind that waits for ever, and never takes a message.
    fn spawn_stuck(&self) -> Pid;
}

/// The longest wait for anything. Only a failing test gets there.
const PATIENCE: Duration = Duration::from_secs(30);

/// The world of one scenario.
pub(crate) struct Sockets<D> {
    driver: D,
    names: Names,
    handles: BTreeMap<Who, Handle>,
    asked: Receiver<Saw>,
    client: Option<Client>,
}

impl<D: Driver> World for Sockets<D> {
    fn start(setup: &Setup) -> Self {
        let limits = setup.relay.limits.clone();
        let options = NodeOptions { limits, connections_max: setup.places };
        let (sender, asked) = mpsc::channel();
        // Known when there are processes; no client asks before.
        let known = Arc::new(OnceLock::<(Names, Node)>::new());
        let (answers, later) = (setup.handler(), Arc::clone(&known));
        let handler = move |request: Request| {
            _ = sender.send(Saw::asked(&request));
            let (names, node) = later.get().expect("a client that comes after the processes");
            answers.answer(names, || node.drain(DRAIN))
        };
        let driver = D::start(options, setup.connection_options(), handler);
        let mut names = Names::default();
        names.add(Who::Stuck, driver.spawn_stuck());
        let mut handles = BTreeMap::new();
        for who in Who::PROCESSES {
            let (probe, handle) = Probe::new();
            names.add(who, driver.spawn(probe));
            handles.insert(who, handle);
        }
        _ = known.set((names.clone(), driver.node().clone()));
        Self { driver, names, handles, asked, client: None }
    }

    fn names(&self) -> &Names {
        &self.names
    }

    fn connect(&mut self) {
        self.client = Some(Client::connect(self.driver.address()));
    }

    fn write(&mut self, bytes: &[u8]) {
        self.client().stream.write_all(bytes).expect("an open socket");
    }

    fn finish(&mut self) {
        let client = self.client();
        client.finished = true;
        client.stream.shutdown(Shutdown::Write).expect("an open socket");
    }

    /// It never reads before it is to see something.
    fn stop_reading(&mut self) {}

    fn order(&mut self, who: Who, order: Order) {
        self.handles[&who].orders.send(order).expect("a live process");
        // Where mailboxes are tiny, what the process has just handled may not have made room yet.
        while self.driver.node().send(self.names.pid(who), ORDER, Payload::Empty) == Err(SendFault::Full) {
            thread::yield_now();
        }
    }

    fn node(&mut self, act: &NodeAct) {
        let node = self.driver.node();
        let done = match act {
            NodeAct::Sends(to, topic, payload) => {
                let payload = self.names.fill_payload(payload);
                node.send(self.names.destination(to), Topic::from(*topic), payload)
            }
            NodeAct::Cancels(to, reason) => node.cancel(self.names.destination(to), reason),
            NodeAct::Terminates(to) => node.terminate(self.names.destination(to)),
            NodeAct::Registers(name, who) => {
                node.register(*name, self.names.pid(*who)).expect("a free name and a live process");
                Ok(())
            }
            NodeAct::Drains(window) => {
                node.drain(*window);
                Ok(())
            }
        };
        done.expect("a live process");
    }

    /// Time passes by itself while somebody waits.
    fn pass(&mut self, _: Duration) {}

    fn next(&mut self, who: Who) -> Option<Saw> {
        match who {
            Who::Client => self.client().next(),
            Who::Handler => self.asked.recv_timeout(PATIENCE).ok(),
            Who::Target | Who::Other | Who::Watcher => {
                // A process that has ended tells nothing more, and its channel says so.
                match self.handles[&who].reports.recv_timeout(PATIENCE) {
                    Ok(Report::Event(event)) => Some(self.names.saw(event)),
                    Ok(Report::Mark) | Err(_) => None,
                }
            }
            Who::Stuck => None,
        }
    }

    fn rest(&mut self, who: Who) -> Vec<Saw> {
        match who {
            Who::Client => self.client.as_mut().map(Client::rest).unwrap_or_default(),
            Who::Handler => self.asked.try_iter().collect(),
            Who::Target | Who::Other | Who::Watcher => {
                if self.driver.node().is_alive(self.names.pid(who)) {
                    // It may end meanwhile.
                    _ = self.handles[&who].orders.send(Order::Mark);
                    _ = self.driver.node().send(self.names.pid(who), ORDER, Payload::Empty);
                }
                std::iter::from_fn(|| self.next(who)).collect()
            }
            Who::Stuck => Vec::new(),
        }
    }
}

impl<D> Sockets<D> {
    fn client(&mut self) -> &mut Client {
        self.client.as_mut().expect("a client")
    }
}

/// A client: a blocking socket and a naive reader.
struct Client {
    stream: TcpStream,
    reader: ClientReader,
    seen: VecDeque<Saw>,
    upgraded: bool,
    finished: bool,
    ended: bool,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a server");
        stream.set_nodelay(true).expect("an open socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
        Self {
            stream,
            reader: ClientReader::default(),
            seen: VecDeque::new(),
            upgraded: false,
            finished: false,
            ended: false,
        }
    }

    fn next(&mut self) -> Option<Saw> {
        let mut buffer = vec![0; 64 * 1024];
        while self.seen.is_empty() && !self.ended {
            match self.stream.read(&mut buffer) {
                Ok(len @ 1..) => {
                    let mut seen = Vec::new();
                    self.reader.read(&buffer[..len], &mut seen);
                    self.seen.extend(seen.into_iter().map(Saw::by_client));
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return None;
                }
                // A socket that is cut while something of the client's is unread is reset.
                Ok(_) | Err(_) => {
                    self.ended = true;
                    self.seen.push_back(Saw::end(self.reader.is_whole()));
                }
            }
        }
        let next = self.seen.pop_front();
        self.upgraded |= matches!(&next, Some(Saw::Reply(reply)) if reply.status == 101);
        next
    }

    /// What comes before the answer to a ping, or before the end of a stream that is ending.
    fn rest(&mut self) -> Vec<Saw> {
        const MARK: &[u8] = b"mark";
        if self.upgraded && !self.finished && !self.ended {
            // The server may have gone on its own.
            _ = self.stream.write_all(&ping(MARK).encode());
        } else if !self.ended && !self.finished {
            // Between two requests nothing comes by itself.
            return self.seen.drain(..).collect();
        }
        let is_mark = |saw: &Saw| matches!(saw, Saw::Frame(frame) if *frame == pong(MARK));
        std::iter::from_fn(|| self.next()).take_while(|saw| !is_mark(saw)).collect()
    }
}
