//! Spline parameters rounded to f32 and laid out for a step.

use maso_simd::{Link, MOST_PIECES, Param, SoftUnit, Spline, bits};

use super::Pass;
use crate::network::{Function, PerUnit, ScalarSpline, Soft, SoftGate, SoftPool};

/// One parameter.
#[derive(Clone, Debug)]
pub(in crate::pack) enum Packed<T = f32> {
    Splat(T),
    Values(Vec<T>),
}

impl<T: Copy + PartialEq> Packed<T> {
    /// A number for each unit asked for, or one number where they are all the same.
    pub(in crate::pack) fn of(values: Vec<T>) -> Self {
        match values.split_first() {
            Some((first, rest)) if rest.iter().all(|value| value == first) => Self::Splat(*first),
            _ => Self::Values(values),
        }
    }

    /// As a kernel's parameter; `part` picks from a list.
    #[inline]
    pub(in crate::pack) fn bind<'a>(
        &'a self,
        part: impl Fn(&'a [T]) -> Param<'a, T>,
    ) -> Param<'a, T> {
        match self {
            Self::Splat(value) => Param::Splat(*value),
            Self::Values(values) => part(values),
        }
    }

    /// The number of the unit asked for as `index`-th.
    pub(in crate::pack) fn at(&self, index: usize) -> T {
        match self {
            Self::Splat(value) => *value,
            Self::Values(values) => values[index],
        }
    }
}

impl Packed {
    /// The values of `parameter` at `units`, or one number where it is uniform.
    pub(in crate::pack) fn new(parameter: &PerUnit, units: impl Iterator<Item = usize>) -> Self {
        match parameter.as_uniform() {
            Some(value) => Self::Splat(value as f32),
            None => Self::Values(units.map(|unit| parameter.at(unit) as f32).collect()),
        }
    }

    fn pad(&mut self, len: usize) {
        if let Self::Values(values) = self {
            values.resize(len, 0.0);
        }
    }
}

/// A spline's parameters; no pieces at all where there is no spline.
#[derive(Clone, Debug, Default)]
pub(in crate::pack) struct PackedSpline {
    knots: Vec<Packed>,
    slopes: Vec<Packed>,
    offsets: Vec<Packed>,
    soft: Option<PackedSoft>,
}

/// Soft inference, packed.
#[derive(Clone, Debug)]
enum PackedSoft {
    Gates { base: Option<[Packed; 2]>, gates: Vec<PackedGate> },
    Function(Function),
}

#[derive(Clone, Debug)]
struct PackedGate {
    link: Link,
    sharpness: Packed,
    line: Option<[Packed; 2]>,
    scale: Option<Packed>,
}

impl PackedGate {
    fn new(gate: &SoftGate, pack: impl Fn(&PerUnit) -> Packed) -> Self {
        Self {
            link: gate.link,
            sharpness: pack(&gate.sharpness),
            line: gate.line.as_ref().map(|line| line.each_ref().map(&pack)),
            scale: gate.scale.as_ref().map(&pack),
        }
    }

    fn parameters_mut(&mut self) -> impl Iterator<Item = &mut Packed> {
        self.line.iter_mut().flatten().chain([&mut self.sharpness]).chain(&mut self.scale)
    }

    #[inline]
    fn bind<'a>(&'a self, part: impl Fn(&'a [f32]) -> Param<'a>) -> maso_simd::SoftGate<'a> {
        let mut gate = maso_simd::SoftGate::new(self.link, self.sharpness.bind(&part));
        if let Some([slope, offset]) = &self.line {
            gate = gate.along(slope.bind(&part), offset.bind(&part));
        }
        match &self.scale {
            Some(scale) => gate.scaled(scale.bind(&part)),
            None => gate,
        }
    }
}

impl PackedSoft {
    fn new(soft: &Soft, pack: impl Fn(&PerUnit) -> Packed) -> Self {
        match soft {
            Soft::Gates(soft) => Self::Gates {
                base: soft.base.as_ref().map(|base| base.each_ref().map(&pack)),
                gates: soft.gates.iter().map(|gate| PackedGate::new(gate, &pack)).collect(),
            },
            Soft::Function(function) => Self::Function(function.clone()),
        }
    }

    /// Pads lists with zeros to `len`.
    fn pad(&mut self, len: usize) {
        if let Self::Gates { base, gates } = self {
            let gates = gates.iter_mut().flat_map(PackedGate::parameters_mut);
            base.iter_mut().flatten().chain(gates).for_each(|parameter| parameter.pad(len));
        }
    }

    #[inline]
    fn bind<'a>(&'a self, part: impl Fn(&'a [f32]) -> Param<'a>) -> maso_simd::Soft<'a> {
        let (base, gates) = match self {
            Self::Gates { base, gates } => (base, gates),
            Self::Function(function) => return maso_simd::Soft::Function(&*function.0),
        };
        let bound: [_; MOST_PIECES - 1] =
            std::array::from_fn(|i| gates[i.min(gates.len() - 1)].bind(&part));
        let unit = SoftUnit::new(&bound[..gates.len()]);
        maso_simd::Soft::Gates(match base {
            Some([slope, offset]) => unit.over(slope.bind(&part), offset.bind(&part)),
            None => unit,
        })
    }
}

impl PackedSpline {
    /// The parameters at `units`.
    pub(in crate::pack) fn new(
        spline: Option<&ScalarSpline>,
        units: impl Iterator<Item = usize> + Clone,
    ) -> Self {
        let Some(spline) = spline else { return Self::default() };
        let pack = |list: &[PerUnit]| list.iter().map(|p| Packed::new(p, units.clone())).collect();
        Self {
            knots: pack(&spline.knots),
            slopes: pack(&spline.slopes),
            offsets: pack(&spline.offsets),
            soft: spline.soft.as_ref().map(|soft| {
                PackedSoft::new(soft, |parameter| Packed::new(parameter, units.clone()))
            }),
        }
    }

    /// Pads lists with zeros to `len`.
    pub(in crate::pack) fn padded(mut self, len: usize) -> Self {
        let all = self.knots.iter_mut().chain(&mut self.slopes).chain(&mut self.offsets);
        all.for_each(|parameter| parameter.pad(len));
        self.soft.iter_mut().for_each(|soft| soft.pad(len));
        self
    }

    /// Bits of each unit.
    pub(in crate::pack) fn bits(&self) -> usize {
        bits::width(self.slopes.len())
    }

    /// Whether all units have the same slopes.
    pub(in crate::pack) fn has_uniform_slopes(&self) -> bool {
        self.slopes.iter().all(|slope| matches!(slope, Packed::Splat(_)))
    }

    /// Runs `job` with the slope of each piece, if there is a spline; `part` picks from each list.
    pub(in crate::pack) fn with_slopes<'a>(
        &'a self,
        part: impl Fn(&'a [f32]) -> Param<'a>,
        job: impl FnOnce(&[Param<'a>]),
    ) {
        if self.slopes.is_empty() {
            return;
        }
        let mut slopes = [Param::Splat(0.0); MOST_PIECES];
        slopes.iter_mut().zip(&self.slopes).for_each(|(bound, slope)| *bound = slope.bind(&part));
        job(&slopes[..self.slopes.len()]);
    }

    /// What ends a step's sums in `pass`: tangents are gated afterwards, by the bits.
    pub(in crate::pack) fn bind_in<'a>(
        &'a self,
        pass: Pass,
        part: impl Fn(&'a [f32]) -> Param<'a>,
    ) -> Spline<'a> {
        match pass {
            Pass::Values => self.bind(part),
            Pass::Tangents => Spline::identity(),
        }
    }

    /// As a kernel's spline; `part` picks from each list.
    pub(in crate::pack) fn bind<'a>(&'a self, part: impl Fn(&'a [f32]) -> Param<'a>) -> Spline<'a> {
        if self.slopes.is_empty() {
            return Spline::identity();
        }
        let mut parameters = [[Param::Splat(0.0); MOST_PIECES]; 3];
        for (bound, list) in parameters.iter_mut().zip([&self.knots, &self.slopes, &self.offsets]) {
            for (bound, parameter) in bound.iter_mut().zip(list) {
                *bound = parameter.bind(&part);
            }
        }
        let pieces = self.slopes.len();
        let [knots, slopes, offsets] = &parameters;
        if let Some(soft) = &self.soft {
            return Spline::soft(&knots[..pieces - 1], soft.bind(&part));
        }
        Spline::new(&knots[..pieces - 1], &slopes[..pieces], &offsets[..pieces])
    }
}

/// A soft maximum, packed.
pub(in crate::pack) fn packed_pool(pool: Option<SoftPool>) -> Option<maso_simd::SoftPool<'static>> {
    pool.map(|SoftPool { rule, sharpness }| maso_simd::SoftPool {
        rule,
        sharpness: Param::Splat(sharpness as f32),
    })
}
