#![no_main]

use libfuzzer_sys::fuzz_target;
use wsrelay_tests::fuzz::check;

fuzz_target!(|bytes: &[u8]| {
    check("negotiate", bytes);
});
