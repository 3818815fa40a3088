//! Local complexity: how many units have a wall near a row.
//!
//! Two counts. The exact one goes by the region's own maps: units whose wall is nearer than r, which is exact for the
//! first layer and the extension of the region's hyperplanes for deeper ones. The sampled one is that of
//! published work: units that are not on one piece at all vertices of a cross-polytope of radius r in a random
//! subspace around the row, the row itself left out (Humayun, Balestriero and Baraniuk, *Deep Networks Always Grok
//! and Here is Why*, 2024). It misses folds between vertices, and depends on the number of directions, which
//! is to be reported with it.

use crate::eval::{EvalError, Evaluator};
use crate::geometry::near_walls;
use crate::linearize::{Linearization, dot};
use crate::orthogonal::split;
use crate::random::Random;

/// Units with a wall near a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NearWalls {
    /// For each layer, how many of its units.
    pub layers: Vec<usize>,
}

impl NearWalls {
    /// Units of all layers.
    #[must_use]
    pub fn total(&self) -> usize {
        self.layers.iter().sum()
    }
}

impl Linearization<'_> {
    /// Units whose wall, as the region has it, is nearer to the point than `radius` (in L2).
    #[must_use]
    pub fn near_walls(&self, radius: f64) -> NearWalls {
        NearWalls { layers: near_walls(self, radius) }
    }
}

/// Vertices of cross-polytopes, the same directions around every row.
#[derive(Clone, Debug)]
pub struct ComplexityProbe {
    /// Orthonormal directions, one after another.
    directions: Vec<Vec<f32>>,
    radius: f32,
}

impl ComplexityProbe {
    /// `directions` random orthonormal directions (at most as many as there are inputs), drawn from `seed`.
    #[must_use]
    pub fn new(inputs: usize, directions: usize, radius: f64, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut basis: Vec<Vec<f64>> = Vec::new();
        while basis.len() < directions.min(inputs) {
            let vector: Vec<f64> = (0..inputs).map(|_| random.normal()).collect();
            let (_, vector) = split(&basis, &vector);
            let length = dot(&vector, &vector).sqrt();
            if length > 1e-6 {
                basis.push(vector.iter().map(|v| v / length).collect());
            }
        }
        let narrow = |vector: Vec<f64>| vector.into_iter().map(|v| v as f32).collect();
        Self { directions: basis.into_iter().map(narrow).collect(), radius: radius as f32 }
    }

    /// The directions, each as long as the input; a polytope has twice as many vertices.
    #[must_use]
    pub fn directions(&self) -> &[Vec<f32>] {
        &self.directions
    }

    /// Units that are not on one piece at all vertices around `row`.
    ///
    /// # Errors
    /// As [`Evaluator::codes_into`].
    pub fn count(&self, evaluator: &Evaluator, row: &[f32]) -> Result<NearWalls, EvalError> {
        let layout = evaluator.network().layout();
        let mut vertices = Vec::with_capacity(2 * self.directions.len() * row.len());
        for direction in &self.directions {
            for sign in [self.radius, -self.radius] {
                vertices.extend(row.iter().zip(direction).map(|(x, v)| x + sign * v));
            }
        }
        let mut codes = vec![0; 2 * self.directions.len() * layout.words()];
        evaluator.codes_into(&vertices, &mut codes)?;
        let mut codes = codes.chunks_exact(layout.words().max(1));
        let Some(first) = codes.next() else {
            return Ok(NearWalls { layers: vec![0; layout.layers().len()] });
        };
        let mut changed = vec![0; first.len()];
        for code in codes {
            changed.iter_mut().zip(code.iter().zip(first)).for_each(|(c, (a, b))| *c |= a ^ b);
        }
        let layers = layout.layers().iter().map(|layer| {
            (0..layer.units()).filter(|&unit| layer.piece(&changed, unit) != 0).count()
        });
        Ok(NearWalls { layers: layers.collect() })
    }
}
