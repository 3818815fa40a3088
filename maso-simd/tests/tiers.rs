//! One suite over every tier: exact equality with the scalar reference.

#![allow(clippy::print_stderr, reason = "a test run says what it measured")]

use maso_simd::{AffineBlock, Combine, ExtremeBlock, Kernels, PANEL, Param, Spline, Term, Tier};

/// A small generator of f32 in [-2, 2) with many repeated values, so that ties and exact zeros occur.
struct Source(u64);

impl Source {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let bits = self.0 >> 33;
        if bits.is_multiple_of(7) { 0.0 } else { (bits % 2048) as f32 / 512.0 - 2.0 }
    }

    fn vec(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.next()).collect()
    }
}

/// Runs `check` on every tier but the reference itself.
fn on_every_tier(check: impl Fn(&Kernels)) {
    for tier in Tier::available().into_iter().filter(|tier| *tier != Tier::Scalar) {
        eprintln!("tier {tier}");
        check(Kernels::of(tier));
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Parameters of up to three pieces as splats, lanes and rows mixed; knots ascend.
struct Pieces {
    low: Vec<f32>,
    high: Vec<f32>,
    slopes: [Vec<f32>; 3],
    offsets: [Vec<f32>; 3],
}

impl Pieces {
    fn new(source: &mut Source, len: usize) -> Self {
        let low = source.vec(len);
        let high = low.iter().map(|low| low + 1.0).collect();
        let slopes = std::array::from_fn(|_| source.vec(len));
        Self { low, high, slopes, offsets: std::array::from_fn(|_| source.vec(len)) }
    }

    fn spline<'a>(&'a self, pieces: usize, param: fn(&'a [f32]) -> Param<'a>) -> Spline<'a> {
        if pieces == 0 {
            return Spline::identity();
        }
        let knots = [param(&self.low), param(&self.high)];
        let slopes = self.slopes.each_ref().map(|slopes| param(slopes));
        let offsets = self.offsets.each_ref().map(|offsets| param(offsets));
        Spline::new(&knots[..pieces - 1], &slopes[..pieces], &offsets[..pieces])
    }
}

#[test]
fn affine_blocks_match_the_reference() {
    let reference = Kernels::of(Tier::Scalar);
    on_every_tier(|kernels| {
        let mut source = Source(1);
        for rows in [0, 1, 2, 3, 4, 5, 7, 8, 13, 24, 31] {
            for depth in [0, 1, 2, 5, 33] {
                let (ldx, ldo) = (depth + 3, PANEL + 5);
                let x = source.vec(rows * ldx + depth);
                let panel = source.vec(depth * PANEL);
                let pieces = Pieces::new(&mut source, 64);
                for count in 0..=3 {
                    for per_row in [false, true] {
                        let wrap = if per_row { Param::Rows } else { Param::Lanes };
                        let spline = pieces.spline(count, wrap);
                        let bias = wrap(&pieces.low);
                        let block = AffineBlock { x: &x, ldx, rows, panel: &panel, bias, spline };
                        let run = |kernels: &Kernels| {
                            let mut out = vec![9.0; rows * ldo + PANEL];
                            let mut fields = vec![u64::MAX; rows];
                            let finite = kernels.affine(&block, &mut out, ldo, &mut fields);
                            (bits(&out), fields, finite)
                        };
                        assert_eq!(run(kernels), run(reference), "{rows} rows, depth {depth}");
                    }
                }
            }
        }
    });
}

#[test]
fn combines_match_the_reference_at_every_length() {
    let reference = Kernels::of(Tier::Scalar);
    on_every_tier(|kernels| {
        let mut source = Source(2);
        for len in (0..70).chain([128, 201]) {
            let columns: Vec<_> = (0..3).map(|_| source.vec(len)).collect();
            let scales = source.vec(len);
            let pieces = Pieces::new(&mut source, len);
            for terms in 1..=3 {
                for count in 0..=3 {
                    let terms: Vec<_> = (0..terms)
                        .map(|t| Term {
                            x: &columns[t],
                            scale: if t == 1 { Param::Lanes(&scales) } else { Param::Splat(-1.0) },
                        })
                        .collect();
                    let shift = (count % 2 == 0).then_some(Param::Lanes(&pieces.high));
                    let spline = pieces.spline(count, Param::Lanes);
                    let sum = Combine { terms: &terms, shift, spline };
                    let run = |kernels: &Kernels| {
                        let mut out = vec![9.0; len];
                        let mut fields = vec![u64::MAX; len.div_ceil(PANEL)];
                        let finite = kernels.combine(&sum, &mut out, &mut fields);
                        (bits(&out), fields, finite)
                    };
                    assert_eq!(run(kernels), run(reference), "{len} elements, {count} pieces");
                }
            }
        }
    });
}

#[test]
fn extremes_match_the_reference_with_ties() {
    let reference = Kernels::of(Tier::Scalar);
    on_every_tier(|kernels| {
        let mut source = Source(3);
        for pieces in [1, 2, 3, 4, 9, 49] {
            for smallest in [false, true] {
                let mut candidates = source.vec(pieces * PANEL);
                candidates.iter_mut().for_each(|value| *value = value.round());
                if pieces > 2 {
                    let loser = if smallest { f32::INFINITY } else { f32::NEG_INFINITY };
                    candidates[..PANEL / 2].fill(loser);
                }
                let block = ExtremeBlock { candidates: &candidates, smallest };
                let run = |kernels: &Kernels| {
                    let (mut out, mut winner) = ([9.0; PANEL], [9; PANEL]);
                    kernels.extreme(&block, &mut out, &mut winner);
                    (bits(&out), winner)
                };
                assert_eq!(run(kernels), run(reference), "{pieces} pieces");
            }
        }
    });
}

#[test]
fn nan_and_infinity_are_reported_from_any_lane() {
    for tier in Tier::available() {
        let kernels = Kernels::of(tier);
        for lane in 0..PANEL + 3 {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut x = vec![1.0; PANEL + 3];
                x[lane] = bad;
                let terms = [Term { x: &x, scale: Param::Splat(1.0) }];
                let sum = Combine { terms: &terms, shift: None, spline: Spline::relu() };
                let mut out = vec![0.0; PANEL + 3];
                let finite = kernels.combine(&sum, &mut out, &mut [0; 2]);
                assert!(!finite, "{bad} in lane {lane} is seen by {tier}");
            }
        }
        let panel: Vec<f32> = vec![f32::MAX; PANEL];
        for spline in [Spline::relu(), Spline::clip(-1.0, 1.0), Spline::identity()] {
            let bias = Param::Splat(0.0);
            let x = [-4.0];
            let block = AffineBlock { x: &x, ldx: 1, rows: 1, panel: &panel, bias, spline };
            let finite = kernels.affine(&block, &mut [0.0; PANEL], PANEL, &mut [0]);
            assert!(!finite, "an overflow that the spline would clip is seen by {tier}");
        }
    }
}
