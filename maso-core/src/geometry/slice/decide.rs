//! Signs of forms at vertices: in f64 where its bound decides, exactly where it does not.

use std::cmp::Ordering;
use std::rc::Rc;

use hashbrown::HashMap;

use super::complex::{Complex, LineOf, NONE, What};
use super::window::Window;
use crate::geometry::exact::{Common, Dyadic, ExactForms, Triple, cross, sign_at};
use crate::geometry::forms::{Kind, Operand, Plan, Stage};

/// Cells whose exact forms are kept at a time.
const KEPT_CELLS: usize = 256;

/// Exact forms, lines and points, as they are asked for.
#[derive(Debug, Default)]
pub(in crate::geometry) struct Exact {
    first: ExactForms,
    cells: HashMap<u32, ExactForms>,
    lines: HashMap<u32, Rc<Triple>>,
    vertices: HashMap<u32, Rc<Triple>>,
    /// Decisions that f64 could not make.
    pub(super) decisions: u64,
}

/// What exact decisions are made of.
#[derive(Clone, Copy)]
pub(in crate::geometry) struct Given<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) window: &'a Window,
    pub(super) complex: &'a Complex,
}

impl Exact {
    /// The sign at `vertex` of the first operand less the second, in `cell`.
    pub(super) fn sign(
        &mut self,
        given: Given<'_>,
        cell: u32,
        operands: [Operand; 2],
        vertex: u32,
    ) -> Ordering {
        self.decisions += 1;
        let form = self.difference(given, cell, operands);
        if form.iter().all(|number| number.is_zero()) {
            return Ordering::Equal;
        }
        let point = self.vertex(given, vertex);
        sign_at(&form, &point)
    }

    /// The sign of `form` in `cell` where another form of the cell vanishes on a line.
    pub(super) fn sign_where(
        &mut self,
        given: Given<'_>,
        cell: u32,
        form: [Operand; 2],
        (line, other): (u32, [Operand; 2]),
    ) -> Ordering {
        self.decisions += 1;
        let line = self.line(given, line);
        let other = self.difference(given, cell, other);
        let form = self.difference(given, cell, form);
        sign_at(&form, &cross(&line, &other))
    }

    /// The sign of the first operand less the second at a point, with the forms of `cell`.
    pub(in crate::geometry) fn sign_at_point(
        &mut self,
        given: Given<'_>,
        cell: u32,
        operands: [Operand; 2],
        point: &Triple,
    ) -> Ordering {
        sign_at(&self.difference(given, cell, operands), point)
    }

    /// Whether two operands are one function all over `cell`.
    pub(super) fn are_equal(
        &mut self,
        given: Given<'_>,
        cell: u32,
        operands: [Operand; 2],
    ) -> bool {
        if let [Operand::Number { node, index }, Operand::Number { node: other, index: second }] =
            operands
            && node == other
        {
            let (forms, mut common) = self.cell(given, cell);
            if forms.are_twins(&mut common, node, (index, second)) {
                return true;
            }
        }
        self.decisions += 1;
        self.difference(given, cell, operands).iter().all(|number| number.is_zero())
    }

    fn cell<'s>(&'s mut self, given: Given<'s>, cell: u32) -> (&'s mut ExactForms, Common<'s>) {
        if self.cells.len() >= KEPT_CELLS && !self.cells.contains_key(&cell) {
            self.cells.clear();
        }
        let new = || ExactForms::new(given.complex.path_of(cell));
        let forms = self.cells.entry(cell).or_insert_with(new);
        (forms, Common { plan: given.plan, first: &mut self.first })
    }

    pub(super) fn difference(
        &mut self,
        given: Given<'_>,
        cell: u32,
        operands: [Operand; 2],
    ) -> Triple {
        let [x, y] = operands.map(|operand| match operand {
            Operand::Number { node, index } => {
                let (forms, mut common) = self.cell(given, cell);
                (*forms.of(&mut common, node, index)).clone()
            }
            Operand::Constant(value) => [0.0, 0.0, value].map(Dyadic::new),
        });
        std::array::from_fn(|i| &x[i] - &y[i])
    }

    fn line(&mut self, given: Given<'_>, line: u32) -> Rc<Triple> {
        if let Some(known) = self.lines.get(&line) {
            return Rc::clone(known);
        }
        let found = Rc::new(match given.complex.lines[line as usize].of {
            LineOf::Side(side) => given.window.exact_side(side as usize),
            LineOf::Wall { cell, stage, what } => {
                let stage = &given.plan.stages[stage as usize];
                self.difference(given, cell, operands(given.plan, stage, what))
            }
        });
        self.lines.insert(line, Rc::clone(&found));
        found
    }

    pub(in crate::geometry) fn vertex(&mut self, given: Given<'_>, vertex: u32) -> Rc<Triple> {
        if let Some(known) = self.vertices.get(&vertex) {
            return Rc::clone(known);
        }
        let [first, second] = given.complex.vertices[vertex as usize].lines;
        let found = if second == NONE {
            Rc::new(given.window.exact_corner(first as usize))
        } else {
            Rc::new(cross(&self.line(given, first), &self.line(given, second)))
        };
        self.vertices.insert(vertex, Rc::clone(&found));
        found
    }
}

/// What is compared at a wall: the first less the second is the form.
pub(super) fn operands(plan: &Plan<'_>, stage: &Stage, what: What) -> [Operand; 2] {
    match (what, &stage.kind) {
        (What::Row(row), _) => stage.row(plan.network, row as usize),
        (What::Pair { unit, first, second }, Kind::Contest(contest)) => {
            let candidate = |place: u32| contest.candidates[unit as usize][place as usize].1;
            let (first, second) = (candidate(first), candidate(second));
            // Above 0 where the later one wins.
            if contest.smallest { [first, second] } else { [second, first] }
        }
        (What::Pair { .. }, Kind::Signs(_)) => unreachable!("only contests compare pairs"),
    }
}

/// The signs of a stage's rows at the vertices that are there when it begins.
#[derive(Debug, Default)]
pub(super) struct SignTable {
    /// Where each vertex's words begin.
    index: Vec<u32>,
    positive: Vec<u64>,
    /// The rows that vanish, at vertices where some do.
    zeros: HashMap<u32, Vec<u32>>,
}

impl SignTable {
    pub(super) fn has(&self, vertex: u32) -> bool {
        self.index.get(vertex as usize).is_some_and(|&index| index != NONE)
    }

    /// Which rows are above 0.
    pub(super) fn positive(&self, vertex: u32, words: usize) -> &[u64] {
        &self.positive[self.index[vertex as usize] as usize..][..words]
    }

    /// Which rows vanish.
    pub(super) fn zeros(&self, vertex: u32) -> &[u32] {
        if self.zeros.is_empty() {
            return &[];
        }
        self.zeros.get(&vertex).map_or(&[], |zeros| zeros)
    }

    pub(super) fn add(&mut self, vertex: u32, positive: &[u64], zeros: Vec<u32>) {
        if self.index.len() <= vertex as usize {
            self.index.resize((vertex as usize + 1).next_multiple_of(1024), NONE);
        }
        self.index[vertex as usize] = self.positive.len() as u32;
        self.positive.extend_from_slice(positive);
        if !zeros.is_empty() {
            self.zeros.insert(vertex, zeros);
        }
    }
}
