//! Forms pushed through a segment: in full, or from a neighbour's, where a few units differ.

use maso_simd::Product;

use super::affine::affine_forms;
use super::plan::{Jump, Norms, Place, Step};
use super::stage::SignsOf;
use super::{Bounds, Forms, Operand, Plan, ROUNDING, Segment};
use crate::linearize::Gate;
use crate::network::{NodeId, Operator, PerUnit, Run, View};

/// What is decided in a cell, stage by stage.
pub(crate) type Path = [Vec<u64>];

/// The segments of a cell: for each as many as a walk has on its way, one after another.
#[derive(Debug)]
pub(crate) struct Frames {
    levels: Vec<Level>,
}

#[derive(Debug, Default)]
struct Level {
    segments: Vec<Segment>,
    current: usize,
}

impl Frames {
    /// Room for `levels` segments.
    pub(crate) fn new(levels: usize) -> Self {
        Self { levels: (0..levels).map(|_| Level::default()).collect() }
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
        self.fill(frames, number, path, &mut to);
        frames.put(number, depth, to);
    }

    fn fill(&self, frames: &Frames, number: usize, path: &Path, to: &mut Segment) {
        let steps = &self.segments[number];
        to.forms.resize_with(steps.len(), Forms::default);
        for (slot, step) in steps.iter().enumerate() {
            let mut out = std::mem::take(&mut to.forms[slot]);
            let known = Known { frames, number, own: to };
            match step {
                Step::Input => self.input(&mut out),
                Step::Node(id, norms) => self.node(known, *id, norms, &mut out),
                Step::Gates(id) => self.gates(known, *id, path, &mut out),
                Step::Jump(jump) => self.jump_over(known, jump, path, &mut out),
            }
            to.forms[slot] = out;
        }
        self.find_rows(frames, number, to);
    }

    /// Finds segment `number` at `depth` of a cell that differs from that at `from` in `flips` alone: rows of the
    /// stage before whose signs changed to what `path` says.
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
        if !steps.iter().all(is_simple) {
            return self.push(frames, number, depth, path);
        }
        let mut to = frames.take(number, depth);
        to.forms.resize_with(steps.len(), Forms::default);
        for (slot, step) in steps.iter().enumerate() {
            let Step::Jump(jump) = step else { unreachable!("all are") };
            let source = frames.at(self.place(jump.source));
            let before = &frames.levels[number].segments[from].forms[slot];
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
        out.measure(self.reach);
    }

    fn node(&self, known: Known<'_>, id: NodeId, norms: &Norms, out: &mut Forms) {
        let node = self.network.node(id);
        out.resize(node.len());
        let input = |i: usize| known.at(self.place(node.inputs[i]));
        let bounds = match &node.operator {
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
        out.measure(self.reach);
        out.bounds.error = bounds.error;
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
        out.measure(self.reach);
        out.bounds.error = error;
    }

    /// The product with what is on, straight from the pre-activations.
    fn jump_over(&self, known: Known<'_>, jump: &Jump, path: &Path, out: &mut Forms) {
        let source = known.at(self.place(jump.source));
        let (mut chosen, mut forms) = (Vec::new(), Vec::new());
        let mut bounds = Bounds::default();
        for unit in 0..source.len() {
            let piece = self.stages[jump.stage].piece(&path[jump.stage], unit);
            let (slope, offset) =
                (jump.spline.slopes[piece].at(unit), jump.spline.offsets[piece].at(unit));
            if slope != 0.0 || offset != 0.0 {
                chosen.push(unit as u32);
                forms.push(scaled(source.form(unit), slope, offset));
                bounds = bounds.and(gated(source.bounds, slope, offset));
            }
        }
        let factors: Vec<f64> =
            (0..3).flat_map(|column| forms.iter().map(move |form| form[column])).collect();
        out.resize(jump.units);
        let stride = out.stride;
        out.numbers[2 * stride..][..jump.units].copy_from_slice(&jump.bias);
        let product = Product {
            factors: &factors,
            ldf: chosen.len(),
            rows: 3,
            matrix: &jump.columns,
            ldm: stride,
            chosen: &chosen,
            columns: stride,
        };
        self.kernels.double_product(&product, &mut out.numbers, stride);
        out.measure(self.reach);
        out.bounds.error = through(bounds, &jump.norms).error;
    }

    fn flip_jump(
        &self,
        jump: &Jump,
        source: &Forms,
        path: &Path,
        flips: &[u32],
        from: &Forms,
        to: &mut Forms,
    ) {
        let per_unit = jump.spline.knots.len();
        debug_assert!(!flips.is_empty(), "a cell differs from its twin");
        to.numbers.resize(from.numbers.len(), 0.0);
        (to.len, to.stride, to.bounds) = (from.len, from.stride, from.bounds);
        for (i, &row) in flips.iter().enumerate() {
            let (unit, knot) = (row as usize / per_unit, row as usize % per_unit);
            // Below and above the knot, whatever the unit's other knots are: slopes change by as much at each.
            let above = path[jump.stage][row as usize / 64] >> (row % 64) & 1 == 1;
            let change = |values: &[PerUnit]| {
                let step = values[knot + 1].at(unit) - values[knot].at(unit);
                if above { step } else { -step }
            };
            let (slope, offset) = (change(&jump.spline.slopes), change(&jump.spline.offsets));
            let step = scaled(source.form(unit), slope, offset);
            let column = jump.column(unit);
            if i == 0 {
                self.kernels.add_column(&from.block(), column, step, &mut to.numbers);
            } else {
                self.kernels.add_column_to(&mut to.numbers, column, step);
            }
            self.widen(
                jump.largest[unit],
                source.bounds.error,
                step,
                [slope, offset],
                &mut to.bounds,
            );
        }
    }

    /// What is known after a unit's change of slope and offset was added, its weights being at most `largest`.
    fn widen(
        &self,
        largest: f64,
        error: f64,
        step: [f64; 3],
        [slope, offset]: [f64; 2],
        bounds: &mut Bounds,
    ) {
        let size = step[0].abs() * self.reach[0] + step[1].abs() * self.reach[1] + step[2].abs();
        bounds.gradient += 1.01 * largest * (step[0].abs() + step[1].abs());
        bounds.size += 1.01 * largest * size;
        let slopes = 2.0 * ROUNDING * (size + offset.abs()) + slope.abs() * error;
        bounds.error +=
            1.01 * (largest * slopes + 2.0 * ROUNDING * bounds.size) + 4.0 * f64::MIN_POSITIVE;
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
        rows.measure(self.reach);
        rows.bounds.error = error;
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

fn scaled(form: [f64; 3], slope: f64, offset: f64) -> [f64; 3] {
    let [a, b, c] = form.map(|number| slope * number);
    [a, b, c + offset]
}

/// What is known of forms behind a gate.
fn gated(bounds: Bounds, slope: f64, offset: f64) -> Bounds {
    if slope == 1.0 && offset == 0.0 {
        return bounds;
    }
    let slope = slope.abs();
    let size = 1.01 * (slope * bounds.size + offset.abs());
    let error = 1.01 * slope * bounds.error + 2.0 * ROUNDING * size + f64::MIN_POSITIVE;
    Bounds { error, gradient: 1.01 * slope * bounds.gradient, size }
}

/// What is known of sums of such forms; sizes are measured afterwards.
fn through(bounds: Bounds, norms: &Norms) -> Bounds {
    let size = norms.sum * bounds.size + norms.bias;
    let error = norms.sum * bounds.error + (norms.terms + 2) as f64 * ROUNDING * size;
    // What underflow loses of each product.
    let underflow = norms.terms as f64 * f64::MIN_POSITIVE;
    Bounds { error: 1.01 * error + underflow, ..Bounds::default() }
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
