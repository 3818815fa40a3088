//! Views: nodes that only move numbers (reshape, transpose, slice, concatenate, pad, expand).

use super::Scalar;

/// Where one number of a view comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// Element `index` of the node's input number `input`.
    Element {
        /// Which input.
        input: usize,
        /// Which of its numbers.
        index: usize,
    },
    /// A constant, as padding makes it.
    Constant(f64),
}

/// An index map from the inputs' numbers to the output's.
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    /// The same numbers in the same order, under another shape.
    Same,
    /// One source for each number.
    Map(Vec<Source>),
}

impl View {
    /// The view of a single input at `map`; [`View::Same`] where that moves nothing.
    #[must_use]
    pub fn of_one(map: &[usize], input_len: usize) -> Self {
        if map.len() == input_len && map.iter().enumerate().all(|(i, &index)| i == index) {
            return Self::Same;
        }
        Self::Map(map.iter().map(|&index| Source::Element { input: 0, index }).collect())
    }

    /// Writes the moved numbers to `y`.
    pub fn apply<S: Scalar>(&self, inputs: &[&[S]], y: &mut [S]) {
        match self {
            Self::Same => y.copy_from_slice(inputs[0]),
            Self::Map(map) => {
                for (y, source) in y.iter_mut().zip(map) {
                    *y = match source {
                        Source::Element { input, index } => inputs[*input][*index],
                        Source::Constant(value) => S::from_f64(*value),
                    };
                }
            }
        }
    }
}
