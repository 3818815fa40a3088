//! Canonical f64 coefficients: dense ones stored as f32 where that is exact, and parameters of
//! units that repeat along channels.

/// A list of f64 coefficients, in half the space where every one is an f32.
#[derive(Clone, Debug, PartialEq)]
pub enum Coefficients {
    /// All are exactly f32.
    F32(Vec<f32>),
    /// Some are not.
    F64(Vec<f64>),
}

impl Coefficients {
    /// Stores `values` without loss.
    #[must_use]
    pub fn new(values: Vec<f64>) -> Self {
        if values.iter().all(|&value| f64::from(value as f32) == value) {
            Self::F32(values.iter().map(|&value| value as f32).collect())
        } else {
            Self::F64(values)
        }
    }

    /// Coefficient `index`.
    ///
    /// # Panics
    /// If there is no such coefficient.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> f64 {
        match self {
            Self::F32(values) => f64::from(values[index]),
            Self::F64(values) => values[index],
        }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, widened.
    #[must_use]
    pub fn to_vec(&self) -> Vec<f64> {
        (0..self.len()).map(|i| self.get(i)).collect()
    }
}

/// A parameter of each unit of a layer: `values` repeat in blocks of `inner` units, over and over.
/// One value with `inner` 1 is uniform; channels of `inner` cells have one value a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct PerUnit {
    values: Vec<f64>,
    inner: usize,
}

impl PerUnit {
    /// The same for all units.
    #[must_use]
    pub fn uniform(value: f64) -> Self {
        Self { values: vec![value], inner: 1 }
    }

    /// One value for each block of `inner` units.
    #[must_use]
    pub fn blocks(values: Vec<f64>, inner: usize) -> Self {
        if values.iter().all(|value| *value == values[0]) && !values.is_empty() {
            return Self::uniform(values[0]);
        }
        Self { values, inner: inner.max(1) }
    }

    /// The value of `unit`.
    #[must_use]
    #[inline]
    pub fn at(&self, unit: usize) -> f64 {
        match *self.values {
            // Without the divisions.
            [value] => value,
            _ => self.values[unit / self.inner % self.values.len()],
        }
    }

    /// The value of all units, if it is one.
    #[must_use]
    pub fn as_uniform(&self) -> Option<f64> {
        (self.values.len() == 1).then(|| self.values[0])
    }

    /// Units that share a value.
    #[must_use]
    pub fn block(&self) -> usize {
        self.inner
    }

    /// Whether the value is constant on each block of `inner` units.
    #[must_use]
    pub fn is_blocked_by(&self, inner: usize) -> bool {
        self.values.len() == 1 || self.inner.is_multiple_of(inner)
    }

    /// Values that differ, without repetition.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// For each unit what `join` makes of its two values.
    #[must_use]
    pub fn zip(&self, other: &Self, join: impl Fn(f64, f64) -> f64) -> Self {
        let inner = gcd(self.inner, other.inner);
        let [own, theirs] = [self, other].map(|list| list.values.len() * list.inner);
        let period = own / gcd(own, theirs) * theirs;
        let units = (0..period).step_by(inner);
        Self::blocks(units.map(|unit| join(self.at(unit), other.at(unit))).collect(), inner)
    }

    /// The same pattern with every value changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        Self::blocks(self.values.iter().copied().map(change).collect(), self.inner)
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
