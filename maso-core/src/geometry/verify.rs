//! Checks of a slice against what has to hold of any: areas, counts, codes, and maps that meet at the edges.

use std::cmp::Ordering;

use hashbrown::HashSet;
use rayon::prelude::*;

use super::exact::{Dyadic, Triple};
use super::forms::{Kind, Plan};
use super::fresh::{BATCH, Fresh};
use super::slice::{CellComplex, Exact, Slice, WallOf};
use crate::network::Network;

/// What was found of a slice.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SliceCheck {
    /// How far the regions' areas together are from the window's, as a part of it.
    pub area_error: f64,
    /// V − E + F: 1.
    pub euler: i64,
    /// Edges inside the window with less than two cells, or on its boundary with two.
    pub wrong_edges: usize,
    /// Regions whose code another region has.
    pub repeated_codes: usize,
    /// Regions whose code is not that of a point inside.
    pub wrong_codes: usize,
    /// Regions too thin to evaluate the network inside of them in f64: looked at in exact arithmetic.
    pub checked_exactly: usize,
    /// The largest difference between the maps of two regions at a vertex of theirs, as a part of the largest output
    /// there is; null if the maps were not kept.
    pub largest_jump: Option<f64>,
}

/// Batches that are checked one after another, with what is known exactly kept.
const BATCHES: usize = 16;

/// What rounding may do to an area or an output.
const ROUNDING: f64 = 1e-9;

impl SliceCheck {
    /// Whether all is as it has to be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.area_error <= ROUNDING
            && self.euler == 1
            && [self.wrong_edges, self.repeated_codes, self.wrong_codes] == [0; 3]
            && self.largest_jump.is_none_or(|jump| jump <= ROUNDING)
    }
}

impl Slice {
    /// Checks a complete slice of `network`.
    ///
    /// # Panics
    /// If `network` is not the one that was sliced.
    #[must_use]
    pub fn verify(&self, network: &Network) -> SliceCheck {
        let regions = &self.regions;
        let own: f64 = (0..regions.len()).map(|cell| regions.area(cell)).sum();
        let whole = self.window.area();
        let (wrong_codes, checked_exactly) = self.wrong_codes(network);
        SliceCheck {
            area_error: if whole > 0.0 { (own - whole).abs() / whole } else { own.abs() },
            euler: regions.euler(),
            wrong_edges: wrong_edges(regions),
            repeated_codes: self.repeated_codes(),
            wrong_codes,
            checked_exactly,
            largest_jump: self.largest_jump(),
        }
    }

    fn repeated_codes(&self) -> usize {
        let mut seen = HashSet::new();
        (0..self.regions.len()).filter(|&region| !seen.insert(self.code(region))).count()
    }

    /// Regions whose code is not that of their middle, and how many of all had to be looked at exactly.
    fn wrong_codes(&self, network: &Network) -> (usize, usize) {
        let plan = self.plan(network);
        let fresh = Fresh::new(network);
        let regions: Vec<usize> = (0..self.regions.len()).collect();
        let batches = regions.par_chunks(BATCH * BATCHES);
        let counts = batches.map(|regions| {
            let mut exact = self.exact();
            let batches = regions.chunks(BATCH);
            let counts = batches.map(|regions| self.check(&plan, &fresh, &mut exact, regions));
            counts.fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
        });
        counts.reduce(|| (0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
    }

    /// The same of some regions.
    fn check(
        &self,
        plan: &Plan<'_>,
        fresh: &Fresh<'_>,
        exact: &mut [Exact],
        regions: &[usize],
    ) -> (usize, usize) {
        let middles: Vec<Vec<f64>> = regions
            .iter()
            .map(|&region| self.plane.point(middle(&self.regions.polygon(region))))
            .collect();
        let (mut wrong, mut checked) = (0, 0);
        for (&region, mut code) in regions.iter().zip(fresh.codes(&middles)) {
            self.forget_later_layers(plan.network, &mut code);
            if code != self.code(region) {
                checked += 1;
                let point = self.exact_middle(plan, exact, region);
                wrong += usize::from(!self.is_code_at(plan, exact, region, &point));
            }
        }
        (wrong, checked)
    }

    /// Clears the bits of layers that were not decided.
    fn forget_later_layers(&self, network: &Network, code: &mut [u64]) {
        for layer in &network.layout().layers()[self.layers()..] {
            (0..layer.units()).for_each(|unit| layer.replace_piece(code, unit, 0));
        }
    }

    /// A point inside a region, exactly: a mean of its vertices.
    fn exact_middle(&self, plan: &Plan<'_>, exact: &mut [Exact], region: usize) -> Triple {
        let corners: Vec<(usize, u32)> = self.regions.made_of(region).collect();
        let mean = corners
            .into_iter()
            .map(|(patch, vertex)| (*exact[patch].vertex(self.given(plan, patch), vertex)).clone());
        let mean = mean.reduce(|x, y| {
            // x / x₂ + y / y₂, over one denominator; the middle of the two is as far along.
            let [x, y] = [scaled(&x, &y[2]), scaled(&y, &x[2])];
            std::array::from_fn(|i| &x[i] + &y[i])
        });
        mean.expect("a region has vertices")
    }

    /// Whether what is decided in a region is what is so at a point, stage by stage.
    fn is_code_at(
        &self,
        plan: &Plan<'_>,
        exact: &mut [Exact],
        region: usize,
        point: &Triple,
    ) -> bool {
        let (patch, cell) = self.place(region);
        let (given, exact) = (self.given(plan, patch), &mut exact[patch]);
        let path = self.path(region);
        plan.stages.iter().zip(&path).all(|(stage, words)| match &stage.kind {
            Kind::Signs(_) => (0..stage.rows()).all(|row| {
                let above = words[row / 64] >> (row % 64) & 1 == 1;
                let sign = exact.sign_at_point(given, cell, stage.row(plan.network, row), point);
                above == (sign == Ordering::Greater)
            }),
            Kind::Contest(contest) => (0..stage.units).all(|unit| {
                let candidates = &contest.candidates[unit];
                let piece = stage.piece(words, unit) as u32;
                let place =
                    candidates.iter().position(|(of, _)| *of == piece).expect("a candidate");
                candidates.iter().enumerate().all(|(other, (_, rival))| {
                    let pair = [*rival, candidates[place].1];
                    let sign = exact.sign_at_point(given, cell, pair, point);
                    let sign = if contest.smallest { sign.reverse() } else { sign };
                    other == place
                        || sign == Ordering::Less
                        || sign == Ordering::Equal && other > place
                })
            }),
        })
    }

    fn largest_jump(&self) -> Option<f64> {
        let maps = self.maps.as_ref()?;
        let (mut jump, mut largest) = (0.0f64, 0.0f64);
        for edge in self.regions.edges.iter().filter(|edge| edge.is_inner()) {
            for end in edge.ends {
                let [s, t] = self.regions.vertices[end as usize];
                let [x, y] = edge.cells.map(|cell| maps.of(cell as usize));
                for (x, y) in x.iter().zip(y) {
                    let [x, y] = [x, y].map(|[a, b, c]| a * s + b * t + c);
                    (jump, largest) = (jump.max((x - y).abs()), largest.max(x.abs()));
                }
            }
        }
        Some(if largest > 0.0 { jump / largest } else { 0.0 })
    }
}

fn scaled(point: &Triple, factor: &Dyadic) -> Triple {
    std::array::from_fn(|i| &point[i] * factor)
}

fn wrong_edges(regions: &CellComplex) -> usize {
    let is_wrong =
        |edge: &&super::slice::SliceEdge| edge.is_inner() == matches!(edge.wall, WallOf::Window(_));
    regions.edges.iter().filter(is_wrong).count()
}

/// The mean of a polygon's corners.
fn middle(polygon: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|axis| polygon.iter().map(|at| at[axis]).sum::<f64>() / polygon.len() as f64)
}
