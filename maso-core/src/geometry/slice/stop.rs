//! When a walk stops before it is through: at a number of regions, which several walks find together, or at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Clocks and counters of others are looked at once for as many regions.
const ROUND: usize = 64;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop<'t> {
    pub(super) regions: usize,
    pub(super) deadline: Option<Instant>,
    /// What others find at the same time.
    pub(super) tally: Option<(&'t Tally, usize)>,
}

/// How many regions each of several walks has found. Those of the first ones count first.
#[derive(Debug)]
pub(super) struct Tally {
    found: Vec<AtomicUsize>,
}

impl Tally {
    pub(super) fn new(walks: usize) -> Self {
        Self { found: (0..walks).map(|_| AtomicUsize::new(0)).collect() }
    }

    /// Takes down what a walk has found; gives how many it and those before it have found.
    fn up_to(&self, walk: usize, found: usize) -> usize {
        self.found[walk].store(found, Ordering::Relaxed);
        self.found[..=walk].iter().map(|found| found.load(Ordering::Relaxed)).sum()
    }
}

impl Stop<'_> {
    /// Whether a walk that has found `found` regions stops. One of several may go on for a while; what is too much is
    /// dropped afterwards.
    pub(super) fn is_reached(&self, found: usize) -> bool {
        if self.tally.is_none() && found >= self.regions {
            return true;
        }
        if !found.is_multiple_of(ROUND) {
            return false;
        }
        self.is_enough(found) || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn is_enough(&self, found: usize) -> bool {
        match self.tally {
            // Those before it can only find more: what this walk would find beyond is too much in any case.
            Some((tally, walk)) if self.regions < usize::MAX => {
                tally.up_to(walk, found) >= self.regions
            }
            _ => false,
        }
    }
}
