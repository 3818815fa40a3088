//! An instance with a rule of its own, as a function of the network's units.

use std::sync::{Arc, Mutex, PoisonError};

use maso_core::network::UnitFunction;
use maso_simd::SoftFunction;
use maso_simd::soft64::Jet;

use crate::host::{Block, Error, Instance};

/// Numbers that are handed over at once; a copy of so many stands on the stack.
const AT_ONCE: usize = 512;

/// Steps of difference quotients, relative to the argument.
const STEP: f64 = 1e-6;

#[derive(Debug)]
pub(super) struct PluginFunction {
    instance: Arc<Instance>,
    /// What the first call that failed says.
    failure: Mutex<Option<String>>,
}

impl PluginFunction {
    pub(super) fn new(instance: Arc<Instance>) -> Self {
        Self { instance, failure: Mutex::new(None) }
    }

    fn note(&self, error: &Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert_with(|| error.to_string());
    }

    /// The value at `z`, and the derivative where the kind offers it.
    fn values(&self, z: f64) -> Result<(f64, Option<f64>), Error> {
        let (mut value, mut derivative) = ([0.0], [0.0]);
        let block = Block::line(std::slice::from_ref(&z)).value(&mut value, 1);
        if !self.instance.kind().offers().derivative {
            self.instance.soft(block)?;
            return Ok((value[0], None));
        }
        self.instance.soft(block.derivative(&mut derivative, 1))?;
        Ok((value[0], Some(derivative[0])))
    }

    fn slope(&self, z: f64) -> Result<f64, Error> {
        let step = STEP * z.abs().max(1.0);
        let ((above, _), (below, _)) = (self.values(z + step)?, self.values(z - step)?);
        Ok((above - below) / (2.0 * step))
    }
}

impl SoftFunction for PluginFunction {
    fn run(&self, numbers: &mut [f32]) -> bool {
        let mut input = [0.0; AT_ONCE];
        numbers.chunks_mut(AT_ONCE).all(|numbers| {
            let input = &mut input[..numbers.len()];
            input.copy_from_slice(numbers);
            let length = input.len();
            let done = self.instance.soft(Block::line(input).value(numbers, length));
            done.inspect_err(|error| self.note(error)).is_ok()
        })
    }
}

impl UnitFunction for PluginFunction {
    fn describe(&self) -> String {
        format!("{}{:?}", self.instance.kind().id(), self.instance.values())
    }

    fn jet(&self, z: f64) -> Jet {
        let jet = self.values(z).and_then(|(value, derivative)| {
            Ok(Jet { value, slope: derivative.map_or_else(|| self.slope(z), Ok)? })
        });
        jet.unwrap_or_else(|error| {
            self.note(&error);
            Jet { value: f64::NAN, slope: f64::NAN }
        })
    }

    fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
