//! Exact answers on a segment: signs of forms at end points, whether two numbers are one, the order and the place of
//! roots. All forms are those of the cell that the walk is in.

use std::cmp::Ordering;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::geometry::exact::{Common, Dyadic, ExactForms, Triple, sign_at};
use crate::geometry::forms::{Kind, Operand, Plan};
use crate::network::NodeId;

/// Exact end points that are kept at a time.
const KEPT_POINTS: usize = 4096;

/// What changes at a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The sign of a row of the stage.
    Row(u32),
    /// Which of two of a unit's candidates is ahead; their places among them, the first before the second.
    Pair { unit: u32, first: u32, second: u32 },
}

/// A point of the segment where an interval ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) t: f64,
    /// How far the exact one may be.
    pub(super) slack: f64,
    pub(super) of: EndOf,
    /// Its number among all.
    pub(super) id: u32,
}

/// What an end is, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndOf {
    Start,
    Finish,
    /// Where a form of a stage vanishes, in the cell of the stage that the walk is in.
    Root {
        stage: u32,
        what: What,
    },
}

/// The cell that the walk is in: what its first stages decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) path: &'a [Vec<u64>],
    pub(super) stages: usize,
}

/// Exact forms and points, as they are asked for.
///
/// A walk is depth first, so an end of its interval was made in a cell whose path is a beginning of the present one:
/// the forms of the present cell are all that is needed, and those of early stages stay from one cell to the next.
#[derive(Debug, Default)]
pub(super) struct Exact {
    first: ExactForms,
    own: ExactForms,
    /// The stages whose decisions `own` knows as they are in the walk's cell.
    agreed: usize,
    points: HashMap<u32, Rc<Triple>>,
    /// Which pairs of numbers that are the same in every cell are equal.
    equal: HashMap<[(usize, usize); 2], bool>,
    /// Decisions that f64 could not make.
    pub(super) decisions: u64,
}

impl Exact {
    /// What `stage` decided is no longer so.
    pub(super) fn forget(&mut self, stage: usize) {
        self.agreed = self.agreed.min(stage);
    }

    /// The sign of the first operand less the second at `end`.
    pub(super) fn sign(&mut self, cell: Cell<'_>, operands: [Operand; 2], end: End) -> Ordering {
        self.decisions += 1;
        let form = self.difference(cell, operands);
        if is_zero(&form) {
            return Ordering::Equal;
        }
        let point = self.point(cell, end);
        sign_at(&form, &point)
    }

    /// Whether two operands are one function of t.
    pub(super) fn are_equal(&mut self, cell: Cell<'_>, operands: [Operand; 2]) -> bool {
        let [Operand::Number { node, index }, Operand::Number { node: other, index: second }] =
            operands
        else {
            self.decisions += 1;
            return is_zero(&self.difference(cell, operands));
        };
        let key = [(node.index(), index), (other.index(), second)];
        if let Some(&known) = self.equal.get(&key) {
            return known;
        }
        let (forms, mut common) = self.forms(cell);
        let mut answer = node == other && forms.are_twins(&mut common, node, (index, second));
        if !answer {
            self.decisions += 1;
            answer = is_zero(&self.difference(cell, operands));
        }
        if [node, other].iter().all(|&node| cell.plan.is_before_stages(node)) {
            self.equal.insert(key, answer);
        }
        answer
    }

    /// The sign of one form of the cell at the root of another.
    pub(super) fn sign_at_root(
        &mut self,
        cell: Cell<'_>,
        form: [Operand; 2],
        other: [Operand; 2],
    ) -> Ordering {
        self.decisions += 1;
        let root = root_of(&self.difference(cell, other));
        sign_at(&self.difference(cell, form), &root)
    }

    /// Where the first operand is the second, within a few units in the last place.
    pub(super) fn place(&mut self, cell: Cell<'_>, operands: [Operand; 2]) -> f64 {
        self.decisions += 1;
        let [above, _, below] = root_of(&self.difference(cell, operands));
        if above.is_zero() { 0.0 } else { above.ratio(&below) }
    }

    /// The slope of a number.
    pub(super) fn slope(&mut self, cell: Cell<'_>, node: NodeId, index: usize) -> Dyadic {
        let (forms, mut common) = self.forms(cell);
        forms.of(&mut common, node, index)[0].clone()
    }

    fn forms<'s>(&'s mut self, cell: Cell<'s>) -> (&'s mut ExactForms, Common<'s>) {
        if self.agreed < cell.stages {
            self.own.go_to(cell.plan, self.agreed, cell.path[..cell.stages].to_vec());
            self.agreed = cell.stages;
        }
        (&mut self.own, Common { plan: cell.plan, first: &mut self.first })
    }

    fn difference(&mut self, cell: Cell<'_>, operands: [Operand; 2]) -> Triple {
        let [x, y] = operands.map(|operand| match operand {
            Operand::Number { node, index } => {
                let (forms, mut common) = self.forms(cell);
                (*forms.of(&mut common, node, index)).clone()
            }
            Operand::Constant(value) => [0.0, 0.0, value].map(Dyadic::new),
        });
        std::array::from_fn(|i| &x[i] - &y[i])
    }

    fn point(&mut self, cell: Cell<'_>, end: End) -> Rc<Triple> {
        if let Some(known) = self.points.get(&end.id) {
            return Rc::clone(known);
        }
        if self.points.len() >= KEPT_POINTS {
            self.points.clear();
        }
        let found = Rc::new(match end.of {
            EndOf::Start => [0.0, 0.0, 1.0].map(Dyadic::new),
            EndOf::Finish => [1.0, 0.0, 1.0].map(Dyadic::new),
            EndOf::Root { stage, what } => {
                root_of(&self.difference(cell, operands(cell.plan, stage as usize, what)))
            }
        });
        self.points.insert(end.id, Rc::clone(&found));
        found
    }
}

/// What is compared at a root: the first less the second is the form. Of a pair it is above 0 where the later
/// candidate is ahead.
pub(super) fn operands(plan: &Plan<'_>, stage: usize, what: What) -> [Operand; 2] {
    let stage = &plan.stages[stage];
    match (what, &stage.kind) {
        (What::Row(row), _) => stage.row(plan.network, row as usize),
        (What::Pair { unit, first, second }, Kind::Contest(contest)) => {
            let [first, second] =
                [first, second].map(|place| contest.candidates[unit as usize][place as usize].1);
            if contest.smallest { [first, second] } else { [second, first] }
        }
        (What::Pair { .. }, Kind::Signs(_)) => unreachable!("only contests compare pairs"),
    }
}

fn is_zero(form: &Triple) -> bool {
    form.iter().all(Dyadic::is_zero)
}

/// The root of `a·t + c`, homogeneous: as a point of the plane whose second coordinate is 0.
fn root_of([a, _, c]: &Triple) -> Triple {
    [-c, Dyadic::default(), a.clone()]
}
