//! Layers in f64, row by row.

use crate::double::{
    DOUBLE_LANES, DoubleBlock, DoubleExtreme, DoubleLanes, DoubleMargins, DoubleMeasure,
    DoubleSpline,
};

/// `a · b + c`, rounded once or twice.
fn mul_add<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

pub(super) fn sums<const FUSED: bool>(block: &DoubleBlock<'_>, out: &mut [DoubleLanes]) {
    for channel in 0..block.weights.channels() {
        for cell in 0..block.windows.cells() {
            let mut sum = DoubleLanes::splat(block.bias[channel]);
            for input in 0..block.channels {
                for tap in block.windows.window(cell) {
                    let x = block.input[input * block.plane + tap.source as usize];
                    let weight = block.weights.at(channel, input * block.taps + tap.tap as usize);
                    sum = x.map2(sum, |x, sum| mul_add::<FUSED>(weight, x, sum));
                }
            }
            out[block.order.unit(channel, cell)] = sum;
        }
    }
}

pub(super) fn spline<const FUSED: bool>(
    spline: &DoubleSpline<'_>,
    measure: &DoubleMeasure<'_>,
    numbers: &mut [DoubleLanes],
    planes: &mut [u32],
    kept: &mut DoubleMargins,
) {
    for (unit, numbers) in numbers.iter_mut().enumerate() {
        for (row, z) in numbers.0.iter_mut().enumerate() {
            let knots = || spline.knots.iter().map(|knot| knot.at(unit, 0));
            let piece = knots().take_while(|&knot| *z > knot).count();
            let distance = knots().map(|knot| (*z - knot).abs()).fold(f64::INFINITY, f64::min);
            let (slope, offset) = (spline.slopes[piece].at(unit, 0), spline.offsets[piece]);
            *z = mul_add::<FUSED>(slope, *z, offset.at(unit, 0));
            set_piece(&mut planes[unit * spline.bits()..][..spline.bits()], row, piece as u32);
            keep(measure, unit, row, [distance, *z], kept);
        }
    }
}

pub(super) fn extreme(
    block: &DoubleExtreme<'_>,
    measure: &DoubleMeasure<'_>,
    out: &mut DoubleLanes,
    planes: &mut [u32],
    kept: &mut DoubleMargins,
) {
    for row in 0..DOUBLE_LANES {
        let numbers = || block.candidates.iter().map(|candidate| candidate.numbers.0[row]);
        let better = |new: f64, old: f64| if block.smallest { new < old } else { new > old };
        let (mut best, mut piece) = (block.candidates[0].numbers.0[row], block.candidates[0].piece);
        for (number, candidate) in numbers().zip(block.candidates) {
            if better(number, best) {
                (best, piece) = (number, candidate.piece);
            }
        }
        out.0[row] = best;
        set_piece(planes, row, piece);
        let gaps = numbers().map(|number| (best - number).abs()).filter(|gap| *gap > 0.0);
        keep(measure, block.unit, row, [gaps.fold(f64::INFINITY, f64::min), best], kept);
        let several = numbers().filter(|number| *number == best).count() > 1;
        let exact = measure.zeros_are_exact && best == 0.0;
        if several && !exact && measure.inverse.at(block.unit, 0) != f64::INFINITY {
            kept.tied |= 1 << row;
        }
    }
}

fn set_piece(planes: &mut [u32], row: usize, piece: u32) {
    for (bit, plane) in planes.iter_mut().enumerate() {
        *plane = *plane & !(1 << row) | (piece >> bit & 1) << row;
    }
}

fn keep(
    measure: &DoubleMeasure<'_>,
    unit: usize,
    row: usize,
    [distance, value]: [f64; 2],
    kept: &mut DoubleMargins,
) {
    // NaN, from 0 · ∞, lowers nothing.
    let relative = distance * measure.inverse.at(unit, 0);
    kept.relative.0[row] = kept.relative.0[row].min(relative);
    kept.largest.0[row] = kept.largest.0[row].max(value.abs() * measure.inverse_size);
}
