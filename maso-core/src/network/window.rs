//! Windows: which cell of an input plane each tap of each output cell reads. Convolutions (plain and
//! transposed, in any number of axes), average pools and max-pools all read through one map, which
//! has one plane's size and serves every channel.

/// The map of one plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowMap {
    taps: usize,
    cells: usize,
    source_cells: usize,
    /// Tap by tap, cell by cell; [`NONE`](Self::NONE) for padding.
    index: Vec<u32>,
}

/// How a window slides, one entry for each spatial axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowSpec {
    /// Extent of the input plane.
    pub input: Vec<usize>,
    /// Extent of the output plane.
    pub output: Vec<usize>,
    /// Extent of the window.
    pub kernel: Vec<usize>,
    /// Step of the window.
    pub strides: Vec<usize>,
    /// Distance between its taps.
    pub dilations: Vec<usize>,
    /// Padding before the first cell.
    pub pads: Vec<usize>,
}

impl WindowMap {
    /// Stands for padding.
    pub const NONE: u32 = u32::MAX;
    /// Entries that a map may have.
    pub const LIMIT: usize = 1 << 28;
    /// Taps that a window may have: what an f32 counts exactly.
    pub const MOST_TAPS: usize = 1 << 24;

    /// The map of a window that slides over the input: `input = output·stride + tap·dilation − pad`.
    /// `None` if the map would be larger than [`LIMIT`](Self::LIMIT) and
    /// [`MOST_TAPS`](Self::MOST_TAPS) allow.
    #[must_use]
    pub fn sliding(spec: &WindowSpec) -> Option<Self> {
        Self::build(spec, |axis, cell, tap| {
            let at = cell * spec.strides[axis] + tap * spec.dilations[axis];
            at.checked_sub(spec.pads[axis])
        })
    }

    /// The map of a transposed convolution, read from the output's side:
    /// `input·stride = output + pad − tap·dilation`, where that divides.
    /// `None` if the map would be larger than [`LIMIT`](Self::LIMIT) and
    /// [`MOST_TAPS`](Self::MOST_TAPS) allow.
    #[must_use]
    pub fn transposed(spec: &WindowSpec) -> Option<Self> {
        Self::build(spec, |axis, cell, tap| {
            let at = (cell + spec.pads[axis]).checked_sub(tap * spec.dilations[axis])?;
            (at % spec.strides[axis] == 0).then(|| at / spec.strides[axis])
        })
    }

    /// One output cell that reads the whole plane in order. `None` if that has more than
    /// [`MOST_TAPS`](Self::MOST_TAPS) cells.
    #[must_use]
    pub fn whole(cells: usize) -> Option<Self> {
        let index = || (0..cells as u32).collect();
        (cells <= Self::MOST_TAPS).then(|| Self {
            taps: cells,
            cells: 1,
            source_cells: cells,
            index: index(),
        })
    }

    /// The map whose entries are `index`, tap by tap, with `taps` taps of a plane of `source_cells`.
    /// `None` if an entry is outside the plane, or the map is not whole or too large.
    #[must_use]
    pub fn listed(taps: usize, source_cells: usize, index: Vec<u32>) -> Option<Self> {
        let whole = taps > 0 && index.len().is_multiple_of(taps) && index.len() <= Self::LIMIT;
        let inside = index.iter().all(|&i| i == Self::NONE || (i as usize) < source_cells);
        let cells = index.len() / taps.max(1);
        (whole && inside && taps <= Self::MOST_TAPS).then_some(Self {
            taps,
            cells,
            source_cells,
            index,
        })
    }

    fn build(
        spec: &WindowSpec,
        source: impl Fn(usize, usize, usize) -> Option<usize>,
    ) -> Option<Self> {
        let size = |dims: &[usize]| dims.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim));
        let taps = size(&spec.kernel).filter(|&taps| taps <= Self::MOST_TAPS)?;
        let cells = size(&spec.output)?;
        let source_cells = size(&spec.input).filter(|&n| n < Self::NONE as usize)?;
        let entries = taps.checked_mul(cells).filter(|&n| n <= Self::LIMIT)?;
        let axes: Vec<AxisSources> =
            (0..spec.input.len()).map(|axis| AxisSources::new(spec, axis, &source)).collect();
        let mut index = Vec::with_capacity(entries);
        for tap in 0..taps {
            push_cells(&axes, &spec.kernel, tap, 0, &mut index);
        }
        Some(Self { taps, cells, source_cells, index })
    }

    /// Taps of the window.
    #[must_use]
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// Cells of the output plane.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Cells of the input plane.
    #[must_use]
    pub fn source_cells(&self) -> usize {
        self.source_cells
    }

    /// The input cell that `tap` of `cell` reads; `None` for padding.
    #[must_use]
    #[inline]
    pub fn source(&self, tap: usize, cell: usize) -> Option<usize> {
        let index = self.index[tap * self.cells + cell];
        (index != Self::NONE).then_some(index as usize)
    }

    /// All entries, tap by tap.
    #[must_use]
    pub fn index(&self) -> &[u32] {
        &self.index
    }

    /// How many taps of `cell` are not padding.
    #[must_use]
    pub fn inside(&self, cell: usize) -> usize {
        (0..self.taps).filter(|&tap| self.source(tap, cell).is_some()).count()
    }
}

/// What the taps and cells of one axis read.
struct AxisSources {
    /// Taps by cells: the start of the position in the plane that is read, or none.
    starts: Vec<Option<u32>>,
    cells: usize,
}

impl AxisSources {
    fn new(
        spec: &WindowSpec,
        axis: usize,
        source: impl Fn(usize, usize, usize) -> Option<usize>,
    ) -> Self {
        let (taps, cells) = (spec.kernel[axis], spec.output[axis]);
        let stride: usize = spec.input[axis + 1..].iter().product();
        let start = |tap, cell| {
            let at = source(axis, cell, tap).filter(|&at| at < spec.input[axis])?;
            Some((at * stride) as u32)
        };
        let starts = (0..taps).flat_map(|tap| (0..cells).map(move |cell| (tap, cell)));
        Self { starts: starts.map(|(tap, cell)| start(tap, cell)).collect(), cells }
    }
}

/// Adds the entries of tap number `tap` for all cells of the axes left, in row-major order; `base` is the
/// start in the plane that the axes before have led to.
fn push_cells(axes: &[AxisSources], kernel: &[usize], tap: usize, base: u32, index: &mut Vec<u32>) {
    let Some((axis, rest)) = axes.split_first() else { return index.push(base) };
    let inner: usize = kernel[1..].iter().product();
    let starts = &axis.starts[tap / inner * axis.cells..][..axis.cells];
    if rest.is_empty() {
        return index
            .extend(starts.iter().map(|start| start.map_or(WindowMap::NONE, |s| base + s)));
    }
    let below: usize = rest.iter().map(|axis| axis.cells).product();
    for start in starts {
        match start {
            Some(start) => push_cells(rest, &kernel[1..], tap % inner, base + start, index),
            None => index.extend(std::iter::repeat_n(WindowMap::NONE, below)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every entry by the formula, in one, two and three axes.
    #[test]
    fn maps_are_the_formula_at_every_place() {
        for axes in 1..=3 {
            for seed in 0..200usize {
                let pick = |axis: usize, low: usize, count: usize| {
                    low + (seed + 7 * axis) * 31 % 97 % count
                };
                let list = |low, count| (0..axes).map(|axis| pick(axis, low, count)).collect();
                let spec = WindowSpec {
                    input: list(1, 4),
                    output: list(1, 5),
                    kernel: list(1, 3),
                    strides: list(1, 2),
                    dilations: list(1, 3),
                    pads: list(0, 3),
                };
                let map = WindowMap::sliding(&spec).expect("a small map");
                let unravel = |mut at: usize, dims: &[usize]| {
                    let mut place = vec![0; dims.len()];
                    for axis in (0..dims.len()).rev() {
                        (place[axis], at) = (at % dims[axis], at / dims[axis]);
                    }
                    place
                };
                for tap in 0..map.taps() {
                    for cell in 0..map.cells() {
                        let (t, c) = (unravel(tap, &spec.kernel), unravel(cell, &spec.output));
                        let source = (0..axes).try_fold(0, |linear, axis| {
                            let at = c[axis] * spec.strides[axis] + t[axis] * spec.dilations[axis];
                            let at = at.checked_sub(spec.pads[axis])?;
                            (at < spec.input[axis]).then(|| linear * spec.input[axis] + at)
                        });
                        assert_eq!(
                            map.source(tap, cell),
                            source,
                            "{spec:?}: tap {tap}, cell {cell}"
                        );
                    }
                }
            }
        }
    }

    /// A file of a hundred bytes can ask for as much; it must not take a list for each entry.
    #[test]
    fn a_padding_far_wider_than_the_plane_is_mapped() {
        let spec = WindowSpec {
            input: vec![28, 28],
            output: vec![1000, 1000],
            kernel: vec![5, 5],
            strides: vec![1, 1],
            dilations: vec![1, 1],
            pads: vec![488, 488],
        };
        let map = WindowMap::sliding(&spec).expect("a map within the limit");
        let read = map.index().iter().filter(|&&source| source != WindowMap::NONE).count();
        assert_eq!(read, 25 * 28 * 28, "every tap reads the whole plane once");
    }
}
