//! The numbers that the vector functions and their scalar reference share: what an argument is reduced by, and
//! minimax polynomials, rounded to f32 one coefficient after the other.

/// 1.5 · 2²³: f32s of this size are whole, so that adding it rounds to an integer, which stands in the lowest bits.
pub(crate) const MAGIC: f32 = 12_582_912.0;
/// What the exponent field of 1 holds.
pub(crate) const BIAS: f32 = 127.0;
/// log 2 in two parts; the first has few bits, so that its product with an integer below 2¹⁵ is exact.
pub(crate) const LN_2: [f32; 2] = [355.0 / 512.0, -2.121_944_4e-4];

/// (eʳ − 1 − r) / r² for |r| ≤ log(2)/2; eʳ to 2⁻²⁸.
pub(crate) const EXP: [f32; 5] =
    [0.499_999_94, 0.166_665_15, 0.041_668_084, 0.008_369_348, 0.001_384_036_7];

/// e¹⁰⁴ is 0 and e⁸⁹ infinite once they are rounded to f32.
pub(crate) const EXP_RANGE: [f32; 2] = [-104.0, 89.0];
/// Between these 1 + eᵗ passes from 1 to infinity.
pub(crate) const ONE_PLUS_EXP_RANGE: [f32; 2] = [-40.0, 90.0];
/// Steps for exponents that a single power of two does not reach: 2⁸ and 2⁻³².
pub(crate) const UP: [f32; 2] = [-8.0, 256.0];
pub(crate) const DOWN: [f32; 2] = [32.0, 2.328_306_4e-10];
/// [`EXP`] times the factor of [`UP`].
pub(crate) const EXP_UP: [f32; 5] = {
    let (mut scaled, mut i) = (EXP, 0);
    while i < scaled.len() {
        scaled[i] *= UP[1];
        i += 1;
    }
    scaled
};
/// From here on eᵗ is so large that (eᵗ − 1) / (eᵗ + 1) is 1.
pub(crate) const TANH_LIMIT: f32 = -20.0;
/// From here on eᵗ is so large that tanh(log(1 + eᵗ)) is 1.
pub(crate) const MISH_LIMIT: f32 = 40.0;

/// (log(1 + u) − u) / u² for 0 ≤ u ≤ 1; log(1 + u) to 2⁻²⁷·⁵.
pub(crate) const LOG_OF_ONE_PLUS: [f32; 9] = [
    -0.499_999_3,
    0.333_304_64,
    -0.249_580_19,
    0.196_921_02,
    -0.153_448_8,
    0.106_611_28,
    -0.057_457_23,
    0.020_086_242,
    -0.003_290_468_6,
];

/// (log(1 + f) − f) / f² for √½ − 1 ≤ f ≤ √2 − 1; log(1 + f) to 2⁻²⁴·⁹.
pub(crate) const LOG: [f32; 8] = [
    -0.499_999_9,
    0.333_339_57,
    -0.250_018_27,
    0.199_617_04,
    -0.165_685_28,
    0.149_211_3,
    -0.143_236_8,
    0.087_434_29,
];

/// From here on Φ(−a) is 0 once it is rounded to f32.
pub(crate) const NORMAL_LIMIT: f32 = 14.3;
/// 2¹² + 1: the factor that splits a number in halves of 12 bits (Veltkamp).
pub(crate) const SPLITTER: f32 = 4097.0;
/// Numerator and denominator of Φ(−a)·exp(a²/2) for 0 ≤ a ≤ 14.3, to 2⁻²⁶·⁸.
pub(crate) const NORMAL: ([f32; 5], [f32; 6]) = (
    [0.542_340_1, 0.474_189_46, 0.197_818_1, 0.043_750_86, 0.004_414_365_6],
    [1.084_680_2, 1.813_828_8, 1.300_517_9, 0.506_753_7, 0.109_674_43, 0.011_065_037],
);

/// 2√(2/π) · [1, 0.044715]: of the argument of the logistic function that stands for Φ.
pub(crate) const NORMAL_TANH: [f32; 2] = [1.595_769_2, 0.071_354_814];
