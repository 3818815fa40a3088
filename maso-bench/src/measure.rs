//! Times of repeated calls.

use std::time::Instant;

/// Seconds that a sample should take at least, so that the clock and a stray interrupt do not matter.
const LEAST: f64 = 0.02;

/// Times of one call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Times {
    /// Sorted, in seconds.
    seconds: Vec<f64>,
}

impl Times {
    pub(crate) fn new(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        Self { seconds }
    }

    /// The median.
    pub(crate) fn median(&self) -> f64 {
        let middle = self.seconds.len() / 2;
        if self.seconds.len() % 2 == 1 {
            self.seconds[middle]
        } else {
            f64::midpoint(self.seconds[middle - 1], self.seconds[middle])
        }
    }

    /// Distance between the quartiles, as a share of the median.
    pub(crate) fn spread(&self) -> f64 {
        let last = self.seconds.len() - 1;
        (self.seconds[last - last / 4] - self.seconds[last / 4]) / self.median()
    }
}

/// How often `call` is repeated for a sample, after one call to warm up.
pub(crate) fn repeats(mut call: impl FnMut()) -> usize {
    call();
    let started = Instant::now();
    call();
    (LEAST / started.elapsed().as_secs_f64().max(1e-9)).ceil().clamp(1.0, 1e6) as usize
}

/// Seconds of one call, over `repeats` of them.
pub(crate) fn time(repeats: usize, mut call: impl FnMut()) -> f64 {
    let started = Instant::now();
    for _ in 0..repeats {
        call();
    }
    started.elapsed().as_secs_f64() / repeats as f64
}

/// Times of each call, `samples` of them, taken in turn: what slows the machine slows all alike.
pub(crate) fn measure_in_turn(samples: u16, calls: &mut [Box<dyn FnMut() + '_>]) -> Vec<Times> {
    let repeats: Vec<usize> = calls.iter_mut().map(repeats).collect();
    let mut seconds = vec![Vec::new(); calls.len()];
    for _ in 0..samples {
        for (call, (&repeats, seconds)) in calls.iter_mut().zip(repeats.iter().zip(&mut seconds)) {
            seconds.push(time(repeats, call));
        }
    }
    seconds.into_iter().map(Times::new).collect()
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn medians_and_spreads_are_those_of_the_sorted_times() {
        let times = Times::new(vec![3.0, 1.0, 2.0, 5.0, 4.0]);
        assert_eq!((times.median(), times.spread()), (3.0, 2.0 / 3.0));
        assert_eq!(Times::new(vec![1.0, 2.0]).median(), 1.5);
        assert_eq!(Times::new(vec![7.0]).spread(), 0.0);
    }
}
