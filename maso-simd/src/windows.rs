//! Windows with rows across lanes: which vector of the input each tap of each cell reads, the weights of
//! the channels, and what the kernels take.
//!
//! Here every number of a layer is a *vector*: its values in [`PANEL`] rows side by side. A step's bits
//! are *planes*: for each bit of each unit a word whose bit r belongs to row r.

use crate::kernels::{Param, Spline};
use crate::occupied::Occupied;
use crate::{PANEL, bits};

/// A tap of a window that is not padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Its number in the window, padding counted.
    pub tap: u32,
    /// The cell of the plane that it reads.
    pub source: u32,
}

/// The windows of a plane's cells.
#[derive(Clone, Debug, Default)]
pub struct Windows {
    /// Where each cell's taps begin, and the end of the last.
    starts: Vec<usize>,
    taps: Vec<Tap>,
    /// One more than the largest source and the largest tap.
    sources: usize,
    width: usize,
    /// Whether every cell reads consecutive sources with consecutive taps, as a matrix does.
    consecutive: bool,
}

impl Windows {
    /// The windows of `cells`, each a list of taps in order.
    pub fn new<I: IntoIterator<Item = Tap>>(cells: impl IntoIterator<Item = I>) -> Self {
        let mut windows = Self { starts: vec![0], ..Self::default() };
        for cell in cells {
            windows.taps.extend(cell);
            windows.starts.push(windows.taps.len());
        }
        let most = |of: fn(&Tap) -> u32| windows.taps.iter().map(of).max();
        windows.sources = most(|tap| tap.source).map_or(0, |source| source as usize + 1);
        windows.width = most(|tap| tap.tap).map_or(0, |tap| tap as usize + 1);
        windows.consecutive = (0..windows.cells()).all(|cell| {
            let next = |pair: &[Tap]| {
                pair[0].tap + 1 == pair[1].tap && pair[0].source + 1 == pair[1].source
            };
            windows.window(cell).windows(2).all(next)
        });
        windows
    }

    /// How many cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is one cell, which reads the first `inputs` sources with the first taps, as a matrix does.
    #[must_use]
    pub fn is_matrix(&self, inputs: usize) -> bool {
        let starts_at_0 = |tap: &Tap| tap.tap == 0 && tap.source == 0;
        let is_whole = self.cells() == 1 && self.taps.len() == inputs;
        is_whole && self.consecutive && self.taps.first().is_some_and(starts_at_0)
    }

    /// Whether every cell reads consecutive sources with consecutive taps.
    #[inline(always)]
    pub(crate) fn are_consecutive(&self) -> bool {
        self.consecutive
    }

    /// Whether every cell reads at least one tap.
    pub(crate) fn are_filled(&self) -> bool {
        self.starts.windows(2).all(|ends| ends[0] < ends[1])
    }

    /// Checks that `planes` planes, `plane` apart, are in an input of `len` vectors, and that taps are
    /// numbered below `taps`.
    pub(crate) fn check(&self, len: usize, planes: usize, plane: usize, taps: usize) {
        let needed = planes.saturating_sub(1) * plane + self.sources;
        assert!(len >= needed, "the input is short");
        assert!(self.width <= taps, "taps are numbered below their count");
    }

    /// The taps of `cell`, in order.
    ///
    /// # Panics
    /// If there is no such cell.
    #[must_use]
    #[inline]
    pub fn window(&self, cell: usize) -> &[Tap] {
        &self.taps[self.starts[cell]..self.starts[cell + 1]]
    }
}

/// Channels side by side in a packed group, where there are as many.
pub const CHANNELS: usize = 12;

/// Widths of the groups that channels are packed in.
const WIDTHS: [usize; 7] = [CHANNELS, 8, 6, 4, 3, 2, 1];

/// Weights of output channels, packed so that those of [`CHANNELS`] channels at one tap are side by side;
/// channels that are left over stand in smaller groups.
#[derive(Clone, Debug)]
pub struct ChannelWeights<T = f32> {
    channels: usize,
    depth: usize,
    data: Vec<T>,
}

impl<T: Copy> ChannelWeights<T> {
    /// Packs a `channels × depth` matrix whose entry (channel, input) is `at(channel, input)`.
    #[must_use]
    pub fn pack(channels: usize, depth: usize, at: impl Fn(usize, usize) -> T) -> Self {
        let mut data = Vec::with_capacity(channels * depth);
        for (first, width) in groups(channels) {
            for input in 0..depth {
                data.extend((first..first + width).map(|channel| at(channel, input)));
            }
        }
        Self { channels, depth, data }
    }

    /// How many channels.
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Weights of each channel.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// First channel and width of each group.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (usize, usize)> + use<T> {
        groups(self.channels)
    }

    /// The weights from the group of channel `first` on, input by input.
    #[inline(always)]
    pub(crate) fn group(&self, first: usize) -> &[T] {
        &self.data[first * self.depth..]
    }

    /// The weight of (`channel`, `input`).
    pub(crate) fn at(&self, channel: usize, input: usize) -> T {
        let (first, width) = groups(self.channels)
            .find(|&(first, width)| (first..first + width).contains(&channel))
            .expect("a channel of this layer");
        self.group(first)[input * width + channel - first]
    }
}

fn groups(channels: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let left = channels - first;
        // Narrow groups waste time: 8 + 8 is better than 12 + 4.
        let most = if (CHANNELS + 1..17).contains(&left) { 8 } else { left };
        let width = WIDTHS.into_iter().find(|&width| width <= most)?;
        first += width;
        Some((first - width, width))
    })
}

/// Where the unit of (channel, cell) stands in a step's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitOrder {
    /// Distance between channels.
    pub channel: usize,
    /// Distance between cells.
    pub cell: usize,
}

impl UnitOrder {
    /// The unit's number.
    #[inline(always)]
    pub(crate) fn unit(self, channel: usize, cell: usize) -> usize {
        channel * self.channel + cell * self.cell
    }

    /// Whether there is nothing between the units of a block.
    pub(crate) fn is_dense(self, channels: usize, cells: usize) -> bool {
        let count = channels * cells;
        // No two have the same number, so the last is numbered like the last of as many in a row.
        count == 0 || self.unit(channels - 1, cells - 1) + 1 == count
    }
}

/// How a finished sum meets another branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// sum + branch.
    Plus,
    /// sum − branch.
    Minus,
    /// branch − sum.
    From,
}

/// Another branch that is added to finished sums, before the spline.
#[derive(Clone, Copy, Debug)]
pub struct Addend<'a> {
    /// Its vectors, in the order of the output's units.
    pub values: &'a [f32],
    /// How it is added.
    pub meeting: Meeting,
}

impl Addend<'_> {
    #[inline(always)]
    pub(crate) fn add<V: crate::kernel::Vector>(&self, sum: V, branch: V) -> V {
        // Products with ±1 are exact, so that all tiers round alike.
        match self.meeting {
            Meeting::Plus => sum.add(branch),
            Meeting::Minus => branch.mul_add(V::splat(-1.0), sum),
            Meeting::From => sum.mul_add(V::splat(-1.0), branch),
        }
    }
}

/// Weighted windows: `spline(bias[o] + Σ_c Σ_t input[c · plane + source(t, cell)] · weight[o][c · taps + t])`
/// for every output channel o and every cell, in [`PANEL`] rows.
#[derive(Clone, Copy, Debug)]
pub struct WindowBlock<'a> {
    /// Vectors: `channels` planes.
    pub input: &'a [f32],
    /// Planes of the input.
    pub channels: usize,
    /// Distance between planes.
    pub plane: usize,
    /// What each cell reads.
    pub windows: &'a Windows,
    /// Taps of a window, padding counted.
    pub taps: usize,
    /// `channels · taps` weights of each output channel.
    pub weights: &'a ChannelWeights,
    /// Where each sum starts: one number for all, or one for each output channel ([`Param::Rows`]).
    pub bias: Param<'a>,
    /// Another branch.
    pub addend: Option<Addend<'a>>,
    /// What happens to each sum; parameters as for the bias.
    pub spline: Spline<'a>,
    /// Where results go.
    pub order: UnitOrder,
    /// Of a matrix (one plane, and one cell that has all of it), which inputs are not zero in all rows.
    pub occupied: Option<&'a Occupied>,
}

impl WindowBlock<'_> {
    pub(crate) fn check(&self, out: &[f32], planes: &[u32]) {
        let channels = self.weights.channels;
        self.windows.check(self.input.len() / PANEL, self.channels, self.plane, self.taps);
        assert_eq!(self.weights.depth, self.channels * self.taps, "a weight for each tap");
        if let Some(occupied) = self.occupied {
            let is_matrix = self.channels == 1 && self.windows.is_matrix(self.taps);
            assert!(is_matrix, "only the inputs of a matrix are passed over");
            occupied.check(1, self.taps);
        }
        let cells = self.windows.cells();
        if channels == 0 || cells == 0 {
            return;
        }
        let units = self.order.unit(channels - 1, cells - 1) + 1;
        assert!(out.len() >= units * PANEL, "out is short");
        assert!(planes.len() >= units * self.spline.bits(), "a word for each bit");
        if let Some(addend) = &self.addend {
            assert!(addend.values.len() >= units * PANEL, "the other branch is short");
        }
        self.bias.check(channels, 0);
        self.spline.check(channels, 0);
    }
}

/// The first largest (or smallest) of each window of each plane, in [`PANEL`] rows.
#[derive(Clone, Copy, Debug)]
pub struct WindowExtreme<'a> {
    /// Vectors: `planes` planes.
    pub input: &'a [f32],
    /// Planes.
    pub planes: usize,
    /// Distance between planes of the input.
    pub plane: usize,
    /// What each cell reads: at least one tap.
    pub windows: &'a Windows,
    /// Taps of a window, padding counted.
    pub taps: usize,
    /// The smallest instead of the largest.
    pub smallest: bool,
}

impl WindowExtreme<'_> {
    pub(crate) fn check(&self, out: &[f32], planes: &[u32]) {
        let units = self.planes * self.windows.cells();
        self.windows.check(self.input.len() / PANEL, self.planes, self.plane, self.taps);
        assert!(self.windows.are_filled(), "every window has a tap");
        assert!(out.len() >= units * PANEL, "out is short");
        assert!(planes.len() >= units * bits::width(self.taps), "a word for each bit");
    }
}
