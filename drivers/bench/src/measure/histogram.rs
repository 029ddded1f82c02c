//! Latencies, counted in buckets.

/// Counts of nanoseconds. Below 64 each has a bucket of its own; above, 64 buckets share each doubling, so
/// that a value is known to 1.6 %.
#[derive(Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    count: u64,
}

const BITS: u32 = 6;
const PER_DOUBLING: usize = 1 << BITS;
const BUCKETS: usize = (64 - BITS as usize + 1) * PER_DOUBLING;

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; BUCKETS], count: 0 }
    }

    /// Counts `times` values of `nanos` each.
    #[inline]
    pub(crate) fn record(&mut self, nanos: u64, times: u64) {
        self.counts[bucket(nanos)] += times;
        self.count += times;
    }

    pub(crate) fn clear(&mut self) {
        self.counts.fill(0);
        self.count = 0;
    }

    /// The value that this share of all values does not exceed, in nanoseconds; 0 where there is none.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut left = share * self.count as f64;
        for (index, count) in self.counts.iter().enumerate() {
            left -= *count as f64;
            if *count > 0 && left <= 0.0 {
                return middle(index);
            }
        }
        0.0
    }
}

#[inline]
fn bucket(nanos: u64) -> usize {
    // The highest bits say which doubling, the next six where in it.
    let doubling = (u64::BITS - nanos.leading_zeros()).saturating_sub(BITS + 1);
    let within = usize::try_from(nanos >> doubling).unwrap_or(0);
    doubling as usize * PER_DOUBLING + within
}

fn middle(index: usize) -> f64 {
    if index < 2 * PER_DOUBLING {
        return index as f64;
    }
    let doubling = index / PER_DOUBLING - 1;
    let within = index - doubling * PER_DOUBLING;
    (within as f64 + 0.5) * (1_u64 << doubling) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_again_to_two_percent() {
        for nanos in [0, 1, 63, 64, 127, 128, 129, 1_000, 65_535, 65_536, 3_141_592_653] {
            let found = middle(bucket(nanos));
            let off = (found - nanos as f64).abs();
            assert!(off <= nanos as f64 * 0.02, "{nanos} became {found}");
        }
        assert!(bucket(u64::MAX) < BUCKETS);
    }

    #[test]
    fn buckets_never_fall() {
        let values: Vec<_> =
            (0..60).flat_map(|bits| [1_u64 << bits, (1 << bits) + (1 << bits) / 3]).collect();
        assert!(values.windows(2).all(|pair| bucket(pair[0]) <= bucket(pair[1])));
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut histogram = Histogram::new();
        histogram.record(10, 98);
        histogram.record(20, 1);
        histogram.record(1_000, 1);
        assert_eq!([0.5, 0.98, 0.99].map(|share| histogram.quantile(share)), [10.0, 10.0, 20.0]);
        assert!((histogram.quantile(0.999) - 1_000.0).abs() < 20.0);
    }
}
