//! What lowering may allocate: one allowance over all maps and folded constants of a network, asked before
//! anything is made. Each of them is bounded on its own, but a file of a few kilobytes may ask for any number.

use super::value::Value;
use crate::graph::{Attribute, Graph};
use crate::network::{
    Affine, Branch, Candidates, Coefficients, Operator, PerUnit, Rule, Run, Source, View,
};
use crate::tensor::{Tensor, TensorData};

/// Bytes beyond what the file's own constants take.
const BEYOND: usize = 3 << 29;

/// Bytes taken and allowed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    taken: usize,
    limit: usize,
}

impl Budget {
    /// What the constants of `graph` take as f64, and [`BEYOND`] besides.
    pub(super) fn of(graph: &Graph) -> Self {
        let constants = graph.constants.iter().map(|(_, tensor)| tensor);
        let attributes = graph.nodes.iter().flat_map(|node| node.attributes.values());
        let attributes = attributes.filter_map(|attribute| match attribute {
            Attribute::Tensor(tensor) => Some(tensor),
            _ => None,
        });
        let numbers: usize = constants.chain(attributes).map(Tensor::len).sum();
        Self { taken: 0, limit: BEYOND + numbers * size_of::<f64>() }
    }

    /// Refuses what there is no room for: `count` things of `bytes` each, for a moment or to stay.
    pub(super) fn room(&self, count: usize, bytes: usize) -> Result<usize, String> {
        let wanted = count.saturating_mul(bytes);
        let found = self.taken.saturating_add(wanted);
        if found <= self.limit {
            return Ok(wanted);
        }
        let mebibytes = |bytes: usize| bytes >> 20;
        Err(format!(
            "the network's index maps and constants would take {} MiB, {} of them here; at most {} are \
             allowed: export the model with a smaller input, or without what repeats or moves so many \
             numbers",
            mebibytes(found),
            mebibytes(wanted),
            mebibytes(self.limit),
        ))
    }

    /// Takes room for what stays.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), String> {
        self.taken += self.room(bytes, 1)?;
        Ok(())
    }
}

/// Bytes of one stretch of a view.
pub(super) const STRETCH: usize = size_of::<Run>();

/// Stretches of the view that reads `sources`, counted before it is made.
pub(super) fn stretches(sources: impl Iterator<Item = Source>) -> usize {
    let mut last = None;
    let mut begins = |next: Source| last.replace(next).is_none_or(|last| !continues(last, next));
    sources.map(|source| usize::from(begins(source))).sum()
}

fn continues(last: Source, next: Source) -> bool {
    use Source::{Constant, Element};
    match (last, next) {
        (Element { input: a, index: i }, Element { input: b, index: j }) => a == b && i + 1 == j,
        (Constant(a), Constant(b)) => a.to_bits() == b.to_bits(),
        _ => false,
    }
}

/// Bytes of a value that is not data; data stands in its node.
pub(super) fn of_value(value: &Value) -> usize {
    match value {
        Value::Constant(tensor) => tensor.len() * element(tensor.data()),
        Value::Sizes(sizes) => size_of_val(sizes.data.as_slice()),
        _ => 0,
    }
}

fn element(data: &TensorData) -> usize {
    match data {
        TensorData::F32(_) => size_of::<f32>(),
        TensorData::F64(_) | TensorData::I64(_) => size_of::<f64>(),
        TensorData::Bool(_) => size_of::<bool>(),
    }
}

/// Bytes of an operator's coefficients and maps.
pub(super) fn of_operator(operator: &Operator) -> usize {
    match operator {
        Operator::Affine(affine) => of_affine(affine),
        Operator::View(View::Runs(runs)) => size_of_val(runs.as_slice()),
        Operator::Nonlinear(Rule::Spline(spline)) => spline.parameters().map(per_unit).sum(),
        Operator::Nonlinear(Rule::Extreme(extreme)) => match &extreme.candidates {
            Candidates::Window { map, .. } => size_of_val(map.index()),
            Candidates::Branches(branches) => branches.iter().map(of_branch).sum(),
        },
        _ => 0,
    }
}

fn of_branch(branch: &Branch) -> usize {
    match branch {
        Branch::Constant(values) => per_unit(values),
        Branch::Input(_) => 0,
    }
}

/// Bytes of an affine operator's coefficients and maps.
pub(super) fn of_affine(affine: &Affine) -> usize {
    match affine {
        Affine::Dense(d) => coefficients(&d.weight) + size_of_val(d.bias.as_slice()),
        Affine::Convolution(c) => {
            coefficients(&c.weight) + size_of_val(c.bias.as_slice()) + size_of_val(c.map.index())
        }
        Affine::AveragePool(p) => per_unit(&p.factor) + size_of_val(p.map.index()),
        Affine::Interpolation(i) => coefficients(&i.weight) + size_of_val(i.map.index()),
        Affine::Scale(s) => per_unit(&s.scale) + per_unit(&s.shift),
    }
}

fn coefficients(values: &Coefficients) -> usize {
    match values {
        Coefficients::F32(values) => size_of_val(values.as_slice()),
        Coefficients::F64(values) => size_of_val(values.as_slice()),
    }
}

fn per_unit(parameter: &PerUnit) -> usize {
    size_of_val(parameter.values())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Dense;

    /// A file whose only weight has a million numbers.
    fn budget() -> Budget {
        let weight = Tensor::new(vec![1 << 20], TensorData::F32(vec![0.5; 1 << 20]));
        let constants = vec![("w".to_owned(), weight.expect("a tensor"))];
        Budget::of(&Graph { constants, ..Graph::default() })
    }

    #[test]
    fn one_weight_read_again_and_again_is_no_way_around_the_allowance() {
        let weight = Coefficients::new(vec![0.5; 1 << 20]);
        let dense = Dense { batch: 1, units: 1, depth: 1 << 20, weight, bias: vec![0.0] };
        let bytes = of_affine(&Affine::Dense(dense));
        assert_eq!(bytes, (4 << 20) + 8, "four bytes a weight, and a bias");
        let mut budget = budget();
        let readers = (0..).take_while(|_| budget.take(bytes).is_ok()).count();
        assert_eq!(readers, (BEYOND + (8 << 20)) / bytes);
    }

    #[test]
    fn counts_that_overflow_are_refused_with_both_numbers() {
        let error = budget().room(usize::MAX, 32).expect_err("too much");
        assert!(error.contains(&format!("at most {} are allowed", 1536 + 8)), "{error}");
    }

    #[test]
    fn stretches_are_counted_as_views_make_them() {
        use Source::{Constant, Element};
        let element = |input, index| Element { input, index };
        let sources = [
            element(0, 3),
            element(0, 4),
            element(1, 5),
            Constant(0.0),
            Constant(0.0),
            Constant(-0.0),
            element(1, 6),
            element(1, 6),
        ];
        let View::Runs(runs) = View::new(sources.into_iter()) else { panic!("stretches") };
        assert_eq!(stretches(sources.into_iter()), runs.len());
        assert_eq!(stretches([].into_iter()), 0, "nothing");
    }
}
