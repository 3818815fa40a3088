//! Movements: the view's stretches of vectors copied or filled.

use maso_simd::PANEL;

use super::LaneRun;
use crate::network;
use crate::pack::Pass;

#[derive(Clone, Debug)]
pub(crate) struct LaneGather {
    runs: Vec<network::Run>,
}

impl LaneGather {
    pub(super) fn new(runs: &[network::Run]) -> Self {
        Self { runs: runs.to_vec() }
    }

    pub(super) fn run(&self, run: &mut LaneRun<'_>) -> bool {
        let mut out = &mut *run.out;
        for stretch in &self.runs {
            let (now, rest) = out.split_at_mut(stretch.len() * PANEL);
            match *stretch {
                network::Run::Copy { input, from, .. } => {
                    now.copy_from_slice(&run.inputs[input][from * PANEL..][..now.len()]);
                }
                network::Run::Fill { value, .. } => match run.pass {
                    Pass::Values => now.fill(value as f32),
                    Pass::Tangents => now.fill(0.0),
                },
            }
            out = rest;
        }
        true // moved numbers were finite where they were made
    }
}
