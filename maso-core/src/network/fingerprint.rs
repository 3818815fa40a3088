//! A number that tells networks apart: the same coefficients and layout give the same one, on every
//! machine and in every build.

use maso_simd::{Link, PoolRule};

use super::{
    Affine, Branch, Candidates, Network, Operator, PerUnit, Rule, Run, Soft, SoftPool, View,
    WindowMap,
};

/// The 64-bit FNV-1a hash (Fowler, Noll and Vo), fed word by word.
struct Fnv(u64);

impl Fnv {
    fn word(&mut self, word: u64) {
        for byte in word.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    fn sizes(&mut self, sizes: &[usize]) {
        self.word(sizes.len() as u64);
        sizes.iter().for_each(|&size| self.word(size as u64));
    }

    fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        text.bytes().for_each(|byte| self.word(byte.into()));
    }

    fn numbers(&mut self, numbers: impl IntoIterator<Item = f64>) {
        numbers.into_iter().for_each(|number| self.word(number.to_bits()));
    }

    fn map(&mut self, map: &WindowMap) {
        self.sizes(&[map.taps(), map.cells(), map.source_cells()]);
        map.index().iter().for_each(|&index| self.word(index.into()));
    }
}

impl Network {
    /// A hash of all that decides values and codes; names do not count.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Fnv(0xCBF2_9CE4_8422_2325);
        hash.word(self.output.0 as u64);
        for node in &self.nodes {
            hash.sizes(&node.inputs.iter().map(|id| id.0).collect::<Vec<_>>());
            hash.sizes(&node.shape);
            match &node.operator {
                Operator::Input => hash.word(0),
                Operator::Affine(affine) => hash_affine(&mut hash, affine),
                Operator::Sum { negate } => hash.sizes(&[2, usize::from(*negate)]),
                Operator::View(view) => hash_view(&mut hash, view),
                Operator::Nonlinear(rule) => hash_rule(&mut hash, rule),
            }
        }
        hash.0
    }
}

fn hash_affine(hash: &mut Fnv, affine: &Affine) {
    match affine {
        Affine::Dense(d) => {
            hash.sizes(&[10, d.batch, d.units, d.depth]);
            hash.numbers(d.weight.to_vec().into_iter().chain(d.bias.iter().copied()));
        }
        Affine::Convolution(c) => {
            hash.sizes(&[11, c.batch, c.groups, c.in_channels, c.out_channels]);
            hash.map(&c.map);
            hash.numbers(c.weight.to_vec().into_iter().chain(c.bias.iter().copied()));
        }
        Affine::AveragePool(p) => {
            hash.sizes(&[12, p.planes]);
            hash.map(&p.map);
            hash.numbers((0..p.map.cells()).map(|cell| p.factor.at(cell)));
        }
        Affine::Interpolation(i) => {
            hash.sizes(&[14, i.planes]);
            hash.map(&i.map);
            hash.numbers(i.weight.to_vec());
        }
        Affine::Scale(s) => {
            hash.sizes(&[13, s.len]);
            hash.numbers((0..s.len).flat_map(|unit| [s.scale.at(unit), s.shift.at(unit)]));
        }
    }
}

fn hash_view(hash: &mut Fnv, view: &View) {
    let View::Runs(runs) = view else { return hash.word(20) };
    hash.sizes(&[21, runs.len()]);
    for run in runs {
        match run {
            Run::Copy { input, from, len } => hash.sizes(&[*input, *from, *len]),
            Run::Fill { value, len } => {
                hash.sizes(&[*len]);
                hash.numbers([*value]);
            }
        }
    }
}

fn hash_per_unit(hash: &mut Fnv, parameter: &PerUnit) {
    hash.sizes(&[1, parameter.block(), parameter.values().len()]);
    hash.numbers(parameter.values().iter().copied());
}

/// The form of soft inference; its numbers are among the spline's parameters.
fn hash_soft(hash: &mut Fnv, soft: &Soft) {
    let soft = match soft {
        Soft::Gates(gates) => gates,
        Soft::Function(function) => {
            hash.sizes(&[33]);
            return hash.text(&function.0.describe());
        }
    };
    hash.sizes(&[32, usize::from(soft.base.is_some()), soft.gates.len()]);
    for gate in &soft.gates {
        let link = match gate.link {
            Link::Logistic => 0,
            Link::Tanh => 1,
            Link::Softplus => 2,
            Link::Normal => 3,
            Link::NormalTanh => 4,
            Link::Mish => 5,
            Link::HardSigmoid => 6,
            _ => usize::MAX,
        };
        hash.sizes(&[link, usize::from(gate.line.is_some()), usize::from(gate.scale.is_some())]);
    }
}

fn hash_rule(hash: &mut Fnv, rule: &Rule) {
    match rule {
        Rule::Spline(spline) => {
            hash.sizes(&[30, spline.slopes.len()]);
            spline.parameters().for_each(|parameter| hash_per_unit(hash, parameter));
            spline.soft.iter().for_each(|soft| hash_soft(hash, soft));
        }
        Rule::Extreme(extreme) => {
            hash.sizes(&[31, usize::from(extreme.smallest)]);
            if let Some(SoftPool { rule, sharpness }) = extreme.soft {
                hash.sizes(&[34, usize::from(rule == PoolRule::LogPartition)]);
                hash.numbers([sharpness]);
            }
            match &extreme.candidates {
                Candidates::Window { planes, map } => {
                    hash.word(*planes as u64);
                    hash.map(map);
                }
                Candidates::Branches(branches) => {
                    for branch in branches {
                        match branch {
                            Branch::Input(input) => hash.sizes(&[0, *input]),
                            Branch::Constant(value) => hash_per_unit(hash, value),
                        }
                    }
                }
            }
        }
    }
}
