//! Movements: the view's stretches copied or filled, row by row.

use super::run::Run;
use crate::network;
use crate::pack::Pass;

#[derive(Clone, Debug)]
pub(crate) struct Gather {
    len: usize,
    runs: Vec<network::Run>,
}

impl Gather {
    pub(super) fn new(runs: &[network::Run]) -> Self {
        Self { len: runs.iter().map(network::Run::len).sum(), runs: runs.to_vec() }
    }

    pub(super) fn run(&self, run: &mut Run<'_>) -> bool {
        for row in 0..run.rows {
            let (inputs, pass) = (run.inputs, run.pass);
            let mut out = run.out_row(row, self.len);
            for stretch in &self.runs {
                let (now, rest) = out.split_at_mut(stretch.len());
                match *stretch {
                    network::Run::Copy { input, from, len } => {
                        now.copy_from_slice(&inputs[input].row(row, from + len)[from..]);
                    }
                    network::Run::Fill { value, .. } => match pass {
                        Pass::Values => now.fill(value as f32),
                        Pass::Tangents => now.fill(0.0),
                    },
                }
                out = rest;
            }
        }
        true // moved numbers were finite where they were made
    }
}
