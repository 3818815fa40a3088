//! A plugin whose author did not expect anything to go wrong: each kind panics somewhere else.

use maso_plugins::sdk::{Error, Kind, Line, Parameter, Real, Rule, Spline};

/// Defines a kind whose functions do as usual, or as told.
macro_rules! kind {
    ($kind:ident, $name:literal, create: $create:expr, spline: $spline:expr, soft: $soft:expr) => {
        struct $kind;

        impl Kind for $kind {
            const NAME: &'static str = $name;
            const DESCRIPTION: &'static str = "panics";
            const PARAMETERS: &'static [Parameter] = &[Parameter::new("index", "", 3.0, 0.0, 9.0)];

            fn create(values: &[f64]) -> Result<Self, Error> {
                $create(values)?;
                Ok(Self)
            }

            fn spline(&self) -> Spline {
                $spline();
                Spline::new([0.0, 1.0], [0.0, 0.0], [0.0], Rule::Callback)
            }

            fn soft<S: Real>(&self, line: Line<'_, S>) -> Result<(), Error> {
                let far = line.input.iter().any(|z| *z > S::from_f64(1000.0));
                $soft(far)?;
                line.value.into_iter().flatten().zip(line.input).for_each(|(value, z)| *value = *z);
                Ok(())
            }
        }
    };
}

/// Panics when it is thrown away.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload panics too");
    }
}

fn nothing<T>(_: T) -> Result<(), Error> {
    Ok(())
}

kind!(InCreate, "in-create", create: |values: &[f64]| {
    let table = [0.5, 1.0];
    let _ = table[values[0] as usize];
    Ok::<_, Error>(())
}, spline: || (), soft: nothing);
kind!(Refuses, "refuses", create: |values: &[f64]| {
    Err(Error::parameter(format!("there is no entry {}", values[0])))
}, spline: || (), soft: nothing);
kind!(WithBomb, "with-bomb", create: |_: &[f64]| -> Result<(), Error> {
    std::panic::panic_any(Bomb)
}, spline: || (), soft: nothing);
kind!(InSpline, "in-spline", create: nothing, spline: || panic!("no spline today"), soft: nothing);
kind!(InSoft, "in-soft", create: nothing, spline: || (), soft: |far: bool| {
    assert!(!far, "too far out");
    Ok::<_, Error>(())
});
kind!(MidBatch, "mid-batch", create: nothing, spline: || (), soft: |far: bool| {
    if far { Err(Error::new("a pre-activation is above 1000")) } else { Ok(()) }
});

/// Panics when its instance is destroyed.
struct InDrop;

impl Kind for InDrop {
    const NAME: &'static str = "in-drop";
    const DESCRIPTION: &'static str = "panics";

    fn create(_: &[f64]) -> Result<Self, Error> {
        Ok(Self)
    }

    fn spline(&self) -> Spline {
        Spline::new([1.0], [0.0], [], Rule::Hard)
    }
}

impl Drop for InDrop {
    fn drop(&mut self) {
        panic!("not so easily");
    }
}

maso_plugins::export_plugin! {
    name: "panics",
    description: "Panics everywhere",
    licence: "MIT OR Apache-2.0",
    kinds: [InCreate, Refuses, WithBomb, InSpline, InSoft, MidBatch, InDrop],
}
