//! Matrices with scalar splines between them, from the output back to the input: the rows of each region's
//! matrix, from the units that are on alone.
//!
//! A region's `A` is a product of the matrices with the columns and rows of the units that are off left out,
//! which is about half of each. What is multiplied from the left has a row for each output and stays small;
//! the matrices are cut into panels of columns, and all rows of a tile pass over a panel while it is near.
//!
//! The last two matrices are the same in every region but for the slopes between them. Their product as it
//! would be without any is made once; where more units are on than off, those that are off are taken from it.

use std::ops::Range;

use maso_simd::{Aligned, Kernels, PRODUCT_LANES, Product, bits};

use super::parameters::Packed;
use crate::network::{Affine, Dense, Network, Node, NodeId, Operator, Rule, ScalarSpline, View};

/// A network of matrices and scalar splines alone, each reading the one before.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// From the input on.
    matrices: Vec<ColumnPanels>,
    /// Before the first matrix, before the second, …, behind the last.
    gates: Vec<Vec<ChainGate>>,
    /// Where nothing follows the last of several matrices.
    end: Option<ChainEnd>,
}

/// The last two matrices of a chain.
#[derive(Clone, Debug)]
struct ChainEnd {
    /// The last, outputs × units.
    last: Vec<f32>,
    /// The product of both.
    product: ColumnPanels,
}

/// A matrix, units × depth, in panels of [`COLUMNS`] columns.
#[derive(Clone, Debug)]
struct ColumnPanels {
    units: usize,
    depth: usize,
    /// Panel after panel, a row of each unit.
    numbers: Aligned,
}

/// The slopes of a layer's pieces, and where its bits are.
#[derive(Clone, Debug)]
struct ChainGate {
    first_bit: usize,
    slopes: Vec<Packed>,
}

/// For each row of a tile, the units that the functionals depend on, and how.
#[derive(Debug, Default)]
struct Factors {
    /// Units there may be: the distance between what belongs to different rows.
    units: usize,
    counts: Vec<usize>,
    chosen: Vec<u32>,
    /// The slope of each chosen unit.
    slopes: Vec<f32>,
    /// Chosen units whose factors are there.
    taken: Vec<usize>,
    /// Whether factors say what is to be added to the product at a chain's end.
    from_end: Vec<bool>,
    /// Slopes of all units of a row.
    all: Vec<f32>,
    /// For each row, each functional's factors of the chosen units.
    numbers: Vec<f32>,
    functionals: usize,
    /// Distance between functionals.
    stride: usize,
}

/// Buffers that stay from tile to tile.
#[derive(Debug, Default)]
pub(crate) struct ChainBuffers {
    now: Factors,
    next: Factors,
    sums: Vec<f32>,
}

/// Codes of some rows, `words` words each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codes<'c> {
    pub(crate) rows: usize,
    pub(crate) words: usize,
    pub(crate) codes: &'c [u64],
}

impl Codes<'_> {
    pub(crate) fn row(&self, row: usize) -> &[u64] {
        &self.codes[row * self.words..][..self.words]
    }
}

/// Columns of a panel.
const COLUMNS: usize = 64;
/// Rows of A that are made at once: more would not stay near.
const FUNCTIONALS: usize = 48;
/// What keeps rows of a power of two numbers from falling on the same lines of the cache.
const SKEW: usize = 16;

impl Chain {
    /// `None` if the network has other operators, branches, or no matrix.
    pub(crate) fn of(network: &Network) -> Option<Self> {
        let mut chain = Self { matrices: Vec::new(), gates: vec![Vec::new()], end: None };
        let mut dense = Vec::new();
        // From the output back: what is not on the way does not count.
        let (mut way, mut at) = (Vec::new(), network.output());
        while at.index() > 0 {
            way.push(at);
            let [before] = network.node(at).inputs[..] else { return None };
            at = before;
        }
        way.into_iter().rev().try_for_each(|id| chain.link(network, id, &mut dense))?;
        if let [.., before, last] = dense[..]
            && chain.gates.last().is_some_and(Vec::is_empty)
            && last.units <= FUNCTIONALS
        {
            chain.end = Some(ChainEnd::new(before, last));
        }
        (!chain.matrices.is_empty()).then_some(chain)
    }

    fn link<'n>(
        &mut self,
        network: &'n Network,
        id: NodeId,
        matrices: &mut Vec<&'n Dense>,
    ) -> Option<()> {
        let node = network.node(id);
        match &node.operator {
            Operator::View(View::Same) => {}
            Operator::Affine(Affine::Dense(dense)) if dense.batch == 1 => {
                let weight = |unit, input| dense.weight.get(unit * dense.depth + input);
                self.matrices.push(ColumnPanels::pack(dense.units, dense.depth, weight));
                matrices.push(dense);
                self.gates.push(Vec::new());
            }
            Operator::Nonlinear(Rule::Spline(spline)) => {
                let layer = network.layout().layers().iter().find(|layer| layer.node() == id)?;
                let gate = ChainGate::new(spline, node, layer.first_bit());
                self.gates.last_mut()?.push(gate);
            }
            _ => return None,
        }
        Some(())
    }

    /// Writes the matrices of `codes`' regions, outputs × inputs each, one after another.
    pub(crate) fn jacobians(
        &self,
        kernels: &Kernels,
        codes: Codes<'_>,
        matrices: &mut [f32],
        buffers: &mut ChainBuffers,
    ) {
        let outputs = self.matrices.last().map_or(0, |last| last.units);
        for first in (0..outputs).step_by(FUNCTIONALS) {
            let functionals = first..(first + FUNCTIONALS).min(outputs);
            self.rows(kernels, codes, functionals, matrices, buffers);
        }
    }

    /// Some rows of each matrix.
    fn rows(
        &self,
        kernels: &Kernels,
        codes: Codes<'_>,
        functionals: Range<usize>,
        matrices: &mut [f32],
        buffers: &mut ChainBuffers,
    ) {
        let ChainBuffers { now, next, sums } = buffers;
        let count = self.matrices.len();
        let (inputs, outputs) = (self.matrices[0].depth, self.matrices[count - 1].units);
        let (todo, base) = match &self.end {
            Some(end) => {
                now.start_at_end(end, &self.gates[count - 1], codes, functionals.clone());
                (count - 1, Some(&end.product))
            }
            None => {
                now.start(&self.gates[count], codes, functionals.clone(), outputs);
                (count, None)
            }
        };
        for (i, matrix) in self.matrices[..todo].iter().enumerate().rev() {
            let base = base.filter(|_| i + 1 == todo);
            let pass = PanelPass { kernels, matrix, base, functionals: functionals.clone() };
            if i == 0 && self.gates[0].is_empty() {
                return pass.run(now, sums, |row, column, sums| {
                    let width = COLUMNS.min(inputs - column);
                    for (functional, sums) in functionals.clone().zip(sums.chunks_exact(COLUMNS)) {
                        let at = (row * outputs + functional) * inputs + column;
                        matrices[at..at + width].copy_from_slice(&sums[..width]);
                    }
                });
            }
            next.choose(&self.gates[i], codes, functionals.len(), matrix.depth);
            pass.run(now, sums, |row, unit, sums| next.take(row, unit, sums));
            std::mem::swap(now, next);
        }
        now.write(matrices, functionals, outputs);
    }
}

impl ChainEnd {
    fn new(before: &Dense, last: &Dense) -> Self {
        let (outputs, units, depth) = (last.units, before.units, before.depth);
        let mut product = vec![0.0; outputs * depth];
        for (output, sums) in product.chunks_exact_mut(depth.max(1)).enumerate() {
            for unit in 0..units {
                let factor = last.weight.get(output * units + unit);
                for (input, sum) in sums.iter_mut().enumerate() {
                    *sum += factor * before.weight.get(unit * depth + input);
                }
            }
        }
        let at = |output, input| product[output * depth + input];
        Self {
            last: (0..outputs * units).map(|i| last.weight.get(i) as f32).collect(),
            product: ColumnPanels::pack(outputs, depth, at),
        }
    }
}

impl ColumnPanels {
    /// Packs a matrix whose entry (unit, input) is `at(unit, input)`.
    fn pack(units: usize, depth: usize, at: impl Fn(usize, usize) -> f64) -> Self {
        let mut numbers = Aligned::zeros(depth.div_ceil(COLUMNS) * units * COLUMNS);
        for unit in 0..units {
            for input in 0..depth {
                let place = (input / COLUMNS * units + unit) * COLUMNS + input % COLUMNS;
                numbers[place] = at(unit, input) as f32;
            }
        }
        Self { units, depth, numbers }
    }

    /// Columns from `panel · COLUMNS` on, a row of each unit.
    fn panel(&self, panel: usize) -> &[f32] {
        &self.numbers[panel * self.units * COLUMNS..][..self.units * COLUMNS]
    }
}

/// A step from functionals of a matrix's units to functionals of its inputs.
struct PanelPass<'a> {
    kernels: &'a Kernels,
    matrix: &'a ColumnPanels,
    /// What sums start from, where factors say so.
    base: Option<&'a ColumnPanels>,
    functionals: Range<usize>,
}

impl PanelPass<'_> {
    /// Hands the sums of each row and panel to `store`, with the first input that they are of.
    fn run(&self, y: &Factors, sums: &mut Vec<f32>, mut store: impl FnMut(usize, usize, &[f32])) {
        let len = self.functionals.len() * COLUMNS;
        sums.resize(len, 0.0);
        for panel in 0..self.matrix.depth.div_ceil(COLUMNS) {
            let columns = COLUMNS.min(self.matrix.depth - panel * COLUMNS);
            let columns = columns.next_multiple_of(PRODUCT_LANES);
            for row in 0..y.counts.len() {
                match self.base {
                    Some(base) if y.from_end[row] => {
                        let first = self.functionals.start * COLUMNS;
                        sums.clear();
                        sums.extend_from_slice(&base.panel(panel)[first..][..len]);
                    }
                    _ => sums.fill(0.0),
                }
                let product = Product {
                    factors: &y.numbers[row * y.functionals * y.stride..],
                    ldf: y.stride,
                    rows: y.functionals,
                    matrix: self.matrix.panel(panel),
                    ldm: COLUMNS,
                    chosen: y.chosen(row),
                    columns,
                };
                self.kernels.product(&product, sums, COLUMNS);
                store(row, panel * COLUMNS, sums);
            }
        }
    }
}

impl ChainGate {
    fn new(spline: &ScalarSpline, node: &Node, first_bit: usize) -> Self {
        let pack = |slope| Packed::new(slope, 0..node.len());
        Self { first_bit, slopes: spline.slopes.iter().map(pack).collect() }
    }

    /// Multiplies the slope of each unit in a row's code to `slopes`.
    fn apply(&self, code: &[u64], slopes: &mut [f32]) {
        let width = bits::width(self.slopes.len());
        if let [Packed::Splat(first), Packed::Splat(second)] = self.slopes[..] {
            for (word, slopes) in slopes.chunks_mut(64).enumerate() {
                let field = bits::extract(code, self.first_bit + word * 64, slopes.len());
                for (unit, slope) in slopes.iter_mut().enumerate() {
                    *slope *= if field >> unit & 1 == 1 { second } else { first };
                }
            }
            return;
        }
        for (unit, slope) in slopes.iter_mut().enumerate() {
            let piece = bits::extract(code, self.first_bit + unit * width, width);
            *slope *= self.slopes[piece as usize].at(unit);
        }
    }
}

impl Factors {
    fn make_room(&mut self, rows: usize, functionals: usize, units: usize) {
        (self.units, self.functionals) = (units, functionals);
        self.stride = units.next_multiple_of(PRODUCT_LANES) + SKEW;
        self.counts.clear();
        self.from_end.clear();
        self.taken.clear();
        self.taken.resize(rows, 0);
        self.chosen.resize(rows * units, 0);
        self.slopes.resize(rows * units, 0.0);
        let needed = rows * functionals * self.stride;
        if self.numbers.len() < needed {
            self.numbers.resize(needed, 0.0);
        }
    }

    /// Finds the slopes of a row's units.
    fn find_slopes(&mut self, gates: &[ChainGate], code: &[u64]) {
        self.all.clear();
        self.all.resize(self.units, 1.0);
        gates.iter().for_each(|gate| gate.apply(code, &mut self.all));
    }

    /// Chooses the units of the next row whose slopes are not `base`, and keeps the differences.
    fn choose_row(&mut self, base: f32) {
        let first = self.counts.len() * self.units;
        let chosen = &mut self.chosen[first..][..self.units];
        let slopes = &mut self.slopes[first..][..self.units];
        let mut count = 0;
        for (unit, &slope) in self.all.iter().enumerate() {
            // Written in any case, and kept where it counts: no branch to guess.
            (chosen[count], slopes[count]) = (unit as u32, slope - base);
            count += usize::from(slope != base);
        }
        self.counts.push(count);
        self.from_end.push(base != 0.0);
    }

    /// Chooses the units of each row whose slopes are not zero.
    fn choose(&mut self, gates: &[ChainGate], codes: Codes<'_>, functionals: usize, units: usize) {
        self.make_room(codes.rows, functionals, units);
        for row in 0..codes.rows {
            self.find_slopes(gates, codes.row(row));
            self.choose_row(0.0);
        }
    }

    /// The outputs as functionals of the units before the last matrix: all of them, or those whose slopes are
    /// not 1 and how far they are from it, whichever are fewer.
    fn start_at_end(
        &mut self,
        end: &ChainEnd,
        gates: &[ChainGate],
        codes: Codes<'_>,
        functionals: Range<usize>,
    ) {
        let units = end.last.len() / end.product.units;
        self.make_room(codes.rows, functionals.len(), units);
        for row in 0..codes.rows {
            self.find_slopes(gates, codes.row(row));
            let are = |value: f32| self.all.iter().filter(|&&slope| slope == value).count();
            self.choose_row(if are(1.0) > are(0.0) { 1.0 } else { 0.0 });
            let count = self.counts[row];
            let chosen = &self.chosen[row * units..][..count];
            let slopes = &self.slopes[row * units..][..count];
            for (i, functional) in functionals.clone().enumerate() {
                let at = (row * self.functionals + i) * self.stride;
                let weights = &end.last[functional * units..][..units];
                for (k, number) in self.numbers[at..][..count].iter_mut().enumerate() {
                    *number = slopes[k] * weights[chosen[k] as usize];
                }
            }
        }
    }

    /// The outputs themselves as functionals.
    fn start(
        &mut self,
        gates: &[ChainGate],
        codes: Codes<'_>,
        functionals: Range<usize>,
        outputs: usize,
    ) {
        self.choose(gates, codes, functionals.len(), outputs);
        for row in 0..codes.rows {
            for functional in 0..self.functionals {
                let at = (row * self.functionals + functional) * self.stride;
                for k in 0..self.counts[row] {
                    let place = row * self.units + k;
                    let own = self.chosen[place] as usize == functionals.start + functional;
                    self.numbers[at + k] = if own { self.slopes[place] } else { 0.0 };
                }
            }
        }
    }

    fn chosen(&self, row: usize) -> &[u32] {
        &self.chosen[row * self.units..][..self.counts[row]]
    }

    /// Takes the functionals' sums of the panel of units from `first` on, those of chosen units alone. Panels
    /// come in order.
    fn take(&mut self, row: usize, first: usize, sums: &[f32]) {
        let (all, cursor) = (&self.chosen[row * self.units..][..self.counts[row]], self.taken[row]);
        let inside = all[cursor..].iter().take_while(|&&unit| (unit as usize) < first + COLUMNS);
        let end = cursor + inside.count();
        self.taken[row] = end;
        let (chosen, slopes) = (&all[cursor..end], &self.slopes[row * self.units..][cursor..end]);
        for (functional, sums) in sums.chunks_exact(COLUMNS).enumerate() {
            let at = (row * self.functionals + functional) * self.stride + cursor;
            let numbers = &mut self.numbers[at..][..chosen.len()];
            for ((number, &unit), slope) in numbers.iter_mut().zip(chosen).zip(slopes) {
                *number = slope * sums[unit as usize - first];
            }
        }
    }

    /// Writes functionals of the inputs as rows of each matrix.
    fn write(&self, matrices: &mut [f32], functionals: Range<usize>, outputs: usize) {
        let inputs = self.units;
        for row in 0..self.counts.len() {
            let chosen = self.chosen(row);
            for (i, functional) in functionals.clone().enumerate() {
                let out = &mut matrices[(row * outputs + functional) * inputs..][..inputs];
                let at = (row * self.functionals + i) * self.stride;
                let numbers = &self.numbers[at..][..chosen.len()];
                if chosen.len() == inputs {
                    out.copy_from_slice(numbers);
                    continue;
                }
                out.fill(0.0);
                chosen.iter().zip(numbers).for_each(|(&unit, number)| out[unit as usize] = *number);
            }
        }
    }
}
