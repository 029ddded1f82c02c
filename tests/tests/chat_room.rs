//! The example of the simulator finds the mistakes that were made in it, and none where there is none.

#[expect(dead_code, unreachable_pub, reason = "the example has a main of its own")]
#[path = "../../drivers/sim/examples/chat_room.rs"]
mod example;

use example::{Book, DEEDS_MAX, Room, first_failure, play, smallest, welcome};
use std::time::Duration;
use wsrelay_sim::wire::{close, text};
use wsrelay_sim::{Options, World};

/// Of the seeds that it takes to find what is wrong, some multiple: the seeds may change, the chances do not.
const SEEDS: u64 = 400;

/// Why it takes a simulation: this is the test that one writes, and every room passes it.
#[test]
fn in_the_order_that_one_thinks_of_no_room_fails() {
    for book in [Book::ByName, Book::Compared, Book::ByConnection] {
        let mut world = World::new(Options::calm(1));
        let room = world.spawn(Room::new(book));
        world.serve(move |request| welcome(request, room));
        let (ann, ben) = (world.connect("/?user=ann"), world.connect("/?user=ben"));
        world.run_for(Duration::from_secs(1));
        world.send(ann, &close(1001, "another page"));
        world.run_for(Duration::from_secs(1));
        let ann = world.connect("/?user=ann");
        world.run_for(Duration::from_secs(1));
        world.send(ben, &text("welcome back"));
        world.run_for(Duration::from_secs(1));
        assert_eq!(world.texts(ann).last().map(String::as_str), Some("ben: welcome back"), "{book:?}");
        world.finish().expect("a world without a mistake of the relay's");
    }
}

#[test]
fn a_room_whose_names_are_struck_out_by_late_leaves_is_found() {
    let seed = first_failure(Book::ByName, 20).expect("a seed of the first twenty");
    let outcome = play(Book::ByName, seed, DEEDS_MAX, false);
    let what = outcome.result.expect_err("the same as in the search");
    assert!(what.contains("hears 0 times what"), "{what}");
}

#[test]
fn a_room_in_which_an_old_connection_joins_late_is_found_too() {
    let seed = first_failure(Book::Compared, SEEDS).expect("a seed of these");
    let what = play(Book::Compared, seed, DEEDS_MAX, false).result.expect_err("the same as in the search");
    assert!(what.contains("hears 0 times what"), "{what}");
}

#[test]
fn a_room_that_knows_its_connections_passes_every_seed() {
    for seed in 0..SEEDS {
        let result = play(Book::ByConnection, seed, DEEDS_MAX, false).result;
        assert_eq!(result, Ok(()), "seed {seed}");
    }
}

#[test]
fn the_same_seed_is_the_same_world_whether_it_is_written_down_or_not() {
    let hash = |seed, record| play(Book::ByConnection, seed, DEEDS_MAX, record).hash;
    for seed in 0..20 {
        assert_eq!(hash(seed, false), hash(seed, true), "seed {seed}");
        assert_ne!(hash(seed, false), hash(seed + 1, false), "seed {seed}");
    }
}

#[test]
fn a_failure_is_shown_with_no_deed_too_many() {
    let seed = first_failure(Book::ByName, 20).expect("a seed of the first twenty");
    let (deeds, outcome) = smallest(Book::ByName, seed).expect("a seed that fails");
    assert!(outcome.result.is_err() && outcome.trace.len() > 10, "{outcome:?}");
    assert_eq!(play(Book::ByName, seed, deeds - 1, false).result, Ok(()));
}
