//! A page that shows a slice by itself: the cells as packed numbers, and a script that draws them.

use std::fmt::Write as _;

use maso_core::geometry::slice::{SliceEdge, WallOf};
use serde_json::{Value, json};

use super::cells::Cells;
use super::outline::{Chain, chains, offsets, vertices};
use super::paint::{Key, Paint, areas, class_name, paint};
use super::palette::{self, hex};
use super::svg::escaped;
use super::tree::Tree;
use super::{Colour, Scene, Theme, packed};

const PAGE: &str = include_str!("viewer.html");
const STYLE: &str = include_str!("viewer.css");
const SCRIPT: [&str; 4] = [
    include_str!("viewer_data.js"),
    include_str!("viewer_draw.js"),
    include_str!("viewer_panel.js"),
    include_str!("viewer.js"),
];
/// Bytes of numbers in a page, at most, before base64 makes them a third larger: outputs at vertices are left out
/// beyond.
const ROOM: usize = 28_500_000;
/// A chain that is not a unit's.
const WINDOW: u32 = u32::MAX;
const TARGET: u32 = u32::MAX - 1;
/// Cells described in full beside the packed numbers, for checks of a page.
const PROBES: usize = 8;

/// Writes the page.
pub(super) fn write(scene: &Scene<'_>) -> Vec<u8> {
    let page = Page::new(scene);
    let parts = [
        ("{{title}}", escaped(&scene.title)),
        ("{{style}}", STYLE.to_owned()),
        ("{{about}}", script_json(&page.about)),
        ("{{data}}", page.data),
        ("{{script}}", SCRIPT.join("\n")),
    ];
    let mut out = String::new();
    let mut rest = PAGE;
    for (mark, text) in parts {
        let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
        out.push_str(before);
        out.push_str(&text);
        rest = after;
    }
    out.push_str(rest);
    out.into_bytes()
}

/// JSON in which nothing can end the element that holds it.
fn script_json(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

/// A page's contents.
struct Page<'a> {
    scene: &'a Scene<'a>,
    cells: Cells<'a>,
    /// What is said once.
    about: Value,
    /// Elements with packed numbers.
    data: String,
    /// Bytes of numbers so far.
    used: usize,
}

impl<'a> Page<'a> {
    fn new(scene: &'a Scene<'a>) -> Self {
        let cells = Cells::of(scene.slice);
        let (about, data) = (Value::Null, String::new());
        let mut page = Self { scene, cells, about, data, used: 0 };
        let bounds = page.bounds();
        page.add_vertices(bounds);
        page.add_edges(bounds);
        page.add_cells();
        page.add_tree();
        let paints = page.add_paints();
        let outputs = page.add_values();
        page.about = page.describe(bounds, &paints, &outputs);
        page
    }

    fn add(&mut self, name: &str, kind: &str, text: &str) {
        self.used += text.len() / 4 * 3;
        let _ = writeln!(
            self.data,
            "<script type=\"text/plain\" id=\"{name}\" data-kind=\"{kind}\">{text}</script>"
        );
    }

    fn add_u32s(&mut self, name: &str, numbers: &[u32]) {
        self.add(name, "u32", &packed::u32s(numbers));
    }

    /// Low and high ends of the window along both axes.
    fn bounds(&self) -> [[f64; 2]; 2] {
        let corners = self.scene.slice.window.corners();
        [0, 1].map(|axis| {
            let along = corners.iter().map(|corner| corner[axis]);
            let low = along.clone().fold(f64::INFINITY, f64::min);
            let high = along.fold(f64::NEG_INFINITY, f64::max);
            if low < high { [low, high] } else { [0.0, 1.0] }
        })
    }

    fn add_vertices(&mut self, bounds: [[f64; 2]; 2]) {
        let fixed = |at: &[f64; 2]| [0, 1].map(|axis| packed::fixed(at[axis], bounds[axis]));
        let vertices: Vec<u32> = self.cells.complex.vertices.iter().flat_map(fixed).collect();
        self.add_u32s("vertices", &vertices);
    }

    /// Edges in chains, so that most of their first ends need not be said: each chain's wall, length and vertices,
    /// each edge's cells, and how much each vertex matters to the chain's shape.
    fn add_edges(&mut self, bounds: [[f64; 2]; 2]) {
        let complex = self.cells.complex;
        let keyed = (0u32..).zip(&complex.edges).map(|(number, edge)| (edge.wall, number));
        let chains = chains(complex, keyed);
        let (mut walls, mut lengths, mut along) = (Vec::new(), Vec::new(), Vec::new());
        let (mut sides, mut levels) = (Vec::new(), Vec::new());
        for (wall, chain) in &chains {
            walls.push(self.wall(*wall));
            lengths.push(chain.len() as u32);
            let vertices = vertices(complex, chain);
            levels.extend(self.levels(&vertices, bounds));
            along.extend(vertices);
            sides.extend(self.sides(chain));
        }
        self.add_u32s("chainWalls", &walls);
        self.add_u32s("chainLengths", &lengths);
        self.add_u32s("chainVertices", &along);
        self.add_u32s("edgeCells", &sides);
        self.add("chainLevels", "u8", &packed::bytes(&levels));
    }

    /// A wall's unit among all units, or what else it is.
    fn wall(&self, wall: WallOf) -> u32 {
        match wall {
            WallOf::Window(_) => WINDOW,
            WallOf::Target => TARGET,
            WallOf::Unit { layer, unit } => {
                self.scene.network.layout().first_unit(layer as usize) as u32 + unit
            }
        }
    }

    /// The cells on the left and on the right of a chain's edges.
    fn sides(&self, chain: &Chain) -> impl Iterator<Item = u32> {
        let complex = self.cells.complex;
        chain.iter().flat_map(move |&(edge, reversed)| {
            let SliceEdge { cells: [left, right], .. } = complex.edges[edge as usize];
            if reversed { [right, left] } else { [left, right] }
        })
    }

    /// For each vertex of a chain, quarters of powers of two by which its offset is smaller than the window's width.
    fn levels(&self, chain: &[u32], bounds: [[f64; 2]; 2]) -> impl Iterator<Item = u8> {
        let plane = &self.scene.slice.plane;
        let unit = [plane.length([1.0, 0.0]), plane.length([0.0, 1.0])];
        let width = (bounds[0][1] - bounds[0][0]) * unit[0];
        let place = |&vertex: &u32| {
            let at = self.cells.complex.vertices[vertex as usize];
            [0, 1].map(|axis| (at[axis] - bounds[axis][0]) * unit[axis] / width)
        };
        let places: Vec<[f64; 2]> = chain.iter().map(place).collect();
        offsets(&places).into_iter().map(|offset| (-4.0 * offset.log2()).clamp(0.0, 255.0) as u8)
    }

    fn add_cells(&mut self) {
        let cells = self.cells;
        if let Some(class) = cells.class {
            let regions: Vec<u32> =
                (0..cells.len()).map(|cell| cells.region(cell) as u32).collect();
            self.add_u32s("cellRegions", &regions);
            self.add_u32s("cellClasses", class);
        }
        let areas: Vec<f32> = areas(self.scene.slice).iter().map(|area| *area as f32).collect();
        self.add("areas", "f32", &packed::f32s(&areas));
    }

    fn add_tree(&mut self) {
        let tree = Tree::of(self.scene.slice, self.scene.network.layout());
        self.add_u32s("parents", &tree.parent);
        self.add_u32s("flipCounts", &tree.counts);
        self.add_u32s("flips", &tree.flips);
        self.add_u32s("mostPieces", &[tree.pieces]);
    }

    /// All paints that can be had; the scene's own is marked.
    fn add_paints(&mut self) -> Vec<Value> {
        let mut colours = vec![Colour::Class, Colour::Area, Colour::Gradient, Colour::Layer];
        if matches!(self.scene.colour, Colour::Unit { .. }) {
            colours.push(self.scene.colour);
        }
        colours.push(Colour::None);
        let mut paints = Vec::new();
        let mut is_first_there = false;
        for colour in colours {
            let Scene { network, slice, classes, .. } = self.scene;
            let paint = paint(network, slice, &self.cells, colour, classes);
            let is_nothing = matches!(paint.key, Key::Nothing);
            if is_nothing != (colour == Colour::None) {
                continue;
            }
            let id = format!("paint{}", paints.len());
            if !is_nothing {
                self.add(&id, "u16", &packed::u16s(&paint.of_cell));
            }
            // What cannot be shown leaves the cells without colours, which come last.
            let is_first = colour == self.scene.colour || (is_nothing && !is_first_there);
            is_first_there |= is_first;
            paints.push(describe_paint(&paint, &id, is_first));
        }
        paints
    }

    /// Outputs at vertices, where maps are known: a cell's map follows from those at its corners.
    fn add_values(&mut self) -> Value {
        let vertices = self.cells.complex.vertices.len();
        let Some(maps) = &self.scene.slice.maps else { return json!([]) };
        let room = ROOM.saturating_sub(self.used) / (4 * vertices.max(1));
        let kept = self.kept_outputs(maps.outputs, room);
        let cell_at = self.cell_at_vertices();
        let mut outputs = Vec::new();
        let mut packed = Vec::new();
        for &output in &kept {
            let value = |(vertex, cell): (usize, &u32)| {
                let [s, t] = self.cells.complex.vertices[vertex];
                let [a, b, c] = maps.of(self.cells.region(*cell as usize))[output];
                a * s + b * t + c
            };
            let values: Vec<f64> = cell_at.iter().enumerate().map(value).collect();
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            packed.extend(values.iter().map(|value| packed::fixed(*value, [low, high])));
            outputs.push(json!({ "output": output, "low": low, "high": high }));
        }
        self.add_u32s("values", &packed);
        json!(outputs)
    }

    /// The outputs that there is room for: classes that occur first.
    fn kept_outputs(&self, outputs: usize, room: usize) -> Vec<usize> {
        let mut classes: Vec<usize> =
            self.cells.class.unwrap_or(&[]).iter().map(|class| *class as usize).collect();
        classes.sort_unstable();
        classes.dedup();
        let mut order: Vec<usize> = (0..outputs).collect();
        order.sort_by_key(|output| classes.binary_search(output).is_err());
        order.truncate(room);
        order.sort_unstable();
        order
    }

    /// For each vertex, a cell that has it.
    fn cell_at_vertices(&self) -> Vec<u32> {
        let complex = self.cells.complex;
        let mut cell_at = vec![0; complex.vertices.len()];
        for edge in &complex.edges {
            for cell in edge.cells.into_iter().filter(|&cell| cell != SliceEdge::NOTHING) {
                edge.ends.iter().for_each(|&end| cell_at[end as usize] = cell);
            }
        }
        cell_at
    }

    fn describe(&self, bounds: [[f64; 2]; 2], paints: &[Value], outputs: &Value) -> Value {
        let Scene { slice, title, subtitle, theme, axes, .. } = self.scene;
        let plane = &slice.plane;
        let gram = [
            plane.dot([1.0, 0.0], [1.0, 0.0]),
            plane.dot([1.0, 0.0], [0.0, 1.0]),
            plane.dot([0.0, 1.0], [0.0, 1.0]),
        ];
        json!({
            "title": title,
            "subtitle": subtitle,
            "axes": axes,
            "bounds": bounds,
            "corners": slice.window.corners(),
            "gram": gram,
            "theme": if *theme == Theme::Dark { "dark" } else { "light" },
            "themes": { "light": describe_theme(Theme::Light), "dark": describe_theme(Theme::Dark) },
            "layers": self.describe_layers(),
            "cells": self.cells.len(),
            "regions": slice.regions.len(),
            "classes": self.describe_classes(),
            "points": self.describe_points(),
            "paints": paints,
            "outputs": outputs,
            "allOutputs": slice.maps.as_ref().map_or(0, |maps| maps.outputs),
            "probes": self.probes(),
        })
    }

    fn describe_layers(&self) -> Vec<Value> {
        let layout = self.scene.network.layout();
        let layers = layout.layers()[..self.scene.slice.layers()].iter().enumerate();
        layers
            .map(|(number, layer)| {
                json!({
                    "name": layer.name(),
                    "op": layer.op(),
                    "units": layer.units(),
                    "pieces": layer.pieces(),
                    "unitBits": layer.unit_bits(),
                    "firstUnit": layout.first_unit(number),
                })
            })
            .collect()
    }

    /// Number, name and colours of points of each class.
    fn describe_classes(&self) -> Vec<Value> {
        let of_points = self.scene.points.iter().filter_map(|point| point.class);
        let mut classes: Vec<u32> =
            of_points.chain(self.cells.class.unwrap_or(&[]).iter().copied()).collect();
        classes.sort_unstable();
        classes.dedup();
        let describe = |class: &u32| {
            json!({
                "class": class,
                "name": class_name(&self.scene.classes, *class),
                "light": hex(Theme::Light.point(*class)),
                "dark": hex(Theme::Dark.point(*class)),
            })
        };
        classes.iter().map(describe).collect()
    }

    fn describe_points(&self) -> Vec<Value> {
        let point =
            |point: &super::ScenePoint| json!([point.at[0], point.at[1], point.class, point.label]);
        self.scene.points.iter().map(point).collect()
    }

    /// Some cells all over, each the largest of its part: what the page should say of them.
    fn probes(&self) -> Vec<Value> {
        let cells = self.cells.len();
        let part = cells.div_ceil(PROBES).max(1);
        let area = |cell: &usize| self.cells.complex.area(*cell);
        let largest = |start: usize| {
            (start..(start + part).min(cells)).max_by(|x, y| area(x).total_cmp(&area(y)))
        };
        (0..cells).step_by(part).filter_map(largest).map(|cell| self.probe(cell)).collect()
    }

    fn probe(&self, cell: usize) -> Value {
        let Scene { slice, network, .. } = self.scene;
        let corners = self.cells.complex.polygon(cell);
        let n = corners.len() as f64;
        let middle = [0, 1].map(|axis| corners.iter().map(|corner| corner[axis]).sum::<f64>() / n);
        let region = self.cells.region(cell);
        let code = slice.code(region);
        let layers = &network.layout().layers()[..slice.layers()];
        let hex_of = |layer: &maso_core::Layer| {
            let mut own = vec![0_u64; layer.bits().div_ceil(64)];
            layer.copy_bits(&code, &mut own);
            let bytes = own.iter().flat_map(|word| word.to_le_bytes());
            bytes
                .take(layer.bits().div_ceil(8))
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        json!({
            "at": middle,
            "region": region,
            "area": slice.regions.area(region) * slice.plane.unit_area(),
            "class": self.cells.class.map(|class| class[cell]),
            "code": layers.iter().map(hex_of).collect::<Vec<_>>(),
            "maps": slice.maps.as_ref().map(|maps| maps.of(region).iter().take(12).collect::<Vec<_>>()),
        })
    }
}

fn describe_theme(theme: Theme) -> Value {
    let line = palette::mix(theme.ink(), theme.paper(), 0.8);
    json!({
        "paper": hex(theme.paper()),
        "ink": hex(theme.ink()),
        "faint": hex(theme.faint()),
        "line": hex(line),
        "rim": hex(theme.rim()),
    })
}

fn describe_paint(paint: &Paint, id: &str, is_first: bool) -> Value {
    let (kind, names): (&str, Vec<String>) = match &paint.key {
        Key::Nothing => ("nothing", Vec::new()),
        Key::Classes(classes) => ("key", classes.iter().map(|(_, name)| name.clone()).collect()),
        Key::Pieces(names) => ("key", names.clone()),
        Key::Steps(names) => ("steps", names.clone()),
        Key::Scale(ends) => ("scale", ends.to_vec()),
    };
    let colours = |theme| paint.key.colours(theme).into_iter().map(hex).collect::<Vec<_>>();
    json!({
        "id": id,
        "title": paint.title,
        "kind": kind,
        "names": names,
        "used": paint.used(),
        "first": is_first,
        "light": colours(Theme::Light),
        "dark": colours(Theme::Dark),
    })
}
