//! What a line is: the breaks of a segment in order, the affine pieces between them, and where the class changes.

use std::ops::Range;
use std::sync::Arc;

use crate::code::CodeLayout;

/// How far a line has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum LineStatus {
    /// To the end of the segment.
    Complete,
    /// A limit was reached: the pieces from the start on are there, the rest is missing.
    Capped,
}

/// A unit that changes its piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct UnitChange {
    /// The layer, in code order.
    pub layer: u32,
    /// The unit in the layer.
    pub unit: u32,
    /// Its piece before.
    pub from: u32,
    /// Its piece after.
    pub to: u32,
}

/// A point of a segment where the code changes.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Break {
    /// Where, from 0 at the start of the segment to 1 at its end: at most 1e-11 from the exact place. Breaks are in
    /// the exact order; two that are nearer than f64 can tell have the same t.
    pub t: f64,
    /// All units that change there, by layer and unit; at least one.
    pub changes: Vec<UnitChange>,
    /// Whether the map from t to the outputs changes too, decided exactly.
    pub bends: bool,
}

/// A stretch of a segment on which the code is the same and the network is affine.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Piece {
    /// Its beginning.
    pub from: f64,
    /// Its end.
    pub to: f64,
    /// For each output slope and offset: on the piece it is `slope · t + offset`. Empty if maps were not asked for.
    pub outputs: Vec<[f64; 2]>,
}

/// A point of a segment where what was decided last changes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ClassChange {
    /// Where.
    pub t: f64,
    /// The class before: the largest output, or 1 above the level and 0 below.
    pub from: u32,
    /// The class after.
    pub to: u32,
}

/// A network on a segment: the points `origin + t · direction` for t from 0 to 1.
#[derive(Clone, Debug)]
pub struct Line {
    /// The start.
    pub origin: Vec<f64>,
    /// The end less the start, rounded to f64: this defines the segment.
    pub direction: Vec<f64>,
    /// The length of the direction, in input space.
    pub length: f64,
    /// Whether it is all there.
    pub status: LineStatus,
    /// Stretches of one code, in order; a break between every two.
    pub pieces: Vec<Piece>,
    /// One less than pieces.
    pub breaks: Vec<Break>,
    /// The class at the start, if a target was asked for.
    pub first_class: Option<u32>,
    /// Where it changes, in order.
    pub class_changes: Vec<ClassChange>,
    /// Decisions that needed exact arithmetic.
    pub exact_decisions: u64,
    pub(super) first_code: Vec<u64>,
    pub(super) layout: Arc<CodeLayout>,
}

impl Line {
    /// The code of a piece, in the network's layout. To see all, [`codes`](Self::codes) is faster.
    ///
    /// # Panics
    /// If there are not as many pieces.
    #[must_use]
    pub fn code(&self, piece: usize) -> Vec<u64> {
        let mut code = self.first_code.clone();
        self.breaks[..piece].iter().for_each(|at| self.cross(at, &mut code));
        code
    }

    /// The codes of all pieces, in order.
    pub fn codes(&self) -> impl Iterator<Item = Vec<u64>> + '_ {
        let mut code = self.first_code.clone();
        (0..self.pieces.len()).map(move |piece| {
            if let Some(before) = piece.checked_sub(1) {
                self.cross(&self.breaks[before], &mut code);
            }
            code.clone()
        })
    }

    fn cross(&self, at: &Break, code: &mut [u64]) {
        for change in &at.changes {
            let layer = &self.layout.layers()[change.layer as usize];
            layer.replace_piece(code, change.unit as usize, change.to as usize);
        }
    }

    /// The linear pieces: runs of pieces, as ranges of their numbers, over which the map from t to the outputs is one,
    /// whatever the code does.
    pub fn linear_pieces(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let bends = self.breaks.iter().zip(1..).filter(|(at, _)| at.bends).map(|(_, piece)| piece);
        let ends = bends.chain([self.pieces.len()]);
        ends.scan(0, |from, end| Some(std::mem::replace(from, end)..end))
    }

    /// How many linear pieces there are.
    #[must_use]
    pub fn linear_count(&self) -> usize {
        self.linear_pieces().count()
    }

    /// The piece that contains t; of two that meet there the second.
    #[must_use]
    pub fn piece_at(&self, t: f64) -> usize {
        self.breaks.partition_point(|at| at.t <= t)
    }

    /// The input at t, rounded.
    #[must_use]
    pub fn point(&self, t: f64) -> Vec<f64> {
        self.origin.iter().zip(&self.direction).map(|(x, u)| x + t * u).collect()
    }
}
