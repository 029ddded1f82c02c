//! What is measured: how many connections, how large the messages, how many in flight.

/// One table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    pub(crate) connections: usize,
    pub(crate) payload_bytes: usize,
    /// Messages that a connection keeps in flight.
    pub(crate) in_flight: usize,
    pub(crate) content: Content,
}

/// What the server is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Return each message.
    Echo,
    /// Send each message to all connections.
    Fanout,
    /// Hold connections that say nothing.
    Idle,
}

/// What a message's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Text of one byte a character.
    Ascii,
    /// Text of one to four bytes a character.
    Mixed,
    /// A binary message.
    Binary,
}

impl Kind {
    /// The path of the handshake.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Echo | Self::Idle => "/echo",
            Self::Fanout => "/broadcast",
        }
    }
}

impl Scenario {
    /// Whether bytes say more than messages.
    pub(crate) const fn is_large(&self) -> bool {
        self.payload_bytes >= 64 * 1024
    }
}

const ECHO: Scenario = Scenario {
    name: "",
    title: "",
    kind: Kind::Echo,
    connections: 64,
    payload_bytes: 16,
    in_flight: 1,
    content: Content::Ascii,
};

/// Every scenario, in the order of the tables.
pub(crate) const ALL: [Scenario; 10] = [
    Scenario { name: "echo-64x16", title: "echo, 64 × 16 B text, 1 in flight", ..ECHO },
    Scenario { name: "echo-64x16-32", title: "echo, 64 × 16 B text, 32 in flight", in_flight: 32, ..ECHO },
    Scenario {
        name: "echo-64x16-256", title: "echo, 64 × 16 B text, 256 in flight", in_flight: 256, ..ECHO
    },
    Scenario {
        name: "echo-1000x64",
        title: "echo, 1000 × 64 B text, 1 in flight",
        connections: 1000,
        payload_bytes: 64,
        ..ECHO
    },
    Scenario {
        name: "echo-64x1k", title: "echo, 64 × 1 KiB text, 1 in flight", payload_bytes: 1024, ..ECHO
    },
    Scenario {
        name: "echo-8x64k-binary",
        title: "echo, 8 × 64 KiB binary, 1 in flight",
        connections: 8,
        payload_bytes: 64 * 1024,
        content: Content::Binary,
        ..ECHO
    },
    Scenario {
        name: "echo-8x64k-text",
        title: "echo, 8 × 64 KiB text which is not ASCII, 1 in flight",
        connections: 8,
        payload_bytes: 64 * 1024,
        content: Content::Mixed,
        ..ECHO
    },
    Scenario {
        name: "echo-1x1m-binary",
        title: "echo, 1 × 1 MiB binary, 1 in flight",
        connections: 1,
        payload_bytes: 1024 * 1024,
        content: Content::Binary,
        ..ECHO
    },
    Scenario {
        name: "fanout-1000x64-16",
        title: "fan-out to 1000, 64 B text, 16 in flight",
        kind: Kind::Fanout,
        connections: 1000,
        payload_bytes: 64,
        in_flight: 16,
        ..ECHO
    },
    Scenario {
        name: "idle-10k",
        title: "10,000 idle connections",
        kind: Kind::Idle,
        connections: 10_000,
        ..ECHO
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_scenario_is_found_by_its_name_alone() {
        let names: BTreeSet<_> = ALL.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(!names.contains(""));
    }
}
