//! Scalar splines, soft and hard, as sums: a line plus one gate or one ReLU for each knot.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use maso_simd::Link;

use super::emit::Emitter;
use super::is;
use crate::network::{Gates, PerUnit, ScalarSpline, SoftGate};

/// `slope · z + offset` plus gates.
pub(super) fn soft(emitter: &mut Emitter<'_>, gates: &Gates) -> Result<(), String> {
    let z = emitter.input()?;
    let mut parts = Vec::new();
    if let Some([slope, offset]) = &gates.base {
        parts.extend(line(emitter, &z, slope, offset));
    }
    for each in &gates.gates {
        parts.push(gate(emitter, &z, each)?);
    }
    total(emitter, parts);
    Ok(())
}

/// The spline as a line plus ReLUs.
pub(super) fn hard(emitter: &mut Emitter<'_>, spline: &ScalarSpline) -> Result<(), String> {
    let z = emitter.input()?;
    let mut parts: Vec<String> =
        line(emitter, &z, &spline.slopes[0], &spline.offsets[0]).into_iter().collect();
    let bends = spline.slopes.windows(2).map(|pair| pair[1].zip(&pair[0], |b, a| b - a));
    for (knot, bend) in spline.knots.iter().zip(bends) {
        let above = shifted(emitter, &z, &knot.map(|knot| -knot));
        let above = emitter.op("Relu", &[&above]);
        parts.push(scaled(emitter, &above, &bend));
    }
    total(emitter, parts);
    Ok(())
}

/// The sum of `parts`; the last node makes it.
fn total(emitter: &mut Emitter<'_>, parts: Vec<String>) {
    let mut parts = parts.into_iter();
    let Some(mut sum) = parts.next() else { return };
    for part in parts {
        sum = emitter.op("Add", &[&sum, &part]);
    }
}

/// `slope · z + offset`; `None` for 0.
fn line(emitter: &mut Emitter<'_>, z: &str, slope: &PerUnit, offset: &PerUnit) -> Option<String> {
    if is(slope, 0.0) && is(offset, 0.0) {
        return None;
    }
    let scaled = scaled(emitter, z, slope);
    Some(shifted(emitter, &scaled, offset))
}

fn scaled(emitter: &mut Emitter<'_>, x: &str, by: &PerUnit) -> String {
    if is(by, 1.0) {
        return x.to_owned();
    }
    let by = emitter.parameter(by);
    emitter.op("Mul", &[x, &by])
}

fn shifted(emitter: &mut Emitter<'_>, x: &str, by: &PerUnit) -> String {
    if is(by, 0.0) {
        return x.to_owned();
    }
    let by = emitter.parameter(by);
    emitter.op("Add", &[x, &by])
}

/// `d · F(η d)` or `scale · F(η d)`. A concave hinge, whose d falls with z, is written by −d and −η, so that the file's
/// unit is above its knot where this one is.
fn gate(emitter: &mut Emitter<'_>, z: &str, gate: &SoftGate) -> Result<String, String> {
    let [slope, offset] = gate.line.clone().unwrap_or_else(|| [1.0, 0.0].map(PerUnit::uniform));
    let sign = slope.map(|slope| if slope < 0.0 { -1.0 } else { 1.0 });
    let product = |a: &PerUnit, b: &PerUnit| a.zip(b, |a, b| a * b);
    let distance = scaled(emitter, z, &product(&slope, &sign));
    let distance = shifted(emitter, &distance, &product(&offset, &sign));
    let argument = scaled(emitter, &distance, &product(&gate.sharpness, &sign));
    let values = match gate.link {
        Link::Softplus => emitter.op("Softplus", &[&argument]),
        link => {
            let weight = weight(emitter, link, &argument)?;
            match &gate.scale {
                None => emitter.op("Mul", &[&distance, &weight]),
                Some(_) => weight,
            }
        }
    };
    // −d in place of d turns the sign of the product; a scale stands for itself.
    let factor = gate.scale.as_ref().unwrap_or(&sign);
    Ok(scaled(emitter, &values, factor))
}

/// F(t).
fn weight(emitter: &mut Emitter<'_>, link: Link, t: &str) -> Result<String, String> {
    Ok(match link {
        Link::Logistic => emitter.op("Sigmoid", &[t]),
        Link::Normal => {
            let by = emitter.number(FRAC_1_SQRT_2);
            let scaled = emitter.op("Mul", &[t, &by]);
            let erf = emitter.op("Erf", &[&scaled]);
            half_of_one_plus(emitter, &erf)
        }
        Link::NormalTanh => {
            let square = emitter.op("Mul", &[t, t]);
            let cubic = emitter.number(0.044_715);
            let cubic = emitter.op("Mul", &[&square, &cubic]);
            let one = emitter.number(1.0);
            let series = emitter.op("Add", &[&cubic, &one]);
            let by = emitter.number(FRAC_2_SQRT_PI * FRAC_1_SQRT_2);
            let scaled = emitter.op("Mul", &[t, &by]);
            let argument = emitter.op("Mul", &[&scaled, &series]);
            let tanh = emitter.op("Tanh", &[&argument]);
            half_of_one_plus(emitter, &tanh)
        }
        other => return Err(format!("a gate of kind {other:?} is not written")),
    })
}

fn half_of_one_plus(emitter: &mut Emitter<'_>, x: &str) -> String {
    let one = emitter.number(1.0);
    let sum = emitter.op("Add", &[x, &one]);
    let half = emitter.number(0.5);
    emitter.op("Mul", &[&sum, &half])
}
