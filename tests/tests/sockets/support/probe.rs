//! Processes that tell the test what they see.

use super::within;
use smol::channel::{self, Receiver, Sender};
use wsrelay_core::message::{
    Ack, ClientMessage, Control, Destination, Join, Leave, Message, Payload, Ref, Send, Topic,
};
use wsrelay_core::process::{Event, ExitReason, Pid};
use wsrelay_core::wire::{Data, Text};
use wsrelay_smol::{Context, Node, SendFault};

/// A process that hands all it gets to the test, and through which the test can act as that process.
pub(crate) struct Probe {
    pub(crate) pid: Pid,
    pub(crate) context: Context,
    events: Receiver<Event>,
    end: Sender<ExitReason>,
}

impl Probe {
    pub(crate) fn spawn(node: &Node) -> Self {
        let (sender, events) = channel::unbounded();
        let (end, ended) = channel::bounded(1);
        let mut kept = None;
        let pid = node.spawn(|context| {
            kept = Some(context.clone());
            let forward = async move {
                loop {
                    // A test that has seen enough may be gone.
                    _ = sender.send(context.next().await).await;
                }
            };
            // With the test goes the last sender, and with that the process.
            let ending = async move { ended.recv().await.unwrap_or(ExitReason::Shutdown) };
            smol::future::or(forward, ending)
        });
        Self { pid, context: kept.expect("a spawned process has its context"), events, end }
    }

    /// Ends the process for this reason.
    pub(crate) fn end(&self, reason: ExitReason) {
        self.end.try_send(reason).expect("a process that was not ended before");
    }

    pub(crate) async fn event(&self) -> Event {
        within("an event for the process", self.events.recv()).await.expect("a live process")
    }

    pub(crate) async fn message(&self) -> Message {
        let event = self.event().await;
        let Event::Message(message) = event else { panic!("a message was expected, not {event:?}") };
        message
    }

    pub(crate) async fn join(&self) -> Join {
        let message = self.message().await;
        let Payload::Join(join) = message.payload else { panic!("a join was expected, not {message:?}") };
        assert_eq!(message.topic, Topic::JOIN);
        *join
    }

    pub(crate) async fn leave(&self) -> Leave {
        let message = self.message().await;
        let Payload::Leave(leave) = message.payload else { panic!("a leave was expected, not {message:?}") };
        assert_eq!(message.topic, Topic::LEAVE);
        *leave
    }

    pub(crate) async fn client(&self) -> ClientMessage {
        let message = self.message().await;
        let Payload::Client(client) = message.payload else {
            panic!("a client's message was expected, not {message:?}")
        };
        client
    }

    /// The next message, which has to be a client's text.
    pub(crate) async fn client_text(&self) -> String {
        text_of(&self.client().await)
    }

    pub(crate) async fn ack(&self) -> Ack {
        let message = self.message().await;
        let Payload::Ack(ack) = message.payload else { panic!("an ack was expected, not {message:?}") };
        *ack
    }

    /// The next event, which has to be the end of a monitored process.
    pub(crate) async fn exit(&self) -> (Pid, ExitReason) {
        let event = self.event().await;
        let Event::Exit { from, reason } = event else { panic!("an exit was expected, not {event:?}") };
        (from, reason)
    }

    /// Monitors a connection, and returns when the connection knows.
    pub(crate) async fn watch(&self, connection: Pid) {
        self.context.monitor(connection).expect("a PID");
        // Changes nothing and is answered.
        let nothing = Control { reference: Some(Ref::from(0)), ..Control::default() };
        self.context.send(connection, Topic::CONTROL, nothing).expect("a live connection");
        assert_eq!(self.ack().await.outcome, Ok(()));
    }

    /// Nothing but what the test has seen has come so far: a mark that the process sends itself is next.
    pub(crate) async fn nothing_more(&self) {
        self.context.send(self.pid, Topic::from("mark"), "mark").expect("a live process");
        let message = self.message().await;
        assert_eq!(message.topic, Topic::from("mark"), "nothing more was expected, not {message:?}");
    }

    pub(crate) fn send_text(&self, to: impl Into<Destination>, text: &str) -> Result<(), SendFault> {
        self.context.send(to, Topic::SEND, text.to_owned())
    }

    /// Sends text with a reference, to be acknowledged.
    pub(crate) fn send_ref(&self, to: Pid, text: &str, reference: u64) -> Result<(), SendFault> {
        let data = Data::Text(Text::copy_from_str(text));
        let reference = Some(Box::new(Ref::from(reference)));
        self.context.send(to, Topic::SEND, Send { data, reference })
    }
}

pub(crate) fn text_of(client: &ClientMessage) -> String {
    String::from_utf8(client.data.as_bytes().to_vec()).expect("text")
}

/// A process that takes one message, of whatever topic, for each permit it is given.
pub(crate) struct Gated {
    pub(crate) pid: Pid,
    permits: Sender<()>,
    messages: Receiver<Message>,
}

impl Gated {
    pub(crate) fn spawn(node: &Node) -> Self {
        let (permits, permitted) = channel::unbounded::<()>();
        let (sender, messages) = channel::unbounded();
        let pid = node.spawn(|context| async move {
            while permitted.recv().await.is_ok() {
                _ = sender.send(context.receive().await).await;
            }
        });
        Self { pid, permits, messages }
    }

    /// Lets the process take one message, and returns it.
    pub(crate) async fn take(&self) -> Message {
        self.permits.try_send(()).expect("a live process");
        within("a message for the process", self.messages.recv()).await.expect("a live process")
    }

    /// Takes one message, which has to be a client's text.
    pub(crate) async fn take_text(&self) -> String {
        let message = self.take().await;
        let Payload::Client(client) = &message.payload else {
            panic!("a client's message was expected, not {message:?}")
        };
        text_of(client)
    }
}
