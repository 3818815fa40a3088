//! Forms pushed through a segment: in full, or from a neighbour's, where a few units differ.

use super::affine::{affine_forms, precise_forms};
use super::matrix::{Chosen, Matrix};
use super::plan::{Norms, Place, Step};
use super::stage::SignsOf;
use super::{Bounds, Forms, Operand, Plan, ROUNDING, Segment};
use crate::linearize::Gate;
use crate::network::{NodeId, Operator, Run, View};

/// Adding a unit to all forms takes as long as this many units take in a full sum, and rounds all forms once more.
const FLIP_COST: usize = 4;

/// What is decided in a cell, stage by stage.
pub(crate) type Path = [Vec<u64>];

/// The segments of a cell: for each as many as a walk has on its way, one after another.
#[derive(Debug)]
pub(crate) struct Frames {
    levels: Vec<Level>,
    chosen: Chosen,
}

#[derive(Debug, Default)]
struct Level {
    segments: Vec<Segment>,
    current: usize,
}

impl Frames {
    /// Room for `levels` segments.
    pub(crate) fn new(levels: usize) -> Self {
        let levels = (0..levels).map(|_| Level::default()).collect();
        Self { levels, chosen: Chosen::default() }
    }

    /// The first segment, which is the same in all cells.
    pub(crate) fn first(&self) -> &Segment {
        &self.levels[0].segments[0]
    }

    /// Whether not even the first segment is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.levels[0].segments.is_empty()
    }

    /// Takes over a first segment that was found before.
    pub(crate) fn begin_with(&mut self, first: &Segment) {
        self.levels[0] = Level { segments: vec![first.clone()], current: 0 };
    }

    fn at(&self, place: Place) -> &Forms {
        let level = &self.levels[place.segment];
        &level.segments[level.current].forms[place.slot]
    }

    /// Takes a segment out, to be written and put back.
    fn take(&mut self, level: usize, depth: usize) -> Segment {
        let segments = &mut self.levels[level].segments;
        if segments.len() <= depth {
            segments.resize_with(depth + 1, Segment::default);
        }
        std::mem::take(&mut segments[depth])
    }

    fn put(&mut self, level: usize, depth: usize, segment: Segment) {
        self.levels[level].segments[depth] = segment;
        self.levels[level].current = depth;
    }

    /// Goes back to the segment that was there at `depth`.
    pub(crate) fn back_to(&mut self, level: usize, depth: usize) {
        self.levels[level].current = depth;
    }
}

/// What is known on the way through a segment: those before, and its own beginning.
#[derive(Clone, Copy)]
struct Known<'a> {
    frames: &'a Frames,
    number: usize,
    own: &'a Segment,
}

impl<'a> Known<'a> {
    fn at(self, place: Place) -> &'a Forms {
        if place.segment == self.number {
            &self.own.forms[place.slot]
        } else {
            self.frames.at(place)
        }
    }
}

impl Plan<'_> {
    /// The forms of `node` in a cell.
    pub(crate) fn forms<'f>(&self, frames: &'f Frames, node: NodeId) -> &'f Forms {
        frames.at(self.place(node))
    }

    /// The rows of stage `stage` in a cell.
    pub(crate) fn rows<'f>(&self, frames: &'f Frames, stage: usize) -> &'f Forms {
        match self.direct(stage) {
            Some(node) => self.forms(frames, node),
            None => {
                let level = &frames.levels[stage];
                &level.segments[level.current].rows
            }
        }
    }

    /// What an operand is in a cell, and how well that is known.
    pub(crate) fn operand(&self, frames: &Frames, operand: Operand) -> ([f64; 3], Bounds) {
        match operand {
            Operand::Number { node, index } => of_number(self.forms(frames, node), index),
            Operand::Constant(value) => of_constant(value),
        }
    }

    /// Finds segment `number` at `depth`, the stages before it being decided as `path` says.
    pub(crate) fn push(&self, frames: &mut Frames, number: usize, depth: usize, path: &Path) {
        let mut to = frames.take(number, depth);
        let mut chosen = std::mem::take(&mut frames.chosen);
        self.fill(frames, number, path, &mut chosen, &mut to);
        frames.chosen = chosen;
        frames.put(number, depth, to);
    }

    fn fill(
        &self,
        frames: &Frames,
        number: usize,
        path: &Path,
        chosen: &mut Chosen,
        to: &mut Segment,
    ) {
        let steps = &self.segments[number];
        to.forms.resize_with(steps.len(), Forms::default);
        for (slot, step) in steps.iter().enumerate() {
            let mut out = std::mem::take(&mut to.forms[slot]);
            let known = Known { frames, number, own: to };
            match step {
                Step::Input => self.input(&mut out),
                Step::Node(id, norms) => self.node(known, *id, norms, &mut out),
                Step::Dense(id, matrix) => {
                    let input = known.at(self.place(self.network.node(*id).inputs[0]));
                    self.dense(*id, matrix, input, chosen, &mut out);
                }
                Step::Gates(id) => self.gates(known, *id, path, &mut out),
                Step::Jump(jump) => {
                    let source = known.at(self.place(jump.source));
                    self.jump_over(jump, source, path, chosen, &mut out);
                }
            }
            to.forms[slot] = out;
        }
        self.find_rows(frames, number, to);
    }

    /// Finds segment `number` at `depth` of a cell that differs from that at `from` in `flips` alone: rows of the
    /// stage before whose signs changed to what `path` says. The two depths may be one: what was there is lost then.
    pub(crate) fn flip(
        &self,
        frames: &mut Frames,
        number: usize,
        (from, depth): (usize, usize),
        path: &Path,
        flips: &[u32],
    ) {
        let steps = &self.segments[number];
        let is_simple = |step: &Step| matches!(step, Step::Jump(jump) if jump.stage + 1 == number);
        let is_far = |step: &Step| matches!(step, Step::Jump(jump) if FLIP_COST * flips.len() > jump.terms(path));
        if !steps.iter().all(is_simple) || steps.iter().any(is_far) {
            return self.push(frames, number, depth, path);
        }
        let mut to = frames.take(number, depth);
        to.forms.resize_with(steps.len(), Forms::default);
        for (slot, step) in steps.iter().enumerate() {
            let Step::Jump(jump) = step else { unreachable!("all are") };
            let source = frames.at(self.place(jump.source));
            let before = &frames.levels[number].segments[from];
            let before = (from != depth).then(|| &before.forms[slot]);
            self.flip_jump(jump, source, path, flips, before, &mut to.forms[slot]);
        }
        self.find_rows(frames, number, &mut to);
        frames.put(number, depth, to);
    }

    fn input(&self, out: &mut Forms) {
        out.resize(self.plane.origin.len());
        for index in 0..out.len() {
            out.set(index, [self.plane.u[index], self.plane.v[index], self.plane.origin[index]]);
        }
        self.measure(out);
    }

    /// A dense node that reads any node; in twice the precision if it is the same in all cells.
    fn dense(
        &self,
        id: NodeId,
        matrix: &Matrix,
        input: &Forms,
        chosen: &mut Chosen,
        out: &mut Forms,
    ) {
        chosen.clear();
        (chosen.bounds, chosen.error_norm) = (input.bounds, input.error_norm);
        for index in 0..input.len() {
            let form = input.form(index);
            if form != [0.0; 3] {
                chosen.push(index, form, self.reach);
            }
        }
        if self.is_before_stages(id) {
            matrix.sum_twice_as_well(self, chosen, out);
        } else {
            matrix.sum(self, chosen, out);
        }
    }

    fn node(&self, known: Known<'_>, id: NodeId, norms: &Norms, out: &mut Forms) {
        let node = self.network.node(id);
        out.resize(node.len());
        let input = |i: usize| known.at(self.place(node.inputs[i]));
        let bounds = match &node.operator {
            Operator::Affine(affine) if self.is_before_stages(id) => {
                precise_forms(affine, input(0), out);
                self.measure(out);
                precisely_through(input(0).bounds, norms, out.bounds.size)
            }
            Operator::Affine(affine) => {
                affine_forms(self.kernels, affine, input(0), out);
                through(input(0).bounds, norms)
            }
            Operator::Sum { negate } => {
                let sign = if *negate { -1.0 } else { 1.0 };
                let (x, y) = (input(0), input(1));
                for index in 0..out.len() {
                    let (x, y) = (x.form(index), y.form(index));
                    out.set(index, std::array::from_fn(|i| x[i] + sign * y[i]));
                }
                let size = x.bounds.size + y.bounds.size;
                Bounds {
                    error: x.bounds.error + y.bounds.error + ROUNDING * size,
                    ..Bounds::default()
                }
            }
            Operator::View(View::Runs(runs)) => {
                for (to, input, from, len) in View::Runs(runs.clone()).copies() {
                    let source = known.at(self.place(node.inputs[input]));
                    (0..len).for_each(|i| out.set(to + i, source.form(from + i)));
                }
                fill_constants(runs, out);
                let inputs = node.inputs.iter().map(|&input| known.at(self.place(input)).bounds);
                inputs.reduce(Bounds::and).unwrap_or_default()
            }
            _ => unreachable!("inputs, views without change and layers have other steps"),
        };
        self.measure(out);
        out.set_error(bounds.error);
    }

    /// Finds the largest gradient and size again.
    pub(super) fn measure(&self, forms: &mut Forms) {
        let [gradient, size] = self.kernels.largest_forms(&forms.block(), self.reach);
        (forms.bounds.gradient, forms.bounds.size) = (1.01 * gradient, 1.01 * size);
        forms.measured = forms.bounds.size;
    }

    fn gates(&self, known: Known<'_>, id: NodeId, path: &Path, out: &mut Forms) {
        let node = self.network.node(id);
        out.resize(node.len());
        let mut error = 0.0f64;
        for unit in 0..out.len() {
            let gate = self.gate(path, id, unit);
            let (form, bounds) = match gate {
                Gate { slope: 0.0, offset, .. } => ([0.0, 0.0, offset], Bounds::default()),
                Gate { input, index, .. } => {
                    let forms = known.at(self.place(node.inputs[input]));
                    (scaled(forms.form(index), gate.slope, gate.offset), forms.bounds)
                }
            };
            out.set(unit, form);
            error = error.max(gated(bounds, gate.slope, gate.offset).error);
        }
        self.measure(out);
        out.set_error(error);
    }

    /// The forms whose signs the next stage asks for, where they are not a node's own.
    fn find_rows(&self, frames: &Frames, stage: usize, to: &mut Segment) {
        let Some(signs) = self.signs(stage) else { return };
        if let SignsOf::Numbers(_) = signs.of {
            return;
        }
        let mut rows = std::mem::take(&mut to.rows);
        let known = Known { frames, number: stage, own: to };
        let operand = |operand: Operand| match operand {
            Operand::Number { node, index } => of_number(known.at(self.place(node)), index),
            Operand::Constant(value) => of_constant(value),
        };
        rows.resize(self.stages[stage].rows());
        let mut error = 0.0f64;
        for row in 0..rows.len() {
            let (form, bounds) = {
                let [x, y] = self.stages[stage].row(self.network, row);
                difference(operand(x), operand(y))
            };
            rows.set(row, form);
            error = error.max(bounds.error);
        }
        self.measure(&mut rows);
        rows.set_error(error);
        to.rows = rows;
    }
}

fn of_number(forms: &Forms, index: usize) -> ([f64; 3], Bounds) {
    (forms.form(index), forms.bounds)
}

fn of_constant(value: f64) -> ([f64; 3], Bounds) {
    ([0.0, 0.0, value], Bounds { size: value.abs(), ..Bounds::default() })
}

/// One form less another.
pub(crate) fn difference(
    (x, bounds): ([f64; 3], Bounds),
    (y, other): ([f64; 3], Bounds),
) -> ([f64; 3], Bounds) {
    let form = std::array::from_fn(|i| x[i] - y[i]);
    let size = 1.01 * (bounds.size + other.size);
    let error = bounds.error + other.error + ROUNDING * size;
    (form, Bounds { error, gradient: 1.01 * (bounds.gradient + other.gradient), size })
}

pub(super) fn scaled(form: [f64; 3], slope: f64, offset: f64) -> [f64; 3] {
    let [a, b, c] = form.map(|number| slope * number);
    [a, b, c + offset]
}

/// What is known of forms behind a gate.
pub(super) fn gated(bounds: Bounds, slope: f64, offset: f64) -> Bounds {
    if slope == 1.0 && offset == 0.0 {
        return bounds;
    }
    let slope = slope.abs();
    let size = 1.01 * (slope * bounds.size + offset.abs());
    let error = 1.01 * slope * bounds.error + 2.0 * ROUNDING * size + f64::MIN_POSITIVE;
    Bounds { error, gradient: 1.01 * slope * bounds.gradient, size }
}

/// The norm of all errors behind such a gate.
pub(super) fn gated_norm(forms: &Forms, slope: f64, offset: f64) -> f64 {
    if slope == 1.0 && offset == 0.0 {
        return forms.error_norm;
    }
    let own = Bounds { error: 0.0, ..forms.bounds };
    let rounding = gated(own, slope, offset).error * (forms.len() as f64).sqrt();
    1.01 * (slope.abs() * forms.error_norm + rounding)
}

/// What is known of sums of such forms; sizes are measured afterwards.
fn through(bounds: Bounds, norms: &Norms) -> Bounds {
    let size = norms.sum * bounds.size + norms.bias;
    let error = norms.sum * bounds.error + (norms.terms + 2) as f64 * ROUNDING * size;
    Bounds { error: 1.01 * error + underflow(norms), ..Bounds::default() }
}

/// What underflow loses of each product.
fn underflow(norms: &Norms) -> f64 {
    4.0 * norms.terms as f64 * f64::MIN_POSITIVE
}

/// What is known of sums made in twice the precision; `size` is theirs.
fn precisely_through(bounds: Bounds, norms: &Norms, size: f64) -> Bounds {
    let Bounds { error, .. } = through(bounds, norms);
    // Of the plain sum's error what comes from the inputs stays, and of what rounding takes a small part.
    let inputs = 1.01 * norms.sum * bounds.error;
    let rounding = (error - inputs).max(0.0) * 4.0 * (norms.terms + 2) as f64 * ROUNDING;
    Bounds { error: inputs + rounding + 1.01 * ROUNDING * size + underflow(norms), ..bounds }
}

/// The constants of a view.
fn fill_constants(runs: &[Run], out: &mut Forms) {
    let mut at = 0;
    for run in runs {
        if let Run::Fill { value, len } = *run {
            (at..at + len).for_each(|index| out.set(index, [0.0, 0.0, value]));
        }
        at += run.len();
    }
}
