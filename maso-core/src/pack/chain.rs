//! Matrices with scalar splines between them, from the output back to the input: the rows of each region's
//! matrix, from the units that are on alone.
//!
//! A region's `A` is a product of the matrices with the columns and rows of the units that are off left out,
//! which is about half of each. What is multiplied from the left has a row for each output and stays small;
//! the matrices are cut into panels of columns, and all rows of a tile pass over a panel while it is near.

use std::ops::Range;

use maso_simd::{Aligned, Kernels, PANEL, Product, bits};

use super::parameters::Packed;
use crate::network::{Affine, Dense, Network, Node, NodeId, Operator, Rule, ScalarSpline, View};

/// A network of matrices and scalar splines alone, each reading the one before.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// From the input on.
    matrices: Vec<ColumnPanels>,
    /// Before the first matrix, before the second, …, behind the last.
    gates: Vec<Vec<ChainGate>>,
}

/// A matrix, units × depth, in panels of [`PANEL`] columns.
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

/// Rows of A that are made at once: more would not stay near.
const FUNCTIONALS: usize = 48;
/// What keeps rows of a power of two numbers from falling on the same lines of the cache.
const SKEW: usize = 16;

impl Chain {
    /// `None` if the network has other operators, branches, or no matrix.
    pub(crate) fn of(network: &Network) -> Option<Self> {
        let mut chain = Self { matrices: Vec::new(), gates: vec![Vec::new()] };
        // From the output back: what is not on the way does not count.
        let (mut way, mut at) = (Vec::new(), network.output());
        while at.index() > 0 {
            way.push(at);
            let [before] = network.node(at).inputs[..] else { return None };
            at = before;
        }
        way.into_iter().rev().try_for_each(|id| chain.link(network, id))?;
        (!chain.matrices.is_empty()).then_some(chain)
    }

    fn link(&mut self, network: &Network, id: NodeId) -> Option<()> {
        let node = network.node(id);
        match &node.operator {
            Operator::View(View::Same) => {}
            Operator::Affine(Affine::Dense(dense)) if dense.batch == 1 => {
                self.matrices.push(ColumnPanels::new(dense));
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
            let ChainBuffers { now, next, sums } = buffers;
            now.start(&self.gates[self.matrices.len()], codes, functionals.clone(), outputs);
            for (i, matrix) in self.matrices.iter().enumerate().rev() {
                next.choose(&self.gates[i], codes, functionals.len(), matrix.depth);
                matrix.pull(kernels, now, next, sums);
                std::mem::swap(now, next);
            }
            now.write(matrices, functionals, outputs);
        }
    }
}

impl ColumnPanels {
    fn new(dense: &Dense) -> Self {
        let (units, depth) = (dense.units, dense.depth);
        let mut numbers = Aligned::zeros(depth.div_ceil(PANEL) * units * PANEL);
        for unit in 0..units {
            for input in 0..depth {
                let at = (input / PANEL * units + unit) * PANEL + input % PANEL;
                numbers[at] = dense.weight.get(unit * depth + input) as f32;
            }
        }
        Self { units, depth, numbers }
    }

    /// What functionals of the units, `y`, are as functionals of the inputs, `x`.
    fn pull(&self, kernels: &Kernels, y: &Factors, x: &mut Factors, sums: &mut Vec<f32>) {
        sums.resize(y.functionals * PANEL, 0.0);
        let mut cursors = vec![0; y.counts.len()];
        let panels = self.numbers.chunks_exact((self.units * PANEL).max(1));
        for (panel, matrix) in panels.enumerate() {
            for (row, cursor) in cursors.iter_mut().enumerate() {
                sums.fill(0.0);
                let product = Product {
                    factors: &y.numbers[row * y.functionals * y.stride..],
                    ldf: y.stride,
                    rows: y.functionals,
                    matrix,
                    ldm: PANEL,
                    chosen: y.chosen(row),
                    columns: PANEL,
                };
                kernels.product(&product, sums, PANEL);
                *cursor = x.take(row, *cursor, panel * PANEL, sums);
            }
        }
    }
}

impl ChainGate {
    fn new(spline: &ScalarSpline, node: &Node, first_bit: usize) -> Self {
        let pack = |slope| Packed::new(slope, 0..node.len());
        Self { first_bit, slopes: spline.slopes.iter().map(pack).collect() }
    }

    /// The slope of `unit` in a row's code.
    fn slope(&self, code: &[u64], unit: usize) -> f32 {
        let width = bits::width(self.slopes.len());
        let piece = bits::extract(code, self.first_bit + unit * width, width);
        self.slopes[piece as usize].at(unit)
    }
}

impl Factors {
    /// Chooses the units of each row whose slopes are not zero.
    fn choose(&mut self, gates: &[ChainGate], codes: Codes<'_>, functionals: usize, units: usize) {
        (self.units, self.functionals) = (units, functionals);
        self.stride = units.next_multiple_of(PANEL) + SKEW;
        self.counts.clear();
        self.chosen.resize(codes.rows * units, 0);
        self.slopes.resize(codes.rows * units, 0.0);
        let needed = codes.rows * functionals * self.stride;
        if self.numbers.len() < needed {
            self.numbers.resize(needed, 0.0);
        }
        for row in 0..codes.rows {
            let code = codes.row(row);
            let chosen = &mut self.chosen[row * units..][..units];
            let slopes = &mut self.slopes[row * units..][..units];
            let mut count = 0;
            for unit in 0..units {
                let slope = gates.iter().map(|gate| gate.slope(code, unit)).product();
                // Written in any case, and kept where it counts: no branch to guess.
                (chosen[count], slopes[count]) = (unit as u32, slope);
                count += usize::from(slope != 0.0);
            }
            self.counts.push(count);
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

    /// Takes the functionals' sums of a panel of units from `first` on, those of chosen units alone, from the
    /// chosen unit number `cursor` on; gives the first that is behind the panel.
    fn take(&mut self, row: usize, cursor: usize, first: usize, sums: &[f32]) -> usize {
        let all = &self.chosen[row * self.units..][..self.counts[row]];
        let inside = all[cursor..].iter().take_while(|&&unit| (unit as usize) < first + PANEL);
        let end = cursor + inside.count();
        let (chosen, slopes) = (&all[cursor..end], &self.slopes[row * self.units..][cursor..end]);
        for (functional, sums) in sums.chunks_exact(PANEL).enumerate() {
            let at = (row * self.functionals + functional) * self.stride + cursor;
            let numbers = &mut self.numbers[at..][..chosen.len()];
            for ((number, &unit), slope) in numbers.iter_mut().zip(chosen).zip(slopes) {
                *number = slope * sums[unit as usize - first];
            }
        }
        end
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
