//! Numbers that sum a slice up: areas, shapes, walls, bends of the boundary, gradients.

use hashbrown::HashMap;

use super::{Slice, WallOf};

/// How some numbers are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// The least, the quantiles 5, 25, 50, 75 and 95 %, and the largest.
    pub quantiles: [f64; 7],
}

/// The walls of one layer.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LayerWalls {
    /// Edges inside the window.
    pub edges: usize,
    /// Their length, as the input space measures it.
    pub length: f64,
    /// Units with an edge.
    pub units: usize,
    /// Edges of each of these units.
    pub edges_per_unit: Option<Spread>,
}

/// How a boundary bends.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Bends {
    /// Bends in each sixth of a right angle and on, from 0 to π: twelve bins of 15°.
    pub histogram: [usize; 12],
    /// The mean angle, in radians, weighted by the length of the segments that meet.
    pub mean: f64,
    /// All angles together over the boundary's length: radians for each unit of length.
    pub turning: f64,
}

/// A slice in numbers.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SliceStatistics {
    /// Areas of regions, as the input space measures them.
    pub areas: Option<Spread>,
    /// Sides of regions: stretches of one line, however many neighbours are along it.
    pub sides: Option<Spread>,
    /// Eccentricity of regions: that of the ellipse with the same second moments, 0 for a circle, 1 for a needle.
    pub eccentricity: Option<Spread>,
    /// The walls of each layer.
    pub layers: Vec<LayerWalls>,
    /// Frobenius norms, along the plane, of the regions' maps, if these were kept.
    pub gradients: Option<Spread>,
    /// How the boundary bends, if one was asked for and there is one.
    pub bends: Option<Bends>,
}

impl Spread {
    /// How `numbers` are spread; none if there are none.
    #[must_use]
    pub fn of(mut numbers: Vec<f64>) -> Option<Self> {
        let last = numbers.len().checked_sub(1)?;
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        numbers.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| numbers[(part * last as f64).round() as usize];
        Some(Self { mean, quantiles: [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0].map(at) })
    }
}

impl Slice {
    /// Sums the slice up.
    #[must_use]
    pub fn statistics(&self) -> SliceStatistics {
        let cells = 0..self.regions.len();
        let unit = self.plane.unit_area();
        SliceStatistics {
            areas: Spread::of(cells.clone().map(|cell| self.regions.area(cell) * unit).collect()),
            sides: Spread::of(cells.clone().map(|cell| self.sides(cell) as f64).collect()),
            eccentricity: Spread::of(cells.map(|cell| self.eccentricity(cell)).collect()),
            layers: (0..self.layers()).map(|layer| self.walls(layer as u32)).collect(),
            gradients: self.gradient_norms().and_then(Spread::of),
            bends: self.bend_statistics(),
        }
    }

    /// The Frobenius norm, along the plane, of each region's map, if these were kept.
    #[must_use]
    pub fn gradient_norms(&self) -> Option<Vec<f64>> {
        let maps = self.maps.as_ref()?;
        let norm = |region: usize| {
            let squares = maps.of(region).iter().map(|[a, b, _]| {
                let norm = self.plane.gradient_norm([*a, *b]);
                norm * norm
            });
            squares.sum::<f64>().sqrt()
        };
        Some((0..self.regions.len()).map(norm).collect())
    }

    /// Sides of a region: edges of one wall in a row count once.
    fn sides(&self, cell: usize) -> usize {
        let walls: Vec<WallOf> = self
            .regions
            .sides(cell)
            .map(|(edge, _)| self.regions.edges[edge as usize].wall)
            .collect();
        let before = walls.iter().cycle().skip(walls.len().saturating_sub(1));
        let changes = walls.iter().zip(before).filter(|(wall, before)| wall != before).count();
        changes.max(1)
    }

    /// Of the second moments of a region's area, as the input space measures them.
    fn eccentricity(&self, cell: usize) -> f64 {
        let polygon = self.regions.polygon(cell);
        let Some(&[s0, t0]) = polygon.first() else { return 0.0 };
        let (mut area, mut first, mut second) = (0.0, [0.0; 2], [0.0; 3]);
        for (p, q) in polygon.iter().zip(polygon.iter().cycle().skip(1)) {
            let ([a, b], [c, d]) = ([p[0] - s0, p[1] - t0], [q[0] - s0, q[1] - t0]);
            let cross = a * d - b * c;
            area += cross / 2.0;
            first[0] += cross * (a + c) / 6.0;
            first[1] += cross * (b + d) / 6.0;
            second[0] += cross * (a * a + a * c + c * c) / 12.0;
            second[1] += cross * (a * d + 2.0 * a * b + 2.0 * c * d + c * b) / 24.0;
            second[2] += cross * (b * b + b * d + d * d) / 12.0;
        }
        if area <= 0.0 {
            return 1.0;
        }
        let [x, y] = first.map(|moment| moment / area);
        let [ss, st, tt] =
            [second[0] / area - x * x, second[1] / area - x * y, second[2] / area - y * y];
        // Lengths are u and v's: the moments' invariants against the plane's.
        let [uu, uv, vv] = [
            self.plane.dot([1.0, 0.0], [1.0, 0.0]),
            self.plane.dot([1.0, 0.0], [0.0, 1.0]),
            self.plane.dot([0.0, 1.0], [0.0, 1.0]),
        ];
        let trace = ss * uu + 2.0 * st * uv + tt * vv;
        let determinant = (ss * tt - st * st) * (uu * vv - uv * uv);
        let root = (trace * trace / 4.0 - determinant).max(0.0).sqrt();
        let (large, small) = (trace / 2.0 + root, (trace / 2.0 - root).max(0.0));
        if large > 0.0 { (1.0 - small / large).max(0.0).sqrt() } else { 1.0 }
    }

    fn walls(&self, layer: u32) -> LayerWalls {
        let mut of_unit = HashMap::<u32, usize>::new();
        let (mut edges, mut length) = (0, 0.0);
        for edge in &self.regions.edges {
            if let WallOf::Unit { layer: of, unit } = edge.wall
                && of == layer
            {
                edges += 1;
                length += self.length(&self.regions, edge);
                *of_unit.entry(unit).or_default() += 1;
            }
        }
        let counts = of_unit.values().map(|&count| count as f64).collect();
        LayerWalls { edges, length, units: of_unit.len(), edges_per_unit: Spread::of(counts) }
    }

    fn bend_statistics(&self) -> Option<Bends> {
        let lines = self.boundary();
        let bends: Vec<_> = lines.iter().flat_map(|line| self.bends(line)).collect();
        if lines.is_empty() {
            return None;
        }
        let mut histogram = [0; 12];
        for bend in &bends {
            let bin = (bend.angle / std::f64::consts::PI * 12.0) as usize;
            histogram[bin.min(11)] += 1;
        }
        let weight: f64 = bends.iter().map(|bend| bend.length).sum();
        let sum: f64 = bends.iter().map(|bend| bend.angle * bend.length).sum();
        let turned: f64 = bends.iter().map(|bend| bend.angle).sum();
        let mean = if weight > 0.0 { sum / weight } else { 0.0 };
        Some(Bends { histogram, mean, turning: turned / self.boundary_length() })
    }
}
