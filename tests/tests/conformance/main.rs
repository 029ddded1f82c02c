//! One scenario, several worlds: the same scripts are played through the core alone, under a virtual clock, and
//! through each driver over real sockets; and everybody sees the same, timing aside.
//!
//! A scenario ([`Scenario`](support::Scenario)) is data. What each party sees is compared with what the scenario
//! expects, so that several equal mistakes do not pass. Only the order that each party sees is compared: between
//! two parties nothing is promised.

mod drivers;
mod support;

/// Makes tests of scenarios: each one on the core, and each one on every driver.
///
/// A new driver is one line here.
macro_rules! on_every_driver {
    ($($scenario:ident),* $(,)?) => {
        crate::tests_of!(core_alone, crate::support::on_the_core; $($scenario),*);
        crate::tests_of!(smol, crate::support::on_a_driver::<crate::drivers::Smol>; $($scenario),*);
        crate::tests_of!(one_thread, crate::support::on_a_driver::<crate::drivers::Thread<1>>; $($scenario),*);
        crate::tests_of!(two_threads, crate::support::on_a_driver::<crate::drivers::Thread<2>>; $($scenario),*);
    };
}

macro_rules! tests_of {
    ($world:ident, $play:expr; $($scenario:ident),*) => {
        mod $world {
            $(
                #[test]
                fn $scenario() {
                    $play(&super::$scenario());
                }
            )*
        }
    };
}

use {on_every_driver, tests_of};

mod commands;
mod ending;
mod pressure;
mod processes;
mod relaying;
mod time;
mod transfer;
mod upgrade;
