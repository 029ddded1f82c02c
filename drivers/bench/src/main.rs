//! The program; what it does is in the library, which the benchmarks of single pieces use as well.

use std::process::ExitCode;

fn main() -> ExitCode {
    wsrelay_bench::main()
}
