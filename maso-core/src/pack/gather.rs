//! Movements: straight runs copied, constants filled in.

use super::run::Run;
use crate::network::Source;

#[derive(Clone, Debug)]
pub(super) struct Gather {
    len: usize,
    runs: Vec<Stretch>,
}

/// A stretch of the output.
#[derive(Clone, Copy, Debug)]
enum Stretch {
    Copy { input: usize, from: usize, len: usize },
    Fill { value: f32, len: usize },
}

impl Stretch {
    fn of(source: &Source) -> Self {
        match *source {
            Source::Element { input, index } => Self::Copy { input, from: index, len: 1 },
            Source::Constant(value) => Self::Fill { value: value as f32, len: 1 },
        }
    }

    /// Takes the next element in, if it continues this stretch.
    fn extend(&mut self, next: &Self) -> bool {
        match (self, next) {
            (Self::Copy { input, from, len }, Self::Copy { input: other, from: index, .. })
                if input == other && *from + *len == *index =>
            {
                *len += 1;
                true
            }
            (Self::Fill { value, len }, Self::Fill { value: other, .. })
                if value.to_bits() == other.to_bits() =>
            {
                *len += 1;
                true
            }
            _ => false,
        }
    }
}

impl Gather {
    pub(super) fn new(map: &[Source]) -> Self {
        let mut runs: Vec<Stretch> = Vec::new();
        for next in map.iter().map(Stretch::of) {
            if !runs.last_mut().is_some_and(|run| run.extend(&next)) {
                runs.push(next);
            }
        }
        Self { len: map.len(), runs }
    }

    pub(super) fn run(&self, run: &mut Run<'_>) -> bool {
        for row in 0..run.rows {
            let inputs = run.inputs;
            let mut out = run.out_row(row, self.len);
            for stretch in &self.runs {
                let (Stretch::Copy { len, .. } | Stretch::Fill { len, .. }) = *stretch;
                let (now, rest) = out.split_at_mut(len);
                match *stretch {
                    Stretch::Copy { input, from, len } => {
                        now.copy_from_slice(&inputs[input].row(row, from + len)[from..]);
                    }
                    Stretch::Fill { value, .. } => now.fill(value),
                }
                out = rest;
            }
        }
        true // moved numbers were finite where they were made
    }
}
