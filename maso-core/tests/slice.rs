//! Slices: known counts, areas and boundaries, degenerate networks, and random networks of every operator against
//! the network itself.

mod common;

use std::collections::{HashMap, HashSet};

use common::networks::random_network;
use common::oracles::{arrangement, dense_with, generated, n1, quarters};
use common::{Builder, Random};
use maso_core::Network;
use maso_core::code::Layer;
use maso_core::geometry::slice::{
    CellComplex, Plane, Slice, SliceEdge, SliceError, SliceOptions, SliceStatus, SliceTarget,
    WallOf, Window, WindowError,
};
use maso_core::graph::Attribute;

fn plane() -> Plane {
    Plane::new(vec![0.0; 2], vec![1.0, 0.0], vec![0.0, 1.0]).expect("a plane")
}

fn square(half: f64) -> Window {
    Window::new_box([-half, half], [-half, half]).expect("a box")
}

fn all() -> SliceOptions {
    SliceOptions { maps: true, ..SliceOptions::default() }
}

fn sliced(network: &Network, window: &Window) -> Slice {
    let slice = network.slice(&plane(), window, &all()).expect("a slice");
    assert_eq!(slice.status, SliceStatus::Complete, "nothing limits it");
    let check = slice.verify(network);
    assert!(check.is_clean(), "{check:?}");
    slice
}

fn relu(b: &mut Builder, z: &str) -> String {
    b.node("Relu", &[z])
}

fn leaky(b: &mut Builder, z: &str) -> String {
    b.node_with("LeakyRelu", &[z], &[("alpha", Attribute::Float(0.1))])
}

fn abs(b: &mut Builder, z: &str) -> String {
    b.node("Abs", &[z])
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-10 * (1.0 + a.abs().max(b.abs()))
}

/// The segments on which what was decided changes, and their length.
fn boundary(slice: &Slice) -> (usize, f64) {
    let target = slice.target.as_ref().expect("something was decided");
    let changes = |edge: &&SliceEdge| {
        edge.is_inner() && {
            let [a, b] = edge.cells.map(|cell| target.class[cell as usize]);
            a != b
        }
    };
    let edges: Vec<&SliceEdge> = target.complex.edges.iter().filter(changes).collect();
    (edges.len(), edges.iter().map(|edge| slice.length(&target.complex, edge)).sum())
}

#[test]
fn generated_networks_have_the_known_regions_and_zero_sets() {
    let known = [
        (vec![2, 4, 1], 1, 4, 11, 2, 2.090294907904),
        (vec![2, 8, 1], 2, 22, 37, 5, 2.151417937088),
        (vec![2, 8, 8, 1], 3, 40, 178, 4, 1.914009778735),
        (vec![2, 16, 16, 1], 4, 174, 564, 27, 3.426709561575),
    ];
    for (widths, seed, in_box, in_plane, segments, length) in known {
        let network = generated(&widths, seed);
        let slice = sliced(&network, &square(1.0));
        assert_eq!(slice.regions.len(), in_box, "{widths:?}: regions in the box");
        assert_eq!(sliced(&network, &square(1024.0)).regions.len(), in_plane, "{widths:?}: in all");
        let target = Some(SliceTarget::OutputAbove { output: 0, level: 0.0 });
        let options = SliceOptions { target, ..all() };
        let slice = network.slice(&plane(), &square(1.0), &options).expect("a slice");
        let (found, whole) = boundary(&slice);
        assert_eq!(found, segments, "{widths:?}: segments of the zero set");
        assert!((whole - length).abs() < 1e-10, "{widths:?}: {whole} is not {length}");
        assert_eq!(slice.regions.len(), in_box, "{widths:?}: the regions stay");
    }
}

#[test]
fn n1_has_seven_cells_of_known_areas_and_fifteen_with_a_second_layer() {
    let network = n1();
    let slice = sliced(&network, &square(4.0));
    let areas: HashMap<u64, f64> =
        (0..slice.regions.len()).map(|r| (slice.code(r)[0], slice.regions.area(r))).collect();
    // Unit 0 is the lowest bit.
    let known = [
        (0b000, 9.0 / 4.0),
        (0b100, 10.0),
        (0b010, 59.0 / 3.0),
        (0b110, 1.0 / 12.0),
        (0b101, 49.0 / 4.0),
        (0b011, 169.0 / 12.0),
        (0b111, 17.0 / 3.0),
    ];
    assert_eq!(areas.len(), known.len(), "{areas:?}");
    for (code, area) in known {
        assert!(close(areas[&code], area), "{code:03b}: {} is not {area}", areas[&code]);
    }
}

#[test]
fn the_boundary_of_n1_is_two_segments() {
    let options = SliceOptions { target: Some(SliceTarget::Class), ..all() };
    let slice = n1().slice(&plane(), &square(4.0), &options).expect("a slice");
    let (segments, length) = boundary(&slice);
    assert_eq!(segments, 2, "one in each of two regions");
    assert!((length - 9.256_147_934_1).abs() < 1e-9, "{length}");
    let target = slice.target.as_ref().expect("classes");
    let first: f64 = (0..target.complex.len())
        .filter(|&cell| target.class[cell] == 0)
        .map(|cell| target.complex.area(cell))
        .sum();
    assert!(close(first, 649.0 / 16.0), "the area of class 0: {first}");
    let polylines = slice.boundary();
    assert_eq!(polylines.len(), 1, "they meet");
    assert_eq!(polylines[0].points.len(), 3, "at a bend");
    let bends = slice.bends(&polylines[0]);
    assert!((bends[0].angle.to_degrees() - 26.565_051_2).abs() < 1e-6, "{bends:?}");
}

#[test]
fn the_fold_network_has_four_to_the_power_of_its_depth_squares() {
    for depth in 1..=5 {
        let identity = (vec![vec![1.0, 0.0], vec![0.0, 1.0]], vec![0.0; 2]);
        let fold = (vec![vec![2.0, 0.0], vec![0.0, 2.0]], vec![-1.0; 2]);
        let mut layers = vec![identity.clone()];
        layers.resize(depth, fold);
        layers.push(identity);
        let network = dense_with(&layers, abs);
        let slice = sliced(&network, &square(1.0));
        let count = 4usize.pow(depth as u32);
        assert_eq!(slice.regions.len(), count, "depth {depth}");
        for region in 0..count {
            assert!(close(slice.regions.area(region), 4.0 / count as f64), "all alike");
        }
    }
}

#[test]
fn quarters_have_the_known_cells_after_each_layer() {
    type Kind = fn(&mut Builder, &str) -> String;
    let known: [(&[usize], Kind, &[usize]); 7] = [
        (&[2, 3], relu, &[7]),
        (&[2, 4], relu, &[11]),
        (&[2, 6], relu, &[21]),
        (&[2, 4, 4], relu, &[11, 34]),
        (&[2, 3, 3, 3], relu, &[7, 12, 19]),
        (&[2, 4, 4], leaky, &[11, 34]),
        (&[2, 4, 4], abs, &[11, 53]),
    ];
    for (dims, kind, counts) in known {
        let slice = sliced(&quarters(dims, kind), &square(4.0));
        assert_eq!(slice.regions_per_layer, counts, "{dims:?}");
    }
    let complex = |dims: &[usize]| {
        let slice = sliced(&quarters(dims, relu), &square(4.0));
        (slice.regions.vertices.len(), slice.regions.edges.len(), slice.regions.len())
    };
    assert_eq!(complex(&[2, 4]), (18, 28, 11), "vertices, edges, cells");
    assert_eq!(complex(&[2, 4, 4]), (44, 77, 34), "vertices, edges, cells");
}

/// Lines through one point, parallel, coinciding and vanishing ones: the plane's counts.
#[test]
fn arrangements_not_in_general_position_have_the_known_regions() {
    type Rows<'a> = &'a [(&'a [f32], f32)];
    let known: [(Rows<'_>, usize); 6] = [
        (&[(&[0.0, 1.0], 0.0), (&[1.0, 0.0], 0.0), (&[1.0, 1.0], 0.0)], 6),
        (&[(&[1.0, 0.0], 0.0), (&[0.0, 1.0], 0.0), (&[1.0, 1.0], 0.0), (&[1.0, -1.0], 0.0)], 8),
        (&[(&[1.0, 0.0], 0.0), (&[1.0, 0.0], 0.5), (&[0.0, 1.0], 0.0), (&[1.0, 1.0], 0.0)], 9),
        (&[(&[1.0, 0.0], 0.0), (&[1.0, 0.0], 0.0), (&[0.0, 1.0], 0.0)], 4),
        (&[(&[1.0, 0.0], 0.0), (&[0.0, 0.0], -1.0), (&[0.0, 1.0], 0.0)], 4),
        (
            &[
                (&[1.0, 0.0], 0.0),
                (&[0.0, 1.0], 0.0),
                (&[1.0, 1.0], 0.0),
                (&[1.0, -1.0], 0.0),
                (&[2.0, 1.0], 0.0),
            ],
            10,
        ),
    ];
    for (rows, regions) in known {
        let network = arrangement(rows);
        for half in [1.0, 1024.0] {
            let slice = sliced(&network, &square(half));
            assert_eq!(slice.regions.len(), regions, "{rows:?} in ±{half}");
        }
    }
    // Coinciding walls name all their units.
    let slice = sliced(&arrangement(&[(&[1.0, 0.0], 0.0), (&[-2.0, 0.0], 0.0)]), &square(1.0));
    assert_eq!(slice.regions.len(), 2, "one wall");
    let inner = slice.regions.edges.iter().position(SliceEdge::is_inner).expect("a wall") as u32;
    let edge = &slice.regions.edges[inner as usize];
    assert_eq!(edge.wall, WallOf::Unit { layer: 0, unit: 0 }, "the first unit");
    let units: Vec<usize> = slice.changes(edge).iter().map(|change| change.unit).collect();
    assert_eq!(units, [0, 1], "and the second");
}

#[test]
fn voronoi_cells_are_those_of_the_nearest_site() {
    // The largest of 2⟨c, x⟩ − |c|² is that of the nearest site.
    let sites = [[0.5f32, 0.25], [-0.5, 0.5], [0.0, -0.75], [0.25, 0.0], [-0.25, -0.25]];
    let mut b = Builder::new(None, &[2]);
    let branches: Vec<String> = sites
        .iter()
        .map(|[x, y]| {
            let weight = b.floats(&[2, 1], vec![2.0 * x, 2.0 * y]);
            let bias = b.floats(&[1], vec![-(x * x + y * y)]);
            b.node("Gemm", &["x", &weight, &bias])
        })
        .collect();
    let largest = b.node("Max", &branches.iter().map(String::as_str).collect::<Vec<_>>());
    let network = b.network(&largest);
    let slice = sliced(&network, &square(2.0));
    assert_eq!(slice.regions.len(), sites.len(), "each has a cell");
    let mut r = Random(5);
    for _ in 0..2000 {
        let at = [0; 2].map(|_| f64::from(r.number()));
        let distance = |[x, y]: [f32; 2]| (at[0] - f64::from(x)).hypot(at[1] - f64::from(y));
        let nearest = (0..sites.len())
            .min_by(|&i, &j| distance(sites[i]).total_cmp(&distance(sites[j])))
            .expect("sites");
        let region = (0..slice.regions.len()).find(|&cell| contains(&slice, cell, at));
        let code = slice.code(region.expect("in the window"));
        assert_eq!(code[0] as usize, nearest, "{at:?}");
    }
}

/// Whether a point lies in a cell.
fn contains(slice: &Slice, cell: usize, [s, t]: [f64; 2]) -> bool {
    let polygon = slice.regions.polygon(cell);
    let next = polygon.iter().cycle().skip(1);
    polygon.iter().zip(next).all(|([a, b], [c, d])| {
        (c - a) * (t - b) - (d - b) * (s - a) >= -1e-9 * (1.0 + (c - a).hypot(d - b))
    })
}

/// Every operator, also behind one another and with branches: clean, and the code of every point is that of the
/// cell which holds it.
#[test]
fn random_networks_are_sliced_as_they_evaluate() {
    let (mut exact, mut complete) = (0, 0);
    for seed in 0..100 {
        let mut r = Random(seed);
        let network = random_network(seed);
        let inputs = network.input().len();
        let vector =
            |r: &mut Random| (0..inputs).map(|_| f64::from(r.number())).collect::<Vec<_>>();
        let Ok(plane) = Plane::new(vector(&mut r), vector(&mut r), vector(&mut r)) else {
            continue;
        };
        let window = square(1.0);
        let options = SliceOptions { max_regions: Some(2000), ..all() };
        let slice = network.slice(&plane, &window, &options).expect("a slice");
        if slice.status == SliceStatus::Capped {
            continue;
        }
        complete += 1;
        let check = slice.verify(&network);
        assert!(check.is_clean(), "seed {seed}: {check:?}");
        exact += slice.exact_decisions;
        let codes: HashMap<Vec<u64>, usize> =
            (0..slice.regions.len()).map(|region| (slice.code(region), region)).collect();
        let mut missed = 0;
        for _ in 0..200 {
            let at = [0; 2].map(|_| f64::from(r.number()) % 1.0);
            let code = network.trace(&plane.point(at)).code(&network);
            match codes.get(&code) {
                Some(&region) => assert!(contains(&slice, region, at), "seed {seed}: {at:?}"),
                None => missed += 1,
            }
        }
        // A tie that f64 breaks by rounding has a code of its own.
        assert!(missed <= 2 || has_ties(&network), "seed {seed}: {missed} codes are no cell's");
    }
    assert!(complete > 70, "few are larger: {complete}");
    assert!(exact > 0, "flat stretches tie");
}

/// Whether max units compare: their ties may be broken by rounding.
fn has_ties(network: &Network) -> bool {
    network.layout().layers().iter().any(|layer| layer.op().contains("Max") || layer.op() == "Min")
}

#[test]
fn pieces_are_regions_merged_where_the_map_is_the_same() {
    // The second unit never reaches the output: crossing its wall changes nothing.
    let layers =
        [(vec![vec![1.0, 0.0], vec![0.0, 1.0]], vec![0.0; 2]), (vec![vec![1.0, 0.0]], vec![0.0])];
    let network = common::oracles::dense(&layers);
    let slice = sliced(&network, &square(1.0));
    let pieces = slice.pieces(&network).expect("maps were kept");
    assert_eq!((slice.regions.len(), pieces.count), (4, 2), "regions and pieces");
    for seed in 1..5 {
        let network = generated(&[2, 8, 8, 1], seed);
        let slice = sliced(&network, &square(2.0));
        let pieces = slice.pieces(&network).expect("maps were kept");
        let mut maps: Vec<String> = (0..slice.regions.len())
            .map(|region| {
                let code = slice.code(region);
                format!("{:?}", network.freeze(&code).expect("a code").matrix())
            })
            .collect();
        maps.sort();
        maps.dedup();
        assert!(pieces.count >= maps.len(), "seed {seed}: as many as there are maps");
        assert!(pieces.count <= slice.regions.len(), "seed {seed}: no more than regions");
    }
}

#[test]
fn polygons_cut_windows_and_planes_measure_as_the_input_does() {
    let network = generated(&[2, 8, 1], 2);
    let corners = [[-1.0, -1.0], [1.0, -1.0], [0.0, 1.5]];
    let window = Window::polygon(&corners).expect("a triangle");
    let slice = sliced(&network, &window);
    assert!(close(slice.area(), 2.5), "{}", slice.area());
    // The same region of the input space in other coordinates.
    let sheared = Plane::new(vec![0.0; 2], vec![2.0, 1.0], vec![0.0, 0.5]).expect("a plane");
    let coordinates = corners.map(|[x, y]| [x / 2.0, (y - x / 2.0) * 2.0]);
    let window = Window::polygon(&coordinates).expect("a triangle");
    let other = network.slice(&sheared, &window, &all()).expect("a slice");
    assert_eq!(other.regions.len(), slice.regions.len(), "the same cells");
    assert!(close(other.area(), 2.5), "{}", other.area());
    assert!(other.verify(&network).is_clean(), "clean");
}

#[test]
fn limits_and_empty_windows_say_so() {
    let network = generated(&[2, 16, 16, 1], 4);
    let options = SliceOptions { max_regions: Some(50), ..all() };
    let slice = network.slice(&plane(), &square(1.0), &options).expect("a slice");
    assert_eq!((slice.status, slice.regions.len()), (SliceStatus::Capped, 50), "fifty of 174");
    let options = SliceOptions { time: Some(std::time::Duration::ZERO), ..all() };
    let slice = network.slice(&plane(), &square(1.0), &options).expect("a slice");
    assert_eq!(slice.status, SliceStatus::Capped, "no time");
    let flat = Window::new_box([1.0, 1.0], [0.0, 1.0]).expect("finite");
    let slice = network.slice(&plane(), &flat, &all()).expect("a slice");
    assert_eq!((slice.status, slice.regions.len()), (SliceStatus::Empty, 0), "nothing to see");
}

/// The same on a number of threads.
fn on_threads(threads: usize, work: impl FnOnce() -> Slice + Send) -> Slice {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads").install(work)
}

#[test]
fn patches_are_sewn_together_without_a_seam() {
    for (sizes, seed) in [(&[2, 48, 24, 12, 3][..], 3), (&[2, 6, 40, 8, 2], 5), (&[2, 90, 1], 7)] {
        let network = generated(sizes, seed);
        let options = SliceOptions { target: Some(SliceTarget::Class), ..all() };
        let alone = SliceOptions { patches_beyond: Some(usize::MAX), ..options.clone() };
        let whole = network.slice(&plane(), &square(1.0), &alone).expect("a slice");
        let patches = SliceOptions { patches_beyond: Some(0), ..options.clone() };
        let [one, three] = [1, 3].map(|threads| {
            on_threads(threads, || {
                network.slice(&plane(), &square(1.0), &patches).expect("a slice")
            })
        });
        assert!(one.regions.len() > 100, "{} regions", one.regions.len());
        assert!(one.verify(&network).is_clean(), "{:?}", one.verify(&network));
        assert_eq!(one.regions_per_layer, whole.regions_per_layer, "{sizes:?}");
        let size =
            |complex: &CellComplex| [complex.vertices.len(), complex.edges.len(), complex.len()];
        assert_eq!(size(&one.regions), size(&whole.regions), "{sizes:?}");
        let [of_one, of_whole] = [&one, &whole].map(|slice| slice.target.as_ref().expect("asked"));
        assert_eq!(size(&of_one.complex), size(&of_whole.complex), "{sizes:?}");
        assert_eq!(of_one.complex.euler(), 1, "{sizes:?}");
        let codes = |slice: &Slice| -> HashSet<Vec<u64>> {
            (0..slice.regions.len()).map(|region| slice.code(region)).collect()
        };
        assert_eq!(codes(&one), codes(&whole), "{sizes:?}");
        assert_eq!(one.pieces(&network), three.pieces(&network), "{sizes:?}");
        assert_eq!(one.regions.vertices, three.regions.vertices, "any number of threads");
        assert_eq!(one.regions.edges, three.regions.edges, "any number of threads");
    }
}

#[test]
fn regions_can_be_taken_one_after_another() {
    let network = generated(&[2, 48, 24, 12, 3], 3);
    let slice = sliced(&network, &square(1.0));
    let prepared = network.prepare_slice(&plane(), &square(1.0), &all()).expect("a slice");
    let regions: HashMap<Vec<u64>, usize> =
        (0..slice.regions.len()).map(|region| (slice.code(region), region)).collect();
    let mut count = 0;
    for cell in prepared.cells() {
        let region = regions[&cell.code];
        let own: f64 = (0..cell.polygon.len())
            .map(|i| {
                let ([a, b], [c, d]) =
                    (cell.polygon[i], cell.polygon[(i + 1) % cell.polygon.len()]);
                (a * d - b * c) / 2.0
            })
            .sum();
        assert!(close(own, slice.regions.area(region)), "{own}: the area of region {region}");
        let maps = slice.maps.as_ref().expect("asked for");
        let pairs = cell.map.as_ref().expect("asked for").iter().zip(maps.of(region));
        for (x, y) in pairs {
            assert!(x.iter().zip(y).all(|(x, y)| close(*x, *y)), "{x:?} is {y:?}");
        }
        count += 1;
    }
    assert_eq!(count, regions.len(), "each once");
    let flat = Window::new_box([1.0, 1.0], [0.0, 1.0]).expect("finite");
    let none = network.prepare_slice(&plane(), &flat, &all()).expect("a slice");
    assert_eq!(none.cells().count(), 0, "nothing to see");
}

#[test]
fn patches_stop_at_a_number_of_regions() {
    let network = generated(&[2, 48, 24, 12, 3], 3);
    let options = SliceOptions { patches_beyond: Some(0), ..all() };
    let whole = network.slice(&plane(), &square(1.0), &options).expect("a slice");
    let options =
        SliceOptions { max_regions: Some(777), target: Some(SliceTarget::Class), ..options };
    let slice = on_threads(2, || network.slice(&plane(), &square(1.0), &options).expect("a slice"));
    assert_eq!((slice.status, slice.regions.len()), (SliceStatus::Capped, 777), "no more");
    assert!(whole.regions.len() > 1000, "there are more: {}", whole.regions.len());
    for region in 0..777 {
        assert_eq!(slice.code(region), whole.code(region), "the first ones");
        assert_eq!(slice.regions.polygon(region), whole.regions.polygon(region), "the first ones");
    }
    let layers = network.layout().layers();
    for (number, count) in slice.regions_per_layer.iter().enumerate() {
        let prefix = |region: usize| -> Vec<usize> {
            let code = slice.code(region);
            let of_layer = |layer: &Layer| {
                (0..layer.units()).map(|unit| layer.piece(&code, unit)).collect::<Vec<_>>()
            };
            layers[..=number].iter().flat_map(of_layer).collect()
        };
        let distinct: HashSet<Vec<usize>> = (0..777).map(prefix).collect();
        assert_eq!(*count, distinct.len(), "cells of layer {number}");
    }
    let target = slice.target.as_ref().expect("asked for");
    assert!(target.region.iter().all(|&region| region < 777), "parts of regions that are there");
}

#[test]
fn what_is_no_slice_is_refused() {
    let star = [[0.0, 1.0], [-0.6, -0.8], [0.95, 0.3], [-0.95, 0.3], [0.6, -0.8]];
    assert!(
        matches!(Window::polygon(&star), Err(WindowError::NotConvex { .. })),
        "a star turns twice"
    );
    let wild = Window::new_box([0.0, f64::NAN], [0.0, 1.0]);
    assert!(matches!(wild, Err(WindowError::NotFinite { .. })), "NaN");
    assert!(Plane::new(vec![0.0; 2], vec![1.0, 2.0], vec![-2.0, -4.0]).is_err(), "parallel");
    let network = n1();
    let other =
        Plane::new(vec![0.0; 3], vec![1.0, 0.0, 0.0], vec![0.0, 1.0, 0.0]).expect("a plane");
    let error = network.slice(&other, &square(1.0), &all()).expect_err("another space");
    assert_eq!(error, SliceError::Input { expected: 2, found: 3 }, "says which");
    let options = SliceOptions { layers: Some(2), ..SliceOptions::default() };
    assert!(network.slice(&plane(), &square(1.0), &options).is_err(), "there is one layer");
}
