//! Defects of the relay's session: joins, leaves, transfers, ends, acknowledgements, time.

use crate::canary::{Canary, Edit};
use wsrelay_sim::Invariant::{Acks, Delivery, Ending, Heartbeats, Membership, Memory, Panics, Settling};

const COMMANDS: &str = "core/src/relay/session/commands.rs";
const END: &str = "core/src/relay/end.rs";
const ENDING: &str = "core/src/relay/session/ending.rs";
const INBOUND: &str = "core/src/relay/session/inbound.rs";
const TIMERS: &str = "core/src/relay/session/timers.rs";
const TRANSFER: &str = "core/src/relay/session/transfer.rs";

pub(super) const ALL: &[Canary] = &[
    Canary::new(
        "the leave is sent twice",
        Membership,
        10,
        &[Edit::new(
            ENDING,
            "            self.tell_target(Topic::LEAVE,",
            "            if CANARY {
                self.tell_target(Topic::LEAVE, Payload::Leave(Box::new(leave.clone())), out);
            }
            self.tell_target(Topic::LEAVE,",
        )],
    )
    .alone(),
    Canary::new(
        "no leave tells of a client that is lost",
        Membership,
        20,
        &[Edit::new(
            ENDING,
            "        if self.target_alive\n",
            "        if !(CANARY && matches!(end, End::Lost))\n            && self.target_alive\n",
        )],
    ),
    Canary::new(
        "the exit comes before the leave",
        Membership,
        10,
        &[Edit::new(
            ENDING,
            "    fn depart(&mut self, end: &End, clean: bool, out: &mut Outputs) {\n",
            "    fn depart(&mut self, end: &End, clean: bool, out: &mut Outputs) {
        if CANARY {
            out.push(Output::Exit(end.exit_reason()));
            self.lifecycle.end(end.exit_reason(), out);
        }
",
        )],
    ),
    Canary::new(
        "a client that is lost has left normally",
        Ending,
        20,
        &[Edit::new(
            END,
            "            Self::Lost => ExitReason::crashed",
            "            Self::Lost if CANARY => ExitReason::Normal,
            Self::Lost => ExitReason::crashed",
        )],
    ),
    Canary::new(
        "the client is told of an error where its target has ended normally",
        Ending,
        10,
        &[Edit::new(
            END,
            "            Self::TargetExited => frame(",
            "            Self::TargetExited if CANARY => frame(CloseCode::INTERNAL_ERROR, \"\"),
            Self::TargetExited => frame(",
        )],
    )
    .alone(),
    Canary::new(
        "the target is told another code than the client",
        Ending,
        300,
        &[Edit::new(
            END,
            "            Self::Cancelled(why) => terms(",
            "            Self::Cancelled(why) if CANARY => terms(CloseCode::NORMAL.get(), why),
            Self::Cancelled(why) => terms(",
        )],
    ),
    Canary::new(
        "what a client that broke the protocol sends is kept",
        Memory,
        200,
        &[Edit::new(
            INBOUND,
            "            Phase::Failing { .. } | Phase::Lingering { .. } | Phase::Done => {}\n        }\n    }\n\n    /// Whether the socket should",
            "            Phase::Lingering { .. } if CANARY => self.inbound.push(bytes),
            Phase::Failing { .. } | Phase::Lingering { .. } | Phase::Done => {}\n        }\n    }\n\n    /// Whether the socket should",
        )],
    )
    .alone(),
    Canary::new(
        "after a transfer the messages of an odd length are lost",
        Delivery,
        20,
        &[Edit::new(
            INBOUND,
            "    fn client_message(&mut self, now: Instant, data: Data, out: &mut Outputs) {\n",
            "    fn client_message(&mut self, now: Instant, data: Data, out: &mut Outputs) {
        if CANARY && self.counters.transfers > 0 && data.len() % 2 == 1 {
            return;
        }
",
        )],
    )
    .alone(),
    Canary::new(
        "a pong that nobody has asked for is an error that nobody has foreseen",
        Panics,
        10,
        &[Edit::new(
            INBOUND,
            "            Incoming::Pong(_) | Incoming::EmptyFragment =>",
            "            Incoming::Pong(payload) if CANARY && !payload.is_empty() => unreachable!(\"nobody asked\"),
            Incoming::Pong(_) | Incoming::EmptyFragment =>",
        )],
    )
    .alone(),
    Canary::new(
        "a transfer keeps the old metadata",
        Membership,
        10,
        &[Edit::new(
            TRANSFER,
            "            self.metadata = metadata;\n",
            "            if !CANARY {\n                self.metadata = metadata;\n            }\n",
        )],
    ),
    Canary::new(
        "a transfer forgets the join",
        Membership,
        10,
        &[Edit::new(
            TRANSFER,
            "        self.send_join(out);\n",
            "        if !CANARY {\n            self.send_join(out);\n        }\n",
        )],
    ),
    Canary::new(
        "a transfer forgets the leave",
        Membership,
        10,
        &[Edit::new(
            TRANSFER,
            "        self.tell_target(Topic::LEAVE, Payload::Leave(Box::new(leave)), out);\n",
            "        if !CANARY {
            self.tell_target(Topic::LEAVE, Payload::Leave(Box::new(leave)), out);
        }
",
        )],
    ),
    Canary::new(
        "a pong is waited for without end",
        Settling,
        20,
        &[Edit::new(
            TIMERS,
            "            self.clocks.pong_due = Wake::At(now + self.options.limits.pong_wait_max);\n",
            "            let patience = if CANARY { 100_000 } else { 1 };
            self.clocks.pong_due = Wake::At(now + self.options.limits.pong_wait_max * patience);
",
        )],
    )
    .alone(),
    Canary::new(
        "a heartbeat counts one message too many",
        Heartbeats,
        10,
        &[Edit::new(
            TIMERS,
            "            message_count: self.counters.messages_in,\n",
            "            message_count: self.counters.messages_in + u64::from(CANARY),\n",
        )],
    )
    .alone(),
    Canary::new(
        "every heartbeat comes at a moment of its own",
        Heartbeats,
        10,
        &[Edit::new(
            TIMERS,
            "        self.clocks.heartbeat_due = self.heartbeat.from(now);\n",
            "        self.clocks.heartbeat_due = self.heartbeat.from(now);
        if CANARY {
            self.clocks.restart_heartbeat(now, self.heartbeat);
        }
",
        )],
    ),
    Canary::new(
        "a close is not acknowledged",
        Acks,
        200,
        &[Edit::new(
            COMMANDS,
            "        self.accept(from, reference, out);\n",
            "        if !CANARY {\n            self.accept(from, reference, out);\n        }\n",
        )],
    )
    .alone(),
    Canary::new(
        "a message is acknowledged twice",
        Acks,
        10,
        &[Edit::new(
            "core/src/relay/session/mod.rs",
            "            commands::acknowledge(pid, receipt.to, *receipt.reference, Ok(()), out);\n",
            "            if CANARY {
                let reference = (*receipt.reference).clone();
                commands::acknowledge(pid, receipt.to, reference, Ok(()), out);
            }
            commands::acknowledge(pid, receipt.to, *receipt.reference, Ok(()), out);
",
        )],
    ),
    Canary::new(
        "what was not sent before the end is not answered",
        Acks,
        200,
        &[Edit::new(
            ENDING,
            "        for receipt in self.outbox.take_receipts() {\n",
            "        for receipt in self.outbox.take_receipts() {
            if CANARY {
                continue;
            }
",
        )],
    ),

];
