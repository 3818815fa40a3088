//! Exact arithmetic for the decisions that f64 cannot make. Coefficients are dyadic rationals, so every
//! pre-activation on a plane is an affine form with dyadic coefficients, and a point where two of them vanish has
//! dyadic homogeneous coordinates: nothing is ever divided.

mod dyadic;
mod forms;

pub(crate) use dyadic::Dyadic;
pub(crate) use forms::{Common, ExactForms};

use std::cmp::Ordering;

/// An affine form `[a, b, c]` of a plane's coordinates, `a·s + b·t + c`; or a point in homogeneous coordinates.
pub(crate) type Triple = [Dyadic; 3];

/// The point where two lines meet; or the line through two points.
pub(crate) fn cross(x: &Triple, y: &Triple) -> Triple {
    let minor = |i: usize, j: usize| &(&x[i] * &y[j]) - &(&x[j] * &y[i]);
    [minor(1, 2), minor(2, 0), minor(0, 1)]
}

/// `x · y`.
pub(crate) fn dot(x: &Triple, y: &Triple) -> Dyadic {
    let products = std::array::from_fn::<_, 3, _>(|i| &x[i] * &y[i]);
    &(&products[0] + &products[1]) + &products[2]
}

/// The sign of a form at a point that is not at infinity.
pub(crate) fn sign_at(form: &Triple, point: &Triple) -> Ordering {
    let sign = dot(form, point).sign();
    if point[2].sign() == Ordering::Less { sign.reverse() } else { sign }
}
