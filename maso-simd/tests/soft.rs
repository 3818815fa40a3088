//! Soft units on every tier: exact equality with the scalar reference, accuracy against f64, and the closed forms of
//! entropy-regularised splines.

#![allow(clippy::print_stderr, reason = "a test run says what it measured")]

mod common;

use common::{Source, Wrap, bits, by_lane, by_row, on_every_tier, random_windows, uniform};
use maso_simd::soft64::{self, Gate, Jet};
use maso_simd::{
    AffineBlock, ChannelWeights, Combine, ExtremeBlock, Kernels, Link, PANEL, Param, PoolRule,
    Rounding, Soft, SoftGate, SoftPool, SoftUnit, Spline, Term, Tier, UnitOrder, WindowBlock,
    WindowExtreme, bits as fields,
};

const LINKS: [Link; 7] = [
    Link::Logistic,
    Link::Tanh,
    Link::Softplus,
    Link::Normal,
    Link::NormalTanh,
    Link::Mish,
    Link::HardSigmoid,
];

type Map = fn(&Kernels, &[f32], &mut [f32]);

/// A function, its f64 version, and how many ulps it may be off on fused tiers and on others.
struct Function {
    name: &'static str,
    map: Map,
    exact: fn(f64) -> f64,
    fused: f64,
    separate: f64,
    /// The largest result that may come out as 0.
    flushed: f64,
}

const FUNCTIONS: [Function; 5] = [
    Function {
        name: "exp",
        map: Kernels::exp,
        exact: f64::exp,
        fused: 0.9,
        separate: 1.1,
        flushed: 0.0,
    },
    Function {
        name: "sigmoid",
        map: Kernels::sigmoid,
        exact: soft64::sigmoid,
        fused: 2.1,
        separate: 2.1,
        flushed: 3e-39,
    },
    Function {
        name: "tanh",
        map: Kernels::tanh,
        exact: f64::tanh,
        fused: 2.0,
        separate: 2.0,
        flushed: 0.0,
    },
    Function {
        name: "softplus",
        map: Kernels::softplus,
        exact: soft64::softplus,
        fused: 1.7,
        separate: 2.1,
        flushed: 0.0,
    },
    Function {
        name: "normal_cdf",
        map: Kernels::normal_cdf,
        exact: soft64::normal_cdf,
        fused: 7.0,
        separate: 7.0,
        flushed: 0.0,
    },
];

/// Numbers whose bits are `stride` apart, of both signs, infinite and NaN ones among them.
fn numbers(stride: u32) -> impl Iterator<Item = f32> {
    let sizes = (0..=0x7F80_0000).step_by(stride as usize);
    let both = sizes.flat_map(|bits| [f32::from_bits(bits), -f32::from_bits(bits)]);
    both.chain([f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::from_bits(0xFFF0_1235)])
}

/// Bits, all NaN alike.
fn bits_but_nan(values: &[f32]) -> Vec<u32> {
    bits(&values.iter().map(|x| if x.is_nan() { f32::NAN } else { *x }).collect::<Vec<_>>())
}

#[test]
fn functions_match_the_reference_at_every_length() {
    on_every_tier(|kernels, reference| {
        for (i, function) in FUNCTIONS.iter().enumerate() {
            let all: Vec<_> = numbers(65_537 + 2 * i as u32).collect();
            for x in (0..70).map(|len| &all[all.len() - len..]).chain([&all[..]]) {
                let run = |kernels: &Kernels| {
                    let mut y = vec![9.0; x.len()];
                    (function.map)(kernels, x, &mut y);
                    bits_but_nan(&y)
                };
                assert!(run(kernels) == run(reference), "{} of {} numbers", function.name, x.len());
            }
        }
    });
}

/// The largest error in ulps (steps of subnormal numbers below the normal ones), and where.
fn largest_error(kernels: &Kernels, function: &Function, stride: u32) -> (f64, f32) {
    let mut worst = (0.0, 0.0);
    let mut numbers = numbers(stride).peekable();
    while numbers.peek().is_some() {
        let x: Vec<_> = numbers.by_ref().take(4096).collect();
        let mut y = vec![9.0; x.len()];
        (function.map)(kernels, &x, &mut y);
        for (x, y) in x.into_iter().zip(y) {
            let error = error(x, y, function);
            if error > worst.0 {
                worst = (error, x);
            }
        }
    }
    worst
}

fn error(x: f32, y: f32, function: &Function) -> f64 {
    let exact = (function.exact)(x.into());
    if x.is_nan() || (exact as f32).is_infinite() || exact.fract() == 0.0 && x.is_infinite() {
        let same = y == exact as f32 || x.is_nan() && y.is_nan();
        return if same { 0.0 } else { f64::INFINITY };
    }
    if y == 0.0 && exact.abs() <= function.flushed {
        return 0.0;
    }
    let size = exact.abs().max(f32::MIN_POSITIVE.into());
    let ulp =
        f64::from(f32::from_bits((size as f32).to_bits() & 0x7F80_0000)) * f64::from(f32::EPSILON);
    let error = (f64::from(y) - exact).abs() / ulp;
    if error.is_nan() { f64::INFINITY } else { error }
}

fn check_accuracy(tier: Tier, stride: u32) {
    for function in &FUNCTIONS {
        let (error, at) = largest_error(Kernels::of(tier), function, stride);
        eprintln!("{tier} {}: {error:.3} ulp at {at:e}", function.name);
        let limit = match tier.rounding() {
            Rounding::Fused => function.fused,
            Rounding::Separate => function.separate,
        };
        assert!(error <= limit, "{tier}: {} is {error} ulp off at {at:e}", function.name);
    }
}

#[test]
fn functions_are_as_accurate_as_they_say() {
    Tier::available().into_iter().for_each(|tier| check_accuracy(tier, 4_999));
}

#[test]
#[ignore = "takes minutes: every f32"]
fn functions_are_as_accurate_as_they_say_at_every_number() {
    check_accuracy(Tier::best(), 1);
    check_accuracy(Tier::Portable, 1);
}

#[test]
fn tanh_is_odd_and_sigmoids_add_up() {
    on_every_tier(|kernels, _| {
        let x: Vec<_> = numbers(99_991).filter(|x| x.is_finite()).collect();
        let minus: Vec<_> = x.iter().map(|x| -x).collect();
        let run = |map: Map, x: &[f32]| {
            let mut y = vec![9.0; x.len()];
            map(kernels, x, &mut y);
            y
        };
        let back: Vec<_> = run(Kernels::tanh, &minus).iter().map(|y| -y).collect();
        assert_eq!(bits(&run(Kernels::tanh, &x)), bits(&back), "tanh(-x) is -tanh x");
        let (up, down) = (run(Kernels::sigmoid, &x), run(Kernels::sigmoid, &minus));
        let far = up.iter().zip(down).map(|(up, down)| (up + down - 1.0).abs());
        assert!(far.fold(0.0, f32::max) <= f32::EPSILON, "σ(x) + σ(-x) is 1");
    });
}

/// Parameters of soft units, as many as wanted.
struct Parameters {
    knots: [Vec<f32>; 2],
    others: [Vec<f32>; 8],
}

impl Parameters {
    fn new(source: &mut Source, len: usize) -> Self {
        let low = source.vec(len);
        let high = low.iter().map(|low| low + 1.0).collect();
        Self { knots: [low, high], others: std::array::from_fn(|_| source.vec(len)) }
    }

    /// One of many kinds of unit: every link, one or two gates, with lines, scales and a base or without.
    fn spline<'a>(&'a self, kind: usize, param: fn(&'a [f32]) -> Param<'a>) -> Spline<'a> {
        let [a, b, c, d, e, f, g, h] = self.others.each_ref().map(|list| param(list));
        let link = LINKS[kind % LINKS.len()];
        let (mut first, mut second) = (SoftGate::new(link, a), SoftGate::new(link, b));
        if kind % 2 == 1 {
            first = first.along(c, d);
            second = second.scaled(e);
        }
        if kind % 3 == 1 {
            first = first.scaled(f);
        }
        let gates = [first, second];
        let unit = SoftUnit::new(&gates[..1 + kind / 2 % 2]);
        let unit = if kind % 5 > 2 { unit.over(g, h) } else { unit };
        Spline::soft(
            &self.knots.each_ref().map(|knots| param(knots))[..kind % 3],
            Soft::Gates(unit),
        )
    }
}

/// Kinds of units that have every combination that matters.
const KINDS: usize = 42;

#[test]
fn soft_affine_blocks_match_the_reference() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(41);
        for (rows, depth, lanes) in [(1, 3, 10), (13, 5, 3 * PANEL), (31, 33, 70)] {
            let panels = lanes.div_ceil(PANEL);
            let x = source.vec(rows * depth);
            let weights = source.vec(depth * panels * PANEL);
            let parameters = Parameters::new(&mut source, 128);
            for kind in 0..3 * KINDS {
                let wrap = [by_row as Wrap, by_lane, uniform][kind / KINDS];
                let spline = parameters.spline(kind, wrap);
                let (bias, weights) = (wrap(&parameters.knots[0]), &weights);
                let block = AffineBlock {
                    x: &x,
                    ldx: depth,
                    rows,
                    depth,
                    weights,
                    lanes,
                    bias,
                    spline,
                    occupied: None,
                };
                let run = |kernels: &Kernels| {
                    let (ldo, mut found) = (panels * PANEL, vec![u64::MAX; rows * panels]);
                    let mut out = vec![9.0; rows * ldo];
                    let finite = kernels.affine(&block, &mut out, ldo, &mut found, None);
                    for (panel, fields) in found.chunks_mut(rows).enumerate() {
                        let live = (lanes - panel * PANEL).min(PANEL) * spline.bits();
                        fields.iter_mut().for_each(|field| *field &= fields::low_mask(live));
                    }
                    let values: Vec<_> = out.chunks(ldo).map(|row| bits(&row[..lanes])).collect();
                    (values, found, finite)
                };
                assert!(run(kernels) == run(reference), "{rows} rows, kind {kind}");
            }
        }
    });
}

#[test]
fn soft_combines_match_the_reference_at_every_length() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(42);
        for len in (0..70).step_by(3).chain([64, 201]) {
            let x: Vec<_> = source.vec(len).into_iter().map(|x| 20.0 * x * x * x).collect();
            let parameters = Parameters::new(&mut source, len);
            for kind in 0..KINDS {
                let terms = [Term { x: &x, scale: Param::Splat(-1.0) }];
                let spline = parameters.spline(kind, Param::Lanes);
                let sum = Combine { terms: &terms, shift: None, spline };
                let run = |kernels: &Kernels| {
                    let (mut out, mut fields) = (vec![9.0; len], vec![7; len.div_ceil(PANEL)]);
                    let finite = kernels.combine(&sum, &mut out, &mut fields, None);
                    (bits(&out), fields, finite)
                };
                assert!(run(kernels) == run(reference), "{len} elements, kind {kind}");
            }
        }
    });
}

#[test]
fn soft_windows_match_the_reference() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(43);
        for (outputs, channels, plane, cells, taps) in [(3, 1, 9, 5, 4), (13, 3, 12, 7, 9)] {
            let input = source.vec(channels * plane * PANEL);
            let numbers = source.vec(outputs * channels * taps);
            let weights = ChannelWeights::pack(outputs, channels * taps, |o, i| {
                numbers[o * channels * taps + i]
            });
            let windows = random_windows(&mut source, cells, plane, taps);
            let parameters = Parameters::new(&mut source, outputs);
            for kind in 0..4 * KINDS {
                let spline = parameters.spline(kind, [by_row as Wrap, uniform][kind / KINDS % 2]);
                let by_channel = UnitOrder { channel: cells, cell: 1 };
                let by_cell = UnitOrder { channel: 1, cell: outputs };
                let block = WindowBlock {
                    input: &input,
                    channels,
                    plane,
                    windows: &windows,
                    taps,
                    weights: &weights,
                    bias: Param::Rows(&parameters.knots[0]),
                    addend: None,
                    spline,
                    order: [by_channel, by_cell][kind / KINDS / 2],
                    occupied: None,
                };
                let run = |kernels: &Kernels| {
                    let mut out = vec![9.0; outputs * cells * PANEL];
                    let mut planes = vec![0; outputs * cells * spline.bits()];
                    let finite = kernels.windows(&block, &mut out, &mut planes, None);
                    (bits(&out), planes, finite)
                };
                assert!(run(kernels) == run(reference), "{outputs} channels, kind {kind}");
            }
        }
    });
}

#[test]
fn infinity_behind_a_closed_gate_is_reported() {
    for tier in Tier::available() {
        for link in LINKS {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for gate in [
                    SoftGate::new(link, Param::Splat(1.0)),
                    SoftGate::new(link, Param::Splat(1.0)).scaled(Param::Splat(1.0)),
                ] {
                    let spline =
                        Spline::soft(&[Param::Splat(0.0)], Soft::Gates(SoftUnit::new(&[gate])));
                    let mut x = [1.0; PANEL];
                    let run = |x: &[f32]| {
                        let terms = [Term { x, scale: Param::Splat(1.0) }];
                        let sum = Combine { terms: &terms, shift: None, spline };
                        Kernels::of(tier).combine(&sum, &mut [0.0; PANEL], &mut [0], None)
                    };
                    assert!(run(&x), "{link:?} on {tier}: all are finite");
                    x[17] = bad;
                    assert!(!run(&x), "{link:?} on {tier}: {bad} is seen");
                }
            }
        }
    }
}

/// Values of a soft unit on the machine's best tier, knot at 0.
fn values(unit: SoftUnit<'_>, x: &[f32]) -> (Vec<f32>, u64) {
    let terms = [Term { x, scale: Param::Splat(1.0) }];
    let spline = Spline::soft(&[Param::Splat(0.0)], Soft::Gates(unit));
    let (mut out, mut fields) = (vec![9.0; x.len()], [0; 1]);
    let sum = Combine { terms: &terms, shift: None, spline };
    assert!(Kernels::of(Tier::best()).combine(&sum, &mut out, &mut fields, None), "finite");
    (out, fields[0])
}

/// η of an entropy weight β.
fn sharpness(beta: f32) -> Param<'static> {
    Param::Splat(beta / (1.0 - beta))
}

fn assert_near(found: f32, expected: f64) {
    let error = (f64::from(found) - expected).abs();
    assert!(error <= 4e-7 * (1.0 + expected.abs()), "{found} for {expected}");
}

#[test]
fn swish_and_its_kin_take_their_known_values() {
    let swish = |beta| SoftUnit::new(&[SoftGate::new(Link::Logistic, sharpness(beta))]);
    for (beta, at_1, at_minus_1) in [
        (0.5, 0.731_058_578_6, -0.268_941_421_4),
        (0.75, 0.952_574_126_8, -0.047_425_873_2),
        (0.9, 0.999_876_605_4, -1.233_945_8e-4),
    ] {
        let (found, bits) = values(swish(beta), &[1.0, -1.0]);
        assert_near(found[0], at_1);
        assert_near(found[1], at_minus_1);
        assert_eq!(bits, 0b01, "the bits are those of max(z, 0)");
    }
    let one = Param::Splat(1.0);
    let abs = SoftGate::new(Link::Logistic, one).along(Param::Splat(2.0), Param::Splat(0.0));
    let unit = SoftUnit::new(&[abs]).over(Param::Splat(-1.0), Param::Splat(0.0));
    assert_near(values(unit, &[1.0]).0[0], 0.761_594_156_0);
    let abs = SoftUnit::new(&[SoftGate::new(Link::Tanh, one)]);
    assert_near(values(abs, &[1.0]).0[0], 0.761_594_156_0);
    for (beta, expected) in [(0.5, -0.278_202_956_9), (0.9, -0.010_133_663_5)] {
        let gate = SoftGate::new(Link::Logistic, sharpness(beta))
            .along(Param::Splat(0.99), Param::Splat(0.0));
        let leaky = SoftUnit::new(&[gate]).over(Param::Splat(0.01), Param::Splat(0.0));
        assert_near(values(leaky, &[-1.0]).0[0], expected);
    }
}

#[test]
fn swish_is_furthest_from_the_hard_unit_where_it_should_be() {
    for eta in [0.5, 1.0, 4.0] {
        let x: Vec<_> = (0..32).map(|i| (1.2 + 0.005 * i as f32) / eta).collect();
        let gap = |x: Vec<f32>| {
            let gate = SoftGate::new(Link::Logistic, Param::Splat(eta));
            let soft = values(SoftUnit::new(&[gate]), &x).0;
            x.iter().zip(soft).map(|(x, y)| x.max(0.0) - y).fold(0.0, f32::max)
        };
        assert_near(gap(x.clone()), 0.278_464_542_761_073_8 / f64::from(eta));
        assert_near(gap(x.iter().map(|x| -x).collect()), 0.278_464_542_761_073_8 / f64::from(eta));
    }
}

#[test]
fn soft_maxima_take_their_known_values() {
    let candidates = [1.0, 2.0, 0.5, -1.0];
    let rows: Vec<_> = candidates.iter().flat_map(|&u| [u; PANEL]).collect();
    let run = |beta: f32, rule| {
        let (mut out, mut winner) = ([9.0; PANEL], [9; PANEL]);
        let block = ExtremeBlock { candidates: &rows, smallest: false };
        let pool = SoftPool { sharpness: sharpness(beta), rule };
        Kernels::of(Tier::best()).soft_extreme(&block, &pool, &mut out, &mut winner, None);
        assert_eq!(winner, [1; PANEL], "the position is that of the largest");
        out[7]
    };
    assert_near(run(0.5, PoolRule::Mean), 1.480_779_122_6);
    assert_near(run(0.5, PoolRule::LogPartition), 2.495_181_898_1);
    assert_near(run(0.9, PoolRule::Mean), 1.999_874_549_4);
    assert_near(run(1e-7, PoolRule::Mean), 0.625);
    let (u, mut weights) = (candidates.map(f64::from), [0.0; 4]);
    let log = soft64::pool(PoolRule::LogPartition, 1.0, &u, &mut weights);
    let expected = [0.224_207_82, 0.609_460_04, 0.135_988_92, 0.030_343_23];
    assert!(weights.iter().zip(expected).all(|(t, e)| (t - e).abs() < 1e-8), "{weights:?}");
    let entropy: f64 = weights.iter().map(|t| -t * t.ln()).sum();
    let mean = soft64::pool(PoolRule::Mean, 1.0, &u, &mut [0.0; 4]);
    assert!((entropy - 1.014_402_775_5).abs() < 1e-9, "{entropy}");
    assert!((log - mean - entropy).abs() < 1e-12, "log-partition = mean + entropy");
}

#[test]
fn soft_pools_match_the_reference_and_f64() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(44);
        for pieces in [1, 2, 9, 49, 300] {
            for smallest in [false, true] {
                for rule in [PoolRule::Mean, PoolRule::LogPartition] {
                    let mut candidates = source.vec(pieces * PANEL);
                    let loser = if smallest { f32::INFINITY } else { f32::NEG_INFINITY };
                    candidates[..if pieces > 2 { PANEL / 2 } else { 0 }].fill(loser);
                    let etas: Vec<_> = (0..PANEL).map(|i| 0.01 * 1.5f32.powi(i as i32)).collect();
                    let block = ExtremeBlock { candidates: &candidates, smallest };
                    let pool = SoftPool { sharpness: Param::Lanes(&etas), rule };
                    let run = |kernels: &Kernels| {
                        let (mut out, mut winner) = ([9.0; PANEL], [9; PANEL]);
                        kernels.soft_extreme(&block, &pool, &mut out, &mut winner, None);
                        (bits(&out), winner)
                    };
                    assert_eq!(run(kernels), run(reference), "{pieces} pieces, {rule:?}");
                    for (lane, found) in run(kernels).0.into_iter().enumerate() {
                        let u: Vec<f64> =
                            candidates.chunks(PANEL).map(|row| row[lane].into()).collect();
                        let eta = f64::from(if smallest { -etas[lane] } else { etas[lane] });
                        let exact = soft64::pool(rule, eta, &u, &mut vec![0.0; pieces]);
                        let error = (f64::from(f32::from_bits(found)) - exact).abs();
                        assert!(error <= 4e-6 + 2e-6 / eta.abs(), "{error} at η {eta}, {rule:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn soft_window_pools_match_the_reference() {
    on_every_tier(|kernels, reference| {
        let mut source = Source(45);
        for (planes, plane, cells, taps) in [(3, 16, 4, 4), (2, 30, 7, 9), (1, 60, 2, 49)] {
            let input = source.vec(planes * plane * PANEL);
            let windows = random_windows(&mut source, cells, plane, taps);
            for smallest in [false, true] {
                for rule in [PoolRule::Mean, PoolRule::LogPartition] {
                    let (input, windows) = (&input, &windows);
                    let block = WindowExtreme { input, planes, plane, windows, taps, smallest };
                    let pool = SoftPool { sharpness: Param::Rows(&[1.0, 7.0, 0.25]), rule };
                    let run = |kernels: &Kernels| {
                        let mut out = vec![9.0; planes * cells * PANEL];
                        let mut words = vec![7; planes * cells * fields::width(taps)];
                        kernels.soft_window_extreme(&block, &pool, &mut out, &mut words, None);
                        (bits(&out), words)
                    };
                    assert!(run(kernels) == run(reference), "{taps} taps, {rule:?}");
                    let mut hard = vec![9.0; planes * cells * PANEL];
                    let mut words = vec![7; planes * cells * fields::width(taps)];
                    kernels.window_extreme(&block, &mut hard, &mut words, None);
                    assert_eq!(run(kernels).1, words, "bits are those of the hard rule");
                }
            }
        }
    });
}

#[test]
fn f64_slopes_are_those_of_the_values() {
    for link in LINKS {
        for scale in [None, Some(-0.75)] {
            let gate = Gate { link, sharpness: 1.7, line: [-0.8, 0.3], scale };
            for i in -400..400 {
                let (z, h) = (f64::from(i) / 33.0 + 0.004, 1e-6);
                let Jet { slope, .. } = gate.jet(z);
                let difference = (gate.jet(z + h).value - gate.jet(z - h).value) / (2.0 * h);
                assert!(
                    (slope - difference).abs() < 1e-7,
                    "{link:?} at {z}: {slope}, {difference}"
                );
            }
            for z in [1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY] {
                assert!(!link.jet(z).slope.is_nan(), "{link:?} at {z}");
            }
        }
    }
    let u = [0.3, -1.2, 0.31, f64::NEG_INFINITY];
    for rule in [PoolRule::Mean, PoolRule::LogPartition] {
        let mut slopes = [0.0; 4];
        soft64::pool(rule, 2.5, &u, &mut slopes);
        for i in 0..4 {
            let at = |h: f64| {
                let mut moved = u;
                moved[i] += h;
                soft64::pool(rule, 2.5, &moved, &mut [0.0; 4])
            };
            let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((slopes[i] - difference).abs() < 1e-8, "{rule:?}: {slopes:?}, {difference}");
        }
    }
}

#[test]
fn gates_are_near_their_f64_versions() {
    let x: Vec<_> = (0..32).map(|i| 0.5 * i as f32 - 8.0).collect();
    for link in LINKS {
        let gate =
            SoftGate::new(link, Param::Splat(0.7)).along(Param::Splat(1.25), Param::Splat(0.5));
        let exact = Gate { link, sharpness: f64::from(0.7f32), line: [1.25, 0.5], scale: None };
        for (x, y) in x.iter().zip(values(SoftUnit::new(&[gate]), &x).0) {
            assert_near(y, exact.jet((*x).into()).value);
        }
    }
}

#[test]
fn the_normal_law_in_f64_keeps_its_tail() {
    // From 40-digit arithmetic.
    for (x, expected) in [
        (-1.0, 0.158_655_253_931_457_05),
        (-5.3, 5.790_134_039_964_594e-8),
        (-20.1, 3.689_680_863_721_389_6e-90),
        (-37.3, 8.205_494_844_930_773e-305),
    ] {
        let relative = soft64::normal_cdf(x) / expected - 1.0;
        assert!(relative.abs() < 2e-15, "Φ({x}) is off by {relative}");
    }
}

/// Where most pre-activations are, functions are within two units in the last place; Φ on the side where it is no tail.
#[test]
fn functions_are_within_two_ulps_in_the_central_range() {
    for tier in Tier::available() {
        let kernels = Kernels::of(tier);
        for function in &FUNCTIONS {
            let from = if function.name == "normal_cdf" { 0 } else { -400_000 };
            let x: Vec<f32> = (from..=400_000).map(|i| i as f32 / 100_000.0).collect();
            let mut y = vec![9.0; x.len()];
            (function.map)(kernels, &x, &mut y);
            let errors = x.iter().zip(&y).map(|(&x, &y)| (error(x, y, function), x));
            let (worst, at) = errors.fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a });
            eprintln!("{} on {tier}: {worst:.2} ulp at {at}", function.name);
            assert!(worst <= 2.1, "{} on {tier}: {worst:.2} ulp at {at}", function.name);
        }
    }
}
