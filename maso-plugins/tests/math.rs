//! The vectorised functions that a program hands over: plugins call them, and their panics end at the border.

mod common;

use maso_plugins::host::{Block, Error, Math, Plugin, set_math};

/// A sigmoid that panics above 50.
fn odd_sigmoid(x: &[f64], y: &mut [f64]) {
    for (x, y) in x.iter().zip(y) {
        assert!(*x <= 50.0, "too large for this function");
        *y = 1.0 / (1.0 + (-x).exp());
    }
}

/// The functions are one per process, so this is one test.
#[test]
fn plugins_call_the_programs_functions() {
    set_math(Math { sigmoid_f64: odd_sigmoid, ..Math::default() }).unwrap();
    assert!(matches!(set_math(Math::default()), Err(Error::MathSet)));

    let plugin = Plugin::open(common::shipped("sigmoid-gated")).unwrap();
    let swish = plugin.kind("sigmoid-gated-callback").unwrap().create(&[]).unwrap();
    let (z, mut value) = ([1.0, 60.0], [0.0; 2]);
    swish.soft_f64(Block::line(&z).value(&mut value, 2)).unwrap();
    assert!(value.iter().all(|value| value.is_nan()), "the panic left {value:?}");
    swish.soft_f64(Block::line(&z[..1]).value(&mut value, 1)).unwrap();
    assert!((value[0] - 0.731_058_578_630_004_9).abs() < 1e-15, "{value:?}");
    // The other type's function is as it was.
    let mut value = [0.0_f32];
    swish.soft_f32(Block::line(&[60.0]).value(&mut value, 1)).unwrap();
    assert_eq!(value, [60.0]);
}
