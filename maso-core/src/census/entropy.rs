//! Entropies of counts, in bits.

/// The plug-in estimate −Σ p log2 p of counts that sum to `total`, given as pairs of a count and how many outcomes
/// have it. Biased low where there are about as many outcomes as samples.
pub(super) fn plug_in(counts: impl IntoIterator<Item = (u64, u64)>, total: u64) -> f64 {
    let total = total as f64;
    let terms = counts.into_iter().filter(|&(count, _)| count > 0).map(|(count, outcomes)| {
        let p = count as f64 / total;
        -p * p.log2() * outcomes as f64
    });
    // A single outcome gives −1 · 0 = −0.
    terms.sum::<f64>().max(0.0)
}

/// The Miller–Madow correction (outcomes − 1) / (2 · samples · ln 2), to be added to the plug-in
/// estimate (Miller, *Note on the bias of information estimates*, 1955).
pub(super) fn miller_madow(outcomes: usize, samples: u64) -> f64 {
    (outcomes as f64 - 1.0) / (2.0 * samples as f64 * std::f64::consts::LN_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropies_of_known_counts() {
        assert_eq!(plug_in([(5, 1)], 5), 0.0);
        assert_eq!(plug_in([(1, 4)], 4), 2.0);
        assert!((plug_in([(3, 1), (1, 1)], 4) - 0.811_278_124_459_132_8).abs() < 1e-15, "H(1/4)");
        // (4 − 1) / (2 · 4 · ln 2)
        assert!((miller_madow(4, 4) - 0.541_010_640_333_361).abs() < 1e-14, "correction");
    }
}
