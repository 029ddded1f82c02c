#![no_main]

use libfuzzer_sys::fuzz_target;
use wsrelay_tests::fuzz::check;

fuzz_target!(
    // Processes of a simulated world panic on purpose, and are caught. Only what the oracle says is shown; the fuzzer
    // ends with it, and with every other panic that nobody has caught.
    init: std::panic::set_hook(Box::new(|panic| {
        if panic.location().is_some_and(|at| at.file().contains("fuzz")) {
            eprintln!("{panic}");
        }
    })),
    |bytes: &[u8]| {
        check("session", bytes);
    }
);
