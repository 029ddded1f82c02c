//! What processes do.

/// What a process does with what clients say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Nothing.
    Ignores,
    /// It sends every message back.
    Answers,
    /// It sends every message to all its clients.
    Spreads,
    /// It asks for every answer to be acknowledged.
    AsksForReceipts,
    /// It watches whoever joins.
    Watches,
    /// It is linked to whoever joins, and traps links.
    LinksAndTraps,
    /// It is linked to whoever joins, and ends with it.
    Links,
    /// It hands whoever says something to the next process.
    HandsOn,
    /// It ends with the first message that it gets.
    EndsAtOnce,
}

impl Habit {
    pub(crate) const ALL: [Self; 9] = [
        Self::Ignores,
        Self::Answers,
        Self::Spreads,
        Self::AsksForReceipts,
        Self::Watches,
        Self::LinksAndTraps,
        Self::Links,
        Self::HandsOn,
        Self::EndsAtOnce,
    ];
}

/// Somebody, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The process that this client's connection is.
    Connection(usize),
    /// This process.
    Other(usize),
}

/// What a process does, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Sends a client a text of so many bytes, and asks for an acknowledgement or not.
    Sends(usize, usize, bool),
    /// The same, binary.
    SendsBinary(usize, usize),
    /// Sends a client so many texts of so many bytes at once.
    Floods(usize, usize, usize),
    /// Sends a client a message on a topic of the application's own.
    Tells(usize),
    /// Sends another process a letter.
    Writes(usize),
    /// Closes a client's connection with this code.
    Closes(usize, u16),
    /// Hands a client to this process, by its name or by its PID, and asks for an acknowledgement.
    HandsOver(usize, usize, bool),
    /// Sends a client's connection what it has to refuse.
    SendsNonsense(usize, u8),
    /// Watches somebody.
    Monitors(Whom),
    /// Watches nobody of that kind any more.
    Demonitors(Whom),
    /// Is linked to somebody.
    LinksTo(Whom),
    /// Is not any more.
    UnlinksFrom(Whom),
    /// Traps links, or does not.
    TrapsLinks(bool),
    /// Asks somebody to end.
    Cancels(Whom),
    /// Ends somebody.
    Terminates(Whom),
    /// Takes a name.
    Registers,
    /// Ends, well or badly.
    Exits(bool),
    /// Panics.
    Panics,
}
