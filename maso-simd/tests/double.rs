//! Layers in f64 on every tier: exact equality with the reference of its rounding.

mod common;

use maso_simd::{
    ChannelWeights, DOUBLE_LANES, DoubleBlock, DoubleCandidate, DoubleExtreme, DoubleLanes,
    DoubleMargins, DoubleMeasure, DoubleSpline, Kernels, Occupied, PANEL, Param, Tap, UnitOrder,
    Windows, bits,
};

use common::{Source, on_every_tier, random_windows};

/// Numbers with ties and zeros among them.
fn lanes(source: &mut Source) -> DoubleLanes {
    DoubleLanes(std::array::from_fn(|_| f64::from(source.next()) / 3.0))
}

fn numbers(source: &mut Source, len: usize) -> Vec<f64> {
    source.vec(len).into_iter().map(|x| f64::from(x) / 7.0).collect()
}

#[test]
fn sums_match_the_reference() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(9);
        for outputs in [1, 2, 3, 5, 6, 8, 13, 16, 29] {
            for (channels, plane, cells, taps) in [(1, 9, 5, 4), (3, 12, 20, 9), (1, 0, 1, 70)] {
                let len = channels * plane.max(taps);
                let input: Vec<_> = (0..len).map(|_| lanes(&mut source)).collect();
                let weights = numbers(&mut source, outputs * channels * taps);
                let weights = ChannelWeights::pack(outputs, channels * taps, |o, i| {
                    weights[o * channels * taps + i]
                });
                let windows = random_windows(&mut source, cells, plane.max(taps), taps);
                let block = DoubleBlock {
                    input: &input,
                    channels,
                    plane,
                    windows: &windows,
                    taps,
                    weights: &weights,
                    bias: &numbers(&mut source, outputs),
                    order: UnitOrder { channel: cells, cell: 1 },
                    occupied: None,
                };
                let run = |kernels: &Kernels| {
                    let mut out = vec![DoubleLanes::default(); outputs * cells];
                    kernels.double(&block, &mut out);
                    out
                };
                assert!(run(kernels) == run(reference), "{outputs} channels, {taps} taps");
            }
        }
    });
}

#[test]
fn passing_over_zeros_changes_no_sum() {
    on_every_tier(|kernels, _| {
        let (mut source, inputs, units) = (Source(10), 300, 29);
        let mut narrow = vec![0.0; inputs * PANEL];
        for first in [40, 130, 250] {
            for lanes in narrow.chunks_exact_mut(PANEL).skip(first).take(20) {
                lanes.iter_mut().for_each(|number| *number = source.next());
            }
        }
        let mut occupied = Occupied::default();
        let occupied = kernels.occupied_lanes(&narrow, &mut occupied);
        assert!(occupied.is_some(), "most are zero");
        let input: Vec<_> = narrow.chunks_exact(PANEL).map(DoubleLanes::widened).collect();
        let weights = numbers(&mut source, units * inputs);
        let tap = |i: usize| Tap { tap: i as u32, source: i as u32 };
        let block = DoubleBlock {
            input: &input,
            channels: 1,
            plane: inputs,
            windows: &Windows::new([(0..inputs).map(tap)]),
            taps: inputs,
            weights: &ChannelWeights::pack(units, inputs, |o, i| weights[o * inputs + i]),
            bias: &numbers(&mut source, units),
            order: UnitOrder { channel: 1, cell: units },
            occupied: None,
        };
        let run = |block: &DoubleBlock<'_>| {
            let mut out = vec![DoubleLanes::default(); units];
            kernels.double(block, &mut out);
            out
        };
        assert!(run(&block) == run(&DoubleBlock { occupied, ..block }));
    });
}

/// One unit in five has distances that do not matter.
fn inverse(source: &mut Source, units: usize) -> Vec<f64> {
    let number = |unit: usize, x: f32| match unit % 5 {
        3 => f64::INFINITY,
        _ => f64::from(x.abs()) + 0.25,
    };
    source.vec(units).into_iter().enumerate().map(|(unit, x)| number(unit, x)).collect()
}

fn all(values: &[f64]) -> Param<'_, f64> {
    Param::Splat(values[0])
}

fn each(values: &[f64]) -> Param<'_, f64> {
    Param::Rows(values)
}

#[test]
fn splines_match_the_reference() {
    on_every_tier(|kernels, reference| {
        let (mut source, units) = (Source(11), 37);
        let values: Vec<_> = (0..units).map(|_| lanes(&mut source)).collect();
        let lists: Vec<_> = (0..8).map(|_| numbers(&mut source, units)).collect();
        // Values hit knots; the last unit's are all at one.
        let mut knots = [vec![-1.0 / 3.0; units], vec![0.0; units], vec![0.5 / 3.0; units]];
        knots[1][7] = f64::INFINITY;
        knots[2][7] = f64::INFINITY;
        let inverse = inverse(&mut source, units);
        for pieces in 1..=4 {
            for uniform in [false, true] {
                let bind = if uniform { all } else { each };
                let knots: Vec<_> = knots.iter().take(pieces - 1).map(|list| bind(list)).collect();
                let slopes: Vec<_> = lists[..pieces].iter().map(|list| bind(list)).collect();
                let offsets: Vec<_> = lists[4..][..pieces].iter().map(|list| bind(list)).collect();
                let spline = DoubleSpline { knots: &knots, slopes: &slopes, offsets: &offsets };
                let measure = DoubleMeasure {
                    inverse: Param::Rows(&inverse),
                    inverse_size: 0.3,
                    zeros_are_exact: false,
                };
                let run = |kernels: &Kernels| {
                    let (mut numbers, mut kept) = (values.clone(), DoubleMargins::NONE);
                    let mut planes = vec![0; units * spline.bits()];
                    kernels.double_spline(&spline, &measure, &mut numbers, &mut planes, &mut kept);
                    (numbers, planes, kept)
                };
                assert_eq!(run(kernels), run(reference), "{pieces} pieces");
            }
        }
    });
}

#[test]
fn maxima_match_the_reference_with_ties() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(12);
        for count in [1, 2, 3, 4, 9] {
            let inputs: Vec<_> = (0..count).map(|_| lanes(&mut source)).collect();
            let inputs: Vec<_> =
                inputs.iter().map(|x| DoubleLanes(x.0.map(|x| (x * 3.0).round()))).collect();
            // Padding has no candidate, so that numbers have gaps.
            let number = |(i, numbers): (u32, _)| DoubleCandidate { piece: 2 * i, numbers };
            let candidates: Vec<_> = (0..).zip(&inputs).map(number).collect();
            let inverse = inverse(&mut source, 5);
            for (unit, smallest) in (0..5).flat_map(|unit| [(unit, false), (unit, true)]) {
                let block = DoubleExtreme { candidates: &candidates, smallest, unit };
                let measure = DoubleMeasure {
                    inverse: Param::Rows(&inverse),
                    inverse_size: 0.3,
                    zeros_are_exact: unit % 2 == 0,
                };
                let run = |kernels: &Kernels| {
                    let (mut out, mut kept) = (DoubleLanes::default(), DoubleMargins::NONE);
                    let mut planes = vec![0; bits::width(2 * count)];
                    kernels.double_extreme(&block, &measure, &mut out, &mut planes, &mut kept);
                    (out, planes, kept)
                };
                assert_eq!(run(kernels), run(reference), "{count} candidates");
                let tied = run(kernels).2.tied;
                assert!(tied >> DOUBLE_LANES == 0, "only rows are tied");
                assert!(unit == 3 || count < 9 || tied != 0, "some rows are");
            }
        }
    });
}
