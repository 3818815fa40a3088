//! A kind with its parameters set.

use super::{
    Block, BlockFault, Error, Inference, Kind, Pieces, SplineFault, probe,
    raw::{Functions, Handle},
};
use crate::abi;
use std::fmt;

/// A kind with its parameters set: pieces and a rule as data, and perhaps callbacks. It does not change, and any
/// number of threads can use it at once.
#[derive(Debug)]
pub struct Instance {
    handle: Handle,
    kind: &'static Kind,
    values: Vec<f64>,
    pieces: Pieces,
    inference: Inference,
}

/// `f32` or `f64`.
pub trait Scalar: Copy + Default + fmt::Debug + Send + Sync + sealed::Sealed + 'static {}

impl Scalar for f32 {}
impl Scalar for f64 {}

pub(super) use sealed::Sealed;

mod sealed {
    //! Which callback a scalar type takes.

    use super::{Functions, abi};

    /// Implemented by `f32` and `f64`.
    #[allow(unnameable_types, reason = "what seals a trait cannot be named")]
    pub trait Sealed: Sized {
        /// The kind's callback.
        #[allow(private_interfaces, reason = "called in this crate alone")]
        fn soft(functions: &Functions) -> Option<abi::SoftFn<Self>>;
        /// In double precision.
        fn widen(self) -> f64;
        /// In this one, rounded.
        fn from_f64(x: f64) -> Self;
    }

    impl Sealed for f32 {
        #[allow(private_interfaces, reason = "called in this crate alone")]
        fn soft(functions: &Functions) -> Option<abi::SoftFn<Self>> {
            functions.soft_f32
        }

        fn widen(self) -> f64 {
            self.into()
        }

        #[allow(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
        fn from_f64(x: f64) -> Self {
            x as Self
        }
    }

    impl Sealed for f64 {
        #[allow(private_interfaces, reason = "called in this crate alone")]
        fn soft(functions: &Functions) -> Option<abi::SoftFn<Self>> {
            functions.soft_f64
        }

        fn widen(self) -> f64 {
            self
        }

        fn from_f64(x: f64) -> Self {
            x
        }
    }
}

impl Instance {
    /// Asks the plugin for an instance and checks its pieces and rule.
    pub(super) fn make(kind: &'static Kind, values: &[f64]) -> Result<Self, Error> {
        kind.check(values)?;
        let id = || kind.id().clone();
        let handle = kind.functions().create(values);
        let handle = handle.map_err(|failure| Error::Create { kind: id(), failure })?;
        let handle = handle.ok_or_else(|| Error::NoInstance { kind: id() })?;
        let spline = spline(&handle, kind.functions());
        let (pieces, inference) = spline.map_err(|fault| Error::Spline { kind: id(), fault })?;
        Ok(Self { handle, kind, values: values.to_vec(), pieces, inference })
    }

    /// Checks what its callbacks compute at sample points, if it has any.
    pub(super) fn probe(&self) -> Result<(), Error> {
        if self.inference == Inference::Callback { probe::check(self) } else { Ok(()) }
    }

    /// What it is an instance of.
    #[must_use]
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// The value of each parameter.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Its pieces.
    #[must_use]
    pub fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    /// Its rule.
    #[must_use]
    pub fn inference(&self) -> Inference {
        self.inference
    }

    /// Soft inference in single precision; see [`soft`](Self::soft).
    ///
    /// # Errors
    ///
    /// As for [`soft`](Self::soft).
    pub fn soft_f32(&self, block: Block<'_, f32>) -> Result<(), Error> {
        self.soft(block)
    }

    /// Soft inference in double precision; see [`soft`](Self::soft).
    ///
    /// # Errors
    ///
    /// As for [`soft`](Self::soft).
    pub fn soft_f64(&self, block: Block<'_, f64>) -> Result<(), Error> {
        self.soft(block)
    }

    /// The plugin's own soft inference, for instances whose rule is [`Inference::Callback`]. Allocates nothing unless
    /// it fails. What it writes may be NaN or infinite.
    ///
    /// # Errors
    ///
    /// If the rule is another one, if the block does not fit its arrays or asks for what the kind does not offer, or
    /// if the plugin says that it failed.
    pub fn soft<S: Scalar>(&self, block: Block<'_, S>) -> Result<(), Error> {
        let fault = |fault| Error::Block { kind: self.kind.id().clone(), fault };
        let callback =
            (self.inference == Inference::Callback).then(|| S::soft(self.kind.functions()));
        let soft = callback
            .flatten()
            .ok_or_else(|| fault(BlockFault::NotCallback { found: self.inference }))?;
        let block = block.check(self.pieces.count(), self.kind.offers()).map_err(fault)?;
        let done = self.handle.soft(soft, block);
        done.map_err(|failure| Error::Call { kind: self.kind.id().clone(), failure })
    }
}

/// The spline that an instance hands over, checked.
fn spline(handle: &Handle, functions: &Functions) -> Result<(Pieces, Inference), SplineFault> {
    let declared = handle.spline()?;
    if declared.reserved != 0 {
        return Err(SplineFault::Reserved { found: declared.reserved });
    }
    let pieces = Pieces::new(declared.knots, declared.slopes, declared.offsets)?;
    let inference = Inference::new(declared.rule, declared.beta, pieces.count())?;
    if inference == Inference::Callback {
        let missing = |function| SplineFault::NoCallback { function };
        functions.soft_f32.ok_or(missing("soft_f32"))?;
        functions.soft_f64.ok_or(missing("soft_f64"))?;
    }
    Ok((pieces, inference))
}
