//! Linear pieces: regions merged across edges where the map does not change.

use super::Slice;
use super::complex::NONE;
use super::decide::{Exact, Given};
use crate::geometry::forms::{Operand, Plan};
use crate::network::Network;

/// Regions merged where they touch along an edge and have one affine map on the plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// How many.
    pub count: usize,
    /// The piece of each region.
    pub of: Vec<u32>,
}

impl Slice {
    /// Merges regions that have the same map on the plane and share an edge; equality is decided exactly. `None` if
    /// the maps were not kept.
    ///
    /// # Panics
    /// If `network` is not the one that was sliced.
    #[must_use]
    pub fn pieces(&self, network: &Network) -> Option<Pieces> {
        let maps = self.maps.as_ref()?;
        let mut forest: Vec<u32> = (0..self.regions.len() as u32).collect();
        let mut exact = self.exact();
        let plan = self.plan(network);
        for edge in self.regions.edges.iter().filter(|edge| edge.is_inner()) {
            let [left, right] = edge.cells.map(|cell| cell as usize);
            let limit = maps.errors[left] + maps.errors[right];
            let reach = self.window.reach();
            let is_clear = maps.of(left).iter().zip(maps.of(right)).any(|(x, y)| {
                let [a, b, c] = std::array::from_fn(|i| (x[i] - y[i]).abs());
                a * reach[0] + b * reach[1] + c > 1.01 * limit
            });
            if !is_clear && self.maps_are_equal(&plan, &mut exact, [left, right]) {
                let (a, b) = (root(&mut forest, left as u32), root(&mut forest, right as u32));
                forest[a.max(b) as usize] = a.min(b);
            }
        }
        Some(numbered(forest))
    }

    /// The plan of the same slice.
    pub(in crate::geometry) fn plan<'n>(&self, network: &'n Network) -> Plan<'n> {
        let axes = self.plane.axes.clone();
        Plan::new(network, axes, self.window.reach(), self.layers(), None, self.maps.is_some())
    }

    /// What exact decisions about a patch are made of.
    pub(in crate::geometry) fn given<'a>(&'a self, plan: &'a Plan<'a>, patch: usize) -> Given<'a> {
        Given { plan, window: &self.window, complex: &self.patches[patch] }
    }

    /// Exact forms and points of each patch.
    pub(in crate::geometry) fn exact(&self) -> Vec<Exact> {
        self.patches.iter().map(|_| Exact::default()).collect()
    }

    fn maps_are_equal(&self, plan: &Plan<'_>, exact: &mut [Exact], regions: [usize; 2]) -> bool {
        let node = plan.network.output();
        (0..plan.network.node(node).len()).all(|index| {
            let number = [Operand::Number { node, index }, Operand::Constant(0.0)];
            let [x, y] = regions.map(|region| {
                let (patch, cell) = self.place(region);
                exact[patch].difference(self.given(plan, patch), cell, number)
            });
            x.iter().zip(&y).all(|(x, y)| (x - y).is_zero())
        })
    }
}

fn root(forest: &mut [u32], mut at: u32) -> u32 {
    while forest[at as usize] != at {
        let above = forest[at as usize];
        forest[at as usize] = forest[above as usize];
        at = above;
    }
    at
}

/// Trees numbered in the order of their roots.
fn numbered(mut forest: Vec<u32>) -> Pieces {
    let mut number = vec![NONE; forest.len()];
    let mut count = 0;
    let of = (0..forest.len() as u32)
        .map(|region| {
            let root = root(&mut forest, region) as usize;
            if number[root] == NONE {
                number[root] = count;
                count += 1;
            }
            number[root]
        })
        .collect();
    Pieces { count: count as usize, of }
}
