//! Clients: how they come, what they say, what they have heard.

use super::client::Party;
use super::served::Served;
use super::{Client, Heard, Worker, World};
use crate::wire::{Frame, close, upgrade};
use wsrelay_core::process::Pid;
use wsrelay_host::Port;

impl World {
    /// A client connects and asks for an upgrade of `target`, such as `/chat?user=ann`.
    pub fn connect(&mut self, target: &str) -> Client {
        self.connect_with(target, "")
    }

    /// The same with further header lines, each ended by CR LF.
    pub fn connect_with(&mut self, target: &str, lines: &str) -> Client {
        let client = self.open();
        self.request(client, upgrade(target, lines).as_bytes());
        client
    }

    /// A client opens a TCP connection and sends nothing yet.
    pub fn open(&mut self) -> Client {
        let index = self.parties.len();
        let worker = self.dice.index(self.workers.len());
        let Worker { desk, home, .. } = &mut self.workers[worker];
        let port = Port::open(&self.node, home.as_ref(), None, false, &self.shared);
        desk.carrier.install(port.mailbox(), index);
        let pid = port.mailbox().pid();
        self.parties.push(Party::new(self.options.network.socket_bytes));
        self.served.push(Some(Served::new(port, worker)));
        self.pids.push(pid);
        self.watch.now = self.now;
        self.watch.opened(index, pid);
        self.observe(pid);
        self.trace.name(pid, || format!("connection {index}"));
        self.note(|| format!("client {index} connects"));
        self.turn_soon(index);
        Client(index)
    }

    /// A client sends a request, which may be answered with these statuses; none for any. If it is to be relayed, it is to
    /// this target.
    pub(crate) fn ask(&mut self, client: Client, head: &[u8], allowed: Vec<u16>, target: Option<Pid>) {
        self.parties[client.0].allowed = allowed;
        self.parties[client.0].wanted = target;
        self.request(client, head);
    }

    /// The process that a client's connection is, or was.
    #[must_use]
    pub fn pid(&self, client: Client) -> Pid {
        self.pids[client.0]
    }

    /// A client sends a close frame, and answers none afterwards.
    pub fn close(&mut self, client: Client, code: u16, reason: &str) {
        self.parties[client.0].has_closed = true;
        self.send(client, &close(code, reason));
    }

    /// A client sends a frame.
    pub fn send(&mut self, client: Client, frame: &Frame) {
        self.note(|| format!("client {} sends {frame:?}", client.0));
        self.parties[client.0].has_closed |= frame.opcode == 8;
        self.send_bytes(client, &frame.encode());
    }

    /// What a client has seen so far, in order.
    #[must_use]
    pub fn heard(&self, client: Client) -> &[Heard] {
        &self.parties[client.0].heard
    }

    /// The text messages among that.
    #[must_use]
    pub fn texts(&self, client: Client) -> Vec<String> {
        let texts = self.heard(client).iter().filter_map(|heard| match heard {
            Heard::Frame(frame) if frame.opcode == 1 => {
                Some(String::from_utf8_lossy(&frame.payload).into_owned())
            }
            Heard::Frame(_) | Heard::Reply(_) | Heard::End => None,
        });
        texts.collect()
    }
}
