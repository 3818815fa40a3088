//! One file for each verb.

pub(crate) mod affine;
pub(crate) mod census;
pub(crate) mod codes;
pub(crate) mod complexity;
pub(crate) mod convert;
pub(crate) mod demo;
pub(crate) mod distance;
pub(crate) mod forward;
pub(crate) mod info;
pub(crate) mod line;
pub(crate) mod plugin;
pub(crate) mod power;
pub(crate) mod region;
pub(crate) mod slice;
mod slice_files;
mod slice_plane;
pub(crate) mod soften;
mod soften_sweep;
pub(crate) mod template;
mod template_picture;
