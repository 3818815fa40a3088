//! Splines other than max(z, 0): the kernels of sums write these, and a second pass turns them into values and bits in
//! place. So the kernels of sums, which are many and large, are not compiled again for every kind of spline.

use crate::bits::interleave;
use crate::kernels::{AffineBlock, Combine, Kernels, Spline};
use crate::margins::Gauge;
use crate::soft::Soft;
use crate::windows::WindowBlock;
use crate::{PANEL, Tier};

/// Panels at once.
const PANELS: usize = 16;
/// Numbers at once.
const STRETCH: usize = PANELS * PANEL;

/// A row of finished pre-activations, whose spline makes values of them in place. The bits of a lane's piece go to two
/// words, low and high, for each [`PANEL`] lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SplineRow<'a> {
    pub(crate) spline: &'a Spline<'a>,
    /// Which row of the parameters.
    pub(crate) row: usize,
    /// Their first lane.
    pub(crate) lane: usize,
    /// Which of the gauge's margins; where lanes are rows, number i's stand in lane i modulo [`PANEL`] instead.
    pub(crate) slot: usize,
}

/// Where numbers stand: the row of their parameters, and the slot of the gauge.
#[derive(Clone, Copy)]
struct At {
    row: usize,
    slot: usize,
}

impl Kernels {
    /// Whether the kernels of sums end them by `spline` themselves. The reference has no second pass, and is what this
    /// one is compared with.
    fn ends(&self, spline: &Spline<'_>) -> bool {
        self.tier == Tier::Scalar || spline.pieces == 0 || spline.is_relu()
    }

    /// Runs `block`, whatever its spline.
    pub(crate) fn affine_and_spline(
        &self,
        block: &AffineBlock<'_>,
        out: &mut [f32],
        ldo: usize,
        fields: &mut [u64],
        mut gauge: Option<&mut Gauge<'_>>,
    ) -> bool {
        if self.ends(&block.spline) {
            return (self.affine)(block, out, ldo, fields, gauge);
        }
        let sums = AffineBlock { spline: Spline::identity(), ..*block };
        let mut finite = (self.affine)(&sums, out, ldo, fields, None);
        for row in 0..block.rows {
            let numbers = &mut out[row * ldo..][..block.lanes];
            let at = At { row, slot: row };
            let gauge = gauge.as_deref_mut();
            finite &= self.pass(&block.spline, at, numbers, gauge, |panel, bits| {
                fields[panel * block.rows + row] = field(&block.spline, bits);
            });
        }
        finite
    }

    /// Runs `sum`, whatever its spline.
    pub(crate) fn combine_and_spline(
        &self,
        sum: &Combine<'_>,
        out: &mut [f32],
        fields: &mut [u64],
        gauge: Option<&mut Gauge<'_>>,
    ) -> bool {
        if self.ends(&sum.spline) {
            return (self.combine)(sum, out, fields, gauge);
        }
        let sums = Combine { spline: Spline::identity(), ..*sum };
        let finite = (self.combine)(&sums, out, fields, None);
        let at = At { row: 0, slot: 0 };
        let put = |panel: usize, bits| fields[panel] = field(&sum.spline, bits);
        finite & self.pass(&sum.spline, at, out, gauge, put)
    }

    /// Runs `block`, whatever its spline.
    pub(crate) fn windows_and_spline(
        &self,
        block: &WindowBlock<'_>,
        out: &mut [f32],
        planes: &mut [u32],
        mut gauge: Option<&mut Gauge<'_>>,
    ) -> bool {
        if self.ends(&block.spline) {
            return (self.windows)(block, out, planes, gauge);
        }
        let sums = WindowBlock { spline: Spline::identity(), ..*block };
        let mut finite = (self.windows)(&sums, out, planes, None);
        let (cells, channels) = (block.windows.cells(), block.weights.channels());
        let width = block.spline.bits();
        // Units that stand side by side and have the same parameters are done together: all of them, a channel's
        // cells, or each alone.
        let together =
            gauge.is_none() && block.spline.is_uniform() && block.order.is_dense(channels, cells);
        let (channels, cells, run) = match block.order.cell {
            _ if together => (1, 1, channels * cells),
            1 => (channels, 1, cells),
            _ => (channels, cells, 1),
        };
        for channel in 0..channels {
            for cell in 0..cells {
                let first = block.order.unit(channel, cell);
                let numbers = &mut out[first * PANEL..][..run * PANEL];
                let at = At { row: channel, slot: 0 };
                let put = |unit: usize, bits: [u32; 2]| {
                    let planes = &mut planes[(first + unit) * width..][..width];
                    planes.iter_mut().zip(bits).for_each(|(plane, bits)| *plane |= bits);
                };
                finite &= self.pass(&block.spline, at, numbers, gauge.as_deref_mut(), put);
            }
        }
        finite
    }

    /// Turns `numbers` into values; the low and the high bits of each [`PANEL`] of them go to `put`.
    fn pass(
        &self,
        spline: &Spline<'_>,
        At { row, slot }: At,
        numbers: &mut [f32],
        mut gauge: Option<&mut Gauge<'_>>,
        mut put: impl FnMut(usize, [u32; 2]),
    ) -> bool {
        let mut finite = true;
        for (stretch, numbers) in numbers.chunks_mut(STRETCH).enumerate() {
            let mut bits = [[0; 2]; PANELS];
            let bits = &mut bits[..numbers.len().div_ceil(PANEL)];
            let row = SplineRow { spline, row, lane: stretch * STRETCH, slot };
            finite &= (self.second_pass)(&row, numbers, bits, gauge.as_deref_mut());
            if let Some(Soft::Function(function)) = spline.soft {
                finite &= function.run(numbers) && (self.finite)(numbers);
            }
            bits.iter().enumerate().for_each(|(i, bits)| put(stretch * PANELS + i, *bits));
        }
        finite
    }
}

/// The field word of low and high bits.
fn field(spline: &Spline<'_>, [low, high]: [u32; 2]) -> u64 {
    if spline.bits() == 2 { interleave(low, high) } else { low.into() }
}
