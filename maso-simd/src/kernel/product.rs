//! Sums of chosen rows of a matrix, in blocks of rows and columns whose sums stay in registers.

#![allow(clippy::needless_range_loop, reason = "loops over constants, which are unrolled whole")]

use super::Lanes;
use crate::product::Product;

/// Runs `product` in blocks of up to `ROWS` rows and `REGISTERS` registers; see
/// [`Kernels::product`](crate::Kernels::product).
#[inline(always)]
pub(crate) fn product<V: Lanes, const ROWS: usize, const REGISTERS: usize>(
    product: &Product<'_, V::Number>,
    out: &mut [V::Number],
    ldo: usize,
) {
    let mut column = 0;
    while column < product.columns {
        if column + REGISTERS * V::LANES <= product.columns {
            rows::<V, ROWS, REGISTERS>(product, column, out, ldo);
            column += REGISTERS * V::LANES;
        } else {
            rows::<V, ROWS, 1>(product, column, out, ldo);
            column += V::LANES;
        }
    }
}

/// All rows of a block of columns.
#[inline(always)]
fn rows<V: Lanes, const ROWS: usize, const REGISTERS: usize>(
    product: &Product<'_, V::Number>,
    column: usize,
    out: &mut [V::Number],
    ldo: usize,
) {
    let mut row = 0;
    while row < product.rows {
        let place = [row, column];
        row += match (product.rows - row).min(ROWS) {
            12.. => block::<V, 12, REGISTERS>(product, place, out, ldo),
            10.. => block::<V, 10, REGISTERS>(product, place, out, ldo),
            6.. => block::<V, 6, REGISTERS>(product, place, out, ldo),
            4.. => block::<V, 4, REGISTERS>(product, place, out, ldo),
            2.. => block::<V, 2, REGISTERS>(product, place, out, ldo),
            _ => block::<V, 1, REGISTERS>(product, place, out, ldo),
        };
    }
}

/// `ROWS` rows of `REGISTERS` registers; gives the number of rows.
#[inline(always)]
fn block<V: Lanes, const ROWS: usize, const REGISTERS: usize>(
    product: &Product<'_, V::Number>,
    [row, column]: [usize; 2],
    out: &mut [V::Number],
    ldo: usize,
) -> usize {
    let count = product.chosen.len();
    let factors: [&[V::Number]; ROWS] =
        std::array::from_fn(|r| &product.factors[(row + r) * product.ldf..][..count]);
    let mut sums: [[V; REGISTERS]; ROWS] = std::array::from_fn(|r| {
        let out = &out[(row + r) * ldo + column..];
        std::array::from_fn(|register| V::load(&out[register * V::LANES..]))
    });
    for (k, &chosen) in product.chosen.iter().enumerate() {
        let from = &product.matrix[chosen as usize * product.ldm + column..];
        let numbers: [V; REGISTERS] =
            std::array::from_fn(|register| V::load(&from[register * V::LANES..]));
        for r in 0..ROWS {
            let factor = V::splat(factors[r][k]);
            for register in 0..REGISTERS {
                sums[r][register] = factor.mul_add(numbers[register], sums[r][register]);
            }
        }
    }
    for r in 0..ROWS {
        for register in 0..REGISTERS {
            let at = (row + r) * ldo + column + register * V::LANES;
            sums[r][register].store(&mut out[at..]);
        }
    }
    ROWS
}
