//! Convolutions as implicit matrix products: output cells across lanes, output channels down the
//! block. Only one strip of [`PANEL`] cells is ever unfolded at a time; strips run on from row to row
//! of the tile, so that small planes waste no lanes.

use maso_simd::{AffineBlock, PANEL, Param};

use super::run::{Run, Scratch, at_least};
use crate::network::{Convolution, ScalarSpline, WindowMap};
use crate::pack::Pass;
use crate::pack::parameters::PackedSpline;

#[derive(Clone, Debug)]
pub(crate) struct PackedConvolution {
    batch: usize,
    groups: usize,
    in_channels: usize,
    out_channels: usize,
    cells: usize,
    source_cells: usize,
    taps: usize,
    sources: Sources,
    /// `out_channels × depth`.
    weight: Vec<f32>,
    bias: Vec<f32>,
    spline: PackedSpline,
}

/// A window map with the lengths of its straight runs, for copying many cells at once.
#[derive(Clone, Debug)]
struct Sources {
    index: Vec<u32>,
    /// How many entries from here on continue with the same step (or are all padding).
    run: Vec<u32>,
    /// The step between neighbouring cells' sources, the same throughout.
    step: usize,
}

/// A stretch of a strip that lies in one image.
#[derive(Clone, Copy, Debug)]
struct Segment {
    image: usize,
    cell: usize,
    lane: usize,
    len: usize,
}

impl Sources {
    fn new(map: &WindowMap) -> Self {
        let index = map.index().to_vec();
        let pairs = || index.windows(2).map(|pair| (pair[0], pair[1]));
        let inside = |(a, b): &(u32, u32)| *a != WindowMap::NONE && *b != WindowMap::NONE;
        let step = pairs().filter(inside).find_map(|(a, b)| b.checked_sub(a)).unwrap_or(1);
        let step = step.max(1);
        let continues = |a: u32, b: u32| match (a, b) {
            (WindowMap::NONE, WindowMap::NONE) => true,
            (WindowMap::NONE, _) | (_, WindowMap::NONE) => false,
            _ => a.checked_add(step) == Some(b),
        };
        let mut run = vec![1u32; index.len()];
        for tap in 0..map.taps() {
            let row = tap * map.cells();
            for cell in (row..row + map.cells().saturating_sub(1)).rev() {
                if continues(index[cell], index[cell + 1]) {
                    run[cell] = run[cell + 1] + 1;
                }
            }
        }
        Self { index, run, step: step as usize }
    }

    /// Copies the sources of entries `at..` from `plane` to `lanes`; padding gives 0.
    fn copy(&self, plane: &[f32], mut at: usize, mut lanes: &mut [f32]) {
        while !lanes.is_empty() {
            let len = (self.run[at] as usize).min(lanes.len());
            let (now, rest) = lanes.split_at_mut(len);
            match self.index[at] {
                WindowMap::NONE => now.fill(0.0),
                source => {
                    let from = plane[source as usize..].iter().step_by(self.step);
                    now.iter_mut().zip(from).for_each(|(lane, value)| *lane = *value);
                }
            }
            (at, lanes) = (at + len, rest);
        }
    }
}

impl PackedConvolution {
    pub(super) fn new(convolution: &Convolution, spline: Option<&ScalarSpline>) -> Self {
        let map = &convolution.map;
        let first_units = (0..convolution.out_channels).map(|channel| channel * map.cells());
        let weight = &convolution.weight;
        Self {
            batch: convolution.batch,
            groups: convolution.groups,
            in_channels: convolution.in_channels,
            out_channels: convolution.out_channels,
            cells: map.cells(),
            source_cells: map.source_cells(),
            taps: map.taps(),
            sources: Sources::new(map),
            weight: (0..weight.len()).map(|i| weight.get(i) as f32).collect(),
            bias: convolution.bias.iter().map(|&bias| bias as f32).collect(),
            spline: PackedSpline::new(spline, first_units),
        }
    }

    pub(super) fn run(&self, run: &mut Run<'_>, scratch: &mut Scratch) -> bool {
        let total = run.rows * self.batch * self.cells;
        let mut finite = true;
        for start in (0..total).step_by(PANEL) {
            let end = (start + PANEL).min(total);
            for group in 0..self.groups {
                finite &= self.strip(start..end, group, run, scratch);
            }
        }
        if run.pass == Pass::Tangents {
            (0..run.rows).for_each(|row| self.gate(row, run, scratch));
        }
        finite
    }

    /// Multiplies a row's tangents by the slopes of their units' pieces, channel by channel.
    fn gate(&self, row: usize, run: &mut Run<'_>, scratch: &mut Scratch) {
        for channel in 0..self.batch * self.out_channels {
            let own = |slopes: &[f32]| Param::Splat(slopes[channel % self.out_channels]);
            self.spline.with_slopes(own, |slopes| {
                run.gate(row, channel * self.cells, self.cells, slopes, &mut scratch.planes);
            });
        }
    }

    /// The segments of a strip, counted over all images of the tile.
    fn segments(&self, strip: std::ops::Range<usize>) -> impl Iterator<Item = Segment> {
        let (cells, start) = (self.cells, strip.start);
        let images = strip.start / cells..strip.end.div_ceil(cells);
        images.map(move |image| {
            let from = strip.start.max(image * cells);
            let to = strip.end.min((image + 1) * cells);
            Segment { image, cell: from - image * cells, lane: from - start, len: to - from }
        })
    }

    /// One strip of cells for the output channels of one group.
    fn strip(
        &self,
        strip: std::ops::Range<usize>,
        group: usize,
        run: &mut Run<'_>,
        scratch: &mut Scratch,
    ) -> bool {
        let ins = self.in_channels / self.groups;
        let outs = self.out_channels / self.groups;
        let depth = ins * self.taps;
        let panel = at_least(&mut scratch.panel, depth * PANEL);
        for segment in self.segments(strip.clone()) {
            self.unfold(segment, group * ins..(group + 1) * ins, run, panel);
        }
        // Lanes past the last cell repeat it: they must not overflow where no cell does.
        for lanes in panel.chunks_exact_mut(PANEL) {
            let last = lanes[strip.len() - 1];
            lanes[strip.len()..].fill(last);
        }
        let first = group * outs;
        let rows = |values| rows_of(values, first, outs);
        let bias = match run.pass {
            Pass::Values => rows(&self.bias),
            Pass::Tangents => Param::Splat(0.0),
        };
        let block = AffineBlock {
            x: &self.weight[first * depth..],
            ldx: depth,
            rows: outs,
            depth,
            weights: panel,
            lanes: PANEL,
            bias,
            spline: self.spline.bind_in(run.pass, rows),
            occupied: None,
        };
        let values = at_least(&mut scratch.block, outs * PANEL);
        let fields = at_least(&mut scratch.fields, outs);
        let finite = run.kernels.affine(&block, values, PANEL, fields, None);
        for segment in self.segments(strip) {
            self.place(segment, first, values, fields, run);
        }
        finite
    }

    /// Copies what the segment's cells read into the panel, input by input.
    fn unfold(
        &self,
        segment: Segment,
        channels: std::ops::Range<usize>,
        run: &Run<'_>,
        panel: &mut [f32],
    ) {
        let Segment { image, cell, lane, len } = segment;
        let (row, part) = (image / self.batch, image % self.batch);
        let image_len = self.in_channels * self.source_cells;
        let image =
            &run.inputs[0].row(row, self.batch * image_len)[part * image_len..][..image_len];
        let mut rows = panel.chunks_exact_mut(PANEL);
        for channel in channels {
            let plane = &image[channel * self.source_cells..][..self.source_cells];
            for (tap, lanes) in rows.by_ref().take(self.taps).enumerate() {
                let at = tap * self.cells + cell;
                self.sources.copy(plane, at, &mut lanes[lane..lane + len]);
            }
        }
    }

    /// Moves a segment's values and bits to where the file's order has them.
    fn place(
        &self,
        segment: Segment,
        first: usize,
        values: &[f32],
        fields: &[u64],
        run: &mut Run<'_>,
    ) {
        let Segment { image, cell, lane, len } = segment;
        let (row, part) = (image / self.batch, image % self.batch);
        let bits = if run.pass == Pass::Values { self.spline.bits() } else { 0 };
        for (index, (values, field)) in values.chunks_exact(PANEL).zip(fields).enumerate() {
            let channel = part * self.out_channels + first + index;
            let unit = channel * self.cells + cell;
            let out = &mut run.out[row * run.out_stride + unit..][..len];
            out.copy_from_slice(&values[lane..lane + len]);
            run.put_bits(row, unit * bits, field >> (lane * bits), len * bits);
        }
    }
}

/// The parameters of `count` channels from `first` on.
fn rows_of(values: &[f32], first: usize, count: usize) -> Param<'_> {
    Param::Rows(&values[first..][..count])
}
