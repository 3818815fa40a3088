//! Soft inference over the pieces of splines: the numbers of the β-VQ family, its limits, its relations.

use maso_core::network::{Inference, PerUnit, Rule, ScalarSpline, Soft, SoftenError};
use maso_simd::PoolRule;
use maso_simd::soft64::{Jet, pool};

fn relu() -> ScalarSpline {
    ScalarSpline::hinge(PerUnit::uniform(0.0), 1.0)
}

fn leaky(slope: f64) -> ScalarSpline {
    ScalarSpline::hinge(PerUnit::uniform(slope), 1.0)
}

/// hard-tanh: one convex and one concave hinge.
fn hard_tanh() -> ScalarSpline {
    ScalarSpline::uniform(&[-1.0, 1.0], &[0.0, 1.0, 0.0], &[-1.0, 0.0, 1.0])
}

fn softshrink() -> ScalarSpline {
    ScalarSpline::uniform(&[-0.5, 0.5], &[1.0, 0.0, 1.0], &[0.5, 0.0, -0.5])
}

fn splines() -> [ScalarSpline; 7] {
    [relu(), leaky(0.01), leaky(-1.0), leaky(1.5), hard_tanh(), softshrink(), hat()]
}

/// A hat: 0, up to 1 at 0, down, 0.
fn hat() -> ScalarSpline {
    ScalarSpline::uniform(&[-1.0, 0.0, 1.0], &[0.0, 1.0, -1.0, 0.0], &[0.0, 1.0, 1.0, 0.0])
}

/// The value and piece of the spline's one unit.
fn at(spline: &ScalarSpline, z: f64) -> (f64, usize) {
    let (mut y, mut piece) = ([0.0], [0]);
    Rule::Spline(spline.clone()).apply(&[&[z]], &mut y, &mut piece);
    (y[0], piece[0])
}

fn jet(spline: &ScalarSpline, z: f64) -> Jet {
    spline.soft.as_ref().expect("a soft spline").jet(z, 0)
}

fn mean(spline: &ScalarSpline, beta: f64) -> ScalarSpline {
    spline.softened(&Inference::beta_vq(beta)).expect("a β from 0 to 1")
}

fn points() -> impl Iterator<Item = f64> {
    (-400..=400).map(|i| f64::from(i) / 80.0)
}

fn near(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "{found}, expected {expected}");
}

#[test]
fn swish_abs_and_leaky_have_the_known_values() {
    for (beta, plus, minus) in [
        (0.5, 0.731_058_578_6, -0.268_941_421_4),
        (0.75, 0.952_574_126_8, -0.047_425_873_2),
        (0.9, 0.999_876_605_4, -1.233_945_8e-4),
    ] {
        near(at(&mean(&relu(), beta), 1.0).0, plus, 1e-10);
        near(at(&mean(&relu(), beta), -1.0).0, minus, 1e-10);
    }
    near(at(&mean(&leaky(-1.0), 0.5), 1.0).0, 0.761_594_156_0, 1e-10);
    near(at(&mean(&leaky(0.01), 0.5), -1.0).0, -0.278_202_956_9, 1e-10);
    near(at(&mean(&leaky(0.01), 0.9), -1.0).0, -0.010_133_663_5, 1e-10);
}

#[test]
fn sharpness_is_beta_over_one_minus_beta() {
    for (beta, eta) in
        [(0.1, 0.111_111), (0.25, 0.333_333), (0.5, 1.0), (0.75, 3.0), (0.9, 9.0), (0.99, 99.0)]
    {
        let Some(Soft::Gates(gates)) = mean(&relu(), beta).soft else { panic!("gates") };
        near(gates.gates[0].sharpness.at(0), eta, 1e-6);
    }
}

#[test]
fn one_is_the_hard_rule_bit_for_bit_and_zero_the_average_of_the_pieces() {
    for spline in splines() {
        for z in points() {
            let hard = at(&spline, z);
            let one = at(&mean(&spline, 1.0), z);
            assert_eq!((one.0.to_bits(), one.1), (hard.0.to_bits(), hard.1));
            if spline.knots.len() == 1 {
                let line =
                    |piece: usize| spline.slopes[piece].at(0) * z + spline.offsets[piece].at(0);
                near(at(&mean(&spline, 0.0), z).0, (line(0) + line(1)) / 2.0, 1e-14);
            }
        }
    }
}

#[test]
fn codes_are_those_of_the_hard_rule_for_every_beta() {
    for spline in splines() {
        for beta in [0.0, 0.1, 0.5, 0.9, 0.999_999] {
            let soft = mean(&spline, beta);
            assert!(points().all(|z| at(&soft, z).1 == at(&spline, z).1), "β {beta}");
        }
    }
}

#[test]
fn the_mean_is_below_a_convex_spline_and_the_log_partition_above_it() {
    for spline in [relu(), leaky(0.01), leaky(-1.0)] {
        for beta in [0.1, 0.5, 0.75, 0.9] {
            let eta = beta / (1.0 - beta);
            let log = spline.softened(&Inference::log_partition(beta)).expect("a β above 0");
            for z in points() {
                let (hard, mean, log) =
                    (at(&spline, z).0, at(&mean(&spline, beta), z).0, at(&log, z).0);
                assert!(mean <= hard + 1e-14 && hard <= log + 1e-14, "{mean} {hard} {log}");
                assert!(log <= hard + 2f64.ln() / eta + 1e-14);
                // log-partition = mean + H/η
                let distance = (spline.slopes[1].at(0) - spline.slopes[0].at(0)) * z;
                let entropy = [distance, -distance].map(|d| {
                    let t = 1.0 / (1.0 + (-eta * d).exp());
                    if t == 0.0 { 0.0 } else { -t * t.ln() }
                });
                near(log, mean + (entropy[0] + entropy[1]) / eta, 1e-12);
            }
        }
    }
}

#[test]
fn the_gap_to_relu_is_lambert_w_of_1_over_e_by_eta() {
    for beta in [0.25, 0.5, 0.9] {
        let (eta, soft) = (beta / (1.0 - beta), mean(&relu(), beta));
        let gap = |z: f64| at(&relu(), z).0 - at(&soft, z).0;
        let largest = 0.278_464_542_761_073_8 / eta;
        for z in [1.278_464_542_761 / eta, -1.278_464_542_761 / eta] {
            near(gap(z), largest, 1e-12);
        }
        assert!(points().all(|z| gap(z) <= largest + 1e-14));
        near(at(&soft, -1.278_464_542_761 / eta).0, -largest, 1e-12);
    }
}

#[test]
fn derivatives_are_difference_quotients() {
    let step = 1e-6;
    for spline in splines() {
        for inference in &[
            Inference::beta_vq(0.0),
            Inference::beta_vq(0.5),
            Inference::beta_vq(0.9),
            Inference::log_partition(0.75),
            Inference::Probit,
            Inference::ProbitTanh,
        ] {
            let soft = spline.softened(inference).expect("a soft spline");
            for z in points() {
                let quotient =
                    (jet(&soft, z + step).value - jet(&soft, z - step).value) / (2.0 * step);
                near(jet(&soft, z).slope, quotient, 1e-7);
            }
        }
    }
}

#[test]
fn concave_hinges_are_negated_soft_maxima() {
    // min(z, 0) = −max(−z, 0).
    let down = ScalarSpline::uniform(&[0.0], &[1.0, 0.0], &[0.0, 0.0]);
    for inference in [Inference::beta_vq(0.7), Inference::log_partition(0.7), Inference::Probit] {
        let (down, up) = (down.softened(&inference), relu().softened(&inference));
        let (down, up) = (down.expect("soft"), up.expect("soft"));
        points().for_each(|z| near(at(&down, z).0, -at(&up, -z).0, 1e-13));
    }
}

#[test]
fn a_beta_out_of_range_is_refused() {
    for beta in [-0.1, 1.1, f64::NAN] {
        let error = relu().softened(&Inference::beta_vq(beta)).expect_err("out of range");
        assert!(matches!(error, SoftenError::Beta { .. }), "{error}");
    }
    let error = relu().softened(&Inference::log_partition(0.0)).expect_err("out of range");
    assert_eq!(error.to_string(), "beta is 0, expected a number above 0, up to 1");
}

#[test]
fn softmax_pools_have_the_known_values() {
    let (u, mut slopes) = ([1.0, 2.0, 0.5, -1.0], [0.0; 4]);
    near(pool(PoolRule::Mean, 1.0, &u, &mut slopes), 1.480_779_122_6, 1e-10);
    near(pool(PoolRule::LogPartition, 1.0, &u, &mut slopes), 2.495_181_898_1, 1e-10);
    for (t, expected) in slopes.iter().zip([0.224_207_82, 0.609_460_04, 0.135_988_92, 0.030_343_23])
    {
        near(*t, expected, 1e-8);
    }
    // The log-partition is the mean plus the entropy.
    near(entropy(&slopes), 1.014_402_775_5, 1e-10);
    near(pool(PoolRule::Mean, 9.0, &u, &mut slopes), 1.999_874_549_4, 1e-10);
    near(pool(PoolRule::Mean, 0.0, &u, &mut slopes), 0.625, 1e-15);
    // β = 0.7: (1 − β) log Σ exp(η u) is the optimum of β⟨t, u⟩ + (1 − β) H(t).
    let eta = 0.7 / 0.3;
    let log = pool(PoolRule::LogPartition, eta, &u, &mut slopes);
    near(0.3 * eta * log, 1.436_155_449_7, 1e-10);
}

#[test]
fn beta_may_differ_from_channel_to_channel() {
    let betas = [0.0, 0.3, 0.5, 0.9];
    let slopes = PerUnit::blocks(vec![0.1, -0.5, 1.5, 0.0], 2);
    let spline = ScalarSpline::hinge(slopes.clone(), 1.0);
    let inference = Inference::BetaVq(PerUnit::blocks(betas.to_vec(), 2));
    let soft = spline.softened(&inference).expect("soft").soft.expect("soft");
    for unit in 0..8 {
        let alone = ScalarSpline::hinge(PerUnit::uniform(slopes.at(unit)), 1.0);
        for z in points() {
            let expected = jet(&mean(&alone, betas[unit / 2]), z);
            near(soft.jet(z, unit).value, expected.value, 1e-14);
            near(soft.jet(z, unit).slope, expected.slope, 1e-14);
        }
    }
}

fn entropy(t: &[f64]) -> f64 {
    t.iter().filter(|&&t| t > 0.0).map(|t| -t * t.ln()).sum()
}

#[test]
fn memberships_maximise_the_mean_plus_the_entropy() {
    let (u, beta, mut best) = ([1.0, 2.0, 0.5, -1.0], 0.7, [0.0; 4]);
    // The derivatives of the log-partition are the memberships.
    pool(PoolRule::LogPartition, beta / (1.0 - beta), &u, &mut best);
    let objective = |t: &[f64]| {
        let mean: f64 = t.iter().zip(&u).map(|(t, u)| t * u).sum();
        beta * mean + (1.0 - beta) * entropy(t)
    };
    near(objective(&best), 1.436_155_449_7, 1e-10);
    let mut state = 1u64;
    let mut number = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        -((state >> 11) as f64 / (1u64 << 53) as f64 + 1e-18).ln()
    };
    for _ in 0..100_000 {
        let t: [f64; 4] = std::array::from_fn(|_| number());
        let total: f64 = t.iter().sum();
        assert!(objective(&t.map(|t| t / total)) <= objective(&best), "{t:?}");
    }
}
