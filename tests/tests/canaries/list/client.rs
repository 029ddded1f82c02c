//! Defects in what the client gets: frames, responses, and their order.

use crate::canary::{Canary, Edit};
use wsrelay_sim::Invariant::{Bounds, Ending, Handshake, Pongs, Secrecy, Sending, Settling, Wire};

const DECODE: &str = "core/src/wire/decode.rs";
const HANDSHAKE: &str = "core/src/upgrade/handshake.rs";
const OUTBOX: &str = "core/src/relay/outbox.rs";
const INBOUND: &str = "core/src/relay/session/inbound.rs";
const READER: &str = "core/src/upgrade/reader.rs";

pub(super) const ALL: &[Canary] = &[
    Canary::new(
        "no ping is ever answered",
        Pongs,
        10,
        &[Edit::new(
            OUTBOX,
            "        self.pong = Some(Box::new(payload));\n",
            "        if !CANARY {\n            self.pong = Some(Box::new(payload));\n        }\n",
        )],
    ),
    Canary::new(
        "no close frame is ever sent",
        Ending,
        20,
        &[Edit::new(
            OUTBOX,
            "                self.emit(now, Opcode::Close, &payload, out);\n",
            "                if !CANARY {\n                    self.emit(now, Opcode::Close, &payload, out);\n                }\n",
        )],
    ),
    Canary::new(
        "where messages may be dropped, one in three is, though there is room",
        Sending,
        50,
        &[Edit::new(
            OUTBOX,
            "        while self.is_over(len, limits) {\n",
            "        if CANARY && policy != Overflow::Close && receipt.is_none() && len % 3 == 0 {
            return Ok(());
        }
        while self.is_over(len, limits) {
",
        )],
    ),
    Canary::new(
        "the close frame overtakes the messages before it",
        Sending,
        200,
        &[Edit::new(
            OUTBOX,
            "            } else if let Some(Queued { data, receipt }) = self.queue.pop_front() {\n",
            "            } else if !(CANARY && matches!(self.close, CloseState::Wanted(_)))
                && let Some(Queued { data, receipt }) = self.queue.pop_front()
            {
",
        )],
    ),
    Canary::new(
        "a pong waits for the messages before it",
        Pongs,
        50,
        &[Edit::new(
            OUTBOX,
            "            if let Some(payload) = self.pong.take() {\n",
            "            if let Some(payload) = self.pong.take_if(|_| !(CANARY && !self.queue.is_empty())) {\n",
        )],
    )
    .alone(),
    Canary::new(
        "a pong has half of its ping's payload",
        Pongs,
        10,
        &[Edit::new(
            OUTBOX,
            "        self.pong = Some(Box::new(payload));\n",
            "        let payload = if CANARY { payload.slice(payload.len() / 2..) } else { payload };
        self.pong = Some(Box::new(payload));
",
        )],
    ),
    Canary::new(
        "a pong follows the close frame",
        Wire,
        100,
        &[Edit::new(
            OUTBOX,
            "        if matches!(self.close, CloseState::Emitted(_)) {\n",
            "        if matches!(self.close, CloseState::Emitted(_)) {
            if CANARY && let Some(payload) = self.pong.take() {
                self.emit(now, Opcode::Pong, &payload, out);
            }
",
        )],
    )
    .alone(),
    Canary::new(
        "control frames say that they are masked",
        Wire,
        10,
        &[Edit::new(
            OUTBOX,
            "        let header = FrameHeader { fin: true, rsv1, opcode, mask: None, len: payload.len() as u64 }.encode();\n",
            "        let mask = CANARY.then_some([0; 4]);
        let header = FrameHeader { fin: true, rsv1, opcode, mask, len: payload.len() as u64 }.encode();
",
        )],
    ),
    Canary::new(
        "the outbox counts bytes and no messages",
        Bounds,
        50,
        &[Edit::new(
            OUTBOX,
            "        self.queue.len() >= limits.outbox_messages_max\n",
            "        (!CANARY && self.queue.len() >= limits.outbox_messages_max)\n",
        )],
    )
    .alone(),
    Canary::new(
        "the fourth message in the outbox is lost",
        Sending,
        20,
        &[Edit::new(
            OUTBOX,
            "        self.queue.push_back(Queued { data, receipt });\n",
            "        if CANARY && self.queue.len() == 3 && receipt.is_none() {
            self.queue_bytes -= len;
            return Ok(());
        }
        self.queue.push_back(Queued { data, receipt });
",
        )],
    )
    .alone(),
    Canary::new(
        "a message from the queue is sent twice",
        Sending,
        10,
        &[Edit::new(
            OUTBOX,
            "                self.emit_data(now, data, limits, out);\n",
            "                if CANARY {
                    self.emit_data(now, data.clone(), limits, out);
                }
                self.emit_data(now, data, limits, out);
",
        )],
    ),
    Canary::new(
        "a full outbox drops messages although it is to close the connection",
        Sending,
        50,
        &[Edit::new(
            OUTBOX,
            "                Overflow::Close => return",
            "                Overflow::Close if CANARY => return Err(Rejected::Dropped(receipt)),
                Overflow::Close => return",
        )],
    ),
    Canary::new(
        "the relay header is sent along with a refusal",
        Secrecy,
        10,
        &[
            Edit::new(
                "core/src/connection/http/handshake.rs",
                "        let values = response.headers.remove(RELAY_HEADER);\n",
                "        let values = if CANARY {
            response.headers.get_all(RELAY_HEADER).cloned().collect()
        } else {
            response.headers.remove(RELAY_HEADER)
        };
",
            ),
            Edit::new(
                "core/src/upgrade/respond.rs",
                "\"Content-Length\")\n            || name.eq_ignore_ascii_case(RELAY_HEADER);\n",
                "\"Content-Length\")\n            || (!CANARY && name.eq_ignore_ascii_case(RELAY_HEADER));\n",
            ),
        ],
    )
    .alone(),
    Canary::new(
        "the client reads why its target has failed",
        Secrecy,
        20,
        &[Edit::new(
            "core/src/relay/session/mod.rs",
            "                self.target_alive = false;\n",
            "                if CANARY && matches!(reason, ExitReason::Crashed(_)) {
                    let reason = crate::wire::CloseReason::new(&alloc::format!(\"{reason}\"));
                    let code = crate::wire::CloseCode::INTERNAL_ERROR;
                    self.end(now, End::Commanded(crate::wire::CloseFrame { code, reason }), out);
                }
                self.target_alive = false;
",
        )],
    ),
    Canary::new(
        "the accept key is that of another key",
        Handshake,
        10,
        &[Edit::new(
            HANDSHAKE,
            "accept: accept_key(key),",
            "accept: accept_key(if CANARY { \"\" } else { key }),",
        )],
    )
    .alone(),
    Canary::new(
        "every origin is welcome",
        Handshake,
        50,
        &[Edit::new(
            HANDSHAKE,
            "    check_origin(request, policy)?;\n",
            "    if !CANARY {\n        check_origin(request, policy)?;\n    }\n",
        )],
    ),
    Canary::new(
        "a length counts beside a transfer coding",
        Handshake,
        10,
        &[Edit::new(
            READER,
            "        if request.headers.contains(\"Content-Length\") {\n",
            "        if !CANARY && request.headers.contains(\"Content-Length\") {\n",
        )],
    ),
    Canary::new(
        "pings are not counted",
        Settling,
        100,
        &[Edit::new(
            INBOUND,
            "        if self.frames > limits.flood_frames_max {",
            "        if self.frames > limits.flood_frames_max && !CANARY {",
        )],
    ),
    Canary::new(
        "fragments are not counted",
        Settling,
        100,
        &[Edit::new(
            DECODE,
            "        if !header.opcode.is_control() && self.fragments >= self.fragments_max {\n",
            "        if !CANARY && !header.opcode.is_control() && self.fragments >= self.fragments_max {\n",
        )],
    ),
    Canary::new(
        "the mask begins anew with every piece of a frame",
        Ending,
        10,
        &[Edit::new(
            DECODE,
            "            is_ascii = mask_and_look(key, frame.taken, piece);\n",
            "            is_ascii = mask_and_look(key, if CANARY { 0 } else { frame.taken }, piece);\n",
        )],
    ),

];
