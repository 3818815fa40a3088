//! What a tensor of the file is while lowering: data that depends on the row, a constant, or a list of
//! sizes in which the number of rows stands as a symbol.

use std::rc::Rc;

use super::error::UnsupportedNode;
use crate::network::{NodeId, PerUnit};
use crate::tensor::{Tensor, TensorData};

/// Extent of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dim {
    /// The row axis; always the first.
    Rows,
    /// A number.
    Fixed(usize),
}

impl Dim {
    /// Its extent for one row.
    pub(super) fn extent(self) -> usize {
        match self {
            Self::Rows => 1,
            Self::Fixed(extent) => extent,
        }
    }
}

/// Extents for one row, axis by axis, the row axis as 1.
pub(super) fn extents(dims: &[Dim]) -> Vec<usize> {
    dims.iter().map(|dim| dim.extent()).collect()
}

/// Numbers in one row; `None` if they cannot be counted.
pub(super) fn features(dims: &[Dim]) -> Option<usize> {
    dims.iter().try_fold(1usize, |n, dim| n.checked_mul(dim.extent()))
}

/// Numbers that one row of any tensor may have.
pub(super) const MOST_NUMBERS: usize = 1 << 26;

/// `dims`, if a row of them has at least one number and no more than [`MOST_NUMBERS`].
pub(super) fn checked(dims: Vec<Dim>) -> Result<Vec<Dim>, String> {
    match features(&dims) {
        Some(0) => Err("it has no elements".to_owned()),
        Some(n) if n <= MOST_NUMBERS => Ok(dims),
        _ => Err(format!(
            "a row of its output would have more than {MOST_NUMBERS} numbers ({:?})",
            extents(&dims)
        )),
    }
}

/// A tensor that depends on the row.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub(super) node: NodeId,
    pub(super) dims: Vec<Dim>,
}

impl Data {
    /// Numbers in one row.
    pub(super) fn len(&self) -> usize {
        self.dims.iter().map(|dim| dim.extent()).product()
    }

    /// Numbers in one row from `axis` on.
    pub(super) fn inner(&self, axis: usize) -> usize {
        self.dims[axis..].iter().map(|dim| dim.extent()).product()
    }
}

/// One entry of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// The number of rows, whatever it is.
    Rows,
    /// A number.
    Known(i64),
}

/// An integer tensor in which the number of rows may stand.
#[derive(Clone, Debug)]
pub(super) struct Sizes {
    pub(super) shape: Vec<usize>,
    pub(super) data: Vec<Size>,
}

impl Sizes {
    /// As a constant where no entry is the number of rows.
    pub(super) fn value(self) -> Value {
        let known: Option<Vec<i64>> = self
            .data
            .iter()
            .map(|size| match size {
                Size::Known(value) => Some(*value),
                Size::Rows => None,
            })
            .collect();
        match known.and_then(|data| Tensor::new(self.shape.clone(), TensorData::I64(data))) {
            Some(tensor) => Value::Constant(Rc::new(tensor)),
            None => Value::Sizes(self),
        }
    }
}

/// A tensor of the file.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Data(Data),
    Constant(Rc<Tensor>),
    Sizes(Sizes),
    /// Truth values that depend on the row; which node compares data, and what it is.
    Truth(Rc<UnsupportedNode>),
    /// The output of a node that is not supported: what reads it cannot be judged.
    Unknown {
        /// Whether it depends on the row.
        of_data: bool,
    },
}

impl Value {
    pub(super) fn constant(tensor: Tensor) -> Self {
        Self::Constant(Rc::new(tensor))
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether it depends on the row.
    pub(super) fn is_of_data(&self) -> bool {
        matches!(self, Self::Data(_) | Self::Truth(_) | Self::Unknown { of_data: true })
    }

    /// Its axes.
    pub(super) fn rank(&self) -> usize {
        match self {
            Self::Data(data) => data.dims.len(),
            Self::Constant(tensor) => tensor.shape().len(),
            Self::Sizes(sizes) => sizes.shape.len(),
            Self::Truth(_) | Self::Unknown { .. } => 0,
        }
    }

    /// Whether its row axis is elsewhere than first.
    pub(super) fn has_moved_rows(&self) -> bool {
        match self {
            Self::Data(data) => data.dims.iter().skip(1).any(|dim| *dim == Dim::Rows),
            _ => false,
        }
    }

    /// As integers, where they are.
    pub(super) fn sizes(&self) -> Option<Sizes> {
        match self {
            Self::Sizes(sizes) => Some(sizes.clone()),
            Self::Constant(tensor) => {
                let data = tensor.as_ints()?.iter().map(|&value| Size::Known(value)).collect();
                Some(Sizes { shape: tensor.shape().to_vec(), data })
            }
            _ => None,
        }
    }
}

/// The shape that numpy's broadcasting gives, if the two fit.
pub(super) fn broadcast_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis])
    };
    let join = |axis| match (extent(a, axis), extent(b, axis)) {
        (a, b) if a == b || b == 1 => Some(a),
        (1, b) => Some(b),
        _ => None,
    };
    (0..rank).map(join).collect()
}

/// For each element of shape `to`, the element of shape `from` that broadcasting puts there.
pub(super) fn broadcast_map(from: &[usize], to: &[usize]) -> Vec<usize> {
    if to.contains(&0) {
        return Vec::new();
    }
    let mut map = vec![0];
    let missing = to.len() - from.len();
    for (axis, &extent) in to.iter().enumerate() {
        let own = axis.checked_sub(missing).map_or(1, |axis| from[axis]);
        let step = |base: usize, at: usize| base * own + if own == 1 { 0 } else { at };
        map = map.iter().flat_map(|&base| (0..extent).map(move |at| step(base, at))).collect();
    }
    map
}

/// `values` of shape `from` as parameters of units of shape `to`; compact where the axes that vary
/// stand together.
pub(super) fn per_unit(values: &[f64], from: &[usize], to: &[usize]) -> PerUnit {
    let missing = to.len() - from.len();
    let varies = |axis: usize| axis >= missing && from[axis - missing] != 1;
    let Some(first) = (0..to.len()).find(|&axis| varies(axis)) else {
        return PerUnit::uniform(values[0]);
    };
    let last = (first..to.len()).rfind(|&axis| varies(axis)).unwrap_or(first);
    if (first..=last).all(|axis| varies(axis) || to[axis] == 1) {
        return PerUnit::blocks(values.to_vec(), to[last + 1..].iter().product());
    }
    let map = broadcast_map(from, to);
    PerUnit::blocks(map.iter().map(|&index| values[index]).collect(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_parameters_equal_broadcasting() {
        let shapes: [(&[usize], &[usize]); 7] = [
            (&[1], &[2, 3, 4]),
            (&[3, 1], &[2, 3, 4]),
            (&[4], &[2, 3, 4]),
            (&[2, 1, 4], &[2, 3, 4]),
            (&[2, 3, 1], &[2, 3, 4]),
            (&[1, 3, 4], &[2, 3, 4]),
            (&[], &[2, 2]),
        ];
        for (from, to) in shapes {
            let values: Vec<f64> = (0..from.iter().product()).map(|i: usize| i as f64).collect();
            let compact = per_unit(&values, from, to);
            for (unit, &index) in broadcast_map(from, to).iter().enumerate() {
                assert_eq!(compact.at(unit), values[index], "{from:?} to {to:?}, unit {unit}");
            }
        }
    }
}
