//! One suite over every tier: exact equality with the scalar reference of its rounding.

mod common;

use maso_simd::{
    Addend, AffineBlock, ChannelWeights, Combine, ExtremeBlock, FormBlock, FormSum, Gate, Gauge,
    Kept, Kernels, MOST_PIECES, MarginLane, MarginLanes, Measure, Meeting, PANEL, Param, Product,
    Spline, Term, Tier, UnitOrder, Weights, WindowBlock, WindowExtreme, Winners, bits as fields,
};

use common::{Source, Wrap, bits, by_lane, by_row, on_every_tier, random_windows, uniform};

/// Parameters of up to four pieces as splats, lanes and rows mixed; knots ascend.
struct Pieces {
    low: Vec<f32>,
    high: Vec<f32>,
    higher: Vec<f32>,
    slopes: [Vec<f32>; MOST_PIECES],
    offsets: [Vec<f32>; MOST_PIECES],
}

impl Pieces {
    fn new(source: &mut Source, len: usize) -> Self {
        let low = source.vec(len);
        let high = low.iter().map(|low| low + 1.0).collect();
        let higher = low.iter().map(|low| low + 1.5).collect();
        let slopes = std::array::from_fn(|_| source.vec(len));
        Self { low, high, higher, slopes, offsets: std::array::from_fn(|_| source.vec(len)) }
    }

    fn spline<'a>(&'a self, pieces: usize, param: fn(&'a [f32]) -> Param<'a>) -> Spline<'a> {
        if pieces == 0 {
            return Spline::identity();
        }
        let knots = [param(&self.low), param(&self.high), param(&self.higher)];
        let slopes = self.slopes.each_ref().map(|slopes| param(slopes));
        let offsets = self.offsets.each_ref().map(|offsets| param(offsets));
        Spline::new(&knots[..pieces - 1], &slopes[..pieces], &offsets[..pieces])
    }
}

/// What a run keeps of margins: nothing, or by a measure of random units.
struct Margins {
    inverse: Vec<f32>,
    minus_knots: [Vec<f32>; MOST_PIECES - 1],
    rows: Vec<MarginLane>,
    lanes: MarginLanes,
}

impl Margins {
    /// For `rows` rows, or for lanes, and up to `len` parameters.
    fn new(rows: usize, len: usize) -> Self {
        let mut source = Source(len as u64);
        let mut numbers = |low: f32| (0..len).map(|_| source.next().abs() + low).collect();
        let inverse = numbers(0.25);
        let minus_knots = [numbers(-1.0), numbers(-2.0), numbers(-2.5)];
        let (rows, lanes) = (vec![MarginLane::NONE; rows], MarginLanes::NONE);
        Self { inverse, minus_knots, rows, lanes }
    }

    /// Keeps margins for each lane, or, where there are any, for each row.
    fn gauge<'a>(&'a mut self, param: fn(&'a [f32]) -> Param<'a>, exact: bool) -> Gauge<'a> {
        let minus_knots = self.minus_knots.each_ref().map(|knots| param(knots));
        let inverse = param(&self.inverse);
        let measure = Measure { minus_knots, inverse, inverse_size: 0.5, zeros_are_exact: exact };
        let kept = match &mut self.rows[..] {
            [] => Kept::Lanes(&mut self.lanes),
            rows => Kept::Rows(rows),
        };
        Gauge { measure, kept }
    }

    fn kept(self) -> (Vec<MarginLane>, MarginLanes) {
        (self.rows, self.lanes)
    }
}

#[test]
fn affine_blocks_match_the_reference() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(1);
        for rows in [0, 1, 2, 3, 4, 5, 7, 8, 13, 24, 31] {
            for depth in [0, 1, 2, 5, 33, 300, 515] {
                for lanes in [PANEL, 10, 17, 3 * PANEL, 70, 2 * PANEL + 20] {
                    check_affine(kernels, reference, &mut source, [rows, depth, lanes]);
                }
            }
        }
    });
}

/// One shape of a block, with every number of pieces, and parameters by lane, by row and for all.
fn check_affine(
    kernels: &Kernels,
    reference: &Kernels,
    source: &mut Source,
    [rows, depth, lanes]: [usize; 3],
) {
    let panels = lanes.div_ceil(PANEL);
    let ldx = depth + 3;
    let x = source.vec(rows * ldx + depth);
    let weights = source.vec(depth * panels * PANEL);
    let pieces = Pieces::new(source, 128);
    for count in 0..=MOST_PIECES + 1 {
        for (wrap, gap) in [(by_lane as Wrap, 5), (by_row, 5), (uniform, 0)] {
            let ldo = panels * PANEL + gap;
            let spline =
                if count > MOST_PIECES { Spline::relu() } else { pieces.spline(count, wrap) };
            let (bias, weights) = (wrap(&pieces.low), &weights);
            let block = AffineBlock {
                x: &x,
                ldx,
                rows,
                depth,
                weights,
                lanes,
                bias,
                spline,
                occupied: None,
            };
            let run = |kernels: &Kernels| {
                let mut out = vec![9.0; rows * ldo + panels * PANEL];
                let mut found = vec![u64::MAX; rows * panels];
                let finite = kernels.affine(&block, &mut out, ldo, &mut found, None);
                let (values, fields) = (out.clone(), found.clone());
                // Lanes without units would be left out by their knots.
                let mut margins = Margins::new(rows, 128);
                if lanes % PANEL == 0 && count > 0 && rows > 0 {
                    let gauge = &mut margins.gauge(wrap, false);
                    kernels.affine(&block, &mut out, ldo, &mut found, Some(gauge));
                    assert!(
                        bits(&values) == bits(&out) && fields == found,
                        "margins change nothing"
                    );
                }
                // What stands behind the last unit is nobody's.
                for (panel, fields) in found.chunks_mut(rows.max(1)).enumerate() {
                    let live = (lanes - panel * PANEL).min(PANEL) * spline.bits();
                    fields.iter_mut().for_each(|field| *field &= fields::low_mask(live));
                }
                let rows = out.chunks(ldo).take(rows);
                let values: Vec<_> = rows.map(|row| bits(&row[..lanes])).collect();
                let kept = margins.kept();
                (values, found, finite, kept)
            };
            assert!(run(kernels) == run(reference), "{rows} rows, depth {depth}, {lanes} lanes");
        }
    }
}

#[test]
fn combines_match_the_reference_at_every_length() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(2);
        for len in (0..70).chain([128, 201]) {
            let columns: Vec<_> = (0..3).map(|_| source.vec(len)).collect();
            let scales = source.vec(len);
            let pieces = Pieces::new(&mut source, len);
            for terms in 1..=3 {
                for count in 0..=MOST_PIECES {
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
                        let finite = kernels.combine(&sum, &mut out, &mut fields, None);
                        let margins = [0, 1].map(|rows| {
                            let mut margins = Margins::new(rows, len);
                            let gauge = &mut margins.gauge(Param::Lanes, false);
                            kernels.combine(&sum, &mut out, &mut fields, Some(gauge));
                            margins.kept()
                        });
                        (bits(&out), fields, finite, margins)
                    };
                    assert!(run(kernels) == run(reference), "{len} elements, {count} pieces");
                }
            }
        }
    });
}

#[test]
fn extremes_match_the_reference_with_ties() {
    on_every_tier(|kernels, reference| {
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
                    let mut margins = Margins::new(0, PANEL);
                    let gauge = &mut margins.gauge(Param::Lanes, pieces % 2 == 0);
                    kernels.extreme(&block, &mut out, &mut winner, Some(gauge));
                    (bits(&out), winner, margins.kept())
                };
                assert_eq!(run(kernels), run(reference), "{pieces} pieces");
            }
        }
    });
}

#[test]
fn windows_match_the_reference_with_branches_and_every_order() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(4);
        for outputs in [1, 2, 3, 6, 8, 13, 16, 29] {
            for (channels, plane, cells, taps) in [(1, 9, 5, 4), (3, 12, 20, 9), (2, 1, 1, 1)] {
                let input = source.vec(channels * plane * PANEL);
                let weights = source.vec(outputs * channels * taps);
                let packed = ChannelWeights::pack(outputs, channels * taps, |o, i| {
                    weights[o * channels * taps + i]
                });
                let windows = random_windows(&mut source, cells, plane, taps);
                let pieces = Pieces::new(&mut source, outputs);
                let other = source.vec(outputs * cells * PANEL);
                for count in 0..=MOST_PIECES + 1 {
                    let spline = match count {
                        0..=MOST_PIECES => pieces.spline(count, Param::Rows),
                        _ => Spline::relu(),
                    };
                    let meeting = [Meeting::Plus, Meeting::Minus, Meeting::From].get(count % 4);
                    let orders = [(cells, 1), (1, outputs)];
                    let (channel, cell) = orders[count % 2];
                    let block = WindowBlock {
                        input: &input,
                        channels,
                        plane,
                        windows: &windows,
                        taps,
                        weights: &packed,
                        bias: Param::Rows(&pieces.low),
                        addend: meeting.map(|&meeting| Addend { values: &other, meeting }),
                        spline,
                        order: UnitOrder { channel, cell },
                        occupied: None,
                    };
                    let run = |kernels: &Kernels| {
                        let mut out = vec![9.0; outputs * cells * PANEL];
                        let mut planes = vec![0; outputs * cells * spline.bits()];
                        let finite = kernels.windows(&block, &mut out, &mut planes, None);
                        let mut margins = Margins::new(0, outputs);
                        let gauge = &mut margins.gauge(Param::Rows, false);
                        kernels.windows(&block, &mut out, &mut planes, Some(gauge));
                        (bits(&out), planes, finite, margins.kept())
                    };
                    assert!(run(kernels) == run(reference), "{outputs} channels, {count} pieces");
                }
            }
        }
    });
}

/// A product's sizes, in either precision.
struct Shape<'s> {
    ldf: usize,
    rows: usize,
    ldm: usize,
    chosen: &'s [u32],
    columns: usize,
}

impl<'s> Shape<'s> {
    fn product<N>(&self, factors: &'s [N], matrix: &'s [N]) -> Product<'s, N> {
        let Self { ldf, rows, ldm, chosen, columns } = *self;
        Product { factors, ldf, rows, matrix, ldm, chosen, columns }
    }
}

#[test]
fn sums_of_chosen_rows_match_the_reference_in_both_precisions() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(21);
        for rows in [1, 2, 3, 5, 9, 10, 12, 17, 24, 31] {
            for (depth, columns) in [(1, 16), (7, 48), (40, 32), (13, 0)] {
                let (ldf, ldm, ldo) = (depth + 1, columns + 16, columns + 3);
                let chosen: Vec<u32> = (0..depth as u32).filter(|k| k % 3 != 1).collect();
                let factors = source.vec(rows * ldf);
                let matrix = source.vec(depth * ldm);
                let start = source.vec(rows * ldo);
                let shape = Shape { ldf, rows, ldm, chosen: &chosen, columns };
                let run = |kernels: &Kernels| {
                    let mut out = start.clone();
                    kernels.product(&shape.product(&factors, &matrix), &mut out, ldo);
                    bits(&out)
                };
                assert!(run(kernels) == run(reference), "{rows} rows, {depth} deep");
                let widen = |x: &[f32]| x.iter().map(|&x| f64::from(x) / 3.0).collect::<Vec<_>>();
                let (factors, matrix) = (widen(&factors), widen(&matrix));
                let run = |kernels: &Kernels| {
                    let mut out = widen(&start);
                    kernels.double_product(&shape.product(&factors, &matrix), &mut out, ldo);
                    out
                };
                assert!(run(kernels) == run(reference), "{rows} rows, {depth} deep, f64");
            }
        }
    });
}

#[test]
fn forms_on_a_plane_match_the_reference() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(33);
        for stride in [16, 48, 64, 80, 1024] {
            let widen = |x: Vec<f32>| x.iter().map(|&x| f64::from(x) / 3.0).collect::<Vec<_>>();
            let numbers = widen(source.vec(3 * stride));
            let column = widen(source.vec(stride));
            let narrow = source.vec(stride);
            let block = FormBlock { numbers: &numbers, stride };
            let run = |kernels: &Kernels| {
                let words = stride.div_ceil(64);
                let (mut above, mut near) = (vec![7; words], vec![7; words]);
                kernels.form_signs(&block, [0.3, -0.7], 0.125, &mut above, &mut near);
                let mut moved = vec![0.0; 3 * stride];
                kernels.add_column(&block, Weights::Double(&column), [0.1, -0.2, 0.3], &mut moved);
                kernels.add_column_to(&mut moved, Weights::Single(&narrow), [0.7, 0.2, 0.1]);
                (above, near, moved, kernels.largest_forms(&block, [0.3, 0.9]))
            };
            assert!(run(kernels) == run(reference), "{stride} units");
            let (above, near, ..) = run(kernels);
            let bits = |words: &[u64]| words.iter().map(|word| word.count_ones()).sum::<u32>();
            assert!(bits(&above) > 0 && bits(&near) > 0, "{stride} units: all three ways");
        }
    });
}

#[test]
fn sums_of_forms_match_the_reference_and_the_precise_ones_are_precise() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(34);
        for (inputs, stride) in [(1, 16), (7, 48), (100, 80), (30, 1024)] {
            let narrow = source.vec(inputs * stride);
            let wide: Vec<f64> = narrow.iter().map(|&x| f64::from(x) / 3.0).collect();
            let chosen: Vec<u32> = (0..inputs as u32).filter(|i| i % 3 != 1).collect();
            let factors: Vec<[f64; 3]> =
                chosen.iter().map(|_| [0; 3].map(|_| f64::from(source.vec(1)[0]) / 7.0)).collect();
            for weights in [Weights::Single(&narrow), Weights::Double(&wide)] {
                let sum = FormSum { weights, stride, chosen: &chosen, factors: &factors };
                let run = |kernels: &Kernels| {
                    let mut forms = [vec![0.1; 3 * stride], vec![0.1; 3 * stride]];
                    kernels.sum_forms(&sum, &mut forms[0]);
                    kernels.sum_forms_twice_as_well(&sum, &mut forms[1]);
                    forms
                };
                assert!(run(kernels) == run(reference), "{inputs} inputs, {stride} units");
                let [plain, precise] = run(kernels);
                let largest = plain.iter().zip(&precise).map(|(x, y)| (x - y).abs());
                assert!(largest.fold(0.0, f64::max) < 1e-13, "the same but for rounding");
            }
        }
    });
}

#[test]
fn precise_sums_survive_cancellation() {
    on_every_tier(|kernels, _| {
        // 1 + 2⁻⁶⁰ − 1, in each unit and coordinate.
        let weights = vec![1.0f32; 3 * 16];
        let factors = [1.0, (-60f64).exp2(), -1.0].map(|factor| [factor; 3]);
        let mut forms = vec![0.0; 3 * 16];
        let sum = FormSum {
            weights: Weights::Single(&weights),
            stride: 16,
            chosen: &[0, 1, 2],
            factors: &factors,
        };
        kernels.sum_forms_twice_as_well(&sum, &mut forms);
        assert_eq!(forms, vec![(-60f64).exp2(); 3 * 16], "nothing is lost");
    });
}

#[test]
fn window_extremes_match_the_reference_with_ties() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(5);
        for (planes, plane, cells, taps) in
            [(1, 4, 1, 1), (3, 16, 4, 4), (2, 30, 7, 9), (1, 60, 2, 49)]
        {
            let mut input = source.vec(planes * plane * PANEL);
            input.iter_mut().for_each(|value| *value = value.round());
            let windows = random_windows(&mut source, cells, plane, taps);
            for smallest in [false, true] {
                let (input, windows) = (&input, &windows);
                let block = WindowExtreme { input, planes, plane, windows, taps, smallest };
                let run = |kernels: &Kernels| {
                    let mut out = vec![9.0; planes * cells * PANEL];
                    let mut words = vec![7; planes * cells * fields::width(taps)];
                    let mut margins = Margins::new(0, planes);
                    let gauge = &mut margins.gauge(Param::Rows, cells > 1);
                    kernels.window_extreme(&block, &mut out, &mut words, Some(gauge));
                    (bits(&out), words, margins.kept())
                };
                assert_eq!(run(kernels), run(reference), "{taps} taps");
            }
        }
    });
}

/// Words whose bits name one of `pieces` pieces for each lane of each vector.
fn random_pieces(source: &mut Source, vectors: usize, pieces: usize) -> Vec<u32> {
    let width = fields::width(pieces);
    let mut planes = vec![0; vectors * width];
    for vector in 0..vectors {
        for lane in 0..PANEL {
            let piece = ((source.next() + 2.0) * 512.0) as usize % pieces;
            for (bit, word) in planes[vector * width..][..width].iter_mut().enumerate() {
                *word |= ((piece >> bit & 1) as u32) << lane;
            }
        }
    }
    planes
}

#[test]
fn gates_match_the_reference_at_every_length() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(31);
        for len in (1..70).chain([128, 201]) {
            let numbers = source.vec(len);
            for pieces in 1..=MOST_PIECES {
                let planes = random_pieces(&mut source, len.div_ceil(PANEL), pieces);
                let lists: [_; MOST_PIECES] = std::array::from_fn(|_| source.vec(len));
                let splats: [_; MOST_PIECES] =
                    std::array::from_fn(|piece| Param::Splat(lists[piece][0]));
                let lanes = lists.each_ref().map(|list| Param::Lanes(list));
                let rows = lists.each_ref().map(|list| Param::Rows(list));
                for slopes in [splats, lanes, rows] {
                    let gate = Gate { slopes: &slopes[..pieces], planes: &planes };
                    let run = |kernels: &Kernels| {
                        let mut numbers = numbers.clone();
                        kernels.gate(&gate, &mut numbers);
                        bits(&numbers)
                    };
                    assert_eq!(run(kernels), run(reference), "{len} numbers, {slopes:?}");
                }
            }
        }
    });
}

#[test]
fn winners_are_picked_and_put_back_as_the_reference_does() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(32);
        for (planes, plane, cells, taps) in
            [(1, 4, 1, 1), (3, 16, 4, 4), (2, 30, 7, 9), (1, 60, 2, 49)]
        {
            let input = source.vec(planes * plane * PANEL);
            let windows = random_windows(&mut source, cells, plane, taps);
            let block = WindowExtreme {
                input: &input,
                planes,
                plane,
                windows: &windows,
                taps,
                smallest: taps == 9,
            };
            let units = planes * cells;
            let mut largest = vec![0.0; units * PANEL];
            let mut words = vec![0; units * fields::width(taps)];
            reference.window_extreme(&block, &mut largest, &mut words, None);
            let winners = Winners { planes, plane, windows: &windows, taps, bits: &words };
            let mut again = vec![9.0; units * PANEL];
            kernels.pick(&winners, &input, &mut again);
            assert_eq!(bits(&again), bits(&largest), "{taps} taps: a winner is what it won with");
            let (other, output) = (source.vec(input.len()), source.vec(again.len()));
            let run = |kernels: &Kernels| {
                let (mut out, mut back) = (vec![9.0; units * PANEL], other.clone());
                kernels.pick(&winners, &other, &mut out);
                kernels.put_back(&winners, &output, &mut back);
                (bits(&out), bits(&back))
            };
            assert_eq!(run(kernels), run(reference), "{taps} taps");
        }
    });
}

#[test]
fn norms_match_the_reference_and_the_obvious_sums() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(8);
        for len in (0..70).chain([784, 3000]) {
            let row = source.vec(len);
            let norms = kernels.norms(&row);
            assert_eq!(norms, reference.norms(&row), "{len} numbers");
            let squares: f64 = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            assert!((f64::from(norms.squares) - squares).abs() <= 1e-5 * squares, "{len} numbers");
            assert_eq!(norms.nonzero, row.iter().filter(|&&x| x != 0.0).count(), "{len} numbers");
        }
    });
}

#[test]
fn rows_and_lanes_and_codes_turn_as_the_reference_does() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(6);
        for count in [1, 2, 7, 8, 16, 20, 31, 32] {
            for width in [1, 3, 8, 16, 17, 50] {
                let stride = width + count % 3;
                let rows = source.vec((count - 1) * stride + width);
                let turn = |kernels: &Kernels| {
                    let mut lanes = vec![9.0; width * PANEL];
                    kernels.to_lanes(&rows, stride, width, &mut lanes);
                    let mut back = vec![9.0; count * width];
                    kernels.from_lanes(&lanes, width, &mut back);
                    (bits(&lanes), back)
                };
                let (lanes, back) = turn(kernels);
                assert_eq!((lanes, back.clone()), turn(reference), "{count} rows of {width}");
                for (row, back) in back.chunks_exact(width).enumerate() {
                    assert_eq!(back, &rows[row * stride..][..width], "there and back");
                }
                let planes: Vec<u32> =
                    (0..width * 3).map(|_| source.next().to_bits().wrapping_mul(77_777)).collect();
                let words = planes.len().div_ceil(64);
                let turn = |kernels: &Kernels| {
                    let mut codes = vec![7; count * words];
                    kernels.codes(&planes, words, &mut codes);
                    codes
                };
                assert_eq!(turn(kernels), turn(reference), "{} planes", planes.len());
            }
        }
    });
}

#[test]
fn every_tier_counts_its_multiply_adds() {
    for tier in Tier::available() {
        let (count, sum) = Kernels::of(tier).peak(100);
        assert!(count >= 100 && count.is_multiple_of(100), "{tier}: {count}");
        assert!(sum.is_finite(), "{tier}: {sum}");
    }
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
                let finite = kernels.combine(&sum, &mut out, &mut [0; 2], None);
                assert!(!finite, "{bad} in lane {lane} is seen by {tier}");
                assert!(!kernels.finite(&x), "{bad} at {lane} is seen by {tier}");
                assert!(kernels.finite(&x[..lane]), "numbers before {lane} are finite on {tier}");
            }
        }
        let weights = &[f32::MAX; PANEL];
        for spline in [Spline::relu(), Spline::clip(-1.0, 1.0), Spline::identity()] {
            let bias = Param::Splat(0.0);
            let x = [-4.0];
            let (depth, lanes) = (1, PANEL);
            let block = AffineBlock {
                x: &x,
                ldx: 1,
                rows: 1,
                depth,
                weights,
                lanes,
                bias,
                spline,
                occupied: None,
            };
            let finite = kernels.affine(&block, &mut [0.0; PANEL], PANEL, &mut [0], None);
            assert!(!finite, "an overflow that the spline would clip is seen by {tier}");
        }
    }
}
