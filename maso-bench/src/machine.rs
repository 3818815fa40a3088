//! The machine: what it is, and what it can do at most.

use std::time::Instant;

use maso_core::Tier;
use maso_simd::Kernels;
use serde::{Deserialize, Serialize};

/// What a result was measured on.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) threads: usize,
    pub(crate) system: String,
    pub(crate) tiers: Vec<String>,
    pub(crate) version: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        Self {
            processor: processor().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            system: std::env::consts::OS.to_owned(),
            tiers: Tier::available().iter().map(|tier| tier.name().to_owned()).collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    pub(crate) fn text(&self) -> String {
        format!(
            "{}, {} threads, {}; tiers {}",
            self.processor,
            self.threads,
            self.system,
            self.tiers.join(", ")
        )
    }
}

/// The processor's name, where the system says it.
fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// GFLOP/s of multiply-adds between registers on one thread, the best of some tries: what `tier` can do
/// at most. A multiply-add counts as two.
pub(crate) fn peak(tier: Tier) -> f64 {
    let kernels = Kernels::of(tier);
    let rounds = 1_000_000;
    let rates = (0..9).map(|_| {
        let started = Instant::now();
        let (count, sum) = kernels.peak(rounds);
        std::hint::black_box(sum);
        2.0 * count as f64 / started.elapsed().as_secs_f64() / 1e9
    });
    rates.fold(0.0, f64::max)
}
