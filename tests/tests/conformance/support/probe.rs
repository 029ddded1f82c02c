//! The processes of a scenario: pure actors that tell what they see and do as they are told.

use super::names::Names;
use super::scenario::Act;
use std::sync::mpsc::{self, Receiver, Sender};
use wsrelay_core::message::{Control, Message, Payload, Ref, Topic};
use wsrelay_core::process::{Actor, Context, Event, Pid};

/// What a probe is told to do.
pub(crate) enum Order {
    Do(Box<dyn FnOnce(&mut Context<'_>) + Send>),
    /// From now on, send every client's messages back.
    Echo,
    /// Tell that everything before was told.
    Mark,
}

/// What a probe tells.
#[derive(Debug)]
pub(crate) enum Report {
    Event(Event),
    Mark,
}

/// An actor that tells of every event, monitors whoever joins it, and obeys.
pub(crate) struct Probe {
    orders: Receiver<Order>,
    reports: Sender<Report>,
    /// Connections that have joined, and may not know yet that they are monitored.
    unaware: Vec<Pid>,
    /// What is told only afterwards.
    held: Vec<Report>,
    echoes: bool,
}

/// The test's end of a probe.
pub(crate) struct Handle {
    pub(crate) orders: Sender<Order>,
    pub(crate) reports: Receiver<Report>,
}

/// The topic of the message, from nobody, that has a probe look for its next order.
pub(crate) const ORDER: Topic = Topic::from_static("order");
/// The `ref` of the command by which a probe learns that a connection knows of its monitor.
const MONITORED: &str = "monitored";

impl Probe {
    pub(crate) fn new() -> (Self, Handle) {
        let (order, orders) = mpsc::channel();
        let (report, reports) = mpsc::channel();
        let probe = Self { orders, reports: report, unaware: Vec::new(), held: Vec::new(), echoes: false };
        (probe, Handle { orders: order, reports })
    }

    fn report(&mut self, report: Report) {
        self.held.push(report);
        self.flush();
    }

    fn flush(&mut self) {
        if self.unaware.is_empty() {
            for report in self.held.drain(..) {
                // A test that has seen enough may be gone.
                _ = self.reports.send(report);
            }
        }
    }

    /// Whoever sees the join may have the client leave at once: so it is told of when the connection knows of
    /// the monitor, for between client and process there is no order.
    fn monitor(&mut self, connection: Pid, context: &mut Context<'_>) {
        let reference = Some(Ref::Text(MONITORED.into()));
        context.monitor(connection);
        context.send(connection, Topic::CONTROL, Control { reference, ..Control::default() });
        self.unaware.push(connection);
    }

    fn obey(&mut self, context: &mut Context<'_>) {
        match self.orders.try_recv() {
            Ok(Order::Do(deed)) => deed(context),
            Ok(Order::Echo) => self.echoes = true,
            Ok(Order::Mark) => self.report(Report::Mark),
            Err(_) => {}
        }
    }
}

impl Actor for Probe {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        match &event {
            Event::Started => return,
            Event::Message(Message { from: None, topic, .. }) if *topic == ORDER => {
                return self.obey(context);
            }
            Event::Message(Message { from: Some(from), payload: Payload::Ack(ack), .. })
                if ack.reference == Ref::Text(MONITORED.into()) =>
            {
                self.unaware.retain(|connection| connection != from);
                return self.flush();
            }
            Event::Message(Message { payload: Payload::Join(join), .. }) => self.monitor(join.pid, context),
            Event::Message(Message { payload: Payload::Client(client), .. }) if self.echoes => {
                context.send(client.pid, Topic::SEND, client.data.clone());
            }
            Event::Exit { from, .. } => self.unaware.retain(|connection| connection != from),
            Event::Message(_) | Event::LinkDown { .. } | Event::Cancel { .. } | Event::Tick => {}
        }
        self.report(Report::Event(event));
    }
}

impl Act {
    /// The act as an order, with PIDs in the places of names.
    pub(crate) fn order(&self, names: &Names) -> Order {
        match self.clone() {
            Self::Sends(to, topic, payload) => {
                let (to, payload) = (names.destination(&to), names.fill_payload(&payload));
                order(move |context| context.send(to, Topic::from(topic), payload))
            }
            Self::Monitors(who) => {
                let pid = names.pid(who);
                order(move |context| context.monitor(pid))
            }
            Self::Demonitors(who) => {
                let pid = names.pid(who);
                order(move |context| context.demonitor(pid))
            }
            Self::Links(who) => {
                let pid = names.pid(who);
                order(move |context| context.link(pid))
            }
            Self::Unlinks(who) => {
                let pid = names.pid(who);
                order(move |context| context.unlink(pid))
            }
            Self::TrapsLinks => order(|context| context.trap_links(true)),
            Self::Registers(name) => order(move |context| context.register(name)),
            Self::Unregisters(name) => order(move |context| context.unregister(name)),
            Self::Cancels(to, reason) => {
                let to = names.destination(&to);
                order(move |context| context.cancel(to, reason))
            }
            Self::Terminates(to) => {
                let to = names.destination(&to);
                order(move |context| context.terminate(to))
            }
            Self::Echoes => Order::Echo,
            Self::Exits(reason) => order(move |context| context.exit(reason)),
            Self::Panics => order(|_| panic!("as it was told")),
        }
    }
}

fn order(deed: impl FnOnce(&mut Context<'_>) + Send + 'static) -> Order {
    Order::Do(Box::new(deed))
}
