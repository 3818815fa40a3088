//! Nonlinear operators: pieces as data, and the rule that picks one.

use super::soft::PoolJet;
use super::{Number, PerUnit, Scalar, Soft, SoftPool, WindowMap};

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
    ///
    /// # Panics
    /// If a unit is soft and the number type is no float ([`to_f64`](Number::to_f64)).
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
    /// What gives the values in place of the piece's slope and offset, where inference is soft.
    pub soft: Option<Soft>,
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
            soft: None,
        }
    }

    /// Pieces from (knots, slopes, offsets) that are the same for all units.
    #[must_use]
    pub fn uniform(knots: &[f64], slopes: &[f64], offsets: &[f64]) -> Self {
        let wrap = |values: &[f64]| values.iter().copied().map(PerUnit::uniform).collect();
        Self { knots: wrap(knots), slopes: wrap(slopes), offsets: wrap(offsets), soft: None }
    }

    /// All its parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &PerUnit> {
        let hard = self.knots.iter().chain(&self.slopes).chain(&self.offsets);
        hard.chain(self.soft.iter().flat_map(Soft::parameters))
    }

    fn unit<S: Scalar>(&self, z: S, unit: usize) -> (S, usize) {
        let above = |knot: &&PerUnit| z > S::from_f64(knot.at(unit));
        let piece = self.knots.iter().take_while(above).count();
        if let Some(soft) = &self.soft {
            return (S::from_f64(soft.jet(float(&z), unit).value), piece);
        }
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
    /// What gives the value in place of the winner's, where inference is soft.
    pub soft: Option<SoftPool>,
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
        let (value, piece) = candidates
            .reduce(|best, next| if better(&next.0, &best.0) { next } else { best })
            .expect("lowering refuses windows that lie in padding");
        match &self.soft {
            Some(pool) => (S::from_f64(self.soft_jet(pool, inputs, unit).value), piece),
            None => (value, piece),
        }
    }

    /// The soft value of `unit` and its derivative by each candidate, in order; padding has none.
    pub(crate) fn soft_jet<S: Scalar>(
        &self,
        pool: &SoftPool,
        inputs: &[&[S]],
        unit: usize,
    ) -> PoolJet {
        let never = if self.smallest { f64::INFINITY } else { f64::NEG_INFINITY };
        let candidates = (0..self.candidates.pieces())
            .map(|piece| self.candidates.value(inputs, unit, piece).map_or(never, |v| float(&v)));
        pool.jet(self.smallest, &candidates.collect::<Vec<_>>())
    }
}

fn float<S: Scalar>(number: &S) -> f64 {
    number.to_f64().expect("a soft unit is evaluated in floating point")
}
