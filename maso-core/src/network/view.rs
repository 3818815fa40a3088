//! Views: nodes that only move numbers (reshape, transpose, slice, concatenate, pad, expand).

use super::Number;

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

/// A stretch of a view's output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Run {
    /// `len` numbers of an input, from `from` on.
    Copy {
        /// Which input.
        input: usize,
        /// Its first number.
        from: usize,
        /// How many.
        len: usize,
    },
    /// `len` times one constant.
    Fill {
        /// The constant.
        value: f64,
        /// How often.
        len: usize,
    },
}

impl Run {
    fn of(source: Source) -> Self {
        match source {
            Source::Element { input, index } => Self::Copy { input, from: index, len: 1 },
            Source::Constant(value) => Self::Fill { value, len: 1 },
        }
    }

    /// Numbers in the stretch.
    #[must_use]
    pub fn len(&self) -> usize {
        let (Self::Copy { len, .. } | Self::Fill { len, .. }) = *self;
        len
    }

    /// Never: a stretch has at least one number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the next number in, if it continues this stretch.
    fn extend(&mut self, next: Source) -> bool {
        match (self, next) {
            (Self::Copy { input, from, len }, Source::Element { input: other, index })
                if *input == other && *from + *len == index =>
            {
                *len += 1;
                true
            }
            (Self::Fill { value, len }, Source::Constant(other))
                if value.to_bits() == other.to_bits() =>
            {
                *len += 1;
                true
            }
            _ => false,
        }
    }
}

/// Where the output's numbers come from.
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    /// The same numbers in the same order, under another shape.
    Same,
    /// Stretch after stretch.
    Runs(Vec<Run>),
}

impl View {
    /// The view whose numbers come from `sources`, one after another.
    #[must_use]
    pub fn new(sources: impl Iterator<Item = Source>) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for source in sources {
            if !runs.last_mut().is_some_and(|run| run.extend(source)) {
                runs.push(Run::of(source));
            }
        }
        Self::Runs(runs)
    }

    /// The view of a single input of `input_len` numbers at `map`; [`View::Same`] where that moves
    /// nothing.
    #[must_use]
    pub fn of_one(map: &[usize], input_len: usize) -> Self {
        let view = Self::new(map.iter().map(|&index| Source::Element { input: 0, index }));
        match &view {
            Self::Runs(runs) if *runs == [Run::Copy { input: 0, from: 0, len: input_len }] => {
                Self::Same
            }
            _ => view,
        }
    }

    /// Writes the moved numbers to `y`.
    pub fn apply<S: Number>(&self, inputs: &[&[S]], mut y: &mut [S]) {
        let Self::Runs(runs) = self else { return y.clone_from_slice(inputs[0]) };
        for run in runs {
            let (now, rest) = y.split_at_mut(run.len());
            match *run {
                Run::Copy { input, from, len } => {
                    now.clone_from_slice(&inputs[input][from..][..len])
                }
                Run::Fill { value, .. } => now.fill(S::from_f64(value)),
            }
            y = rest;
        }
    }

    /// Where number `index` comes from.
    ///
    /// # Panics
    /// If the view has not as many numbers.
    #[must_use]
    pub fn source(&self, index: usize) -> Source {
        let Self::Runs(runs) = self else { return Source::Element { input: 0, index } };
        let mut left = index;
        for run in runs {
            if left < run.len() {
                return match *run {
                    Run::Copy { input, from, .. } => Source::Element { input, index: from + left },
                    Run::Fill { value, .. } => Source::Constant(value),
                };
            }
            left -= run.len();
        }
        panic!("number {index} of a view is {left} beyond its end")
    }

    /// The stretches that are copied: the first number written, which input is read, its first number, and how many.
    /// Empty for [`View::Same`], which copies all.
    pub(crate) fn copies(&self) -> impl Iterator<Item = (usize, usize, usize, usize)> + '_ {
        let runs: &[Run] = if let Self::Runs(runs) = self { runs } else { &[] };
        let places = runs.iter().scan(0, |next, run| {
            let at = *next;
            *next += run.len();
            Some((at, run))
        });
        places.filter_map(|(at, run)| match *run {
            Run::Copy { input, from, len } => Some((at, input, from, len)),
            Run::Fill { .. } => None,
        })
    }
}
