//! Looks for one defect with the oracle of a fuzz target: the number of the defect, the name of the target, and inputs.
//!
//! Prints `caught` and the path of the input that showed it; or `escaped`.

#![expect(clippy::print_stdout, reason = "what a command is for")]

use std::panic::catch_unwind;
use std::sync::atomic::Ordering;
use wsrelay_core::canary::WHICH;
use wsrelay_tests::fuzz::check;

fn main() {
    let mut args = std::env::args().skip(1);
    let which = args.next().and_then(|arg| arg.parse().ok()).expect("a number");
    let target = args.next().expect("a target");
    WHICH.store(which, Ordering::Relaxed);
    // What is found is told below.
    std::panic::set_hook(Box::new(|_| ()));
    for path in args {
        let input = std::fs::read(&path).expect("an input");
        if catch_unwind(|| check(&target, &input)).is_err() {
            return println!("caught {path}");
        }
    }
    println!("escaped");
}
