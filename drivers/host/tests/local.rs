//! The processes of one thread: they reach each other without a lock, and others reach them too.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::thread;
use wsrelay_core::limits::Limits;
use wsrelay_core::message::{Destination, Message, Payload, Topic};
use wsrelay_core::process::{Actor, Context, Event, ExitReason, Pid, Signal};
use wsrelay_core::wire::{Data, Text};
use wsrelay_host::{
    ActorRunner, Carrier as _, Deliveries, Home, Local, Mailbox, Next, Node, NodeOptions, Room, SendFault,
    Undelivered,
};

/// A node with one thread of its own, which is the test's.
struct Here {
    node: Node,
    home: Arc<Home>,
    local: Local,
    knocks: Arc<AtomicUsize>,
    keys: u32,
}

impl Here {
    fn new(mailbox_messages_max: usize) -> Self {
        let limits = Limits { mailbox_messages_max, ..Limits::default() };
        let node = Node::with_homes(NodeOptions { limits, ..NodeOptions::default() }, 1);
        let knocks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&knocks);
        let home = Home::new(0, move || _ = counted.fetch_add(1, Ordering::Relaxed));
        let local = Local::new(node.clone(), Arc::clone(&home));
        Self { node, home, local, knocks, keys: 0 }
    }

    fn install(&mut self, mailbox: &Arc<Mailbox>) -> u32 {
        self.keys += 1;
        self.local.install(mailbox, self.keys);
        // A process that was just installed is ready, and looks once.
        let ready: Vec<u32> = std::iter::from_fn(|| self.local.next_process()).collect();
        assert!(ready.contains(&self.keys), "{ready:?}");
        self.local.take(mailbox, &mut Deliveries::new());
        self.keys
    }

    /// A process without code, known by its mailbox and its key.
    fn process(&mut self) -> (Arc<Mailbox>, u32) {
        let mailbox = self.node.open_at(&self.home);
        let key = self.install(&mailbox);
        (mailbox, key)
    }

    fn taken(&mut self, mailbox: &Mailbox) -> Vec<String> {
        let mut deliveries = Deliveries::new();
        self.local.take(mailbox, &mut deliveries);
        deliveries
            .map(|(signal, charge)| {
                self.local.release(mailbox, charge);
                word_of(&signal)
            })
            .collect()
    }
}

fn message(text: &str) -> Signal {
    let payload = Payload::Data(Data::Text(Text::copy_from_str(text)));
    Signal::Message(Message { from: None, topic: Topic::from("word"), payload })
}

fn word_of(signal: &Signal) -> String {
    if let Signal::Message(Message { payload: Payload::Data(Data::Text(text)), .. }) = signal {
        text.to_string()
    } else {
        format!("{signal:?}")
    }
}

/// [P2] What one thread's processes send each other is there at once, in order, and makes each ready once.
#[test]
fn signals_of_one_thread_arrive_in_order_and_make_ready_once() {
    let mut here = Here::new(100);
    let (mailbox, key) = here.process();
    for text in ["one", "two", "three"] {
        here.local.post(mailbox.pid(), message(text));
    }
    assert_eq!((here.local.next_process(), here.local.next_process()), (Some(key), None));
    assert_eq!(here.taken(&mailbox), ["one", "two", "three"]);
    // No other thread was disturbed for it.
    assert_eq!(here.knocks.load(Ordering::Relaxed), 0);
}

/// [P2] What was sent from elsewhere before, such as by a handler, comes before what the thread itself sends.
#[test]
fn what_came_from_elsewhere_first_is_handled_first() {
    let mut here = Here::new(100);
    let (mailbox, _) = here.process();
    here.node.send(mailbox.pid(), Topic::from("word"), "from a handler").unwrap();
    here.local.post(mailbox.pid(), message("from the connection"));
    assert_eq!(here.taken(&mailbox), ["from a handler", "from the connection"]);
}

/// [P2] What is sent to a process before its thread knows it waits, and comes first.
#[test]
fn signals_wait_for_a_process_that_is_not_installed_yet() {
    let mut here = Here::new(100);
    let mailbox = here.node.open_at(&here.home);
    here.local.post(mailbox.pid(), message("early"));
    here.local.install(&mailbox, 1);
    here.local.post(mailbox.pid(), message("late"));
    assert_eq!(here.taken(&mailbox), ["early", "late"]);
}

/// [P2] [P3] [R4] What is answered in the name of a process of another thread, which is over by then, comes behind what it
/// has sent itself.
#[test]
fn an_answer_for_the_dead_of_another_thread_does_not_overtake_them() {
    let mut here = Here::new(100);
    let (mailbox, _) = here.process();
    let watcher = mailbox.pid();
    let dead = here.node.open().pid();
    here.local.post(watcher, message("of this thread"));
    here.node.send(watcher, Topic::from("word"), "its last word").unwrap();
    here.node.close(dead, &ExitReason::Normal);
    here.local.post(dead, Signal::Monitor { watcher });
    let down = word_of(&Signal::Down { from: dead, reason: ExitReason::NoProcess });
    assert_eq!(here.taken(&mailbox), ["of this thread", "its last word", &*down]);
}

/// A thread that sleeps is woken once, however much comes for it; one that is awake, never.
#[test]
fn a_sleeping_thread_is_woken_once() {
    let mut here = Here::new(100);
    let (mailbox, key) = here.process();
    let send = |node: &Node| node.send(mailbox.pid(), Topic::from("word"), "x").unwrap();
    send(&here.node);
    assert_eq!(here.knocks.load(Ordering::Relaxed), 0);
    assert!(!here.home.may_sleep(), "something has come");
    here.home.awake();
    here.local.fetch();
    assert_eq!(here.local.next_process(), Some(key));
    assert_eq!(here.taken(&mailbox), ["x"]);
    assert!(here.home.may_sleep());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..20).for_each(|_| send(&here.node)));
        }
    });
    assert_eq!(here.knocks.load(Ordering::Relaxed), 1);
    here.home.awake();
    here.local.fetch();
    assert_eq!(here.taken(&mailbox).len(), 80);
}

/// [P8] The bound counts what is held here and what has come from elsewhere; senders of either kind are told.
#[test]
fn a_mailbox_at_home_is_bounded_for_everybody() {
    let mut here = Here::new(4);
    let (mailbox, _) = here.process();
    for _ in 0..4 {
        assert!(here.local.push_to(&mailbox, message("here")).is_ok());
    }
    assert!(!mailbox.has_room());
    let refused = here.local.push_to(&mailbox, message("more"));
    assert!(matches!(refused, Err(Undelivered::Full(_))), "{refused:?}");
    assert_eq!(here.node.send(mailbox.pid(), Topic::from("word"), "more"), Err(SendFault::Full));
    // What always has room has it here too.
    assert_eq!(here.node.send(mailbox.pid(), Topic::CLOSE, Payload::Empty), Ok(()));
    here.local.fetch();
    let mut deliveries = Deliveries::new();
    assert!(here.local.take(&mailbox, &mut deliveries));
    assert_eq!(mailbox.len(), 4);
    for (_, charge) in deliveries {
        here.local.release(&mailbox, charge);
    }
    assert!(mailbox.has_room() && mailbox.is_empty());
    assert_eq!(here.local.push_to(&mailbox, message("again")), Ok(Room::Left));
}

/// [P8] Who waits for room in a mailbox at home is called when half of it is free.
#[test]
fn who_waits_for_room_at_home_is_called() {
    let mut here = Here::new(4);
    let ((mailbox, _), (waiting, key)) = (here.process(), here.process());
    for _ in 0..4 {
        here.local.push_to(&mailbox, message("x")).unwrap();
    }
    assert!(here.local.wait_for_room(&waiting, &mailbox));
    here.taken(&mailbox);
    here.local.fetch();
    let ready: Vec<u32> = std::iter::from_fn(|| here.local.next_process()).collect();
    assert!(ready.contains(&key), "{ready:?}");
    assert!(!here.local.wait_for_room(&waiting, &mailbox));
}

/// [P3] [P7] A process that is gone is answered for, whoever asks.
#[test]
fn the_dead_of_a_thread_are_answered_for() {
    let mut here = Here::new(100);
    let ((dead, _), (watcher, _)) = (here.process(), here.process());
    let old = dead.pid();
    here.local.post(old, message("unread"));
    here.local.reap(&dead);
    assert_eq!(here.node.dead_letters(), 1);
    here.local.post(old, Signal::Monitor { watcher: watcher.pid() });
    here.local.post(old, message("late"));
    assert_eq!(here.node.dead_letters(), 2);
    let down = Signal::Down { from: old, reason: ExitReason::NoProcess };
    assert_eq!(here.taken(&watcher), [word_of(&down)]);
    // The place is given to another process, which hears nothing of it.
    let (next, _) = here.process();
    here.local.post(old, message("later"));
    assert_eq!(here.taken(&next), [""; 0]);
    assert_eq!(here.node.dead_letters(), 3);
}

/// Panics at its first message.
struct Fragile;

impl Actor for Fragile {
    fn handle(&mut self, event: Event, _: &mut Context<'_>) {
        assert!(!matches!(event, Event::Message(_)), "too much for it");
    }
}

/// [P5] [P7] Of what a process that panics had not handled, each message is a dead letter once, as its own sender's.
#[test]
fn messages_behind_a_panic_are_buried_as_what_they_are() {
    let mut here = Here::new(100);
    let letters = Arc::new(Mutex::new(Vec::new()));
    let buried = Arc::clone(&letters);
    here.node.on_dead_letter(move |letter| {
        let signal = Signal::Message(letter.message.clone());
        buried.lock().unwrap().push((letter.message.from, word_of(&signal)));
    });
    let mut runner = ActorRunner::new_at(&here.node, &here.home, Fragile);
    let pid = runner.pid();
    here.install(&Arc::clone(runner.mailbox()));
    let senders = [here.process().0.pid(), here.process().0.pid()];
    for sender in senders {
        for number in 0..3 {
            let payload = Payload::Data(Data::Text(Text::from(format!("{number}"))));
            let topic = Topic::from("word");
            here.local.post(pid, Signal::Message(Message { from: Some(sender), topic, payload }));
        }
    }
    let now = here.node.clock().now();
    assert_eq!(runner.poll(now, &mut here.local), Next::Ended);
    let expected: Vec<_> = [(0, "1"), (0, "2"), (1, "0"), (1, "1"), (1, "2")]
        .map(|(sender, text)| (Some(senders[sender]), text.to_owned()))
        .into();
    assert_eq!(*letters.lock().unwrap(), expected);
}

/// Says something to another process, and ends.
struct Brief(Pid);

impl Actor for Brief {
    fn handle(&mut self, _: Event, context: &mut Context<'_>) {
        context.send(self.0, Topic::from("word"), "its last word");
        context.exit(ExitReason::crashed("over"));
    }
}

/// [P2] [P3] A monitor that an actor had not seen when it ended learns why it did, behind the actor's last words.
#[test]
fn who_watches_an_actor_hears_its_last_words_before_its_end() {
    let mut here = Here::new(100);
    let (mailbox, _) = here.process();
    let watcher = mailbox.pid();
    let mut runner = ActorRunner::new_at(&here.node, &here.home, Brief(watcher));
    let from = runner.pid();
    here.install(&Arc::clone(runner.mailbox()));
    here.local.post(from, Signal::Monitor { watcher });
    assert_eq!(runner.poll(here.node.clock().now(), &mut here.local), Next::Ended);
    let down = word_of(&Signal::Down { from, reason: ExitReason::crashed("over") });
    assert_eq!(here.taken(&mailbox), ["its last word", &*down]);
}

/// Sends each message on to another process, and itself a reminder.
struct Forwarder(Pid);

impl Actor for Forwarder {
    fn handle(&mut self, event: Event, context: &mut Context<'_>) {
        if let Event::Message(Message { topic, payload, .. }) = event {
            if topic == Topic::from("again") {
                return;
            }
            let own = context.pid();
            context.send(self.0, topic, payload);
            context.send(own, Topic::from("again"), "x");
        }
    }
}

/// [P8] A turn gives back what it has handled, so that an actor which writes to itself does not fill its own mailbox.
#[test]
fn an_actor_that_writes_to_itself_loses_nothing() {
    let mut here = Here::new(1024);
    let (target, _) = here.process();
    let mut runner = ActorRunner::new_at(&here.node, &here.home, Forwarder(target.pid()));
    let pid = runner.pid();
    here.install(&Arc::clone(runner.mailbox()));
    for number in 0..1000 {
        here.local.post(pid, message(&number.to_string()));
    }
    let now = here.node.clock().now();
    while runner.poll(now, &mut here.local) == Next::Again {}
    let expected: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    assert_eq!(here.taken(&target), expected);
    assert_eq!(here.node.dead_letters(), 0);
}

/// [P10] However often a process looks into its mailbox in one turn, what it sends itself makes it ready once.
#[test]
fn an_actor_that_never_stops_is_ready_once_a_turn() {
    let mut here = Here::new(100);
    let mailbox = here.node.open_at(&here.home);
    let target = mailbox.pid();
    here.local.install(&mailbox, 1);
    assert_eq!(here.local.next_process(), Some(1));
    for _ in 0..3 {
        here.local.post(target, message("x"));
        assert_eq!(here.taken(&mailbox), ["x"]);
    }
    assert_eq!((here.local.next_process(), here.local.next_process()), (Some(1), None));
}

/// [P6] A name works on one thread as anywhere.
#[test]
fn a_name_reaches_a_process_at_home() {
    let mut here = Here::new(100);
    let (mailbox, _) = here.process();
    here.node.register("somebody", mailbox.pid()).unwrap();
    here.local.send(&Destination::from("somebody"), message("hello"));
    here.local.send(&Destination::from("nobody"), message("hello"));
    assert_eq!((here.taken(&mailbox), here.node.dead_letters()), (vec!["hello".to_owned()], 1));
    here.local.reap(&mailbox);
    assert_eq!(here.node.lookup("somebody"), None);
    assert!(!mailbox.wait_for_room(mailbox.pid(), Waker::noop()));
}
