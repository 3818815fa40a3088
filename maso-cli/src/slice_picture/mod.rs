//! Pictures of slices and of segments: SVG, PNG, and a page to look around in.
//!
//! A scene or a plot is laid out once as a figure, a list of fills, strokes, dots and texts, which `svg` and `raster`
//! then write down. The page (`html`) gets the cells themselves and draws them in the browser.

mod axes;
mod cells;
mod figure;
mod font;
mod html;
mod legend;
mod outline;
mod packed;
mod paint;
mod palette;
mod plot;
mod raster;
mod scene;
mod svg;
mod tree;

#[cfg(test)]
mod tests;

use maso_core::Network;
use maso_core::geometry::slice::Slice;

pub(crate) use plot::Plot;

/// What a picture of a slice shows.
pub(crate) struct Scene<'a> {
    pub(crate) network: &'a Network,
    pub(crate) slice: &'a Slice,
    pub(crate) title: String,
    /// The model, the window, counts.
    pub(crate) subtitle: String,
    /// Rows of data.
    pub(crate) points: Vec<ScenePoint>,
    pub(crate) colour: Colour,
    pub(crate) theme: Theme,
    /// Labels of the axes.
    pub(crate) axes: [String; 2],
    /// Names of classes; numbers where there are none.
    pub(crate) classes: Vec<String>,
}

/// A row of data in the plane.
#[derive(Clone, Debug)]
pub(crate) struct ScenePoint {
    pub(crate) at: [f64; 2],
    pub(crate) class: Option<u32>,
    /// May be empty.
    pub(crate) label: String,
}

/// What the cells' colours tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// The class.
    Class,
    /// The region's area in input space.
    Area,
    /// The Frobenius norm, along the plane, of the region's map.
    Gradient,
    /// The deepest layer among the walls around the region.
    Layer,
    /// The piece of one unit.
    Unit {
        /// Its layer, in code order.
        layer: usize,
        /// Its number in the layer.
        unit: usize,
    },
    /// Nothing.
    None,
}

/// Dark on light, or light on dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

/// The scene as an SVG file.
pub(crate) fn svg(scene: &Scene<'_>) -> Vec<u8> {
    svg::write(&scene::compose(scene))
}

/// The scene as a PNG file of this width.
///
/// # Errors
/// If there is no room for so large a picture.
pub(crate) fn png(scene: &Scene<'_>, width: u32) -> Result<Vec<u8>, String> {
    raster::write(&scene::compose(scene), width)
}

/// The scene as a page that needs nothing else: pan, zoom, hover, layers to switch on and off.
pub(crate) fn html(scene: &Scene<'_>) -> Vec<u8> {
    html::write(scene)
}

/// The plot as an SVG file.
pub(crate) fn plot_svg(plot: &Plot) -> Vec<u8> {
    svg::write(&plot::compose(plot))
}

/// The plot as a PNG file of this width.
///
/// # Errors
/// If there is no room for so large a picture.
pub(crate) fn plot_png(plot: &Plot, width: u32) -> Result<Vec<u8>, String> {
    raster::write(&plot::compose(plot), width)
}
