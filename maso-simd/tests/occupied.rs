//! Inputs that are zero: every tier finds them, and passing over them changes no bit.

mod common;

use common::{Source, bits, on_every_tier};
use maso_simd::{
    AffineBlock, ChannelWeights, Kernels, Occupied, PANEL, Param, Spline, Tap, Tier, UnitOrder,
    WindowBlock, Windows, bits as fields,
};

/// Numbers with runs of zeros of either sign in the same places of all rows, and more in each.
fn with_gaps(source: &mut Source, rows: usize, depth: usize) -> Vec<f32> {
    let mut x = source.vec(rows * depth);
    let mut at = 0;
    while at < depth {
        let (ones, zeros) = (source.below(70), source.below(40) * source.below(2));
        for input in (at + ones..at + ones + zeros).take_while(|&input| input < depth) {
            for row in 0..rows {
                x[row * depth + input] = if source.below(2) == 0 { 0.0 } else { -0.0 };
            }
        }
        at += ones + zeros + 1;
    }
    x
}

#[test]
fn rows_and_lanes_that_are_zero_are_found() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(51);
        for depth in [128, 129, 191, 784, 2050] {
            for rows in [1, 2, 7, 33] {
                let mut x = with_gaps(&mut source, rows, depth);
                let found = |kernels: &Kernels, x: &[f32]| {
                    let mut occupied = Occupied::default();
                    let found = kernels.occupied_rows(x, depth, rows, depth, &mut occupied);
                    format!("{found:?}")
                };
                assert_eq!(found(kernels, &x), found(reference, &x), "{rows} rows of {depth}");
                let (mut norms, mut occupied) = (Vec::new(), Occupied::default());
                let both = (&mut norms, &mut occupied);
                let with_norms = kernels.norms_of_rows(&x, depth, rows, depth, both);
                // Where there is little to gain, not all rows are looked at without norms.
                if with_norms.is_some() {
                    assert_eq!(format!("{with_norms:?}"), found(kernels, &x), "one look");
                } else {
                    assert_eq!(found(kernels, &x), "None");
                }
                let each = x.chunks_exact(depth).map(|row| reference.norms(row));
                assert_eq!(norms, each.collect::<Vec<_>>(), "{rows} rows of {depth}");
                x.fill(0.0);
                x[depth / 2] = f32::NAN;
                x[depth - 1] = f32::from_bits(1);
                assert_eq!(found(kernels, &x), found(reference, &x), "NaN and the least number");
                assert!(kernels.norms(&x[..depth]).squares.is_nan(), "a row with NaN is told");
            }
            let x = with_gaps(&mut source, 1, depth);
            let lanes: Vec<f32> = x.iter().flat_map(|&number| [number; PANEL]).collect();
            let found = |kernels: &Kernels| {
                format!("{:?}", kernels.occupied_lanes(&lanes, &mut Occupied::default()))
            };
            assert_eq!(found(kernels), found(reference), "{depth} vectors");
        }
    });
}

#[test]
fn nothing_is_passed_over_where_little_is_zero() {
    let kernels = Kernels::of(Tier::best());
    let (mut x, mut occupied) = (vec![1.0; 10 * 784], Occupied::default());
    assert!(kernels.occupied_rows(&x, 784, 10, 784, &mut occupied).is_none());
    // A stretch of one row is not zero in all.
    x[100..700].fill(0.0);
    assert!(kernels.occupied_rows(&x, 784, 10, 784, &mut occupied).is_none());
    assert!(kernels.occupied_rows(&x, 784, 1, 784, &mut occupied).is_some());
    x.fill(0.0);
    assert!(kernels.occupied_rows(&x, 784, 10, 784, &mut occupied).is_some());
    assert!(kernels.occupied_rows(&x, 100, 10, 100, &mut occupied).is_none(), "too few inputs");
}

#[test]
fn sums_are_the_same_without_inputs_that_are_zero() {
    on_every_tier(|kernels, reference| {
        let (mut source, mut with_less, mut blocks) = (Source(52), 0, 0);
        for depth in [128, 300, 784, 2500, 4200] {
            for rows in [1, 3, 6, 13, 31] {
                for lanes in [10, PANEL, 48, 64, 3 * PANEL, 5 * 16] {
                    let less = check_rows(kernels, reference, &mut source, [rows, depth, lanes]);
                    (with_less, blocks) = (with_less + usize::from(less), blocks + 1);
                }
            }
        }
        assert!(
            with_less > blocks / 2,
            "{with_less} of {blocks} blocks had something to pass over"
        );
    });
}

fn check_rows(
    kernels: &Kernels,
    reference: &Kernels,
    source: &mut Source,
    [rows, depth, lanes]: [usize; 3],
) -> bool {
    let panels = lanes.div_ceil(PANEL);
    let x = with_gaps(source, rows, depth);
    let (weights, bias) = (source.vec(depth * panels * PANEL), source.vec(panels * PANEL));
    let mut room = Occupied::default();
    let occupied = kernels.occupied_rows(&x, depth, rows, depth, &mut room);
    for spline in [Spline::identity(), Spline::relu(), Spline::clip(-1.0, 1.0)] {
        let run = |kernels: &Kernels, occupied| {
            let block = AffineBlock {
                x: &x,
                ldx: depth,
                rows,
                depth,
                weights: &weights,
                lanes,
                bias: Param::Lanes(&bias),
                spline,
                occupied,
            };
            let (mut out, mut fields) = (vec![9.0; rows * panels * PANEL], vec![0; rows * panels]);
            let finite = kernels.affine(&block, &mut out, panels * PANEL, &mut fields, None);
            let values: Vec<_> =
                out.chunks(panels * PANEL).map(|row| bits(&row[..lanes])).collect();
            // What stands behind the last unit is nobody's.
            for (panel, fields) in fields.chunks_mut(rows).enumerate() {
                let live = (lanes - panel * PANEL).min(PANEL) * spline.bits();
                fields.iter_mut().for_each(|field| *field &= fields::low_mask(live));
            }
            (values, fields, finite)
        };
        let found = run(kernels, occupied);
        assert!(found == run(reference, None), "{rows} rows, depth {depth}, {lanes} lanes");
    }
    occupied.is_some()
}

#[test]
fn sums_of_vectors_are_the_same_without_those_that_are_zero() {
    on_every_tier(|kernels, reference| {
        let (mut source, mut with_less) = (Source(53), 0);
        for depth in [128, 300, 784, 4200] {
            for outputs in [1, 7, 12, 29] {
                let (x, scales) = (with_gaps(&mut source, 1, depth), source.vec(PANEL));
                let input: Vec<f32> =
                    x.iter().flat_map(|x| scales.iter().map(move |scale| x * scale)).collect();
                let numbers = source.vec(outputs * depth);
                let weights = ChannelWeights::pack(outputs, depth, |o, i| numbers[o * depth + i]);
                let tap = |i: usize| Tap { tap: i as u32, source: i as u32 };
                let windows = Windows::new([(0..depth).map(tap)]);
                let mut room = Occupied::default();
                let occupied = kernels.occupied_lanes(&input, &mut room);
                let run = |kernels: &Kernels, occupied| {
                    let block = WindowBlock {
                        input: &input,
                        channels: 1,
                        plane: depth,
                        windows: &windows,
                        taps: depth,
                        weights: &weights,
                        bias: Param::Splat(-0.0),
                        addend: None,
                        spline: Spline::identity(),
                        order: UnitOrder { channel: 1, cell: outputs },
                        occupied,
                    };
                    let mut out = vec![9.0; outputs * PANEL];
                    let finite = kernels.windows(&block, &mut out, &mut [], None);
                    (bits(&out), finite)
                };
                let found = run(kernels, occupied);
                assert!(found == run(reference, None), "{depth} vectors, {outputs} outputs");
                with_less += usize::from(occupied.is_some());
            }
        }
        assert!(with_less > 8, "{with_less} of 16 blocks had something to pass over");
    });
}
