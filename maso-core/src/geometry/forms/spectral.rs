//! An upper bound of a matrix's spectral norm: how much longer it can make a vector.

use maso_simd::{Kernels, PRODUCT_LANES, Product};

/// Products larger than this (in multiply-adds) are not worth it: the Euclidean norm of all weights is taken then.
const WORTHWHILE: usize = 1 << 26;

/// A bound of the largest singular value of the matrix whose columns, filled up to `stride`, are given one after
/// another. With eigenvalues λ of `G = W Wᵀ`, the largest is at most `(Σ λ⁴)^¼ = ‖G²‖^½`, the norm being that of
/// Frobenius: within 1.4 times for weights of a random matrix, nearer where some directions stand out.
pub(super) fn spectral_bound(kernels: &Kernels, columns: &[f64], stride: usize) -> f64 {
    let depth = columns.len() / stride;
    let plain = length(columns);
    let work = stride * stride * (stride + depth);
    if work > WORTHWHILE || !plain.is_finite() {
        return 1.01 * plain;
    }
    let mut rows = vec![0.0; columns.len()];
    for (i, column) in columns.chunks_exact(stride).enumerate() {
        column.iter().enumerate().for_each(|(j, &weight)| rows[j * depth + i] = weight);
    }
    let gram = product(kernels, &rows, columns, stride);
    let squared = product(kernels, &gram, &gram, stride);
    // Rounding takes far less than a hundredth: every sum is of at most 10⁴ terms and the norm no smaller than the
    // largest of them.
    1.01 * length(&squared).sqrt().sqrt().min(plain)
}

/// The product of two matrices, the second of `columns` columns and the first of as many rows.
fn product(kernels: &Kernels, first: &[f64], second: &[f64], columns: usize) -> Vec<f64> {
    debug_assert_eq!(columns % PRODUCT_LANES, 0, "whole blocks");
    let depth = second.len() / columns;
    let chosen: Vec<u32> = (0..depth as u32).collect();
    let mut out = vec![0.0; columns * columns];
    let product = Product {
        factors: first,
        ldf: depth,
        rows: columns,
        matrix: second,
        ldm: columns,
        chosen: &chosen,
        columns,
    };
    kernels.double_product(&product, &mut out, columns);
    out
}

fn length(numbers: &[f64]) -> f64 {
    numbers.iter().map(|number| number * number).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use maso_simd::Tier;

    #[test]
    fn it_bounds_the_largest_singular_value() {
        let kernels = Kernels::of(Tier::best());
        // 3 · u vᵀ + w zᵀ with u, w and v, z orthogonal: singular values 3·|u||v| and |w||z|.
        let (stride, depth) = (16, 24);
        let mut columns = vec![0.0; stride * depth];
        for (i, column) in columns.chunks_exact_mut(stride).enumerate() {
            let (v, z) = (1.0, if i % 2 == 0 { 1.0 } else { -1.0 });
            for (j, weight) in column.iter_mut().enumerate() {
                let (u, w) = (1.0, if j % 2 == 0 { 1.0 } else { -1.0 });
                *weight = 3.0 * u * v + w * z;
            }
        }
        let largest = 3.0 * (16.0 * 24.0f64).sqrt();
        let bound = spectral_bound(kernels, &columns, stride);
        assert!(bound >= largest, "{bound} bounds {largest}");
        assert!(bound <= 1.03 * largest, "{bound} is near {largest}");
    }

    #[test]
    fn matrices_that_are_too_large_have_their_euclidean_norm() {
        let columns = vec![0.5; 512 * 512];
        let bound = spectral_bound(Kernels::of(Tier::best()), &columns, 512);
        assert!((256.0..260.0).contains(&bound), "{bound}");
    }
}
