//! A dense matrix of f64, row after row.

/// `rows × columns` numbers in row-major order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    numbers: Vec<f64>,
}

impl Matrix {
    /// A matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, numbers: vec![0.0; rows * columns] }
    }

    /// A matrix of these numbers, row after row.
    ///
    /// # Panics
    /// If they are not `rows · columns`.
    #[must_use]
    pub fn new(rows: usize, columns: usize, numbers: Vec<f64>) -> Self {
        assert_eq!(numbers.len(), rows * columns, "as many numbers as the matrix has");
        Self { rows, columns, numbers }
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All numbers, row after row.
    #[must_use]
    pub fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// Row `row`.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.numbers[row * self.columns..][..self.columns]
    }

    /// Row `row`, to be changed.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.numbers[row * self.columns..][..self.columns]
    }

    /// The product with a vector.
    ///
    /// # Panics
    /// If the vector has not a number for each column.
    #[must_use]
    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        assert_eq!(x.len(), self.columns, "a number for each column");
        (0..self.rows).map(|row| dot(self.row(row), x)).collect()
    }

    /// Sum of the squares of all numbers.
    #[must_use]
    pub fn squared_norm(&self) -> f64 {
        dot(&self.numbers, &self.numbers)
    }
}

/// Σ aᵢ bᵢ in f64, over eight partial sums, so that it runs at the speed of vectors. Products of f32 are exact.
pub(crate) fn dot<N: Copy + Into<f64>>(a: &[N], b: &[N]) -> f64 {
    let product = |a: N, b: N| a.into() * b.into();
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += product(a[lane], b[lane]);
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(&a, &b)| product(a, b)).sum::<f64>();
    sums.iter().sum::<f64>() + rest
}
