//! Constant tensors as a model file holds them: a shape and numbers, in row-major order.

/// Numbers of one type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TensorData {
    /// Single precision (and half precision, which widens exactly).
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
    /// Any integer type.
    I64(Vec<i64>),
    /// Truth values.
    Bool(Vec<bool>),
}

impl TensorData {
    fn len(&self) -> usize {
        match self {
            Self::F32(data) => data.len(),
            Self::F64(data) => data.len(),
            Self::I64(data) => data.len(),
            Self::Bool(data) => data.len(),
        }
    }
}

/// A constant tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: TensorData,
}

impl Tensor {
    /// A tensor of `shape`; `None` if the numbers are not as many as the shape says.
    #[must_use]
    pub fn new(shape: Vec<usize>, data: TensorData) -> Option<Self> {
        let len = shape.iter().try_fold(1usize, |len, &dim| len.checked_mul(dim))?;
        (len == data.len()).then_some(Self { shape, data })
    }

    /// A list of integers.
    #[must_use]
    pub fn ints(values: Vec<i64>) -> Self {
        Self { shape: vec![values.len()], data: TensorData::I64(values) }
    }

    /// Extent of each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers.
    #[must_use]
    pub fn data(&self) -> &TensorData {
        &self.data
    }

    /// How many numbers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there is no number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the numbers are floating point.
    #[must_use]
    pub fn is_float(&self) -> bool {
        matches!(self.data, TensorData::F32(_) | TensorData::F64(_))
    }

    /// The numbers as f64 (integers and truth values converted).
    #[must_use]
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.data {
            TensorData::F32(data) => data.iter().copied().map(f64::from).collect(),
            TensorData::F64(data) => data.clone(),
            TensorData::I64(data) => data.iter().map(|&value| value as f64).collect(),
            TensorData::Bool(data) => {
                data.iter().map(|&value| f64::from(u8::from(value))).collect()
            }
        }
    }

    /// The integers, if they are integers.
    #[must_use]
    pub fn as_ints(&self) -> Option<&[i64]> {
        match &self.data {
            TensorData::I64(data) => Some(data),
            _ => None,
        }
    }

    /// The same numbers under another shape of as many.
    #[must_use]
    pub(crate) fn reshaped(&self, shape: Vec<usize>) -> Option<Self> {
        Self::new(shape, self.data.clone())
    }

    /// The numbers at `map`, under a shape of that size.
    #[must_use]
    pub(crate) fn picked(&self, shape: Vec<usize>, map: &[usize]) -> Self {
        fn pick<T: Copy>(data: &[T], map: &[usize]) -> Vec<T> {
            map.iter().map(|&i| data[i]).collect()
        }
        let data = match &self.data {
            TensorData::F32(data) => TensorData::F32(pick(data, map)),
            TensorData::F64(data) => TensorData::F64(pick(data, map)),
            TensorData::I64(data) => TensorData::I64(pick(data, map)),
            TensorData::Bool(data) => TensorData::Bool(pick(data, map)),
        };
        Self { shape, data }
    }
}
