//! Loads plugins, checks what they hand over, and calls them.
//!
//! [`Plugin::open`] loads a file, [`Registry`] finds one by name; [`Kind::create`] makes an [`Instance`], whose
//! [`Pieces`] and [`Inference`] are data; [`Instance::soft`] is for those that infer by callback alone.
//! [`conformance::check`] tries everything and reports.
//!
//! Loading a plugin is running its code with all rights of the process. What a plugin hands over is checked: names,
//! counts, ranges, pieces, and at sample points what its callbacks compute. What cannot be checked is where its
//! pointers lead.

pub mod conformance;

mod block;
mod error;
mod inference;
mod instance;
mod library;
mod math;
mod name;
mod pieces;
mod plugin;
mod probe;
mod raw;
mod registry;

pub use block::{Block, BlockFault};
pub use error::{Error, Failure, KindId};
pub use inference::Inference;
pub use instance::{Instance, Scalar};
pub use math::{Math, set_math};
pub use pieces::{Pieces, SplineFault};
pub use plugin::{Kind, Offers, Parameter, Plugin};
pub use probe::SoftFault;
pub use registry::{PATH_VARIABLE, Registry};
