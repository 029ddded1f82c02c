//! The reference model of one relay: slow, obvious, and without a byte of the wire.

use super::causes::{Causes, Ended};
use crate::verdict::{Reading, Verdict};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use wsrelay_core::message::{Destination, Metadata, Ref, Topic};
use wsrelay_core::process::Pid;
use wsrelay_core::relay::RelayOptions;
use wsrelay_core::time::Instant;
use wsrelay_core::wire::{Data, Text};

/// One client's connection, as everybody around it sees it.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) client: usize,
    pub(crate) reading: Reading,
    /// Whole messages that the client has written and that were not relayed.
    pub(crate) written: VecDeque<Data>,
    pub(crate) relayed: u64,
    pub(crate) stage: Stage,
    /// Where its messages go, on which topic and with what attached.
    pub(crate) target: Option<Pid>,
    pub(crate) topic: Option<Topic>,
    pub(crate) metadata: Metadata,
    /// What each process sent and the client has not got, in the order of sending.
    pub(crate) outgoing: BTreeMap<Pid, VecDeque<Outgoing>>,
    /// How many that were so far.
    pub(crate) sends: u64,
    /// What of it the client has not got.
    pub(crate) waiting_bytes: usize,
    pub(crate) waiting: usize,
    /// Whether two processes have sent it the same at once.
    pub(crate) is_ambiguous: bool,
    /// Commands that wait for an acknowledgement, by their sender.
    pub(crate) refs: BTreeMap<Pid, Vec<Ref>>,
    /// The control commands that were sent to it.
    pub(crate) controls: Vec<Handover>,
    /// Pings of the client's that are not answered, with how much had been sent to it when they were read.
    pub(crate) pings: VecDeque<Ping>,
    pub(crate) causes: Causes,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) beat_at: Option<Instant>,
    pub(crate) leave: Option<(u16, String, bool)>,
    pub(crate) ended: Option<Ended>,
    /// The code of the close frame that the client got.
    pub(crate) closed_with: Option<u16>,
    /// Whether anything but the relay can have kept the close frame from the client: it did not read, its socket took nothing,
    /// or it was gone.
    pub(crate) was_out_of_reach: bool,
}

/// How far a relay has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its client has not joined anybody.
    Waiting,
    Joined,
    /// It has left its target for another one.
    Between,
    Left,
    Over,
}

/// A message for the client.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) what: What,
    /// Its place among all that was sent to this client.
    pub(crate) number: u64,
    /// Whether it was sent before the client had joined anybody, and may have been refused for that.
    pub(crate) is_early: bool,
    pub(crate) reference: Option<Ref>,
    /// Whether its sender was told that it is on its way.
    pub(crate) is_promised: bool,
}

/// What the client will get.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Data(Data),
    /// Nothing: it stands for the close command of the same process, before which everything goes out.
    Close(u16),
}

/// A control command.
#[derive(Clone, Debug)]
pub(crate) struct Handover {
    pub(crate) to: Option<Destination>,
    pub(crate) topic: Option<Topic>,
    pub(crate) metadata: Option<Metadata>,
}

#[derive(Clone, Debug)]
pub(crate) struct Ping {
    pub(crate) payload: Vec<u8>,
    /// How many bytes had been written to the client when the ping was read, if that is known.
    pub(crate) mark: Option<u64>,
}

impl Relay {
    pub(crate) fn new(client: usize, options: &RelayOptions, now: Instant) -> Self {
        let limits = &options.limits;
        Self {
            client,
            reading: Reading::new(limits.message_bytes_max, limits.fragments_max),
            written: VecDeque::new(),
            relayed: 0,
            stage: Stage::Waiting,
            target: None,
            topic: None,
            metadata: Metadata::default(),
            outgoing: BTreeMap::new(),
            sends: 0,
            waiting_bytes: 0,
            waiting: 0,
            is_ambiguous: false,
            refs: BTreeMap::new(),
            controls: Vec::new(),
            pings: VecDeque::new(),
            causes: Causes::new(now),
            heartbeat: None,
            beat_at: None,
            leave: None,
            ended: None,
            closed_with: None,
            was_out_of_reach: false,
        }
    }

    /// Whether its client has joined somebody, and its end has not come.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Waiting | Stage::Over) && self.ended.is_none()
    }

    /// The client has written these bytes behind its request.
    pub(crate) fn client_wrote(&mut self, now: Instant, bytes: &[u8]) {
        let is_answer = self.closed_with.is_some();
        let Self { reading, written, causes, pings, .. } = self;
        reading.push(bytes, |verdict| match verdict {
            Verdict::Message(true, text) => {
                let text = String::from_utf8(text).expect("it was checked");
                written.push_back(Data::Text(Text::copy_from_str(&text)));
            }
            Verdict::Message(false, bytes) => written.push_back(Data::Binary(bytes.into())),
            Verdict::Ping(payload) => {
                causes.idle_frame(now);
                pings.push_back(Ping { payload, mark: None });
            }
            Verdict::Idle => causes.idle_frame(now),
            // An answer to our own close frame is no reason of its own.
            Verdict::Close(_) if is_answer => causes.client_answered = true,
            Verdict::Close(close) => causes.client_close = Some(close),
            Verdict::Broken(codes) => causes.broken.extend(codes),
        });
    }

    /// Whether its messages go on this topic with this attached: as they did, or as a control command to its present
    /// target says.
    pub(crate) fn goes_on(&mut self, topic: Option<&Topic>, metadata: &Metadata) -> bool {
        let is_topic =
            |its: &Option<Topic>| topic.is_none_or(|topic| its.as_ref().is_none_or(|its| its == topic));
        if self.metadata == *metadata && is_topic(&self.topic) {
            return true;
        }
        let target = self.target;
        let update = self.controls.iter().rev().find(|control| {
            control.metadata.as_ref() == Some(metadata)
                && is_topic(&control.topic)
                && match &control.to {
                    Some(Destination::Pid(pid)) => Some(*pid) == target,
                    Some(Destination::Name(_)) | None => true,
                }
        });
        let Some(update) = update else { return false };
        self.topic = update.topic.clone().or_else(|| self.topic.take());
        self.metadata = metadata.clone();
        true
    }

    /// A process has sent something that the client will get.
    pub(crate) fn send(&mut self, from: Pid, what: What, reference: Option<Ref>) {
        let is_early = self.stage == Stage::Waiting;
        let one = Outgoing { what, number: self.sends, is_early, reference, is_promised: false };
        if one.counts() {
            self.waiting += 1;
            self.waiting_bytes += one.what.len();
        }
        self.outgoing.entry(from).or_default().push_back(one);
        self.sends += 1;
    }

    /// The client has got a message, or never will.
    pub(crate) fn settle(&mut self, one: &Outgoing) {
        if one.counts() {
            self.waiting = self.waiting.saturating_sub(1);
            self.waiting_bytes = self.waiting_bytes.saturating_sub(one.what.len());
        }
    }

    /// Whether this message may come next for the client; what stood before it and may have been dropped is
    /// forgotten.
    pub(crate) fn receive(&mut self, data: &Data, may_drop: bool) -> bool {
        let fronts = self.outgoing.iter().filter_map(|(from, lane)| {
            let mut messages = lane.iter().filter(|one| one.what.is_message());
            let next = messages.find(|one| one.what.is(data) || !one.may_be_gone(may_drop))?;
            next.what.is(data).then_some((next.number, *from))
        });
        let mut fronts: Vec<_> = fronts.collect();
        fronts.sort_unstable();
        // Of two who say the same at once, nobody can tell which it was: from then on only what comes is looked at, and not
        // in which order.
        self.is_ambiguous |= fronts.len() > 1;
        if let Some((number, from)) = fronts.first() {
            self.take_up_to(*from, *number);
            return true;
        }
        self.is_ambiguous && self.take_anywhere(data)
    }

    fn take_up_to(&mut self, from: Pid, number: u64) {
        let mut gone = Vec::new();
        if let Some(lane) = self.outgoing.get_mut(&from) {
            while lane.front().is_some_and(|one| one.number <= number) {
                gone.extend(lane.pop_front());
            }
        }
        gone.iter().for_each(|one| self.settle(one));
    }

    fn take_anywhere(&mut self, data: &Data) -> bool {
        let found = self.outgoing.iter().find_map(|(from, lane)| {
            lane.iter().position(|one| one.what.is(data)).map(|index| (*from, index))
        });
        let Some((from, index)) = found else { return false };
        if let Some(one) = self.outgoing.get_mut(&from).and_then(|lane| lane.remove(index)) {
            self.settle(&one);
        }
        true
    }
}

impl Outgoing {
    /// Whether it counts against the outbox: what is refused does not.
    const fn counts(&self) -> bool {
        self.what.is_message() && !self.is_early
    }

    /// Whether the client may never get it, although it gets what was sent after it.
    pub(crate) const fn may_be_gone(&self, may_drop: bool) -> bool {
        (may_drop && !self.is_promised) || self.is_early || !self.what.is_message()
    }
}

impl What {
    fn len(&self) -> usize {
        match self {
            Self::Data(data) => data.len(),
            Self::Close(_) => 0,
        }
    }

    pub(crate) const fn is_message(&self) -> bool {
        !matches!(self, Self::Close(_))
    }

    fn is(&self, data: &Data) -> bool {
        match self {
            Self::Data(its) => its == data,
            Self::Close(_) => false,
        }
    }
}
