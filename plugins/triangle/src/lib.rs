//! A plugin that is data alone: a hat of height 1 between two zeros, a bounded activation without a gradient far out.

use maso_plugins::sdk::{Error, Kind, Parameter, Rule, Spline};

/// 0 outside of ±`width`, 1 at 0, straight in between.
#[derive(Debug)]
struct Triangle {
    width: f64,
}

impl Kind for Triangle {
    const NAME: &'static str = "triangle";
    const DESCRIPTION: &'static str = "a hat: 1 at 0, falling to 0 at -width and width";
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::new("width", "half of its base", 1.0, 0.001, 1000.0)];

    fn create(values: &[f64]) -> Result<Self, Error> {
        Ok(Self { width: values[0] })
    }

    fn spline(&self) -> Spline {
        let slope = 1.0 / self.width;
        Spline::new(
            [0.0, slope, -slope, 0.0],
            [0.0, 1.0, 1.0, 0.0],
            [-self.width, 0.0, self.width],
            Rule::Hard,
        )
    }
}

maso_plugins::export_plugin! {
    name: "triangle",
    description: "A hat function, as pieces alone",
    licence: "MIT OR Apache-2.0",
    kinds: [Triangle],
}
