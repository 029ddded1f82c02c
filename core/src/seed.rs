//! Numbers out of a seed (splitmix64), for what is to be spread or left to chance. No secrets: who knows one can find
//! the next.
//!
//! What follows from a seed never changes: seeds are kept.

/// From one state to the next: every state comes up once before one comes up again.
pub const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The number of a state.
#[must_use]
pub const fn number(state: u64) -> u64 {
    let mut bits = state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Goes to the next state; its number.
pub const fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(STEP);
    number(*state)
}
