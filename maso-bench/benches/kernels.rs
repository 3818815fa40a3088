//! The kernels alone, on every tier: one panel of a matrix, windows, sums, extremes.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use maso_simd::{
    AffineBlock, Aligned, ChannelWeights, Combine, Kernels, PANEL, Panels, Param, Spline, Tap,
    Term, Tier, UnitOrder, WindowBlock, WindowExtreme, Windows,
};

/// A list of numbers that are not all alike.
fn numbers(len: usize) -> Aligned {
    let mut list = Aligned::zeros(len);
    list.iter_mut().enumerate().for_each(|(i, value)| *value = (i % 13) as f32 * 0.1 - 0.6);
    list
}

fn tiers() -> impl Iterator<Item = &'static Kernels> {
    let tiers = Tier::available().into_iter().filter(|tier| *tier != Tier::Scalar);
    tiers.map(Kernels::of)
}

fn affine(c: &mut Criterion) {
    for (depth, rows) in [(32, 240), (64, 240), (784, 120)] {
        let mut group = c.benchmark_group(format!("panel of {PANEL} units, depth {depth}"));
        group.throughput(Throughput::Elements((rows * depth * PANEL) as u64));
        let (x, panels) =
            (numbers(rows * depth), Panels::pack(PANEL, depth, |u, i| (u * i % 7) as f32));
        let (mut out, mut fields) = (Aligned::zeros(rows * PANEL), vec![0; rows]);
        for kernels in tiers() {
            let block = AffineBlock {
                x: &x,
                ldx: depth,
                rows,
                depth,
                weights: panels.weights(),
                lanes: PANEL,
                bias: Param::Splat(0.1),
                spline: Spline::relu(),
                occupied: None,
            };
            group.bench_function(kernels.tier().name(), |b| {
                b.iter(|| kernels.affine(black_box(&block), &mut out, PANEL, &mut fields, None));
            });
        }
    }
}

fn windows(c: &mut Criterion) {
    for (channels, outputs, side) in [(1, 6, 28), (16, 16, 14), (64, 64, 7)] {
        let (taps, cells) = (9, (side - 2) * (side - 2));
        let windows = Windows::new((0..cells).map(|cell| {
            let corner = cell / (side - 2) * side + cell % (side - 2);
            (0..taps).map(move |tap| Tap {
                tap: tap as u32,
                source: (corner + tap / 3 * side + tap % 3) as u32,
            })
        }));
        let weights = ChannelWeights::pack(outputs, channels * taps, |o, i| (o * i % 7) as f32);
        let (input, mut out) =
            (numbers(channels * side * side * PANEL), Aligned::zeros(outputs * cells * PANEL));
        let mut planes = vec![0; outputs * cells];
        let mut group =
            c.benchmark_group(format!("3x3, {channels} to {outputs} channels, {side}x{side}"));
        group.throughput(Throughput::Elements((PANEL * outputs * cells * channels * taps) as u64));
        for kernels in tiers() {
            let block = WindowBlock {
                input: &input,
                channels,
                plane: side * side,
                windows: &windows,
                taps,
                weights: &weights,
                bias: Param::Splat(0.1),
                addend: None,
                spline: Spline::relu(),
                order: UnitOrder { channel: cells, cell: 1 },
                occupied: None,
            };
            group.bench_function(kernels.tier().name(), |b| {
                b.iter(|| kernels.windows(black_box(&block), &mut out, &mut planes, None));
            });
        }
    }
}

fn small(c: &mut Criterion) {
    let len = 64 * PANEL;
    let (x, mut out, mut fields) = (numbers(len), Aligned::zeros(len), vec![0; 64]);
    let windows = Windows::new((0..16).map(|cell| {
        (0..4).map(move |tap| Tap {
            tap,
            source: cell / 4 * 16 + cell % 4 * 2 + tap / 2 * 8 + tap % 2,
        })
    }));
    let mut planes = vec![0; 32];
    let mut codes = vec![0; 32 * 16];
    let many = vec![0x1234_5678; 1024];
    for kernels in tiers() {
        let mut group = c.benchmark_group(format!("small kernels, {}", kernels.tier()));
        let terms =
            [Term { x: &x, scale: Param::Splat(0.5) }, Term { x: &x, scale: Param::Splat(1.0) }];
        let sum = Combine { terms: &terms, shift: None, spline: Spline::relu() };
        group.bench_function("sum of two branches", |b| {
            b.iter(|| kernels.combine(black_box(&sum), &mut out, &mut fields, None));
        });
        let pool = WindowExtreme {
            input: &x,
            planes: 1,
            plane: 64,
            windows: &windows,
            taps: 4,
            smallest: false,
        };
        group.bench_function("2x2 maxima", |b| {
            b.iter(|| kernels.window_extreme(black_box(&pool), &mut out, &mut planes, None));
        });
        group.bench_function("codes of 1,024 bits", |b| {
            b.iter(|| kernels.codes(black_box(&many), 16, &mut codes));
        });
    }
}

criterion_group!(benches, affine, windows, small);
criterion_main!(benches);
