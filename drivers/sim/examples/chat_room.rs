//! A chat room with a mistake that no test finds whose author thought of the right order, and how simulation finds it.
//!
//! ```text
//! cargo run -p wsrelay-sim --example chat_room
//! ```
//!
//! The room knows its members by name. Somebody whose connection is lost comes back under the same name, and the room
//! may hear of it before it hears that the old connection is gone. What it does then is in [`Book`]: two ways that are
//! wrong, and one that is right. The first is found within a few seeds. The second is what one mends it to, and is
//! wrong as well; that takes more seeds, because two requests have to overtake each other.

#![expect(clippy::print_stdout, reason = "what an example is for")]

use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::time::Duration;
use wsrelay_sim::core::message::{ClientMessage, Message, Metadata, Payload, Topic};
use wsrelay_sim::core::process::{Actor, Context, Event, Pid};
use wsrelay_sim::core::relay::RelayConfig;
use wsrelay_sim::core::upgrade::{Request, Response};
use wsrelay_sim::core::wire::{Data, Text};
use wsrelay_sim::wire::text;
use wsrelay_sim::{Client, Dice, Options, World};

/// How a room keeps the book of its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Book {
    /// One connection a name, the last that joined. A leave strikes the name out.
    ByName,
    /// The same; but a leave strikes the name out only if it is the leave of that connection.
    Compared,
    /// Every connection with its name. A leave strikes out the connection.
    ByConnection,
}

/// A chat room: one process, and everybody's connections.
#[derive(Debug)]
pub struct Room {
    book: Book,
    members: Vec<(String, Pid)>,
}

impl Room {
    /// An empty room.
    #[must_use]
    pub const fn new(book: Book) -> Self {
        Self { book, members: Vec::new() }
    }

    fn join(&mut self, name: &str, pid: Pid, context: &mut Context<'_>) {
        let is_back = self.is_here(name);
        if self.book != Book::ByConnection {
            self.members.retain(|(member, _)| member != name);
        }
        self.members.push((name.to_owned(), pid));
        let names: BTreeSet<&str> = self.members.iter().map(|(member, _)| member.as_str()).collect();
        send(pid, &format!("here: {}", Vec::from_iter(names).join(", ")), context);
        if !is_back {
            self.tell_all(&format!("{name} comes"), context);
        }
    }

    fn leave(&mut self, name: &str, pid: Pid, context: &mut Context<'_>) {
        match self.book {
            Book::ByName => self.members.retain(|(member, _)| member != name),
            Book::Compared | Book::ByConnection => self.members.retain(|(_, connection)| *connection != pid),
        }
        if !self.is_here(name) {
            self.tell_all(&format!("{name} goes"), context);
        }
    }

    /// `@ben hello` is for Ben alone, everything else for all.
    fn say(&self, name: &str, client: &ClientMessage, context: &mut Context<'_>) {
        let said = String::from_utf8_lossy(client.data.as_bytes());
        match said.strip_prefix('@').and_then(|said| said.split_once(' ')) {
            None => self.tell_all(&format!("{name}: {said}"), context),
            Some((whom, _)) if !self.is_here(whom) => {
                send(client.pid, &format!("{whom} is not here"), context);
            }
            Some((whom, said)) => {
                for (_, pid) in self.members.iter().filter(|(member, _)| member == whom) {
                    send(*pid, &format!("{name}, to you: {said}"), context);
                }
            }
        }
    }

    fn is_here(&self, name: &str) -> bool {
        self.members.iter().any(|(member, _)| member == name)
    }

    fn tell_all(&self, line: &str, context: &mut Context<'_>) {
        self.members.iter().for_each(|(_, pid)| send(*pid, line, context));
    }
}

impl Actor for Room {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        let Event::Message(Message { payload, .. }) = event else { return };
        if let Payload::Join(join) = &payload {
            self.join(name_in(&join.metadata), join.pid, context);
        } else if let Payload::Leave(leave) = &payload {
            self.leave(name_in(&leave.metadata), leave.pid, context);
        } else if let Payload::Client(client) = &payload {
            self.say(name_in(&client.metadata), client, context);
        }
    }
}

fn send(pid: Pid, line: &str, context: &mut Context<'_>) {
    context.send(pid, Topic::SEND, Data::Text(Text::copy_from_str(line)));
}

fn name_in(metadata: &Metadata) -> &str {
    metadata.get_str("user").unwrap_or("somebody")
}

/// The handler: the name is in the query.
#[must_use]
pub fn welcome(request: &Request, room: Pid) -> Response {
    let Some(user) = request.query("user") else { return Response::text(400, "who are you?\n") };
    RelayConfig::to(room).metadata(Map::from_iter([("user".to_owned(), Value::String(user))])).into()
}

// What follows is the simulation: what one writes in one's tests.

const NAMES: [&str; 3] = ["ann", "ben", "cid"];

/// How many things users do in a world, unless it is made smaller.
pub const DEEDS_MAX: usize = 20;

/// What came of a world.
#[derive(Debug)]
pub struct Outcome {
    /// A number that stands for everything that happened.
    pub hash: u64,
    /// What went wrong, in words.
    pub result: Result<(), String>,
    /// Everything that happened, in lines, if that was asked for.
    pub trace: Vec<String>,
}

/// The room in the world of this seed, with users who do so many things: the same each time.
#[must_use]
pub fn play(book: Book, seed: u64, deeds: usize, record: bool) -> Outcome {
    // The network and the number of threads are the seed's, limits and policies are the defaults.
    let Options { network, workers, .. } = Options::from_seed(seed);
    let mut world = World::new(Options { network, workers, ..Options::calm(seed) });
    if record {
        world.record();
    }
    let room = world.spawn(Room::new(book));
    world.serve(move |request| welcome(request, room));
    // Numbers of its own, so that what users do does not depend on what the world draws.
    let mut dice = Dice::new(seed ^ 0x0c4a_7000);
    let mut users = NAMES.map(|name| connect(&mut world, name));
    for number in 0..deeds {
        world.run_for(pause(&mut dice));
        deed(&mut world, &mut users, number, &mut dice);
    }
    let checked = check(&mut world, &users);
    let (hash, trace) = (world.hash(), world.trace_lines().to_vec());
    // The relay's own promises first: time stands still in a world that has broken one. And at the end, what is left over.
    let finished = world.finish().map_err(|violation| violation.to_string());
    Outcome { hash, result: finished.and(checked), trace }
}

fn connect(world: &mut World, name: &str) -> Client {
    world.connect(&format!("/room?user={name}"))
}

/// Users do things at once, or take their time.
fn pause(dice: &mut Dice) -> Duration {
    let millis_max = *dice.pick(&[0, 50, 500, 5_000]);
    dice.span(Duration::from_millis(millis_max))
}

/// One of the users says something, or loses the connection and comes back a little later.
fn deed(world: &mut World, users: &mut [Client], number: usize, dice: &mut Dice) {
    let user = dice.index(users.len());
    let client = users[user];
    match dice.below(10) {
        0..=3 => return world.send(client, &text(&format!("line {number}"))),
        4 | 5 => return world.send(client, &text(&format!("@{} line {number}", dice.pick(&NAMES)))),
        6 => world.close(client, 1001, "another page"),
        7 => world.finish_stream(client),
        8 => world.reset(client),
        _ => world.vanish(client),
    }
    world.run_for(pause(dice));
    users[user] = connect(world, NAMES[user]);
}

/// When it has been quiet for so long that every lost connection was noticed, everybody hears everybody, once.
fn check(world: &mut World, users: &[Client]) -> Result<(), String> {
    world.run_for(Duration::from_secs(90));
    for (client, name) in users.iter().zip(NAMES) {
        world.send(*client, &text(&format!("{name} asks who is there")));
    }
    world.run_for(Duration::from_secs(20));
    for (client, hearer) in users.iter().zip(NAMES) {
        let heard = world.texts(*client);
        for name in NAMES {
            let line = format!("{name}: {name} asks who is there");
            let times = heard.iter().filter(|text| **text == line).count();
            if times != 1 {
                return Err(format!(
                    "{hearer} is connected, and hears {times} times what {name} says to all"
                ));
            }
        }
    }
    Ok(())
}

/// The first of these seeds in which the room fails.
#[must_use]
pub fn first_failure(book: Book, seeds: u64) -> Option<u64> {
    (0..seeds).find(|seed| play(book, *seed, DEEDS_MAX, false).result.is_err())
}

/// The world of the seed with as few deeds as still fail, written down.
#[must_use]
pub fn smallest(book: Book, seed: u64) -> Option<(usize, Outcome)> {
    let deeds = (0..=DEEDS_MAX).find(|deeds| play(book, seed, *deeds, false).result.is_err())?;
    Some((deeds, play(book, seed, deeds, true)))
}

fn main() {
    const SEEDS: u64 = 400;
    for book in [Book::ByName, Book::Compared, Book::ByConnection] {
        let Some(seed) = first_failure(book, SEEDS) else {
            println!("{book:?}: nothing goes wrong in {SEEDS} seeds");
            continue;
        };
        println!("{book:?}: seed {seed} fails");
        if let Some((deeds, Outcome { trace, result: Err(what), .. })) = smallest(book, seed) {
            println!("the first {deeds} of {DEEDS_MAX} deeds are enough; this is what happens:\n");
            trace.iter().for_each(|line| println!("{line}"));
            println!("\n{what}\n");
        }
    }
}
