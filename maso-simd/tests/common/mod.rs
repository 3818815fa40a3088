//! What every suite over the tiers needs: numbers, tiers beside their references, windows.

#![allow(dead_code, reason = "no suite needs all of it")]
#![allow(clippy::print_stderr, reason = "a test run says what it measured")]

use maso_simd::{Kernels, Param, Tap, Tier, Windows};

/// A small generator of f32 in [-2, 2) with many repeated values, so that ties and exact zeros occur.
pub(crate) struct Source(pub(crate) u64);

impl Source {
    pub(crate) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let bits = self.0 >> 33;
        if bits.is_multiple_of(7) { 0.0 } else { (bits % 2048) as f32 / 512.0 - 2.0 }
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % limit
    }

    pub(crate) fn vec(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.next()).collect()
    }
}

/// Runs `check` on every tier but the scalar one, with the reference of its rounding.
pub(crate) fn on_every_tier(check: impl Fn(&Kernels, &Kernels)) {
    for tier in Tier::available().into_iter().filter(|tier| *tier != Tier::Scalar) {
        eprintln!("tier {tier}");
        check(Kernels::of(tier), Kernels::reference(tier.rounding()));
    }
}

pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Windows of `cells` cells over planes of `sources`, `taps` wide, some taps in padding.
pub(crate) fn random_windows(
    source: &mut Source,
    cells: usize,
    sources: usize,
    taps: usize,
) -> Windows {
    let mut number = |below: usize| ((source.next() + 2.0) * 512.0) as usize % below;
    Windows::new((0..cells).map(|_| {
        let kept = number(taps);
        let mut window = Vec::new();
        for tap in 0..taps {
            if tap == kept || number(4) > 0 {
                window.push(Tap { tap: tap as u32, source: number(sources) as u32 });
            }
        }
        window
    }))
}

/// What makes a parameter of numbers.
pub(crate) type Wrap = for<'a> fn(&'a [f32]) -> Param<'a>;

pub(crate) fn by_lane(numbers: &[f32]) -> Param<'_> {
    Param::Lanes(numbers)
}

pub(crate) fn by_row(numbers: &[f32]) -> Param<'_> {
    Param::Rows(numbers)
}

/// The first for all.
pub(crate) fn uniform(numbers: &[f32]) -> Param<'_> {
    Param::Splat(numbers[0])
}
