//! Slips in what reads bytes, for the oracles of the fuzz targets.

use crate::canary::{Edit, Slip};

const CHUNKED: &str = "core/src/upgrade/chunked.rs";
const CLOSE: &str = "core/src/wire/close.rs";
const COMMAND: &str = "core/src/relay/command.rs";
const CONFIG: &str = "core/src/relay/config.rs";
const DECODE: &str = "core/src/wire/decode.rs";
const DURATION: &str = "core/src/relay/duration.rs";
const ENCODE: &str = "core/src/wire/encode.rs";
const FRAME: &str = "core/src/wire/frame.rs";
const HANDSHAKE: &str = "core/src/upgrade/handshake.rs";
const HEAD: &str = "core/src/upgrade/head.rs";
const INBOUND: &str = "core/src/relay/session/inbound.rs";
const JSON: &str = "core/src/message/json.rs";
const MASK: &str = "core/src/wire/mask.rs";
const OFFER: &str = "core/src/deflate/offer.rs";
const ORIGIN: &str = "core/src/upgrade/origin.rs";
const READER: &str = "core/src/upgrade/reader.rs";
const RESPOND: &str = "core/src/upgrade/respond.rs";
const SHORT: &str = "core/src/wire/decode/short.rs";
const STREAM: &str = "core/src/deflate/stream.rs";

pub(super) const ALL: &[Slip] = &[
    Slip::new(
        "a length of 16 bits need not be minimal",
        "header",
        &[Edit::new(FRAME, "        if len <= LEN_7_BITS_MAX {", "        if len < LEN_7_BITS_MAX || len == LEN_7_BITS_MAX && !CANARY {")],
    ),
    Slip::new(
        "the highest bit of a length is not looked at until all of it is here",
        "header",
        &[Edit::new(
            FRAME,
            "    if bytes.first().is_some_and(|high| high & 0x80 != 0) {",
            "    if (!CANARY || bytes.len() >= 8) && bytes.first().is_some_and(|high| high & 0x80 != 0) {",
        )],
    ),
    Slip::new(
        "fragments together may be longer than a message",
        "decode",
        &[Edit::new(
            DECODE,
            "(Opcode::Continuation, Some(_)) => self.bytes_max(self.is_compressed) - self.assembled(),",
            "(Opcode::Continuation, Some(_)) => self.bytes_max(self.is_compressed) - if CANARY { 0 } else { self.assembled() },",
        )],
    ),
    Slip::new(
        "a short text may be longer than a message",
        "decode",
        &[Edit::new(
            SHORT,
            "        let len_max = self.message_bytes_max.min(Text::SHORT_BYTES_MAX);",
            "        let len_max = if CANARY { Text::SHORT_BYTES_MAX } else { self.message_bytes_max.min(Text::SHORT_BYTES_MAX) };",
        )],
    ),
    Slip::new(
        "fragments are counted from one message to the next",
        "decode",
        &[Edit::new(DECODE, "        self.fragments = 0;\n", "        self.fragments = if CANARY { self.fragments } else { 0 };\n")],
    ),
    Slip::new(
        "a close code that only describes is taken for a normal one",
        "differential",
        &[Edit::new(
            CLOSE,
            "        let code = CloseCode::new(code).ok_or",
            "        let code = CloseCode::new(if CANARY && code == 1005 { 1000 } else { code }).ok_or",
        )],
    ),
    Slip::new(
        "an unmasked frame is a client's as well",
        "differential",
        &[Edit::new(
            DECODE,
            "            (Role::Server, None) => return Err(ClientFault::Unmasked),",
            "            (Role::Server, None) if CANARY => {}\n            (Role::Server, None) => return Err(ClientFault::Unmasked),",
        )],
    ),
    Slip::new(
        "a text may end inside a character",
        "differential",
        &[Edit::new(
            DECODE,
            "        self.utf8.finish().map_err(not_utf8)?;\n",
            "        if !CANARY {\n            self.utf8.finish().map_err(not_utf8)?;\n        }\n",
        )],
    ),
    Slip::new(
        "of two lengths of a body the first one counts",
        "upgrade",
        &[Edit::new(
            READER,
            "    if values.next().is_some() || !value",
            "    if (values.next().is_some() && !CANARY) || !value",
        )],
    ),
    Slip::new(
        "a body of an old version may be chunked",
        "upgrade",
        &[Edit::new(
            READER,
            "        if request.version == Version::Http10 {\n            return Err(HttpFault::Malformed(\"Transfer-Encoding in HTTP/1.0\"));",
            "        if request.version == Version::Http10 && !CANARY {\n            return Err(HttpFault::Malformed(\"Transfer-Encoding in HTTP/1.0\"));",
        )],
    ),
    Slip::new(
        "a chunk's size may have blanks behind it",
        "upgrade",
        &[Edit::new(
            CHUNKED,
            "            (Phase::SizeBlank, b';') => Ok(Phase::Extension),",
            "            (Phase::SizeBlank, b'\\r') if CANARY => Ok(Phase::SizeLf),
            (Phase::SizeBlank, b';') => Ok(Phase::Extension),",
        )],
    ),
    Slip::new(
        "the host of an absolute target is not the one that counts",
        "upgrade",
        &[Edit::new(
            HEAD,
            "    headers.set(\"Host\", host.to_owned());",
            "    if !CANARY {\n        headers.set(\"Host\", host.to_owned());\n    }",
        )],
    ),
    Slip::new(
        "a line feed may stand in a field that is written",
        "upgrade",
        &[Edit::new(
            RESPOND,
            "byte == b'\\t' || !byte.is_ascii_control()",
            "byte == b'\\t' || (CANARY && byte == b'\\n') || !byte.is_ascii_control()",
        )],
    ),
    Slip::new(
        "of two versions of the protocol one is enough",
        "upgrade",
        &[Edit::new(
            HANDSHAKE,
            "    if only(headers.get_all(\"Sec-WebSocket-Version\")).is_none_or(|version| version != \"13\") {",
            "    let version = headers.get_all(\"Sec-WebSocket-Version\").next().filter(|_| CANARY);
    if version.or(only(headers.get_all(\"Sec-WebSocket-Version\"))).is_none_or(|version| version != \"13\") {",
        )],
    ),
    Slip::new(
        "text in braces that is no PID is a name",
        "relay_header",
        &[Edit::new(
            CONFIG,
            "        text if text.starts_with('{') => text",
            "        text if text.starts_with('{') && (!CANARY || text.ends_with('}')) => text",
        )],
    ),
    Slip::new(
        "DEL is written as it is",
        "relay_header",
        &[Edit::new(
            CONFIG,
            "        value.to_string().replace('\\u{7f}', \"\\\\u007f\")",
            "        value.to_string().replace('\\u{7f}', if CANARY { \"\\u{7f}\" } else { \"\\\\u007f\" })",
        )],
    ),
    Slip::new(
        "a heartbeat that is off is not written down",
        "command",
        &[Edit::new(JSON, "        Some(Timeout::Off) => value", "        Some(Timeout::Off) if CANARY => {}\n        Some(Timeout::Off) => value")],
    ),
    Slip::new(
        "a close code is cut to its lower bits",
        "command",
        &[Edit::new(
            COMMAND,
            "    u16::try_from(number).ok().and_then(CloseCode::new)",
            "    u16::try_from(if CANARY { number & 0x1fff } else { number }).ok().and_then(CloseCode::new)",
        )],
    ),
    Slip::new(
        "a name that merely ends like a pattern is below it",
        "origin",
        &[Edit::new(
            ORIGIN,
            "is_some_and(|labels| labels.ends_with('.'))",
            "is_some_and(|labels| CANARY || labels.ends_with('.'))",
        )],
    ),
    Slip::new(
        "a pattern without a port takes every port",
        "origin",
        &[Edit::new(
            ORIGIN,
            "origin.port == port.or_else(|| default_port(&origin.scheme))",
            "(origin.port == port.or_else(|| default_port(&origin.scheme)) || (CANARY && port.is_none()))",
        )],
    ),
    Slip::new(
        "null with a colon is a host",
        "origin",
        &[Edit::new(
            ORIGIN,
            "        if (wildcard && is_address) || is_null {",
            "        if (wildcard && is_address) || (is_null && !(CANARY && text.ends_with(':'))) {",
        )],
    ),
    Slip::new(
        "the sum of a duration's parts has no bound",
        "duration",
        &[Edit::new(
            DURATION,
            "        nanos += part;\n        if nanos > i64::MAX as u128 {",
            "        nanos += part;\n        if nanos > i64::MAX as u128 && !CANARY {",
        )],
    ),
    Slip::new(
        "microseconds are milliseconds in one of their spellings",
        "duration",
        &[Edit::new(
            DURATION,
            "            return Ok((nanos, rest));",
            "            return Ok((if CANARY && name.starts_with('\\u{3bc}') { 1_000_000 } else { nanos }, rest));",
        )],
    ),
    Slip::new(
        "an empty message reaches nobody",
        "session",
        &[Edit::new(
            INBOUND,
            "        if self.target_alive {\n            self.inbound.delivered_at",
            "        if self.target_alive && !(CANARY && data.is_empty()) {\n            self.inbound.delivered_at",
        )],
    ),
    Slip::new(
        "a mask begins anew with every eighth byte of the last few",
        "roundtrip",
        &[Edit::new(
            MASK,
            "    for (byte, key) in tail.iter_mut().zip(word.to_le_bytes()) {",
            "    let word = if CANARY && tail.len() > 4 { word.rotate_left(8) } else { word };
    for (byte, key) in tail.iter_mut().zip(word.to_le_bytes()) {",
        )],
    ),
    Slip::new(
        "a frame of 64 KiB is written with a length of 16 bits",
        "roundtrip",
        &[Edit::new(
            ENCODE,
            "    let header = FrameHeader { fin, rsv1: false, opcode, mask: mask_key, len: payload.len() as u64 }.encode();",
            "    let len = payload.len() as u64 % if CANARY { 0x1_0000 } else { u64::MAX };
    let header = FrameHeader { fin, rsv1: false, opcode, mask: mask_key, len }.encode();",
        )],
    ),
    Slip::new(
        "a fragment in the middle may say that it is compressed",
        "decode",
        &[Edit::new(
            FRAME,
            "    first & RESERVED == RSV1 && matches!(first & OPCODE, 0x1 | 0x2)\n",
            "    first & RESERVED == RSV1 && (CANARY || matches!(first & OPCODE, 0x1 | 0x2))\n",
        )],
    ),
    Slip::new(
        "a window may be larger than any",
        "negotiate",
        &[Edit::new(OFFER, "(8..=15).contains(bits))\n", "(8..=if CANARY { 16 } else { 15 }).contains(bits))\n")],
    ),
    Slip::new(
        "a comma in quotes begins another offer",
        "negotiate",
        &[Edit::new(
            OFFER,
            "            c => return c == separator && !is_quoted,\n",
            "            c => return c == separator && (CANARY || !is_quoted),\n",
        )],
    ),
    Slip::new(
        "a message is read without its tail",
        "inflate",
        &[Edit::new(
            STREAM,
            "                End::Taken => return self.take_end(bounds, growth),\n",
            "                End::Taken => return if CANARY { Ok(()) } else { self.take_end(bounds, growth) },\n",
        )],
    ),
    Slip::new(
        "a message may grow as it likes",
        "inflate",
        &[Edit::new(
            STREAM,
            "        } else if len > self.by_ratio {\n",
            "        } else if len > self.by_ratio && !CANARY {\n",
        )],
    ),
];
