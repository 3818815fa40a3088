//! The values of soft units: a line and gates.

use super::Vector;
use super::spline::parameter;
use super::transcendental::{
    hard_sigmoid, mish, normal_cdf, softplus, tanh, times_normal_tanh, times_sigmoid,
};
use crate::kernels::Param;
use crate::soft::{Link, SoftGate, SoftUnit};

/// The values of `unit` at `z`.
#[inline(always)]
pub(super) fn value<V: Vector, const WHOLE: bool>(
    unit: &SoftUnit<'_>,
    row: usize,
    lane: usize,
    z: V,
) -> V {
    let mut total = z;
    let mut empty = true;
    if let Some(base) = &unit.base {
        (total, empty) = (line::<V, WHOLE>(base, row, lane, z), false);
    }
    for gate in unit.gates() {
        let distance = match &gate.line {
            Some(parameters) => line::<V, WHOLE>(parameters, row, lane, z),
            None => z,
        };
        let scale = match &gate.scale {
            Some(scale) => parameter::<V, WHOLE>(scale, row, lane),
            None => distance,
        };
        let sharpness = parameter::<V, WHOLE>(&gate.sharpness, row, lane);
        let value = product(gate, scale, distance.mul(sharpness));
        total = if empty { value } else { total.add(value) };
        empty = false;
    }
    total
}

#[inline(always)]
fn line<V: Vector, const WHOLE: bool>(
    [slope, offset]: &[Param<'_>; 2],
    row: usize,
    lane: usize,
    z: V,
) -> V {
    let slope = parameter::<V, WHOLE>(slope, row, lane);
    slope.mul_add(z, parameter::<V, WHOLE>(offset, row, lane))
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
