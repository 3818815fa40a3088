//! An elementwise step, whatever its layout: what is added up, and where its parameters change.

use super::Pass;
use super::join::Joined;
use super::parameters::{Packed, PackedSpline};
use crate::network::{Affine, Operator, PerUnit, Rule, ScalarSpline};

/// A sum of scaled inputs and a shift, under a spline.
#[derive(Clone, Debug)]
pub(super) struct Terms<'n> {
    /// One factor for each input.
    scales: Vec<PerUnit>,
    shift: Option<&'n PerUnit>,
    spline: Option<&'n ScalarSpline>,
}

/// The same, packed: one number of each parameter for each unit asked for.
#[derive(Clone, Debug)]
pub(super) struct PackedTerms {
    pub(super) scales: Vec<Packed>,
    pub(super) shift: Option<Packed>,
    pub(super) spline: PackedSpline,
}

impl PackedTerms {
    /// What the sum starts from, if anything, in `pass`.
    pub(super) fn shift_in(&self, pass: Pass) -> Option<&Packed> {
        self.shift.as_ref().filter(|_| pass == Pass::Values)
    }
}

impl<'n> Terms<'n> {
    /// The elementwise operator of a step; `None` if it is another.
    pub(super) fn of(joined: &Joined<'n>) -> Option<Self> {
        let one = || PerUnit::uniform(1.0);
        let (scales, shift, spline) = match &joined.base.operator {
            Operator::Affine(Affine::Scale(scale)) => {
                (vec![scale.scale.clone()], Some(&scale.shift), joined.spline)
            }
            Operator::Sum { negate } => {
                let second = PerUnit::uniform(if *negate { -1.0 } else { 1.0 });
                (vec![one(), second], None, joined.spline)
            }
            Operator::Nonlinear(Rule::Spline(spline)) => (vec![one()], None, Some(spline)),
            _ => return None,
        };
        Some(Self { scales, shift, spline })
    }

    /// The longest block on which all parameters are constant: `len` if none of them changes, 1 if some
    /// change from unit to unit.
    pub(super) fn block(&self, len: usize) -> usize {
        let of_spline = self.spline.into_iter().flat_map(ScalarSpline::parameters);
        let all = self.scales.iter().chain(self.shift).chain(of_spline);
        let varying: Vec<_> = all.filter(|p| p.as_uniform().is_none()).collect();
        let shortest = varying.iter().map(|parameter| parameter.block()).min();
        let shared = shortest.filter(|&block| varying.iter().all(|p| p.is_blocked_by(block)));
        if varying.is_empty() { len } else { shared.unwrap_or(1) }
    }

    /// The parameters at `units`.
    pub(super) fn pack(&self, units: impl Iterator<Item = usize> + Clone) -> PackedTerms {
        let pack = |parameter| Packed::new(parameter, units.clone());
        PackedTerms {
            scales: self.scales.iter().map(pack).collect(),
            shift: self.shift.map(pack),
            spline: PackedSpline::new(self.spline, units.clone()),
        }
    }
}
