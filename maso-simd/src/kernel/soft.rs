//! The values of soft units: a line and gates.

use super::Vector;
use super::spline::load;
use super::transcendental::{
    hard_sigmoid, mish, normal_cdf, softplus, tanh, times_normal_tanh, times_sigmoid,
};
use crate::kernels::Param;
use crate::soft::{Link, SoftGate, SoftUnit};

/// The values of `unit` at `z`.
#[inline(always)]
pub(super) fn value<V: Vector>(unit: &SoftUnit<'_>, row: usize, lane: usize, z: V) -> V {
    let mut total = z;
    let mut empty = true;
    if let Some(base) = &unit.base {
        (total, empty) = (line(base, row, lane, z), false);
    }
    for gate in unit.gates() {
        let distance = match &gate.line {
            Some(parameters) => line(parameters, row, lane, z),
            None => z,
        };
        let scale = match &gate.scale {
            Some(scale) => load(scale, row, lane),
            None => distance,
        };
        let value = product(gate, scale, distance.mul(load(&gate.sharpness, row, lane)));
        total = if empty { value } else { total.add(value) };
        empty = false;
    }
    total
}

#[inline(always)]
fn line<V: Vector>([slope, offset]: &[Param<'_>; 2], row: usize, lane: usize, z: V) -> V {
    load::<V>(slope, row, lane).mul_add(z, load(offset, row, lane))
}

/// `factor` · F(t).
#[inline(always)]
fn product<V: Vector>(gate: &SoftGate<'_>, factor: V, t: V) -> V {
    match gate.link {
        Link::Logistic => times_sigmoid(factor, t),
        Link::Tanh => factor.mul(tanh(t)),
        Link::Softplus => factor.mul(softplus(t)),
        Link::Normal => factor.mul(normal_cdf(t)),
        Link::NormalTanh => times_normal_tanh(factor, t),
        Link::Mish => factor.mul(mish(t)),
        Link::HardSigmoid => factor.mul(hard_sigmoid(t)),
    }
}
