//! Exact slices against brute force in rational arithmetic, on thousands of small networks full of ties.

mod common;
#[path = "common/rational.rs"]
mod rational;

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use common::{Builder, Random, list};
use maso_core::Network;
use maso_core::geometry::slice::{
    CellComplex, Plane, Slice, SliceEdge, SliceOptions, SliceStatus, SliceTarget, WallOf, Window,
};
use maso_core::graph::Attribute;
use rational::Rational;

// ---------------------------------------------------------------------------------------------------------------
// What is compared: a network as a list of steps, and the same as a graph.

/// One step of a network. Value 0 is the input, value i + 1 what step i makes.
#[derive(Clone, Debug)]
enum Step {
    /// A matrix (units × inputs) and what is added.
    Dense { source: usize, weights: Vec<Vec<f32>>, bias: Vec<f32> },
    /// A sum of two values.
    Sum(usize, usize),
    /// A scalar spline for each unit.
    Spline { source: usize, units: Vec<Spline> },
    /// The first largest (or smallest) of each unit's candidates, which have their pieces with them.
    Extreme { smallest: bool, pieces: usize, units: Vec<Vec<(usize, Candidate)>> },
}

impl Step {
    fn is_layer(&self) -> bool {
        matches!(self, Self::Spline { .. } | Self::Extreme { .. })
    }

    /// Units of a layer.
    fn units(&self) -> usize {
        match self {
            Self::Spline { units, .. } => units.len(),
            Self::Extreme { units, .. } => units.len(),
            Self::Dense { .. } | Self::Sum(..) => 0,
        }
    }
}

/// A spline of one number: piece r is `slopes[r]·z + offsets[r]`, above r of the knots.
#[derive(Clone, Debug)]
struct Spline {
    knots: Vec<f32>,
    slopes: Vec<f32>,
    offsets: Vec<f32>,
}

/// What competes in an extreme.
#[derive(Clone, Copy, Debug)]
enum Candidate {
    Number(usize, usize),
    Constant(f32),
}

/// A network and what of it is looked at.
#[derive(Debug)]
struct Case {
    #[allow(dead_code, reason = "it is shown")]
    kind: Kind,
    seed: u64,
    steps: Vec<Step>,
    /// Origin and directions.
    plane: [Vec<f64>; 3],
    window: Vec<[f64; 2]>,
}

/// What numbers a network is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Weights from −2 to 2, many of them 0; biases from −1 to 1.
    Integers,
    /// Multiples of 1/4 from −2 to 2.
    Quarters,
    /// Weights −1, 0, 1, rows repeated, negated or doubled, no bias.
    Repeats,
    /// 24 bits at random.
    Generic,
    /// Rows −1, 0, 1, repeated but for the last of 20 bits: lines that nearly coincide.
    Near,
    /// A convolution of integers and a pool.
    Pool,
}

/// A network in the making, in both forms.
struct Twin {
    builder: Builder,
    names: Vec<String>,
    lens: Vec<usize>,
    steps: Vec<Step>,
}

impl Twin {
    fn new(shape: &[usize]) -> Self {
        Self {
            builder: Builder::new(None, shape),
            names: vec!["x".to_owned()],
            lens: vec![shape.iter().product()],
            steps: Vec::new(),
        }
    }

    fn push(&mut self, name: String, len: usize, step: Step) -> usize {
        self.names.push(name);
        self.lens.push(len);
        self.steps.push(step);
        self.steps.len()
    }

    fn dense(&mut self, source: usize, weights: Vec<Vec<f32>>, bias: Vec<f32>) -> usize {
        let (units, depth) = (weights.len(), weights[0].len());
        let columns = (0..depth).flat_map(|i| weights.iter().map(move |row| row[i])).collect();
        let matrix = self.builder.floats(&[depth, units], columns);
        let constants = self.builder.floats(&[units], bias.clone());
        let name = self.builder.node("Gemm", &[&self.names[source], &matrix, &constants]);
        self.push(name, units, Step::Dense { source, weights, bias })
    }

    fn sum(&mut self, x: usize, y: usize) -> usize {
        let name = self.builder.node("Add", &[&self.names[x], &self.names[y]]);
        self.push(name, self.lens[x], Step::Sum(x, y))
    }

    /// Two pieces that meet in 0: `op` makes the node out of the value's name.
    fn hinge(
        &mut self,
        source: usize,
        left: Vec<f32>,
        op: impl Fn(&mut Builder, &str) -> String,
    ) -> usize {
        let name = op(&mut self.builder, &self.names[source]);
        let unit =
            |left| Spline { knots: vec![0.0], slopes: vec![left, 1.0], offsets: vec![0.0; 2] };
        let units: Vec<Spline> = left.into_iter().map(unit).collect();
        self.push(name, units.len(), Step::Spline { source, units })
    }

    fn relu(&mut self, source: usize) -> usize {
        self.hinge(source, vec![0.0; self.lens[source]], |b, z| b.node("Relu", &[z]))
    }

    fn clip(&mut self, source: usize, low: f32, high: f32) -> usize {
        let limits = [low, high].map(|limit| self.builder.floats(&[], vec![limit]));
        let name = self.builder.node("Clip", &[&self.names[source], &limits[0], &limits[1]]);
        let unit = Spline {
            knots: vec![low, high],
            slopes: vec![0.0, 1.0, 0.0],
            offsets: vec![low, 0.0, high],
        };
        let units = vec![unit; self.lens[source]];
        self.push(name, units.len(), Step::Spline { source, units })
    }

    /// A maximum or minimum of values, and of a constant for each unit if there is one, at its place.
    fn extreme(
        &mut self,
        smallest: bool,
        values: &[usize],
        constant: Option<(usize, Vec<f32>)>,
    ) -> usize {
        let len = self.lens[values[0]];
        let mut names: Vec<String> =
            values.iter().map(|&value| self.names[value].clone()).collect();
        let mut units: Vec<Vec<Candidate>> = (0..len)
            .map(|unit| values.iter().map(|&value| Candidate::Number(value, unit)).collect())
            .collect();
        if let Some((place, constants)) = constant {
            names.insert(place, self.builder.floats(&[len], constants.clone()));
            for (unit, constant) in units.iter_mut().zip(constants) {
                unit.insert(place, Candidate::Constant(constant));
            }
        }
        let inputs: Vec<&str> = names.iter().map(String::as_str).collect();
        let name = self.builder.node(if smallest { "Min" } else { "Max" }, &inputs);
        let units = units.into_iter().map(|unit| unit.into_iter().enumerate().collect()).collect();
        self.push(name, len, Step::Extreme { smallest, pieces: inputs.len(), units })
    }

    /// A convolution with 3 × 3 kernels, padded, of one plane of `side` × `side`; one bias for each channel.
    fn convolution(
        &mut self,
        source: usize,
        side: usize,
        kernels: &[[f32; 9]],
        bias: &[f32],
    ) -> usize {
        let channels = kernels.len();
        let weight = self.builder.floats(&[channels, 1, 3, 3], kernels.concat());
        let constants = self.builder.floats(&[channels], bias.to_vec());
        let name = self.builder.node_with(
            "Conv",
            &[&self.names[source], &weight, &constants],
            &[("pads", list(&[1; 4]))],
        );
        let mut weights = vec![vec![0.0; side * side]; channels * side * side];
        for (unit, row) in weights.iter_mut().enumerate() {
            let (channel, y, x) = (unit / (side * side), unit / side % side, unit % side);
            for (tap, weight) in kernels[channel].iter().enumerate() {
                // One less than the place of the tap, which may be outside.
                let (i, j) = (y + tap / 3, x + tap % 3);
                if (1..=side).contains(&i) && (1..=side).contains(&j) {
                    row[(i - 1) * side + j - 1] = *weight;
                }
            }
        }
        let bias = (0..weights.len()).map(|unit| bias[unit / (side * side)]).collect();
        self.push(name, weights.len(), Step::Dense { source, weights, bias })
    }

    /// A maximum pool over planes of `side` × `side`.
    fn pool(&mut self, source: usize, side: usize, [kernel, stride, pad]: [usize; 3]) -> usize {
        let name = self.builder.node_with(
            "MaxPool",
            &[&self.names[source]],
            &[
                ("kernel_shape", list(&[kernel as i64; 2])),
                ("strides", list(&[stride as i64; 2])),
                ("pads", list(&[pad as i64; 4])),
            ],
        );
        let planes = self.lens[source] / (side * side);
        let out = (side + 2 * pad - kernel) / stride + 1;
        let unit = |unit: usize| {
            let (plane, y, x) = (unit / (out * out), unit / out % out, unit % out);
            let place = |tap: usize| (y * stride + tap / kernel, x * stride + tap % kernel);
            let inside = pad..pad + side;
            let taps = (0..kernel * kernel).map(|tap| (tap, place(tap)));
            taps.filter(|(_, (i, j))| inside.contains(i) && inside.contains(j))
                .map(|(tap, (i, j))| {
                    let index = plane * side * side + (i - pad) * side + j - pad;
                    (tap, Candidate::Number(source, index))
                })
                .collect()
        };
        let units: Vec<_> = (0..planes * out * out).map(unit).collect();
        let step = Step::Extreme { smallest: false, pieces: kernel * kernel, units };
        self.push(name, planes * out * out, step)
    }

    /// Planes as one list.
    fn flatten(&mut self, source: usize) {
        self.names[source] = self.builder.node("Flatten", &[&self.names[source]]);
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Random cases.

/// Numbers of a kind.
struct Dice {
    random: Random,
    kind: Kind,
    is_biased: bool,
}

impl Dice {
    fn new(kind: Kind, seed: u64) -> Self {
        // Neighbouring seeds begin alike.
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ kind as u64);
        for _ in 0..8 {
            random.below(2);
        }
        let is_biased = random.below(4) > 0;
        Self { random, kind, is_biased }
    }

    fn below(&mut self, n: usize) -> usize {
        self.random.below(n)
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn any(&mut self) -> f32 {
        (self.below(1 << 25) as f32 - (1 << 24) as f32) / (1 << 23) as f32
    }

    fn weight(&mut self) -> f32 {
        match self.kind {
            Kind::Integers => self.of(&[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, -1.0, -1.0, 2.0, -2.0]),
            Kind::Quarters => (self.below(17) as f32 - 8.0) / 4.0,
            Kind::Repeats | Kind::Near | Kind::Pool => self.of(&[-1.0, 0.0, 1.0]),
            Kind::Generic => self.any(),
        }
    }

    /// 0, or next to it.
    fn little(&mut self) -> f32 {
        self.of(&[0.0, 0.0, 1.0, -1.0]) / (1 << 20) as f32
    }

    fn bias(&mut self) -> f32 {
        match self.kind {
            Kind::Repeats => 0.0,
            _ if !self.is_biased => 0.0,
            Kind::Integers | Kind::Pool => self.of(&[-1.0, 0.0, 1.0]),
            Kind::Near => self.of(&[-1.0, 0.0, 0.0, 0.0, 1.0]) + self.little(),
            Kind::Quarters => (self.below(9) as f32 - 4.0) / 4.0,
            Kind::Generic => self.any(),
        }
    }

    fn biases(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.bias()).collect()
    }

    fn rows(&mut self, units: usize, depth: usize) -> Vec<Vec<f32>> {
        let mut rows: Vec<Vec<f32>> = Vec::new();
        for _ in 0..units {
            let repeats = matches!(self.kind, Kind::Repeats | Kind::Near);
            let row = if repeats && !rows.is_empty() && self.below(2) == 0 {
                let factor = self.of(&[1.0, 1.0, -1.0, 2.0, -2.0]);
                let at = self.below(rows.len());
                rows[at].iter().map(|weight| factor * weight).collect()
            } else {
                (0..depth).map(|_| self.weight()).collect()
            };
            rows.push(row);
        }
        if self.kind == Kind::Near {
            rows.iter_mut().flatten().for_each(|weight| *weight += self.little());
        }
        rows
    }

    fn dense(&mut self, twin: &mut Twin, source: usize, units: usize) -> usize {
        let rows = self.rows(units, twin.lens[source]);
        let bias = self.biases(units);
        twin.dense(source, rows, bias)
    }

    /// A scalar nonlinearity.
    fn scalar(&mut self, twin: &mut Twin, z: usize) -> usize {
        let len = twin.lens[z];
        match self.below(7) {
            0 | 1 => twin.relu(z),
            2 => {
                let alpha = self.of(&[0.5, 0.25, 0.125]);
                twin.hinge(z, vec![alpha; len], |b, z| {
                    b.node_with("LeakyRelu", &[z], &[("alpha", Attribute::Float(alpha))])
                })
            }
            3 => twin.hinge(z, vec![-1.0; len], |b, z| b.node("Abs", &[z])),
            4 => {
                let slopes: Vec<f32> =
                    (0..len).map(|_| self.of(&[-1.0, -0.5, 0.0, 0.5, 2.0])).collect();
                twin.hinge(z, slopes.clone(), |b, z| {
                    let slopes = b.floats(&[len], slopes.clone());
                    b.node("PRelu", &[z, &slopes])
                })
            }
            5 => twin.clip(z, 0.0, 1.0),
            _ => twin.clip(z, -1.0, 1.0),
        }
    }

    /// A maximum or minimum of `count` branches of one value, some of them behind a nonlinearity, some twice.
    fn branches(&mut self, twin: &mut Twin, source: usize, units: usize, count: usize) -> usize {
        let smallest = self.below(4) == 0;
        let mut values: Vec<usize> = Vec::new();
        let is_switched = self.below(3) == 0;
        for _ in 0..count {
            let value = match values[..] {
                [first, ..] if self.below(8) == 0 => first,
                _ => {
                    let z = self.dense(twin, source, units);
                    if is_switched { self.scalar(twin, z) } else { z }
                }
            };
            values.push(value);
        }
        let constant = (self.below(4) == 0).then(|| (self.below(count + 1), self.biases(units)));
        twin.extreme(smallest, &values, constant)
    }

    /// A hidden layer.
    fn layer(&mut self, twin: &mut Twin, source: usize, units: usize) -> usize {
        match self.below(10) {
            0..=5 => {
                let z = self.dense(twin, source, units);
                self.scalar(twin, z)
            }
            6 => {
                let z = self.dense(twin, source, units);
                let z = if self.below(2) == 0 { self.scalar(twin, z) } else { z };
                let (smallest, place) = (self.below(2) == 0, self.below(2));
                let constants = self.biases(units);
                twin.extreme(smallest, &[z], Some((place, constants)))
            }
            7 => self.branches(twin, source, units, 2),
            _ => self.branches(twin, source, units.min(4), 3),
        }
    }

    /// A dense network with branches.
    fn network(&mut self, inputs: usize) -> Twin {
        let mut twin = Twin::new(&[inputs]);
        let depth = self.of(&[1, 1, 2, 2, 3]);
        let most = [6, 5, 4][depth - 1];
        let mut x = 0;
        // The ends of layers, which later ones may add to theirs.
        let mut ends = vec![0];
        for _ in 0..depth {
            let units = 2 + self.below(most - 1);
            x = self.layer(&mut twin, x, units);
            let alike: Vec<usize> =
                ends.iter().copied().filter(|&end| twin.lens[end] == twin.lens[x]).collect();
            if !alike.is_empty() && self.below(3) == 0 {
                let other = self.of(&alike);
                x = if self.below(4) == 0 {
                    twin.extreme(false, &[x, other], None)
                } else {
                    twin.sum(x, other)
                };
            }
            ends.push(x);
        }
        if self.below(4) > 0 {
            let outputs = 2 + self.below(2);
            self.dense(&mut twin, x, outputs);
        }
        twin
    }

    fn integers(&mut self, len: usize) -> Vec<f64> {
        (0..len).map(|_| self.below(5) as f64 - 2.0).collect()
    }

    /// The identity of a plane, or small integers; now and then also there.
    fn plane(&mut self, inputs: usize) -> [Vec<f64>; 3] {
        if inputs == 2 && self.below(4) > 0 {
            return [vec![0.0; 2], vec![1.0, 0.0], vec![0.0, 1.0]];
        }
        loop {
            let plane = [0; 3].map(|_| self.integers(inputs));
            let [origin, u, v] = plane.clone();
            if Plane::new(origin, u, v).is_ok() {
                return plane;
            }
        }
    }

    fn window(&mut self) -> Vec<[f64; 2]> {
        let a_box =
            |s: [f64; 2], t: [f64; 2]| vec![[s[0], t[0]], [s[1], t[0]], [s[1], t[1]], [s[0], t[1]]];
        match self.below(8) {
            0..=2 => a_box([-2.0, 2.0], [-2.0, 2.0]),
            3 => a_box([-1.0, 3.0], [-2.0, 1.0]),
            4 => a_box([0.0, 2.0], [0.0, 1.0]),
            5 => a_box([-1.0, 1.0], [-3.0, 0.0]),
            6 => vec![[-2.0, -1.0], [2.0, -2.0], [0.0, 3.0]],
            _ => vec![[2.0, 0.0], [1.0, 2.0], [-1.0, 2.0], [-2.0, 0.0], [-1.0, -2.0], [1.0, -2.0]],
        }
    }

    /// A convolution, a nonlinearity before or after a pool, and a matrix.
    fn pooled(&mut self) -> Twin {
        let mut twin = Twin::new(&[1, 4, 4]);
        let channels = 1 + self.below(2);
        let kernel = |dice: &mut Self| [0.0; 9].map(|_| dice.weight());
        let kernels: Vec<[f32; 9]> = (0..channels).map(|_| kernel(self)).collect();
        let bias = self.biases(channels);
        let mut x = twin.convolution(0, 4, &kernels, &bias);
        let is_first = self.below(2) == 0;
        if is_first {
            x = twin.relu(x);
        }
        let shape = self.of(&[[2, 2, 0], [2, 2, 0], [3, 2, 1], [2, 1, 0]]);
        x = twin.pool(x, 4, shape);
        if !is_first {
            x = twin.relu(x);
        }
        twin.flatten(x);
        let outputs = 2 + self.below(2);
        self.dense(&mut twin, x, outputs);
        twin
    }

    /// A flat image, or one with two grey values, and two patches on it.
    fn images(&mut self) -> [Vec<f64>; 3] {
        let flat = self.below(2) as f64;
        let mut origin = vec![flat; 16];
        if self.below(2) == 0 {
            origin[8 + self.below(8)] += 1.0;
        }
        let patch = |dice: &mut Self| {
            let (y, x) = (dice.below(3), dice.below(3));
            let mut patch = vec![0.0; 16];
            for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                patch[(y + i) * 4 + x + j] = dice.of(&[-1.0, 0.0, 1.0, 1.0, 2.0]);
            }
            patch
        };
        loop {
            let (u, v) = (patch(self), patch(self));
            if Plane::new(origin.clone(), u.clone(), v.clone()).is_ok() {
                return [origin, u, v];
            }
        }
    }

    fn case(mut self, seed: u64) -> (Case, Network) {
        let inputs = self.of(&[2, 2, 3, 4]);
        let (mut twin, plane) = if self.kind == Kind::Pool {
            (self.pooled(), self.images())
        } else {
            (self.network(inputs), self.plane(inputs))
        };
        let window = self.window();
        let output = twin.names.pop().expect("an output");
        let network = twin.builder.network(&output);
        (Case { kind: self.kind, seed, steps: twin.steps, plane, window }, network)
    }
}

// ---------------------------------------------------------------------------------------------------------------
// The oracle.

/// a, b and c of `a·s + b·t + c`.
type Form = [Rational; 3];
type Point = [Rational; 2];
/// A convex polygon.
type Polygon = Vec<Point>;

/// A part of the window on which all decided units keep their pieces.
#[derive(Clone)]
struct Cell {
    polygon: Polygon,
    /// The forms of each value so far.
    values: Vec<Rc<Vec<Form>>>,
    /// The pieces of all units so far.
    pieces: Vec<usize>,
}

fn exact<const N: usize>(numbers: [f64; N]) -> [Rational; N] {
    numbers.map(Rational::exact)
}

fn value([a, b, c]: &Form, [s, t]: &Point) -> Rational {
    &(&(a * s) + &(b * t)) + c
}

/// `form·factor + offset`.
fn scaled(form: &Form, factor: f32, offset: f32) -> Form {
    let factor = Rational::exact(factor.into());
    let [a, b, c] = form;
    [a * &factor, b * &factor, &(c * &factor) + &Rational::exact(offset.into())]
}

fn less(x: &Form, y: &Form) -> Form {
    std::array::from_fn(|i| &x[i] - &y[i])
}

fn constant(value: f32) -> Form {
    exact([0.0, 0.0, value.into()])
}

/// Where a form vanishes between two points at which it has the given values, of opposite signs.
fn between(p: &Point, q: &Point, at_p: &Rational, at_q: &Rational) -> Point {
    let share = at_p * &(at_p - at_q).inverse();
    std::array::from_fn(|i| &p[i] + &(&share * &(&q[i] - &p[i])))
}

/// The parts of a polygon where a form is below and above 0; one of them alone where it takes only one sign. A form
/// that vanishes is below.
fn split(polygon: &Polygon, form: &Form) -> [Option<Polygon>; 2] {
    let values: Vec<Rational> = polygon.iter().map(|point| value(form, point)).collect();
    let has = |sign| values.iter().any(|value| value.sign() == sign);
    match (has(Ordering::Less), has(Ordering::Greater)) {
        (true, true) => {}
        (false, true) => return [None, Some(polygon.clone())],
        (_, false) => return [Some(polygon.clone()), None],
    }
    let [mut below, mut above] = [Vec::new(), Vec::new()];
    for (i, point) in polygon.iter().enumerate() {
        let j = (i + 1) % polygon.len();
        let sign = values[i].sign();
        if sign.is_le() {
            below.push(point.clone());
        }
        if sign.is_ge() {
            above.push(point.clone());
        }
        if sign.is_ne() && values[j].sign() == sign.reverse() {
            let point = between(point, &polygon[j], &values[i], &values[j]);
            below.push(point.clone());
            above.push(point);
        }
    }
    [Some(below), Some(above)]
}

/// The parts of a polygon where each of some candidates is the first largest.
fn envelope(polygon: &Polygon, candidates: &[Form]) -> Vec<(usize, Polygon)> {
    let mut parts = Vec::new();
    for (k, own) in candidates.iter().enumerate() {
        let mut part = Some(polygon.clone());
        for (j, other) in candidates.iter().enumerate().filter(|(j, _)| *j != k) {
            let form = less(own, other);
            if form == exact([0.0; 3]) {
                part = part.filter(|_| k < j);
            } else {
                part = part.and_then(|part| split(&part, &form)[1].clone());
            }
        }
        parts.extend(part.map(|part| (k, part)));
    }
    parts
}

/// Twice the area of a counterclockwise polygon.
fn twice_the_area(polygon: &Polygon) -> Rational {
    let edge = |to: usize| -> Point { std::array::from_fn(|i| &polygon[to][i] - &polygon[0][i]) };
    let mut sum = Rational::ZERO;
    for i in 1..polygon.len() - 1 {
        let ([a, b], [c, d]) = (edge(i), edge(i + 1));
        sum = &sum + &(&(&a * &d) - &(&b * &c));
    }
    sum
}

impl Cell {
    /// The window with the forms of the input.
    fn whole(case: &Case) -> Self {
        let [origin, u, v] = &case.plane;
        let input = (0..u.len()).map(|i| exact([u[i], v[i], origin[i]])).collect();
        let polygon = case.window.iter().map(|&corner| exact(corner)).collect();
        Self { polygon, values: vec![Rc::new(input)], pieces: Vec::new() }
    }

    fn candidate(&self, candidate: Candidate) -> Form {
        match candidate {
            Candidate::Number(value, index) => self.values[value][index].clone(),
            Candidate::Constant(value) => constant(value),
        }
    }

    fn with(&self, values: Vec<Form>) -> Self {
        let mut cell = self.clone();
        cell.values.push(Rc::new(values));
        cell
    }

    /// The parts that a step makes of it.
    fn take(&self, step: &Step) -> Vec<Self> {
        match step {
            Step::Dense { source, weights, bias } => {
                let x = &self.values[*source];
                let unit = |(row, bias): (&Vec<f32>, &f32)| {
                    let terms = row.iter().zip(x.iter()).filter(|(weight, _)| **weight != 0.0);
                    terms.fold(constant(*bias), |sum: Form, (weight, form)| {
                        let term = scaled(form, *weight, 0.0);
                        std::array::from_fn(|i| &sum[i] + &term[i])
                    })
                };
                vec![self.with(weights.iter().zip(bias).map(unit).collect())]
            }
            Step::Sum(x, y) => {
                let pairs = self.values[*x].iter().zip(self.values[*y].iter());
                let sum = |(x, y): (&Form, &Form)| std::array::from_fn(|i| &x[i] + &y[i]);
                vec![self.with(pairs.map(sum).collect())]
            }
            Step::Spline { source, units } => {
                let z = self.values[*source].clone();
                self.unit_by_unit(units.len(), |unit, polygon| {
                    bent(polygon, &z[unit], &units[unit])
                })
            }
            Step::Extreme { smallest, units, .. } => {
                self.unit_by_unit(units.len(), |unit, polygon| {
                    let candidates = units[unit].iter().map(|(_, what)| self.candidate(*what));
                    let forms: Vec<Form> = candidates.collect();
                    let factor = if *smallest { -1.0 } else { 1.0 };
                    let heights: Vec<Form> =
                        forms.iter().map(|form| scaled(form, factor, 0.0)).collect();
                    let parts = envelope(polygon, &heights).into_iter();
                    parts.map(|(k, part)| (units[unit][k].0, part, forms[k].clone())).collect()
                })
            }
        }
    }

    /// Splits it at one unit after another. `parts` gives the pieces of a unit on a polygon, and its values there.
    fn unit_by_unit(
        &self,
        units: usize,
        parts: impl Fn(usize, &Polygon) -> Vec<(usize, Polygon, Form)>,
    ) -> Vec<Self> {
        let mut open = vec![(self.polygon.clone(), self.pieces.clone(), Vec::new())];
        for unit in 0..units {
            let mut next = Vec::new();
            for (polygon, pieces, values) in open {
                for (piece, part, form) in parts(unit, &polygon) {
                    let (mut pieces, mut values) = (pieces.clone(), values.clone());
                    pieces.push(piece);
                    values.push(form);
                    next.push((part, pieces, values));
                }
            }
            open = next;
        }
        let cell = |(polygon, pieces, values)| {
            let values = self.values.iter().cloned().chain([Rc::new(values)]).collect();
            Self { polygon, values, pieces }
        };
        open.into_iter().map(cell).collect()
    }
}

/// The pieces of a spline on a polygon, and its values.
fn bent(polygon: &Polygon, z: &Form, spline: &Spline) -> Vec<(usize, Polygon, Form)> {
    let mut parts = Vec::new();
    let mut rest = Some(polygon.clone());
    for piece in 0..spline.slopes.len() {
        let Some(polygon) = rest else { break };
        let [here, beyond] = match spline.knots.get(piece) {
            Some(knot) => split(&polygon, &scaled(z, 1.0, -knot)),
            None => [Some(polygon), None],
        };
        let form = scaled(z, spline.slopes[piece], spline.offsets[piece]);
        parts.extend(here.map(|here| (piece, here, form)));
        rest = beyond;
    }
    parts
}

/// How many cells there are after each of the first layers, and the cells after as many steps as these and what
/// follows them without a further layer take.
fn partition(case: &Case, layers: usize) -> (Vec<usize>, Vec<Cell>) {
    let (mut cells, mut counts) = (vec![Cell::whole(case)], Vec::new());
    for step in &case.steps {
        if step.is_layer() && counts.len() == layers {
            break;
        }
        cells = cells.iter().flat_map(|cell| cell.take(step)).collect();
        if step.is_layer() {
            counts.push(cells.len());
        }
    }
    (counts, cells)
}

/// How pieces are written in codes.
struct Code {
    /// How many bits each unit has: what its pieces need.
    widths: Vec<usize>,
    /// Each unit's layer, and its number there.
    places: Vec<(usize, usize)>,
}

impl Code {
    fn new(steps: &[Step]) -> Self {
        let bits = |pieces: usize| pieces.next_power_of_two().ilog2() as usize;
        let widths = |step: &Step| match step {
            Step::Spline { units, .. } => {
                units.iter().map(|unit| bits(unit.slopes.len())).collect()
            }
            Step::Extreme { pieces, units, .. } => vec![bits(*pieces); units.len()],
            Step::Dense { .. } | Step::Sum(..) => Vec::new(),
        };
        let layers = steps.iter().filter(|step| step.is_layer()).enumerate();
        let places = layers.flat_map(|(layer, step)| (0..step.units()).map(move |i| (layer, i)));
        Self { widths: steps.iter().flat_map(widths).collect(), places: places.collect() }
    }

    fn bits(&self) -> usize {
        self.widths.iter().sum()
    }

    fn layers(&self) -> usize {
        self.places.last().map_or(0, |(layer, _)| layer + 1)
    }

    /// The pieces in a region's code.
    fn pieces(&self, slice: &Slice, region: usize) -> Vec<usize> {
        let code = slice.code(region);
        let mut at = 0;
        let mut piece = |width: &usize| {
            let bits = at..at + width;
            at = bits.end;
            bits.rev()
                .fold(0, |piece, bit| piece << 1 | (code[bit / 64] >> (bit % 64) & 1) as usize)
        };
        self.widths.iter().map(&mut piece).collect()
    }

    /// The pieces of a cell, 0 where a layer was not looked at.
    fn of(&self, cell: &Cell) -> Vec<usize> {
        let mut pieces = cell.pieces.clone();
        pieces.resize(self.widths.len(), 0);
        pieces
    }
}

// ---------------------------------------------------------------------------------------------------------------
// The comparison.

/// Says what is wrong, if it is.
macro_rules! ensure {
    ($holds:expr, $($message:tt)*) => {
        if !$holds {
            return Err(format!($($message)*));
        }
    };
}

type Outcome = Result<(), String>;

/// Areas by pieces, and by class where there are classes.
type Areas = BTreeMap<(Vec<usize>, usize), f64>;

fn check_shape(complex: &CellComplex, what: &str) -> Outcome {
    ensure!(complex.euler() == 1, "{what}: V − E + F = {}", complex.euler());
    for (number, edge) in complex.edges.iter().enumerate() {
        let count = edge.cells.iter().filter(|&&cell| cell != SliceEdge::NOTHING).count();
        let expected = if matches!(edge.wall, WallOf::Window(_)) { 1 } else { 2 };
        ensure!(count == expected, "{what}: edge {number} has {count} cells: {edge:?}");
        ensure!(edge.cells[0] != edge.cells[1], "{what}: edge {number} has one cell twice");
        ensure!(edge.ends[0] != edge.ends[1], "{what}: edge {number} is a point: {edge:?}");
    }
    for cell in 0..complex.len() {
        let count = complex.sides(cell).len();
        ensure!(count >= 3, "{what}: cell {cell} has {count} sides");
        for (edge, reversed) in complex.sides(cell) {
            let own = complex.edges[edge as usize].cells[usize::from(reversed)];
            ensure!(own as usize == cell, "{what}: a side of cell {cell} is one of cell {own}");
        }
    }
    Ok(())
}

/// Same keys, same areas.
fn check_areas(found: &Areas, expected: &Areas, whole: f64, what: &str) -> Outcome {
    for (key, area) in found {
        ensure!(expected.contains_key(key), "{what}: there is no cell {key:?}, area {area}");
    }
    for (key, area) in expected {
        let Some(own) = found.get(key) else {
            return Err(format!("{what}: cell {key:?} of area {area} is missing"));
        };
        let is_near = (own - area).abs() <= 1e-9 * whole;
        ensure!(is_near, "{what}: cell {key:?} has area {own}, expected {area}");
    }
    Ok(())
}

fn areas_of(cells: impl Iterator<Item = (Vec<usize>, usize, f64)>) -> Result<Areas, String> {
    let mut areas = Areas::new();
    for (pieces, class, area) in cells {
        let key = (pieces, class);
        ensure!(!areas.contains_key(&key), "{key:?} is there twice");
        areas.insert(key, area);
    }
    Ok(areas)
}

fn area(polygon: &Polygon) -> f64 {
    twice_the_area(polygon).to_f64() / 2.0
}

fn check_vertices<'p>(
    complex: &CellComplex,
    polygons: impl Iterator<Item = &'p Polygon>,
    what: &str,
) -> Outcome {
    let points: HashSet<&Point> = polygons.flatten().collect();
    let (found, expected) = (complex.vertices.len(), points.len());
    ensure!(found == expected, "{what}: {found} vertices, expected {expected}");
    let points: Vec<[f64; 2]> =
        points.into_iter().map(|point| [0, 1].map(|i| point[i].to_f64())).collect();
    for at in &complex.vertices {
        let near = |point: &[f64; 2]| (0..2).all(|i| (at[i] - point[i]).abs() <= 1e-8);
        ensure!(points.iter().any(near), "{what}: there is no vertex at {at:?}");
    }
    Ok(())
}

/// The unit whose wall an edge is has another piece on its other side.
fn check_walls(slice: &Slice, code: &Code) -> Outcome {
    let complex = &slice.regions;
    let pieces: Vec<_> = (0..complex.len()).map(|region| code.pieces(slice, region)).collect();
    for edge in complex.edges.iter().filter(|edge| edge.is_inner()) {
        let WallOf::Unit { layer, unit } = edge.wall else {
            return Err(format!("{edge:?} is no unit's wall"));
        };
        let place = (layer as usize, unit as usize);
        let unit =
            code.places.iter().position(|own| *own == place).ok_or("there is no such unit")?;
        let [left, right] = edge.cells.map(|cell| pieces[cell as usize][unit]);
        ensure!(left != right, "{edge:?}: its unit has piece {left} on both sides");
    }
    Ok(())
}

/// Each region's maps are within their stated errors of the exact ones.
fn check_maps(slice: &Slice, code: &Code, cells: &[Cell]) -> Outcome {
    let Some(maps) = &slice.maps else { return Ok(()) };
    let by_code: BTreeMap<_, _> = cells.iter().map(|cell| (code.of(cell), cell)).collect();
    for region in 0..slice.regions.len() {
        let expected = by_code[&code.pieces(slice, region)].values.last().expect("the output");
        let limit = Rational::exact(maps.errors[region]);
        ensure!(maps.of(region).len() == expected.len(), "a map for each output");
        for (map, expected) in maps.of(region).iter().zip(expected.iter()) {
            let difference = less(&exact(*map), expected);
            for &corner in slice.window.corners() {
                let off = value(&difference, &exact(corner));
                let is_within = (&off - &limit).sign().is_le() && (&off + &limit).sign().is_ge();
                ensure!(is_within, "region {region}: map {map:?}, expected {expected:?}");
            }
        }
    }
    Ok(())
}

/// The parts of a cell where a target is decided one way.
fn decided(cell: &Cell, target: SliceTarget) -> Vec<(usize, Polygon)> {
    let output = cell.values.last().expect("the output");
    match target {
        SliceTarget::OutputAbove { output: index, level } => {
            let [a, b, c] = &output[index];
            let form = [a.clone(), b.clone(), c - &Rational::exact(level)];
            let parts = split(&cell.polygon, &form).into_iter().enumerate();
            parts.filter_map(|(class, part)| part.map(|part| (class, part))).collect()
        }
        _ => envelope(&cell.polygon, output),
    }
}

fn check_target(slice: &Slice, code: &Code, cells: &[Cell], asked: SliceTarget) -> Outcome {
    let target = slice.target.as_ref().ok_or("no target")?;
    let found = areas_of((0..target.complex.len()).map(|cell| {
        let pieces = code.pieces(slice, target.region[cell] as usize);
        (pieces, target.class[cell] as usize, target.complex.area(cell))
    }))?;
    let parts = cells.iter().flat_map(|cell| {
        decided(cell, asked).into_iter().map(|(class, part)| (code.of(cell), class, part))
    });
    let parts: Vec<_> = parts.collect();
    let expected =
        areas_of(parts.iter().map(|(pieces, class, part)| (pieces.clone(), *class, area(part))))?;
    check_areas(&found, &expected, slice.window.area(), "classes")?;
    check_shape(&target.complex, "classes")?;
    check_vertices(&target.complex, parts.iter().map(|(.., part)| part), "classes")
}

/// A slice of a case, and the exact cells.
fn compare(case: &Case, network: &Network, options: &SliceOptions) -> Outcome {
    let code = Code::new(&case.steps);
    let bits = network.layout().bits();
    ensure!(bits == code.bits(), "codes of {bits} bits");
    let [origin, u, v] = case.plane.clone();
    let plane = Plane::new(origin, u, v).map_err(|error| error.to_string())?;
    let window = Window::polygon(&case.window).map_err(|error| error.to_string())?;
    let slice = catch_unwind(AssertUnwindSafe(|| network.slice(&plane, &window, options)));
    let slice = slice.map_err(|_| "it panics")?.map_err(|error| error.to_string())?;
    ensure!(slice.status == SliceStatus::Complete, "{:?}", slice.status);

    let (counts, cells) = partition(case, options.layers.unwrap_or(code.layers()));
    let found = areas_of(
        (0..slice.regions.len())
            .map(|region| (code.pieces(&slice, region), 0, slice.regions.area(region))),
    )?;
    let expected = areas_of(cells.iter().map(|cell| (code.of(cell), 0, area(&cell.polygon))))?;
    check_areas(&found, &expected, window.area(), "regions")?;
    let per_layer = &slice.regions_per_layer;
    ensure!(*per_layer == counts, "{per_layer:?} regions in layers, expected {counts:?}");
    check_shape(&slice.regions, "regions")?;
    check_vertices(&slice.regions, cells.iter().map(|cell| &cell.polygon), "regions")?;
    check_walls(&slice, &code)?;
    check_maps(&slice, &code, &cells)?;
    options.target.map_or(Ok(()), |target| check_target(&slice, &code, &cells, target))
}

/// What a case is asked for, by its seed.
fn options(case: &Case) -> SliceOptions {
    let all = case.steps.iter().filter(|step| step.is_layer()).count();
    let turn = case.seed as usize / 5;
    let level = [0.0, 1.0, -0.5][turn % 3];
    match case.seed % 5 {
        0 => SliceOptions { target: Some(SliceTarget::Class), maps: true, ..Default::default() },
        1 => SliceOptions { target: Some(SliceTarget::Class), ..Default::default() },
        2 => SliceOptions::default(),
        3 => SliceOptions { layers: Some(turn % (all + 1)), ..Default::default() },
        _ => {
            let target = SliceTarget::OutputAbove { output: turn % 2, level };
            SliceOptions { target: Some(target), ..Default::default() }
        }
    }
}

fn check_kind(kind: Kind, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let (case, network) = Dice::new(kind, seed).case(seed);
        let mut options = options(&case);
        // Most in as many patches as there can be, some in one go.
        options.patches_beyond = (seed % 7 < 5).then_some(0);
        if let Err(error) = compare(&case, &network, &options) {
            panic!("{error}\n{options:?}\n{case:?}");
        }
    }
}

#[test]
fn integers_with_many_zeros() {
    check_kind(Kind::Integers, 0..1200);
}

#[test]
fn multiples_of_a_quarter() {
    check_kind(Kind::Quarters, 0..800);
}

#[test]
fn rows_repeated_negated_and_doubled() {
    check_kind(Kind::Repeats, 0..1200);
}

#[test]
fn numbers_of_24_bits() {
    check_kind(Kind::Generic, 0..300);
}

#[test]
fn lines_that_nearly_coincide() {
    check_kind(Kind::Near, 0..500);
}

#[test]
fn pools_of_flat_images() {
    check_kind(Kind::Pool, 0..300);
}
