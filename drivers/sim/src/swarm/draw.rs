//! Plans from seeds, and from bytes.

use super::{Act, Broken, Deed, Door, Habit, Head, Plan, Step, Whom};
use crate::dice::Dice;
use crate::options::Options;
use crate::wire::Frame;

/// What a random world is full of.
struct Mix {
    clients: usize,
    processes: usize,
    /// How long the part with faults takes, in milliseconds.
    span: u64,
    /// In so many things a client does, one ends its connection or breaks a rule.
    hostile: u64,
    /// In so many things a process does, one ends somebody.
    deadly: u64,
    len_max: usize,
    /// How much everybody does.
    deeds: usize,
    acts: usize,
}

impl Plan {
    /// The plan of this seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let options = Options::from_seed(seed);
        // Other numbers than those that the options and the world draw.
        let mut dice = Dice::new(seed ^ 0x5a5a_5a5a_5a5a_5a5a);
        let mix = Mix::draw(&mut dice);
        let mut steps = Vec::new();
        for process in 0..mix.processes {
            // Seldom one that ends at once.
            let habits = if dice.one_in(3) { &Habit::ALL[..] } else { &Habit::ALL[..8] };
            steps.push((0, Step::Spawn(process, *dice.pick(habits))));
        }
        for client in 0..mix.clients {
            mix.client(client, &mut dice, &mut steps);
        }
        for process in 0..mix.processes {
            for _ in 0..dice.index(mix.acts + 1) {
                let at = dice.below(mix.span);
                let act = mix.act(&mut dice);
                steps.push((at, Step::Process(process, act)));
                if dice.one_in(12) {
                    steps.push((at, Step::Rest(process, dice.below(25_000))));
                }
            }
        }
        if dice.one_in(6) {
            steps.push((dice.below(mix.span), Step::Drain(dice.below(8_000))));
        }
        if dice.one_in(4) {
            steps.push((dice.below(mix.span), Step::Jump(1 << dice.below(23))));
        }
        steps.sort_by_key(|(at, _)| *at);
        Self { seed, network: options.network, workers: options.workers, steps }
    }

    /// The plan that these bytes choose: a small world, for a fuzzer to find its way in. Any bytes are one, and most
    /// changes to them change one thing.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        const STEPS_MAX: usize = 100;
        let mut dice = Dice::from_bytes(bytes);
        let seed = dice.below(1 << 16);
        let options = Options::from_seed(seed);
        let mut mix = Mix::small();
        let (mut steps, mut doors) = (Vec::new(), Vec::new());
        for number in 0..mix.clients {
            doors.push(Mix::door(&mut dice));
            steps.push((0, Step::Spawn(number, *dice.pick(&Habit::ALL))));
            steps.push((0, Step::Connect(number, number, doors[number])));
        }
        let mut at = 1_500;
        while !dice.is_empty() && steps.len() < STEPS_MAX {
            at += dice.pick(&[0, 0, 0, 1, 40, 700, 4_000, 30_000]);
            let client = dice.index(mix.clients);
            let process = dice.index(mix.processes);
            let step = match dice.below(32) {
                0 => {
                    mix.processes += 1;
                    Step::Spawn(mix.processes - 1, *dice.pick(&Habit::ALL))
                }
                1 => {
                    mix.clients += 1;
                    doors.push(Mix::door(&mut dice));
                    Step::Connect(mix.clients - 1, process, doors[mix.clients - 1])
                }
                2 => Step::Rest(process, dice.below(25_000)),
                3 => Step::Stall(client, dice.below(15_000)),
                4 => Step::Drain(dice.below(8_000)),
                5 => Step::Jump(1 << dice.below(23)),
                6..=19 if doors[client] == Door::Slowly => Step::Client(client, Deed::Trickles),
                6..=19 if !doors[client].leads_in() => Step::Client(client, Deed::Breaks),
                6..=9 => Step::Writes(client, frame(&mut dice)),
                10..=19 => Step::Client(client, mix.deed(&mut dice)),
                _ => Step::Process(process, mix.act(&mut dice)),
            };
            steps.push((at, step));
        }
        Self { seed, network: options.network, workers: options.workers, steps }
    }
}

/// A frame, mostly of a kind that there is; or any bytes.
fn frame(dice: &mut Dice) -> Vec<u8> {
    let any = dice.below(256).to_le_bytes()[0];
    let first = *dice.pick(&[0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8a, any]);
    let bytes_max = *dice.pick(&[0, 4, 130]);
    let frame = Frame {
        fin: first & 0x80 != 0,
        reserved: first >> 4 & 7,
        opcode: first & 15,
        masked: !dice.one_in(16),
        payload: dice.bytes(bytes_max),
    };
    if dice.below(8) == 1 { frame.payload } else { frame.encode() }
}

impl Mix {
    /// For a world that a fuzzer finds its way in; it decides itself how much everybody does.
    const fn small() -> Self {
        Self { clients: 3, processes: 3, span: 0, hostile: 3, deadly: 4, len_max: 2_500, deeds: 0, acts: 0 }
    }

    fn draw(dice: &mut Dice) -> Self {
        Self {
            clients: *dice.pick(&[1, 2, 4, 4, 8, 16, 40, 200]),
            processes: *dice.pick(&[1, 2, 3, 6]),
            span: *dice.pick(&[200, 5_000, 30_000, 120_000]),
            hostile: *dice.pick(&[8, 20, 1_000]),
            deadly: *dice.pick(&[6, 20, 1_000]),
            len_max: *dice.pick(&[16, 150, 3_000, 60_000]),
            deeds: *dice.pick(&[4, 12, 30]),
            acts: *dice.pick(&[0, 8, 40]),
        }
    }

    fn client(&self, client: usize, dice: &mut Dice, steps: &mut Vec<(u64, Step)>) {
        // The first third comes at once.
        let comes = if client * 3 < self.clients { 0 } else { dice.below(self.span) };
        let door = Self::door(dice);
        steps.push((comes, Step::Connect(client, dice.index(self.processes), door)));
        if door == Door::Slowly {
            for second in 1..15 {
                steps.push((comes + second * 1_000, Step::Client(client, Deed::Trickles)));
            }
        }
        if !door.leads_in() {
            return;
        }
        // Most wait for the answer to their request before they say something.
        let wait = if dice.one_in(5) { 0 } else { 1_500 };
        let deeds = if self.clients > 40 { self.deeds.min(4) } else { self.deeds };
        for _ in 0..dice.index(deeds + 1) {
            let at = comes + wait + dice.below(self.span);
            steps.push((at, Step::Client(client, Deed::random(dice, self.hostile, self.len_max))));
            if dice.one_in(25) {
                steps.push((at, Step::Stall(client, dice.below(15_000))));
            }
        }
    }

    /// Without the megabytes of some: the fuzzer has more use of its time.
    fn deed(&self, dice: &mut Dice) -> Deed {
        let deed = Deed::random(dice, self.hostile, self.len_max);
        if deed == Deed::Misbehaves(Broken::GarbageWithoutEnd) {
            Deed::Misbehaves(Broken::Unmasked)
        } else {
            deed
        }
    }

    fn door(dice: &mut Dice) -> Door {
        match dice.below(40) {
            0..=23 => Door::Open,
            24..=27 => Door::Beating(1 + dice.below(6)),
            28..=30 => Door::Early(1 + dice.index(4)),
            31 | 32 => Door::Late(dice.below(3_000)),
            33 => Door::ByName,
            34 => Door::Unwelcome,
            35 => *dice.pick(&[Door::Misnamed, Door::Doubled]),
            36 => *dice.pick(&[Door::Nowhere, Door::Plain]),
            37 | 38 => Door::Wrong(*dice.pick(&Head::ALL)),
            _ => Door::Slowly,
        }
    }

    fn len(&self, dice: &mut Dice) -> usize {
        length(dice, self.len_max)
    }

    fn whom(&self, dice: &mut Dice) -> Whom {
        if dice.one_in(2) {
            Whom::Connection(dice.index(self.clients))
        } else {
            Whom::Other(dice.index(self.processes))
        }
    }

    fn act(&self, dice: &mut Dice) -> Act {
        let client = dice.index(self.clients);
        if dice.one_in(self.deadly) {
            return match dice.below(8) {
                0 | 1 => Act::Closes(client, *dice.pick(&[1000, 1001, 3001, 4000])),
                2 => Act::Cancels(self.whom(dice)),
                3 => Act::Terminates(self.whom(dice)),
                4 => Act::Exits(true),
                5 => Act::Exits(false),
                6 => Act::Panics,
                _ => Act::Terminates(Whom::Connection(client)),
            };
        }
        match dice.below(20) {
            0..=4 => Act::Sends(client, self.len(dice), dice.one_in(2)),
            5 => Act::SendsBinary(client, self.len(dice)),
            6 => Act::Floods(client, 1 + dice.index(200), dice.index(60)),
            7 => Act::Tells(client),
            8 | 9 => Act::Writes(dice.index(self.processes)),
            10 | 11 => Act::HandsOver(client, dice.index(self.processes), dice.one_in(3)),
            12 => Act::SendsNonsense(client, dice.roll().to_le_bytes()[0] % 5),
            13 | 14 => Act::Monitors(self.whom(dice)),
            15 => Act::Demonitors(self.whom(dice)),
            16 => Act::LinksTo(self.whom(dice)),
            17 => Act::UnlinksFrom(self.whom(dice)),
            18 => Act::TrapsLinks(dice.one_in(2)),
            _ => Act::Registers,
        }
    }
}

/// Mostly a short one.
fn length(dice: &mut Dice, len_max: usize) -> usize {
    if dice.one_in(3) { dice.index(len_max) } else { dice.index(20) }
}

impl Deed {
    /// One of all deeds; in so many cases one that ends a connection or breaks a rule. Texts have at most so many bytes.
    pub fn random(dice: &mut Dice, hostile: u64, bytes_max: usize) -> Self {
        if dice.one_in(hostile) {
            return match dice.below(10) {
                0 => Self::Finishes,
                1 => Self::Breaks,
                2 => Self::Vanishes,
                3 => Self::FallsSilent,
                4 => Self::PingsWithoutEnd(10 + dice.index(400)),
                5 | 6 => Self::Leaves(*dice.pick(&[1000, 1001, 1002, 1005, 3000, 4999])),
                _ => Self::Misbehaves(*dice.pick(&Broken::ALL)),
            };
        }
        match dice.below(16) {
            0..=6 => Self::Says(length(dice, bytes_max)),
            7 | 8 => Self::SaysBinary(length(dice, bytes_max)),
            9 => Self::SaysInPieces(length(dice, bytes_max), 1 + dice.index(5)),
            10 | 11 => Self::Bursts(1 + dice.index(60), dice.index(40)),
            12 | 13 => Self::Pings(dice.index(125)),
            14 => Self::Pongs,
            _ => Self::StopsReading(dice.below(20_000)),
        }
    }
}
