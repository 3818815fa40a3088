//! Convolutions and matrices: weighted windows of vectors. A matrix is the one window that has the whole
//! vector.

use maso_simd::{
    Addend, ChannelWeights, Kernels, Meeting, PANEL, Param, Tap, UnitOrder, WindowBlock, Windows,
};

use super::LaneRun;
use crate::network::{Convolution, Dense, WindowMap};
use crate::pack::Pass;
use crate::pack::join::Joined;
use crate::pack::parameters::PackedSpline;

#[derive(Clone, Debug)]
pub(crate) struct LaneWindows {
    /// Images in a row.
    batch: usize,
    /// Input channels of a group, and the cells of a plane.
    channels: usize,
    plane: usize,
    windows: Windows,
    taps: usize,
    /// Weights of each group.
    groups: Vec<ChannelWeights>,
    /// Output channels of a group.
    outputs: usize,
    bias: Vec<f32>,
    spline: PackedSpline,
    /// How the input that comes last is added.
    meeting: Option<Meeting>,
    order: UnitOrder,
}

impl LaneWindows {
    pub(super) fn convolution(convolution: &Convolution, joined: &Joined<'_>) -> Self {
        let (map, cells) = (&convolution.map, convolution.map.cells());
        let first_units = (0..convolution.out_channels).map(|channel| channel * cells);
        Self {
            batch: convolution.batch,
            channels: convolution.in_channels / convolution.groups,
            plane: map.source_cells(),
            windows: windows_of(map),
            taps: map.taps(),
            groups: group_weights(convolution, |weight| weight as f32),
            outputs: convolution.out_channels / convolution.groups,
            bias: convolution.bias.iter().map(|&bias| bias as f32).collect(),
            spline: PackedSpline::new(joined.spline, first_units),
            meeting: joined.addend.map(|(_, meeting)| meeting),
            order: UnitOrder { channel: cells, cell: 1 },
        }
    }

    pub(super) fn dense(dense: &Dense, joined: &Joined<'_>) -> Self {
        let weight = |unit, input| dense.weight.get(unit * dense.depth + input) as f32;
        Self {
            bias: dense.bias.iter().map(|&bias| bias as f32).collect(),
            spline: PackedSpline::new(joined.spline, 0..dense.units),
            meeting: joined.addend.map(|(_, meeting)| meeting),
            ..Self::matrix(dense.batch, [dense.units, dense.depth], weight)
        }
    }

    /// The transposed matrix.
    pub(crate) fn transposed_dense(dense: &Dense) -> Self {
        let weight = |input, unit| dense.weight.get(unit * dense.depth + input) as f32;
        Self::matrix(dense.batch, [dense.depth, dense.units], weight)
    }

    /// A matrix on each of `vectors` vectors, with the entries `weight(unit, input)`.
    fn matrix(
        vectors: usize,
        [units, depth]: [usize; 2],
        weight: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let tap = |vector: usize| {
            move |input: usize| Tap { tap: input as u32, source: (vector * depth + input) as u32 }
        };
        Self {
            batch: 1,
            channels: 1,
            plane: 0,
            windows: Windows::new((0..vectors).map(|vector| (0..depth).map(tap(vector)))),
            taps: depth,
            groups: vec![ChannelWeights::pack(units, depth, weight)],
            outputs: units,
            bias: vec![0.0; units],
            spline: PackedSpline::default(),
            meeting: None,
            order: UnitOrder { channel: 1, cell: units },
        }
    }

    /// The transposed convolution: each cell of the input reads the cells that read it.
    pub(crate) fn transposed_convolution(convolution: &Convolution) -> Self {
        let (map, depth) = (&convolution.map, convolution.depth());
        let outputs = convolution.out_channels / convolution.groups;
        let inputs = convolution.in_channels / convolution.groups;
        let weights = |group: usize| {
            ChannelWeights::pack(inputs, outputs * map.taps(), |input, place| {
                let (output, tap) = (place / map.taps(), place % map.taps());
                let row = (group * outputs + output) * depth;
                convolution.weight.get(row + input * map.taps() + tap) as f32
            })
        };
        Self {
            batch: convolution.batch,
            channels: outputs,
            groups: (0..convolution.groups).map(weights).collect(),
            outputs: inputs,
            bias: vec![0.0; convolution.in_channels],
            ..Self::turned(map)
        }
    }

    /// The transposed sums of each window of `planes` planes.
    pub(crate) fn transposed_sums(planes: usize, map: &WindowMap) -> Self {
        Self {
            batch: planes,
            groups: vec![ChannelWeights::pack(1, map.taps(), |_, _| 1.0)],
            outputs: 1,
            bias: vec![0.0],
            ..Self::turned(map)
        }
    }

    /// The windows of a map, turned round, and no weights.
    fn turned(map: &WindowMap) -> Self {
        Self {
            batch: 1,
            channels: 1,
            plane: map.cells(),
            windows: turned_windows(map),
            taps: map.taps(),
            groups: Vec::new(),
            outputs: 0,
            bias: Vec::new(),
            spline: PackedSpline::default(),
            meeting: None,
            order: UnitOrder { channel: map.source_cells(), cell: 1 },
        }
    }

    /// Writes the image of vectors that no step has made.
    pub(crate) fn transform(&self, kernels: &Kernels, input: &[f32], out: &mut [f32]) {
        let (inputs, planes, margins, occupied) = (&[input][..], &mut [][..], None, None);
        let pass = Pass::Tangents;
        self.run(&mut LaneRun { kernels, pass, inputs, out, planes, margins, occupied });
    }

    pub(super) fn run(&self, run: &mut LaneRun<'_>) -> bool {
        let mut finite = true;
        for image in 0..self.batch {
            for (group, weights) in self.groups.iter().enumerate() {
                finite &= self.run_group(image * self.groups.len() + group, weights, run);
            }
        }
        if run.pass == Pass::Tangents {
            self.gate(run);
        }
        finite
    }

    /// Multiplies tangents by the slopes of their units' pieces, channel by channel where these differ.
    fn gate(&self, run: &mut LaneRun<'_>) {
        let channels = self.groups.len() * self.outputs;
        let units = self.batch * channels * self.windows.cells();
        let uniform = self.spline.has_uniform_slopes();
        let block = if uniform { units } else { self.order.channel };
        for (index, first) in (0..units).step_by(block.max(1)).enumerate() {
            let own = |slopes: &[f32]| Param::Splat(slopes[index % channels]);
            self.spline.with_slopes(own, |slopes| run.gate(first..first + block, slopes));
        }
    }

    /// The channel of output `unit`.
    pub(super) fn group(&self, unit: usize) -> usize {
        let channels = self.groups.len() * self.outputs;
        unit / self.order.channel % channels
    }

    /// Group number `part`, counted over all images.
    fn run_group(&self, part: usize, weights: &ChannelWeights, run: &mut LaneRun<'_>) -> bool {
        let first = part % self.groups.len() * self.outputs;
        let rows = |values| rows_of(values, first, self.outputs);
        let spline = self.spline.bind_in(run.pass, rows);
        let bias = match run.pass {
            Pass::Values => rows(&self.bias),
            Pass::Tangents => Param::Splat(0.0),
        };
        let units = part * self.outputs * self.windows.cells();
        let addend = self.meeting.map(|meeting| {
            let branch = run.inputs.last().expect("the other branch comes last");
            Addend { values: &branch[units * PANEL..], meeting }
        });
        let input = &run.inputs[0][part * self.channels * self.plane * PANEL..];
        let occupied = match &mut run.occupied {
            Some(occupied) if self.channels == 1 && self.windows.is_matrix(self.taps) => {
                run.kernels.occupied_lanes(&input[..self.taps * PANEL], occupied)
            }
            _ => None,
        };
        let block = WindowBlock {
            input,
            channels: self.channels,
            plane: self.plane,
            windows: &self.windows,
            taps: self.taps,
            weights,
            bias,
            addend,
            spline,
            order: self.order,
            occupied,
        };
        let (out, planes) =
            (&mut run.out[units * PANEL..], &mut run.planes[units * spline.bits()..]);
        let mut gauge = run.margins.as_mut().map(|margins| margins.gauge(0, rows));
        run.kernels.windows(&block, out, planes, gauge.as_mut())
    }
}

/// The weights of each group of a convolution, rounded by `round`.
pub(crate) fn group_weights<T: Copy>(
    convolution: &Convolution,
    round: impl Fn(f64) -> T,
) -> Vec<ChannelWeights<T>> {
    let (outputs, depth) = (convolution.out_channels / convolution.groups, convolution.depth());
    let of_group = |group: usize| {
        ChannelWeights::pack(outputs, depth, |channel, input| {
            round(convolution.weight.get((group * outputs + channel) * depth + input))
        })
    };
    (0..convolution.groups).map(of_group).collect()
}

/// The windows of a map, padding left out.
pub(crate) fn windows_of(map: &WindowMap) -> Windows {
    Windows::new((0..map.cells()).map(|cell| {
        (0..map.taps()).filter_map(move |tap| {
            let source = map.source(tap, cell)? as u32;
            Some(Tap { tap: tap as u32, source })
        })
    }))
}

/// For each cell of a map's input, the cells that read it, with the taps they do it with.
fn turned_windows(map: &WindowMap) -> Windows {
    let mut readers = vec![Vec::new(); map.source_cells()];
    for tap in 0..map.taps() {
        for cell in 0..map.cells() {
            if let Some(source) = map.source(tap, cell) {
                readers[source].push(Tap { tap: tap as u32, source: cell as u32 });
            }
        }
    }
    Windows::new(readers)
}

/// The parameters of `count` channels from `first` on.
fn rows_of(values: &[f32], first: usize, count: usize) -> Param<'_> {
    Param::Rows(&values[first..][..count])
}
