//! Nonlinear operators: pieces as data, and the rule that picks one.

use super::{Number, PerUnit, Scalar, WindowMap};

/// How a unit's piece is found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// A scalar spline of the pre-activation: the piece is the number of knots it is above.
    Spline(ScalarSpline),
    /// The first largest or smallest of several candidates.
    Extreme(Extreme),
}

impl Rule {
    /// Pieces of each unit.
    #[must_use]
    pub fn pieces(&self) -> usize {
        match self {
            Self::Spline(spline) => spline.slopes.len(),
            Self::Extreme(extreme) => extreme.candidates.pieces(),
        }
    }

    /// Writes the values to `y` and each unit's piece to `pieces`.
    pub fn apply<S: Scalar>(&self, inputs: &[&[S]], y: &mut [S], pieces: &mut [usize]) {
        for unit in 0..y.len() {
            (y[unit], pieces[unit]) = match self {
                Self::Spline(spline) => spline.unit(inputs[0][unit].clone(), unit),
                Self::Extreme(extreme) => extreme.unit(inputs, unit),
            };
        }
    }
}

/// R affine pieces between R − 1 ascending knots, for each unit: on piece r, `slope·z + offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalarSpline {
    /// R − 1 knots.
    pub knots: Vec<PerUnit>,
    /// R slopes.
    pub slopes: Vec<PerUnit>,
    /// R offsets.
    pub offsets: Vec<PerUnit>,
}

impl ScalarSpline {
    /// One knot at 0 between two lines through it: ReLU, leaky, PReLU, absolute value.
    #[must_use]
    pub fn hinge(left: PerUnit, right: f64) -> Self {
        let zero = PerUnit::uniform(0.0);
        Self {
            knots: vec![zero.clone()],
            slopes: vec![left, PerUnit::uniform(right)],
            offsets: vec![zero.clone(), zero],
        }
    }

    /// Pieces from (knots, slopes, offsets) that are the same for all units.
    #[must_use]
    pub fn uniform(knots: &[f64], slopes: &[f64], offsets: &[f64]) -> Self {
        let wrap = |values: &[f64]| values.iter().copied().map(PerUnit::uniform).collect();
        Self { knots: wrap(knots), slopes: wrap(slopes), offsets: wrap(offsets) }
    }

    /// All its parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &PerUnit> {
        self.knots.iter().chain(&self.slopes).chain(&self.offsets)
    }

    fn unit<S: Scalar>(&self, z: S, unit: usize) -> (S, usize) {
        let above = |knot: &&PerUnit| z > S::from_f64(knot.at(unit));
        let piece = self.knots.iter().take_while(above).count();
        let slope = S::from_f64(self.slopes[piece].at(unit));
        (slope.mul_add(z, S::from_f64(self.offsets[piece].at(unit))), piece)
    }
}

/// The first largest, or first smallest, of each unit's candidates.
#[derive(Clone, Debug, PartialEq)]
pub struct Extreme {
    /// The smallest instead of the largest.
    pub smallest: bool,
    /// What competes.
    pub candidates: Candidates,
}

/// Where the candidates of a unit stand.
#[derive(Clone, Debug, PartialEq)]
pub enum Candidates {
    /// The cells of a window, in kernel order; padding keeps its position but cannot win.
    Window {
        /// Planes (channels, times images) of a row.
        planes: usize,
        /// Where each tap reads.
        map: WindowMap,
    },
    /// One element of each branch, in input order.
    Branches(Vec<Branch>),
}

/// One branch of a maximum.
#[derive(Clone, Debug, PartialEq)]
pub enum Branch {
    /// The node's input of this number.
    Input(usize),
    /// A constant.
    Constant(PerUnit),
}

impl Candidates {
    /// Candidates of each unit.
    #[must_use]
    pub fn pieces(&self) -> usize {
        match self {
            Self::Window { map, .. } => map.taps(),
            Self::Branches(branches) => branches.len(),
        }
    }

    /// Candidate `piece` of `unit`; `None` for padding.
    pub(crate) fn value<S: Number>(&self, inputs: &[&[S]], unit: usize, piece: usize) -> Option<S> {
        match self {
            Self::Window { map, .. } => {
                let (plane, cell) = (unit / map.cells(), unit % map.cells());
                map.source(piece, cell).map(|i| inputs[0][plane * map.source_cells() + i].clone())
            }
            Self::Branches(branches) => Some(match &branches[piece] {
                Branch::Input(input) => inputs[*input][unit].clone(),
                Branch::Constant(value) => S::from_f64(value.at(unit)),
            }),
        }
    }
}

impl Extreme {
    fn unit<S: Scalar>(&self, inputs: &[&[S]], unit: usize) -> (S, usize) {
        let candidates = (0..self.candidates.pieces()).filter_map(|piece| {
            self.candidates.value(inputs, unit, piece).map(|value| (value, piece))
        });
        let better = |new: &S, old: &S| if self.smallest { new < old } else { new > old };
        candidates
            .reduce(|best, next| if better(&next.0, &best.0) { next } else { best })
            .expect("lowering refuses windows that lie in padding")
    }
}
