//! Random networks: all tiers against the slow
//! evaluation, and independence of tiles, threads and the order of rows.

mod common;

use std::sync::Arc;

use common::networks::random_network;
use common::oracles::scaled;
use common::{Random, check_tiers, run};
use maso_core::Evaluator;

#[test]
fn every_tier_equals_the_slow_evaluation_on_random_networks() {
    let mut layers = 0;
    for seed in 0..400 {
        let network = random_network(seed);
        layers += network.layout().layers().len();
        let rows = Random(seed).numbers(5 * network.input().len());
        check_tiers(network, &rows, &format!("network {seed}"));
    }
    assert!(layers > 800, "the networks have layers: {layers}");
}

#[test]
fn inputs_that_are_zero_change_nothing() {
    // Narrow and wide: units across lanes, and rows.
    for (seed, widths) in [(1, [300, 40, 48, 5].as_slice()), (2, &[784, 512, 512, 10])] {
        let mut random = Random(seed);
        let (count, width) = (70, widths[0]);
        let mut rows = random.numbers(count * width);
        // As in images: margins that are empty in all rows, and more in each.
        for (row, numbers) in rows.chunks_exact_mut(width).enumerate() {
            numbers[..width / 4].fill(0.0);
            numbers[width / 2..width / 2 + 60].fill(-0.0);
            numbers[width - width / 8 - row % 9..].fill(0.0);
        }
        let network = scaled(widths, seed, 0.1);
        let (_, codes) = check_tiers(network, &rows, &format!("{widths:?} with zeros"));
        assert!(codes.iter().any(|code| *code != codes[0]), "rows are in different regions");
    }
}

#[test]
fn tiles_threads_and_the_order_of_rows_change_nothing() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
    let pool = Arc::new(pool);
    for seed in 400..440 {
        let network = Arc::new(random_network(seed));
        let (width, words) = (network.input().len(), network.layout().words());
        let count = 37;
        let rows = Random(seed).numbers(count * width);
        let (values, codes) = run(&Evaluator::new(Arc::clone(&network)), &rows);
        for tile in [1, 2, 3, 8, 36, 37, 1000] {
            for threaded in [false, true] {
                let mut evaluator = Evaluator::new(Arc::clone(&network)).with_tile_rows(tile);
                if threaded {
                    evaluator = evaluator.with_pool(Arc::clone(&pool));
                }
                let found = run(&evaluator, &rows);
                assert_eq!(found, (values.clone(), codes.clone()), "network {seed}, tile {tile}");
            }
        }
        let reversed: Vec<f32> = rows.chunks_exact(width).rev().flatten().copied().collect();
        let (_, found) = run(&Evaluator::new(network), &reversed);
        if words > 0 {
            let expected: Vec<u64> = codes.chunks_exact(words).rev().flatten().copied().collect();
            assert_eq!(found, expected, "network {seed}, rows reversed");
        }
    }
}
