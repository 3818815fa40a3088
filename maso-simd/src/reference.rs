//! The obvious scalar version of every kernel: what the tiers are compared with, bit for bit.

use crate::forms::{FormBlock, FormSum, Weights};
use crate::gate::{Gate, Winners};
use crate::kernels::{AffineBlock, Combine, ExtremeBlock, Kernels, Param, Spline};
use crate::margins::{Gauge, Kept, MarginLane, Norms, norms_of_lanes};
use crate::product::Product;
use crate::soft::{Function, Link, PoolRule, Soft, SoftGate, SoftPool, SoftUnit};
use crate::windows::{Meeting, WindowBlock, WindowExtreme};
use crate::{PANEL, Tier, bits};

mod double;
mod transcendental;

/// The reference of tiers that round twice; also a tier of its own.
pub(crate) static SEPARATE: Kernels = table::<false>();
/// The reference of tiers that round once.
pub(crate) static FUSED: Kernels = table::<true>();

const fn table<const FUSED: bool>() -> Kernels {
    Kernels {
        tier: Tier::Scalar,
        affine: affine::<FUSED>,
        combine: combine::<FUSED>,
        extreme,
        windows: windows::<FUSED>,
        window_extreme,
        map: map::<FUSED>,
        second_pass: |_, _, _, _| unreachable!("the reference ends its sums itself"),
        soft_extreme: soft_extreme::<FUSED>,
        soft_window_extreme: soft_window_extreme::<FUSED>,
        double: double::sums::<FUSED>,
        double_spline: double::spline::<FUSED>,
        double_extreme: double::extreme,
        product: product::<f32, FUSED>,
        double_product: product::<f64, FUSED>,
        form_signs: form_signs::<FUSED>,
        add_column: add_column::<FUSED>,
        add_column_to: add_column_to::<FUSED>,
        largest_forms: largest_forms::<FUSED>,
        sum_forms: sum_forms::<FUSED>,
        sum_forms_twice_as_well,
        gate,
        pick,
        put_back,
        to_lanes,
        from_lanes,
        codes,
        norms: norms::<FUSED>,
        occupied_row,
        occupied_lanes,
        finite: |numbers| numbers.iter().all(|number| number.is_finite()),
        peak: peak::<FUSED>,
    }
}

/// `a · b + c`, rounded once or twice.
fn mul_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Value and piece of `z` under `spline`, with the parameters of (`row`, `lane`), rounded twice.
///
/// # Panics
/// If the spline has no parameters for that row or lane.
#[must_use]
pub fn spline(spline: &Spline<'_>, row: usize, lane: usize, z: f32) -> (f32, usize) {
    ending::<false>(spline, row, lane, z)
}

fn ending<const FUSED: bool>(spline: &Spline<'_>, row: usize, lane: usize, z: f32) -> (f32, usize) {
    // A sum that is zero has no sign.
    let z = z + 0.0;
    if spline.pieces == 0 {
        return (z, 0);
    }
    let knots = &spline.knots[..spline.pieces - 1];
    let piece = knots.iter().take_while(|knot| z > knot.at(row, lane)).count();
    match &spline.soft {
        Some(Soft::Gates(unit)) => return (soft::<FUSED>(unit, row, lane, z), piece),
        Some(Soft::Function(function)) => {
            let mut number = [z];
            let done = function.run(&mut number);
            return (if done { number[0] } else { f32::NAN }, piece);
        }
        None => {}
    }
    let (slope, offset) = (spline.slopes[piece].at(row, lane), spline.offsets[piece].at(row, lane));
    (mul_add::<FUSED>(slope, z, offset), piece)
}

fn soft<const FUSED: bool>(unit: &SoftUnit<'_>, row: usize, lane: usize, z: f32) -> f32 {
    let line = |line: [Param<'_>; 2]| {
        let [slope, offset] = line.map(|parameter| parameter.at(row, lane));
        mul_add::<FUSED>(slope, z, offset)
    };
    let gates = unit.gates().iter().map(|gate| {
        let distance = gate.line.map_or(z, line);
        let factor = gate.scale.map_or(distance, |scale| scale.at(row, lane));
        soft_gate::<FUSED>(gate, factor, distance * gate.sharpness.at(row, lane))
    });
    let parts = unit.base.map(line).into_iter().chain(gates);
    parts.reduce(|total, part| total + part).expect("a unit has a gate")
}

/// `factor` · F(t).
fn soft_gate<const FUSED: bool>(gate: &SoftGate<'_>, factor: f32, t: f32) -> f32 {
    use transcendental as f;
    match gate.link {
        Link::Logistic => f::times_sigmoid::<FUSED>(factor, t),
        Link::Tanh => factor * f::tanh::<FUSED>(t),
        Link::Softplus => factor * f::softplus::<FUSED>(t),
        Link::Normal => factor * f::normal_cdf::<FUSED>(t),
        Link::NormalTanh => f::times_normal_tanh::<FUSED>(factor, t),
        Link::Mish => factor * f::mish::<FUSED>(t),
        Link::HardSigmoid => factor * f::hard_sigmoid::<FUSED>(t),
    }
}

fn occupied_row(row: &[f32], mask: &mut [u64]) {
    mask.fill(0);
    for (i, _) in row.iter().enumerate().filter(|(_, number)| **number != 0.0) {
        mask[i / 64] |= 1 << (i % 64);
    }
}

fn occupied_lanes(lanes: &[[f32; PANEL]], mask: &mut [u64]) {
    let is_other = |vector: &[f32; PANEL]| f32::from(vector.iter().any(|number| *number != 0.0));
    let others: Vec<f32> = lanes.iter().map(is_other).collect();
    occupied_row(&others, mask);
}

fn map<const FUSED: bool>(function: Function, x: &[f32], y: &mut [f32]) {
    let function = match function {
        Function::Exp => transcendental::exp::<FUSED>,
        Function::Sigmoid => |x| transcendental::times_sigmoid::<FUSED>(1.0, x),
        Function::Tanh => transcendental::tanh::<FUSED>,
        Function::Softplus => transcendental::softplus::<FUSED>,
        Function::NormalCdf => transcendental::normal_cdf::<FUSED>,
    };
    x.iter().zip(y).for_each(|(&x, y)| *y = function(x));
}

fn soft_extreme<const FUSED: bool>(
    block: &ExtremeBlock<'_>,
    pool: &SoftPool<'_>,
    out: &mut [f32; PANEL],
    winner: &mut [u32; PANEL],
    gauge: Option<&mut Gauge<'_>>,
) {
    extreme(block, out, winner, gauge);
    for (lane, out) in out.iter_mut().enumerate() {
        let candidates = block.candidates.chunks_exact(PANEL).map(|row| row[lane]);
        let sharpness = pool.sharpness.at(0, lane);
        *out = pooled::<FUSED>(pool.rule, [sharpness, *out], block.smallest, candidates);
    }
}

fn soft_window_extreme<const FUSED: bool>(
    block: &WindowExtreme<'_>,
    pool: &SoftPool<'_>,
    out: &mut [f32],
    planes: &mut [u32],
    gauge: Option<&mut Gauge<'_>>,
) {
    window_extreme(block, out, planes, gauge);
    let cells = block.windows.cells();
    for unit in 0..block.planes * cells {
        for lane in 0..PANEL {
            let candidates = block.windows.window(unit % cells).iter().map(|tap| {
                block.input[(unit / cells * block.plane + tap.source as usize) * PANEL + lane]
            });
            let out = &mut out[unit * PANEL + lane];
            let sharpness = pool.sharpness.at(unit / cells, lane);
            *out = pooled::<FUSED>(pool.rule, [sharpness, *out], block.smallest, candidates);
        }
    }
}

/// The soft value of `candidates`, of which `best` is the best.
fn pooled<const FUSED: bool>(
    rule: PoolRule,
    [sharpness, best]: [f32; 2],
    smallest: bool,
    candidates: impl Iterator<Item = f32>,
) -> f32 {
    let sharpness = if smallest { -sharpness } else { sharpness };
    let (mut total, mut moment) = (0.0, 0.0);
    for candidate in candidates {
        let distance = (candidate - best).clamp(f32::MIN, f32::MAX);
        let weight = transcendental::exp_to_1::<FUSED>(distance * sharpness);
        let weight = if distance.abs() < f32::MAX { weight } else { 0.0 };
        total += weight;
        moment = mul_add::<FUSED>(weight, distance, moment);
    }
    let beyond = match rule {
        PoolRule::Mean => moment / total,
        PoolRule::LogPartition => transcendental::log_from_1::<FUSED>(total) / sharpness,
    };
    best + beyond
}

fn affine<const FUSED: bool>(
    block: &AffineBlock<'_>,
    out: &mut [f32],
    ldo: usize,
    fields: &mut [u64],
    mut gauge: Option<&mut Gauge<'_>>,
) -> bool {
    let mut finite = true;
    fields[..block.rows * block.panels()].fill(0);
    for row in 0..block.rows {
        for unit in 0..block.lanes {
            let (panel, lane) = (unit / PANEL, unit % PANEL);
            let mut sum = block.bias.at(row, unit);
            for input in 0..block.depth {
                let weight = block.weights[(panel * block.depth + input) * PANEL + lane];
                sum = mul_add::<FUSED>(block.x[row * block.ldx + input], weight, sum);
            }
            let (value, piece) = ending::<FUSED>(&block.spline, row, unit, sum);
            measure(gauge.as_deref_mut(), block.spline.knots(), [row, row, unit], sum, value);
            out[row * ldo + unit] = value;
            fields[panel * block.rows + row] |= (piece as u64) << (lane * block.spline.bits());
            finite &= sum.is_finite() && value.is_finite();
        }
    }
    finite
}

fn combine<const FUSED: bool>(
    sum: &Combine<'_>,
    out: &mut [f32],
    fields: &mut [u64],
    mut gauge: Option<&mut Gauge<'_>>,
) -> bool {
    fields[..out.len().div_ceil(PANEL)].fill(0);
    let mut finite = true;
    for (i, out) in out.iter_mut().enumerate() {
        let (scale, x) = (|t: usize| sum.terms[t].scale.at(0, i), |t: usize| sum.terms[t].x[i]);
        let (first, mut z) =
            sum.shift.map_or_else(|| (1, scale(0) * x(0)), |shift| (0, shift.at(0, i)));
        for t in first..sum.terms.len() {
            z = mul_add::<FUSED>(scale(t), x(t), z);
        }
        let (value, piece) = ending::<FUSED>(&sum.spline, 0, i, z);
        measure(gauge.as_deref_mut(), sum.spline.knots(), [0, 0, i], z, value);
        *out = value;
        fields[i / PANEL] |= (piece as u64) << (i % PANEL * sum.spline.bits());
        finite &= z.is_finite() && value.is_finite();
    }
    finite
}

fn extreme(
    block: &ExtremeBlock<'_>,
    out: &mut [f32; PANEL],
    winner: &mut [u32; PANEL],
    mut gauge: Option<&mut Gauge<'_>>,
) {
    for lane in 0..PANEL {
        let mut best = (block.candidates[lane], 0);
        for (i, row) in block.candidates.chunks_exact(PANEL).enumerate() {
            let better = if block.smallest { row[lane] < best.0 } else { row[lane] > best.0 };
            if better {
                best = (row[lane], i as u32);
            }
        }
        (out[lane], winner[lane]) = best;
        let candidates = block.candidates.chunks_exact(PANEL).map(|row| row[lane]);
        measure_gap(gauge.as_deref_mut(), [0, lane], best.0, candidates);
    }
}

/// A number that sums of products are made of.
trait Factor: Copy {
    fn mul_add<const FUSED: bool>(self, factor: Self, addend: Self) -> Self;
}

macro_rules! factor {
    ($($number:ty),*) => {$(
        impl Factor for $number {
            fn mul_add<const FUSED: bool>(self, factor: Self, addend: Self) -> Self {
                if FUSED { self.mul_add(factor, addend) } else { self * factor + addend }
            }
        }
    )*};
}
factor!(f32, f64);

fn form_signs<const FUSED: bool>(
    block: &FormBlock<'_>,
    [s, t]: [f64; 2],
    limit: f64,
    above: &mut [u64],
    near: &mut [u64],
) {
    above.fill(0);
    near.fill(0);
    let [a, b, c] = block.columns();
    for unit in 0..block.stride {
        let z = Factor::mul_add::<FUSED>(a[unit], s, Factor::mul_add::<FUSED>(b[unit], t, c[unit]));
        above[unit / 64] |= u64::from(z > limit) << (unit % 64);
        near[unit / 64] |= u64::from(!(z > limit || -limit > z)) << (unit % 64);
    }
}

fn largest_forms<const FUSED: bool>(block: &FormBlock<'_>, [s, t]: [f64; 2]) -> [f64; 2] {
    let [a, b, c] = block.columns();
    (0..block.stride).fold([0.0; 2], |[gradient, size]: [f64; 2], unit| {
        let [a, b, c] = [a[unit], b[unit], c[unit]].map(f64::abs);
        let own = Factor::mul_add::<FUSED>(a, s, Factor::mul_add::<FUSED>(b, t, c));
        [gradient.max(a + b), size.max(own)]
    })
}

fn weight(weights: Weights<'_>, index: usize) -> f64 {
    match weights {
        Weights::Single(weights) => weights[index].into(),
        Weights::Double(weights) => weights[index],
    }
}

fn add_column<const FUSED: bool>(
    block: &FormBlock<'_>,
    column: Weights<'_>,
    step: [f64; 3],
    to: &mut [f64],
) {
    to.copy_from_slice(block.numbers);
    add_column_to::<FUSED>(to, column, step);
}

fn add_column_to<const FUSED: bool>(numbers: &mut [f64], column: Weights<'_>, step: [f64; 3]) {
    let stride = numbers.len() / 3;
    for (row, step) in step.into_iter().enumerate() {
        for unit in 0..stride {
            let number = &mut numbers[row * stride + unit];
            *number = Factor::mul_add::<FUSED>(weight(column, unit), step, *number);
        }
    }
}

fn sum_forms<const FUSED: bool>(sum: &FormSum<'_>, numbers: &mut [f64]) {
    for (&input, &factors) in sum.chosen.iter().zip(sum.factors) {
        let column = sum.weights.after(input as usize * sum.stride);
        add_column_to::<FUSED>(numbers, column, factors);
    }
}

/// What rounding takes of sums and products is found without loss in either family, so that both have the same bits.
fn sum_forms_twice_as_well(sum: &FormSum<'_>, numbers: &mut [f64]) {
    for (at, number) in numbers.iter_mut().enumerate() {
        let (row, unit) = (at / sum.stride, at % sum.stride);
        let (mut total, mut rest) = (*number, 0.0);
        for (&input, factors) in sum.chosen.iter().zip(sum.factors) {
            let (weight, factor) =
                (weight(sum.weights, input as usize * sum.stride + unit), factors[row]);
            let product = weight * factor;
            let lost = weight.mul_add(factor, -product);
            let next = total + product;
            let of_product = next - total;
            let error = (total - (next - of_product)) + (product - of_product);
            (total, rest) = (next, rest + (error + lost));
        }
        *number = total + rest;
    }
}

fn product<N: Factor, const FUSED: bool>(product: &Product<'_, N>, out: &mut [N], ldo: usize) {
    for row in 0..product.rows {
        for column in 0..product.columns {
            let sum = &mut out[row * ldo + column];
            for (k, &chosen) in product.chosen.iter().enumerate() {
                let factor = product.factors[row * product.ldf + k];
                let number = product.matrix[chosen as usize * product.ldm + column];
                *sum = factor.mul_add::<FUSED>(number, *sum);
            }
        }
    }
}

fn windows<const FUSED: bool>(
    block: &WindowBlock<'_>,
    out: &mut [f32],
    planes: &mut [u32],
    mut gauge: Option<&mut Gauge<'_>>,
) -> bool {
    let mut finite = true;
    for (first, width) in block.weights.groups() {
        for channel in first..first + width {
            for cell in 0..block.windows.cells() {
                for lane in 0..PANEL {
                    let gauge = gauge.as_deref_mut();
                    finite &= window::<FUSED>(block, [channel, cell, lane], out, planes, gauge);
                }
            }
        }
    }
    finite
}

/// One unit in one row.
fn window<const FUSED: bool>(
    block: &WindowBlock<'_>,
    [channel, cell, lane]: [usize; 3],
    out: &mut [f32],
    planes: &mut [u32],
    gauge: Option<&mut Gauge<'_>>,
) -> bool {
    let mut z = block.bias.at(channel, 0);
    for input in 0..block.channels {
        for tap in block.windows.window(cell) {
            let x = block.input[(input * block.plane + tap.source as usize) * PANEL + lane];
            let weight = block.weights.at(channel, input * block.taps + tap.tap as usize);
            z = mul_add::<FUSED>(weight, x, z);
        }
    }
    let unit = block.order.unit(channel, cell);
    if let Some(addend) = &block.addend {
        let branch = addend.values[unit * PANEL + lane];
        z = match addend.meeting {
            Meeting::Plus => z + branch,
            Meeting::Minus => z - branch,
            Meeting::From => branch - z,
        };
    }
    let (value, piece) = ending::<FUSED>(&block.spline, channel, 0, z);
    measure(gauge, block.spline.knots(), [0, channel, lane], z, value);
    out[unit * PANEL + lane] = value;
    put(planes, unit, block.spline.bits(), lane, piece);
    z.is_finite() && value.is_finite()
}

/// Takes in one pre-activation and its value; lanes of parameters are counted over all panels.
fn measure(
    gauge: Option<&mut Gauge<'_>>,
    knots: usize,
    [slot, row, lane]: [usize; 3],
    z: f32,
    value: f32,
) {
    let Some(Gauge { measure, kept }) = gauge else { return };
    let mut own = MarginLane { largest: value.abs() * measure.inverse_size, ..MarginLane::NONE };
    for knot in &measure.minus_knots[..knots] {
        let distance = (z + knot.at(row, lane)).abs();
        own.absolute = own.absolute.min(distance);
        own.relative = own.relative.min(distance * measure.inverse.at(row, lane));
    }
    match kept {
        Kept::Rows(rows) => rows[slot].merge(own),
        Kept::Lanes(lanes) => lanes.merge(lane % PANEL, own),
    }
}

/// Takes in the winner of some candidates.
fn measure_gap(
    gauge: Option<&mut Gauge<'_>>,
    [row, lane]: [usize; 2],
    best: f32,
    candidates: impl Iterator<Item = f32> + Clone,
) {
    let Some(gauge) = gauge else { return };
    let (measure, kept) = gauge.lanes();
    let equal = candidates.clone().filter(|&candidate| candidate == best).count();
    let others = candidates.filter(|&candidate| candidate != best);
    let gap = others.map(|other| (best - other).abs()).fold(f32::INFINITY, f32::min);
    let own = MarginLane {
        absolute: gap,
        relative: gap * measure.inverse.at(row, lane),
        largest: best.abs() * measure.inverse_size,
        tied: equal > 1 && !(measure.zeros_are_exact && best == 0.0),
    };
    kept.merge(lane, own);
}

/// Adds the bits of `piece` to the planes of `unit`.
fn put(planes: &mut [u32], unit: usize, width: usize, row: usize, piece: usize) {
    for bit in 0..width {
        planes[unit * width + bit] |= ((piece >> bit & 1) as u32) << row;
    }
}

fn window_extreme(
    block: &WindowExtreme<'_>,
    out: &mut [f32],
    planes: &mut [u32],
    mut gauge: Option<&mut Gauge<'_>>,
) {
    let (cells, width) = (block.windows.cells(), bits::width(block.taps));
    for unit in 0..block.planes * cells {
        planes[unit * width..][..width].fill(0);
        for lane in 0..PANEL {
            let value_at = |source: u32| {
                block.input[(unit / cells * block.plane + source as usize) * PANEL + lane]
            };
            let taps = block.windows.window(unit % cells).iter();
            let best = taps.map(|tap| (value_at(tap.source), tap.tap)).reduce(|best, next| {
                let better = if block.smallest { next.0 < best.0 } else { next.0 > best.0 };
                if better { next } else { best }
            });
            let (value, tap) = best.expect("a window has a tap");
            out[unit * PANEL + lane] = value;
            put(planes, unit, width, lane, tap as usize);
            let candidates =
                block.windows.window(unit % cells).iter().map(|tap| value_at(tap.source));
            measure_gap(gauge.as_deref_mut(), [unit / cells, lane], value, candidates);
        }
    }
}

/// The piece of lane `lane` of vector `vector`, of `width` words each.
fn piece_at(planes: &[u32], width: usize, vector: usize, lane: usize) -> usize {
    let words = &planes[vector * width..][..width];
    let bit = |(bit, word): (usize, &u32)| ((word >> lane & 1) as usize) << bit;
    words.iter().enumerate().map(bit).sum()
}

fn gate(gate: &Gate<'_>, numbers: &mut [f32]) {
    let width = bits::width(gate.slopes.len());
    for (i, number) in numbers.iter_mut().enumerate() {
        let piece = piece_at(gate.planes, width, i / PANEL, i % PANEL);
        *number *= gate.slopes[piece].at(i / PANEL, i);
    }
}

/// Calls `job` with each unit's place in the output and its winner's in the input, row by row.
fn for_winners(winners: &Winners<'_>, mut job: impl FnMut(usize, usize)) {
    let (cells, width) = (winners.windows.cells(), bits::width(winners.taps));
    for unit in 0..winners.planes * cells {
        for lane in 0..PANEL {
            let piece = piece_at(winners.bits, width, unit, lane);
            let window = winners.windows.window(unit % cells);
            let tap = window.iter().find(|tap| tap.tap as usize == piece);
            let source = tap.expect("the winner is not padding").source as usize;
            job(unit * PANEL + lane, (unit / cells * winners.plane + source) * PANEL + lane);
        }
    }
}

fn pick(winners: &Winners<'_>, input: &[f32], out: &mut [f32]) {
    for_winners(winners, |unit, source| out[unit] = input[source]);
}

fn put_back(winners: &Winners<'_>, output: &[f32], input: &mut [f32]) {
    for_winners(winners, |unit, source| input[source] += output[unit]);
}

fn to_lanes(rows: &[f32], stride: usize, width: usize, lanes: &mut [f32]) {
    let count = (rows.len() + stride - width) / stride;
    for column in 0..width {
        for lane in 0..PANEL {
            lanes[column * PANEL + lane] = rows[lane.min(count - 1) * stride + column];
        }
    }
}

fn from_lanes(lanes: &[f32], width: usize, rows: &mut [f32]) {
    for (row, rows) in rows.chunks_exact_mut(width).enumerate() {
        for (column, value) in rows.iter_mut().enumerate() {
            *value = lanes[column * PANEL + row];
        }
    }
}

fn codes(planes: &[u32], words: usize, codes: &mut [u64]) {
    for (row, code) in codes.chunks_exact_mut(words).enumerate() {
        code.fill(0);
        for (bit, plane) in planes.iter().enumerate() {
            code[bit / 64] |= u64::from(plane >> row & 1) << (bit % 64);
        }
    }
}

fn norms<const FUSED: bool>(
    x: &[f32],
    [ldx, depth]: [usize; 2],
    masks: &mut [u64],
    norms: &mut [Norms],
) {
    for (row, norms) in norms.iter_mut().enumerate() {
        *norms = norms_of_row::<FUSED>(&x[row * ldx..][..depth]);
    }
    if !masks.is_empty() {
        for (row, mask) in masks.chunks_exact_mut(depth.div_ceil(64)).enumerate() {
            occupied_row(&x[row * ldx..][..depth], mask);
        }
    }
}

fn norms_of_row<const FUSED: bool>(row: &[f32]) -> Norms {
    let (mut largest, mut squares) = ([0.0f32; PANEL], [0.0; PANEL]);
    for (i, &x) in row.iter().enumerate() {
        let lane = i % PANEL;
        largest[lane] = largest[lane].max(x.abs());
        squares[lane] = mul_add::<FUSED>(x, x, squares[lane]);
    }
    norms_of_lanes(largest, squares, row.iter().filter(|&&x| x != 0.0).count())
}

fn peak<const FUSED: bool>(rounds: usize) -> (usize, f32) {
    let sum = (0..rounds).fold(0.5, |sum, _| mul_add::<FUSED>(sum, 0.999, 0.001));
    (rounds, sum)
}
