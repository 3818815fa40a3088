//! Nonlinearities from dynamic libraries.
//!
//! `include/maso_plugin.h` is the interface: a plugin hands over kinds of nonlinearities, each as the pieces of a
//! scalar spline with the rule that infers a piece. Four features see it from four sides:
//!
//! - `abi`: the header's structs in Rust, with their layout asserted.
//! - `sdk`: for authors in Rust: a trait, and a macro that exports it. No dependencies.
//! - `host` (default): loads plugins, checks everything they hand over, and calls them.
//! - `network`: instances as splines of `maso-core`, and plugins in the place of a model's operators.
//!
//! [`templates`] has the files of a new plugin. `docs/plugins.md` takes an author from nothing to a loaded plugin.
//!
//! ```no_run
//! # #[cfg(feature = "host")]
//! # fn main() -> Result<(), maso_plugins::host::Error> {
//! use maso_plugins::host::{Inference, Plugin};
//!
//! let plugin = Plugin::open("libsigmoid_gated.so")?;
//! let swish = plugin.kind("sigmoid-gated")?.create(&[("beta", 0.8)])?;
//! assert_eq!(swish.pieces().slopes(), [0.0, 1.0]); // those of ReLU
//! assert_eq!(swish.inference(), Inference::BetaVq { beta: 0.8 });
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "host"))]
//! # fn main() {}
//! ```

#![deny(unsafe_code)]
#![warn(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

#[cfg(feature = "abi")]
pub mod abi;
#[cfg(feature = "host")]
pub mod host;
#[cfg(feature = "network")]
pub mod network;
#[cfg(feature = "sdk")]
pub mod sdk;
pub mod templates;

/// The page's example is compiled with the tests.
#[cfg(all(doctest, feature = "sdk"))]
#[doc = include_str!("../../docs/plugins.md")]
struct Page;
