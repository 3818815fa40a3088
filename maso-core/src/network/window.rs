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
        let mut index = Vec::with_capacity(entries);
        for tap in Positions::new(&spec.kernel) {
            for cell in Positions::new(&spec.output) {
                let linear = (0..spec.input.len()).try_fold(0, |linear, axis| {
                    let at = source(axis, cell[axis], tap[axis])?;
                    (at < spec.input[axis]).then(|| linear * spec.input[axis] + at)
                });
                index.push(linear.map_or(Self::NONE, |linear| linear as u32));
            }
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

/// All positions of a box in row-major order.
struct Positions<'a> {
    dims: &'a [usize],
    next: Option<Vec<usize>>,
}

impl<'a> Positions<'a> {
    fn new(dims: &'a [usize]) -> Self {
        Self { dims, next: dims.iter().all(|&dim| dim > 0).then(|| vec![0; dims.len()]) }
    }
}

impl Iterator for Positions<'_> {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let here = self.next.take()?;
        let mut after = here.clone();
        for axis in (0..self.dims.len()).rev() {
            after[axis] += 1;
            if after[axis] < self.dims[axis] {
                self.next = Some(after);
                break;
            }
            after[axis] = 0;
        }
        Some(here)
    }
}
