//! Defects of compression.

use crate::canary::{Canary, Edit};
use wsrelay_sim::Invariant::{Delivery, Handshake, Sending};

const CODEC: &str = "core/src/deflate/codec.rs";
const ENGINE: &str = "core/src/deflate/engine.rs";
const OFFER: &str = "core/src/deflate/offer.rs";
const RECENT: &str = "core/src/deflate/recent.rs";
const STREAM: &str = "core/src/deflate/stream.rs";

pub(super) const ALL: &[Canary] = &[
    Canary::new(
        "a message that stands for itself refers to one for another client",
        Sending,
        30,
        &[Edit::new(ENGINE, "            deflater.reset();\n", "            if !CANARY { deflater.reset(); }\n")],
    ),
    Canary::new(
        "a message of the same length counts as the same",
        Sending,
        100,
        &[Edit::new(
            RECENT,
            "        if let Some(entry) = self.entries.get(&key).filter(|entry| entry.message == message) {\n",
            "        let of_its_length = self.entries.values().find(|own| CANARY && own.message.len() == message.len());
        if let Some(entry) = of_its_length.or(self.entries.get(&key)).filter(|entry| CANARY || entry.message == message) {\n",
        )],
    ),
    Canary::new(
        "a message becomes as large as its client likes",
        Delivery,
        100,
        &[Edit::new(
            STREAM,
            "        if len > self.message_bytes_max {\n",
            "        if len > self.message_bytes_max && !CANARY {\n",
        )],
    ),
    Canary::new(
        "a message that has to be remembered is left out where it does not get smaller",
        Sending,
        30,
        &[Edit::new(
            CODEC,
            "        deflater.compress(data.as_bytes(), work);\n",
            "        deflater.compress(data.as_bytes(), work);
        if CANARY && work.len() >= data.len() {
            engine.tidy();
            return None;
        }\n",
        )],
    ),
    Canary::new(
        "an offer with a parameter that nobody knows is accepted",
        Handshake,
        10,
        &[Edit::new(OFFER, "            if !is_new {\n", "            if !is_new && !CANARY {\n")],
    ),
];
