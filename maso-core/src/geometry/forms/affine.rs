//! Affine operators on forms, unit by unit, and convolutions as products of gathered windows.

use maso_simd::{Kernels, Product};

use super::{BLOCK, Forms};
use crate::network::{Affine, Convolution, WindowMap};

/// Writes the forms of an affine operator's outputs; the bounds are the caller's.
pub(super) fn affine_forms(kernels: &Kernels, affine: &Affine, x: &Forms, y: &mut Forms) {
    match affine {
        Affine::Convolution(convolution) => convolve(kernels, convolution, x, y),
        _ => sums(affine, x, y),
    }
}

/// The same as if it were summed in twice the precision and rounded at the end (Ogita, Rump and Oishi, *Accurate sum
/// and dot product*, 2005), sum by sum: what all cells begin with.
pub(super) fn precise_forms(affine: &Affine, x: &Forms, y: &mut Forms) {
    for unit in 0..y.len() {
        let mut sum = [0.0, 0.0, affine.bias(unit)].map(|start| (start, 0.0));
        affine.for_terms(unit, |index, weight| {
            for ((total, rest), x) in sum.iter_mut().zip(x.form(index)) {
                let product = weight * x;
                let lost = weight.mul_add(x, -product);
                let next = *total + product;
                let of_product = next - *total;
                let error = (*total - (next - of_product)) + (product - of_product);
                (*total, *rest) = (next, *rest + (error + lost));
            }
        });
        y.set(unit, sum.map(|(total, rest)| total + rest));
    }
}

/// Any operator, sum by sum.
fn sums(affine: &Affine, x: &Forms, y: &mut Forms) {
    for unit in 0..y.len() {
        let mut sum = [0.0, 0.0, affine.bias(unit)];
        affine.for_terms(unit, |index, weight| {
            let x = x.form(index);
            sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += weight * x);
        });
        y.set(unit, sum);
    }
}

/// A convolution: what each tap of each channel reads becomes a row, one number for each cell of the output plane,
/// and the output channels are sums of rows.
fn convolve(kernels: &Kernels, convolution: &Convolution, x: &Forms, y: &mut Forms) {
    let (map, depth) = (&convolution.map, convolution.depth());
    let (cells, stride) = (map.cells(), map.cells().next_multiple_of(BLOCK));
    let in_channels = convolution.in_channels / convolution.groups;
    let out_channels = convolution.out_channels / convolution.groups;
    let (mut rows, mut chosen) = (vec![0.0; depth * stride], Vec::new());
    let (mut factors, mut out) = (Vec::new(), vec![0.0; out_channels * stride]);
    for image_group in 0..convolution.batch * convolution.groups {
        let first_out = image_group % convolution.groups * out_channels;
        let planes = image_group * in_channels * map.source_cells();
        for column in 0..3 {
            let source = &x.numbers[column * x.stride + planes..];
            gather(
                map,
                &source[..in_channels * map.source_cells()],
                stride,
                &mut rows,
                &mut chosen,
            );
            factors.clear();
            for channel in first_out..first_out + out_channels {
                let weight = |&row: &u32| convolution.weight.get(channel * depth + row as usize);
                factors.extend(chosen.iter().map(weight));
            }
            for (channel, out) in out.chunks_exact_mut(stride).enumerate() {
                out.fill(if column == 2 { convolution.bias[first_out + channel] } else { 0.0 });
            }
            let product = Product {
                factors: &factors,
                ldf: chosen.len(),
                rows: out_channels,
                matrix: &rows,
                ldm: stride,
                chosen: &chosen,
                columns: stride,
            };
            kernels.double_product(&product, &mut out, stride);
            let to = &mut y.numbers[column * y.stride + image_group * out_channels * cells..];
            for (to, out) in to.chunks_exact_mut(cells).zip(out.chunks_exact(stride)) {
                to.copy_from_slice(&out[..cells]);
            }
        }
    }
}

/// Gathers what each tap of each channel reads, and which of these rows are not zero.
fn gather(map: &WindowMap, planes: &[f64], stride: usize, rows: &mut [f64], chosen: &mut Vec<u32>) {
    let cells = map.cells();
    chosen.clear();
    for (channel, plane) in planes.chunks_exact(map.source_cells()).enumerate() {
        if plane.iter().all(|&number| number == 0.0) {
            continue;
        }
        for (tap, index) in map.index().chunks_exact(cells).enumerate() {
            let row = channel * map.taps() + tap;
            let numbers = &mut rows[row * stride..][..cells];
            for (number, &source) in numbers.iter_mut().zip(index) {
                *number = plane.get(source as usize).copied().unwrap_or(0.0);
            }
            chosen.push(row as u32);
        }
    }
}
