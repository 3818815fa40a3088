//! For authors of plugins: implement [`Kind`], name it in [`export_plugin!`](crate::export_plugin), build a `cdylib`.
//!
//! ```standalone_crate
//! use maso_plugins::sdk::{Error, Kind, Parameter, Rule, Spline};
//!
//! /// Leaky ReLU: `slope·z` to the left of 0.
//! struct Leaky {
//!     slope: f64,
//! }
//!
//! impl Kind for Leaky {
//!     const NAME: &'static str = "leaky";
//!     const DESCRIPTION: &'static str = "slope·z below 0, z above";
//!     const PARAMETERS: &'static [Parameter] =
//!         &[Parameter::new("slope", "slope below 0", 0.01, -1.0, 1.0)];
//!
//!     fn create(values: &[f64]) -> Result<Self, Error> {
//!         Ok(Self { slope: values[0] })
//!     }
//!
//!     fn spline(&self) -> Spline {
//!         Spline::new([self.slope, 1.0], [0.0, 0.0], [0.0], Rule::Hard)
//!     }
//! }
//!
//! maso_plugins::export_plugin! {
//!     name: "leaky",
//!     description: "Leaky ReLU",
//!     licence: "MIT OR Apache-2.0",
//!     kinds: [Leaky],
//! }
//! # fn main() {}
//! ```
//!
//! A panic in any of an author's functions becomes a status with the panic's message. The crate must therefore be
//! built with unwinding panics, as is the default.

use crate::abi;
use std::fmt;

mod line;
mod real;
mod shim;

pub use line::{CHUNK, Line, Membership, SCRATCH};
pub use real::Real;
#[doc(hidden)]
pub use shim::{enter, kind_table, pick, plugin_table};

/// A nonlinearity, and an instance of it with its parameters set.
pub trait Kind: Sized + Send + Sync + 'static {
    /// What people type: letters, digits, `-`, `_` and `.`. A plugin's main kind has the plugin's name.
    const NAME: &'static str;
    /// One sentence.
    const DESCRIPTION: &'static str;
    /// Its parameters.
    const PARAMETERS: &'static [Parameter] = &[];
    /// What [`soft`](Self::soft) can write beside values.
    const OFFERS: Offers = Offers::VALUE;

    /// An instance with these values, one for each parameter, each within its range.
    ///
    /// # Errors
    ///
    /// If the values do not go together.
    fn create(values: &[f64]) -> Result<Self, Error>;

    /// Its pieces, and the rule that infers one. Asked for once.
    fn spline(&self) -> Spline;

    /// Soft inference, for instances whose rule is [`Rule::Callback`]: writes what `line` wants, for at most
    /// [`CHUNK`] pre-activations. Each result depends on its number alone. Allocate nothing here.
    ///
    /// # Errors
    ///
    /// If it cannot; then nothing that it wrote is used.
    fn soft<S: Real>(&self, line: Line<'_, S>) -> Result<(), Error> {
        let _ = line;
        Err(Error::unsupported("this kind has no soft inference of its own"))
    }
}

/// A parameter of a kind.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Parameter(abi::Parameter);

impl Parameter {
    /// A parameter between `minimum` and `maximum`, both included; an end may be infinite.
    #[must_use]
    pub const fn new(
        name: &'static str,
        description: &'static str,
        default: f64,
        minimum: f64,
        maximum: f64,
    ) -> Self {
        Self(abi::Parameter {
            struct_size: shim::size::<abi::Parameter>(),
            abi_minor: abi::MINOR,
            name: abi::Str::new(name),
            description: abi::Str::new(description),
            default_value: default,
            minimum,
            maximum,
        })
    }
}

/// What a kind's own soft inference can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offers(u64);

impl Offers {
    /// Values alone.
    pub const VALUE: Self = Self(0);

    /// Derivatives too.
    #[must_use]
    pub const fn derivative(self) -> Self {
        Self(self.0 | abi::flag::HAS_DERIVATIVE)
    }

    /// Memberships too. Where a piece's membership is above one half, the pre-activation is on that piece.
    #[must_use]
    pub const fn membership(self) -> Self {
        Self(self.0 | abi::flag::HAS_MEMBERSHIP)
    }

    /// Memberships too, and the value is the mean of the pieces' values under them.
    #[must_use]
    pub const fn posterior_mean(self) -> Self {
        Self(self.membership().0 | abi::flag::POSTERIOR_MEAN)
    }
}

/// Pieces, from left to right, and the rule that infers one.
#[derive(Clone, Debug)]
pub struct Spline {
    slopes: Vec<f64>,
    offsets: Vec<f64>,
    knots: Vec<f64>,
    rule: Rule,
}

impl Spline {
    /// Piece i is `slopes[i]·z + offsets[i]`, above `knots[i − 1]` and not above `knots[i]`. The host checks that
    /// the lengths go together, that knots ascend, and that neighbours meet.
    ///
    /// # Panics
    ///
    /// If there are not as many offsets as slopes, and one knot less.
    #[must_use]
    pub fn new(
        slopes: impl Into<Vec<f64>>,
        offsets: impl Into<Vec<f64>>,
        knots: impl Into<Vec<f64>>,
        rule: Rule,
    ) -> Self {
        let (slopes, offsets, knots) = (slopes.into(), offsets.into(), knots.into());
        let counts = (slopes.len(), offsets.len(), knots.len());
        assert!(
            counts.1 == counts.0 && counts.2 + 1 == counts.0,
            "{} slopes, {} offsets and {} knots do not make pieces",
            counts.0,
            counts.1,
            counts.2
        );
        Self { slopes, offsets, knots, rule }
    }
}

/// How an instance infers its piece; `docs/plugins.md` has the formulas.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// The piece between the knots around z.
    Hard,
    /// The softmax of the pieces' values at η = β / (1 − β), posterior mean; of ReLU, swish.
    BetaVq {
        /// In [0, 1]; 1 is hard.
        beta: f64,
    },
    /// The log-partition of the pieces' values; of ReLU, softplus.
    LogPartition {
        /// In (0, 1]; 1 is hard.
        beta: f64,
    },
    /// Two pieces gated by the normal distribution; of ReLU, GELU.
    Probit,
    /// The same in GELU's tanh approximation.
    ProbitTanh,
    /// [`Kind::soft`].
    Callback,
}

impl Rule {
    /// Its number in the header, and its β.
    fn number(self) -> (i32, f64) {
        match self {
            Self::Hard => (abi::rule::HARD, 0.0),
            Self::BetaVq { beta } => (abi::rule::BETA_VQ, beta),
            Self::LogPartition { beta } => (abi::rule::LOG_PARTITION, beta),
            Self::Probit => (abi::rule::PROBIT, 0.0),
            Self::ProbitTanh => (abi::rule::PROBIT_TANH, 0.0),
            Self::Callback => (abi::rule::CALLBACK, 0.0),
        }
    }
}

/// Why a kind could not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    status: i32,
    message: String,
}

impl Error {
    /// It did not work, for this reason.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { status: abi::status::FAILED, message: message.into() }
    }

    /// The parameters do not go together.
    #[must_use]
    pub fn parameter(message: impl Into<String>) -> Self {
        Self { status: abi::status::PARAMETER, ..Self::new(message) }
    }

    /// The instance cannot do that.
    #[must_use]
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self { status: abi::status::UNSUPPORTED, ..Self::new(message) }
    }

    fn argument(message: impl Into<String>) -> Self {
        Self { status: abi::status::ARGUMENT, ..Self::new(message) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Exports kinds as a plugin: once in a crate of type `cdylib`. Its version is the crate's.
#[macro_export]
macro_rules! export_plugin {
    (
        name: $name:expr,
        description: $description:expr,
        licence: $licence:expr,
        kinds: [$($kind:ty),+ $(,)?] $(,)?
    ) => {
        #[cfg(panic = "abort")]
        compile_error!("a plugin must unwind: take panic = \"abort\" out of the profile");

        /// The plugin's one symbol.
        ///
        /// # Safety
        ///
        /// For a host of maso, under the terms of `maso_plugin.h`.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn maso_plugin_entry_v1(
            host: *const $crate::abi::Host,
            table: *mut *const $crate::abi::PluginTable,
        ) -> i32 {
            const KINDS: &[&$crate::abi::Kind] = &[$($crate::sdk::kind_table::<$kind>()),+];
            unsafe extern "C" fn kind(index: u64) -> *const $crate::abi::Kind {
                $crate::sdk::pick(KINDS, index)
            }
            const TABLE: &$crate::abi::PluginTable = &$crate::sdk::plugin_table(
                [$name, env!("CARGO_PKG_VERSION"), $description, $licence],
                KINDS,
                kind,
            );
            // SAFETY: the host calls with its table and a place for ours, as the header says.
            unsafe { $crate::sdk::enter(host, table, TABLE) }
        }
    };
}
