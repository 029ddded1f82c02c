//! What compression costs in memory. One test, alone in its process: everything that is allocated counts.

use peak_alloc::PeakAlloc;
use wsrelay_core::deflate::{Context, Deflate, Deflater, Inflater};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// [T] A connection that remembers holds no more than [`Deflate::memory_max`] says, and not much less: whoever plans with it
/// plans well.
#[test]
fn what_a_connection_remembers_is_as_large_as_it_says() {
    let message = b"one of many words, ".repeat(5000);
    for window_bits in 8..=15 {
        let says = Deflate { context: Context::Takeover, window_bits, ..Deflate::default() }.memory_max();
        let before = HEAP.current_usage();
        let (mut deflater, mut inflater) = (Deflater::new(window_bits, 9), Inflater::new());
        for _ in 0..3 {
            let (mut payload, mut back) = (Vec::new(), Vec::new());
            deflater.compress(&message, &mut payload);
            inflater.inflate(&payload, message.len(), None, &mut back).expect("it was just compressed");
        }
        let holds = HEAP.current_usage() - before;
        assert!((says * 9 / 10..=says).contains(&holds), "window {window_bits}: holds {holds}, says {says}");
        drop((deflater, inflater));
    }
    assert_eq!(Deflate::default().memory_max(), 0);
}
