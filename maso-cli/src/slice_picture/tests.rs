//! Pictures of a small network's slice: what they hold, and that nothing is lost on the way.

use maso_core::geometry::slice::{Plane, Slice, SliceOptions, SliceTarget, Window};
use maso_core::{LowerOptions, Network};
use maso_io::model::{self, ReadOptions};

use super::cells::Cells;
use super::figure::{Figure, Item};
use super::palette::hex;
use super::tree::Tree;
use super::{Colour, Plot, Scene, ScenePoint, Theme};

const MODEL: &[u8] = include_bytes!("../../../testdata/models/moons_relu.onnx");
const REGIONS: usize = 1314;
const UNITS: usize = 64;

fn network() -> Network {
    let (lower, read) = (LowerOptions::default(), ReadOptions::default());
    model::load_bytes("moons_relu.onnx", MODEL.to_vec(), &lower, &read).expect("a network")
}

fn slice_of(network: &Network, window: &Window, options: &SliceOptions) -> Slice {
    let plane = Plane::new(vec![0.0; 2], vec![1.0, 0.0], vec![0.0, 1.0]).expect("a plane");
    network.slice(&plane, window, options).expect("a slice")
}

fn whole() -> Window {
    Window::new_box([-2.0, 3.0], [-2.0, 2.0]).expect("a box")
}

fn all() -> SliceOptions {
    SliceOptions { target: Some(SliceTarget::Class), maps: true, ..SliceOptions::default() }
}

fn scene<'a>(network: &'a Network, slice: &'a Slice, colour: Colour) -> Scene<'a> {
    let point = |at, class, label: &str| ScenePoint { at, class, label: label.to_owned() };
    Scene {
        network,
        slice,
        title: "moons </script> & <b>".to_owned(),
        subtitle: "the subtitle".to_owned(),
        points: vec![
            point([0.0, 1.0], Some(0), "first row"),
            point([1.0, -0.4], Some(1), ""),
            point([9.0, 9.0], None, "far away"),
        ],
        colour,
        theme: Theme::Light,
        axes: ["along".to_owned(), "across".to_owned()],
        classes: vec!["upper".to_owned(), "lower".to_owned()],
    }
}

const COLOURS: [Colour; 7] = [
    Colour::Class,
    Colour::Area,
    Colour::Gradient,
    Colour::Layer,
    Colour::Unit { layer: 1, unit: 3 },
    Colour::Unit { layer: 7, unit: 0 },
    Colour::None,
];

/// Checks that every element is closed in its turn and every attribute is quoted.
fn check_markup(text: &str) {
    let mut open = Vec::new();
    for part in text.split('<').skip(1) {
        let (tag, words) = part.split_once('>').expect("every tag ends");
        assert!(!words.contains('>'), "a stray sign in {words:?}");
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes in {tag:?} come in pairs");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "what ends is what began last");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} never end");
}

fn ring_area(ring: &[[f64; 2]]) -> f64 {
    let next = ring.iter().cycle().skip(1);
    ring.iter().zip(next).map(|([x, y], [a, b])| x * b - a * y).sum::<f64>() / 2.0
}

/// The area of all cells in a figure; the legend's samples, right of the frame, are left out.
fn filled_area(figure: &Figure) -> f64 {
    let rings = figure.items.iter().filter_map(|item| match item {
        Item::Fill { rings, .. } if rings[0][0][0] < 775.0 => Some(rings),
        _ => None,
    });
    rings.flatten().map(|ring| ring_area(ring)).sum::<f64>().abs()
}

#[test]
fn cells_cover_the_window_in_every_colouring() {
    let network = network();
    let slice = slice_of(&network, &whole(), &all());
    for colour in COLOURS {
        let figure = super::scene::compose(&scene(&network, &slice, colour));
        let width = 1000.0 - 78.0 - 226.0;
        let expected = width * width * 0.8;
        let found = filled_area(&figure);
        assert!((found - expected).abs() < 1e-3 * expected, "{colour:?}: {found}, not {expected}");
    }
}

#[test]
fn svg_is_whole_and_small() {
    let network = network();
    let slice = slice_of(&network, &whole(), &all());
    for colour in COLOURS {
        let text = String::from_utf8(super::svg(&scene(&network, &slice, colour))).expect("UTF-8");
        check_markup(&text);
        for words in ["moons &lt;/script&gt; &amp; &lt;b&gt;", "the subtitle", "along", "across"] {
            assert!(text.contains(words), "{colour:?}: {words} is missing");
        }
        for words in ["layer 1: Relu, 32 units", "decision boundary", "2 rows", "first row"] {
            assert!(text.contains(words), "{colour:?}: {words} is missing");
        }
        assert!(!text.contains("far away"), "points beyond the window are left out");
        assert!(text.len() < 150_000, "{colour:?}: {} bytes", text.len());
        let paths = text.matches("<path").count();
        assert!(paths < 300, "{colour:?}: {paths} paths for {REGIONS} regions");
    }
}

#[test]
fn classes_are_named_and_coloured() {
    let network = network();
    let slice = slice_of(&network, &whole(), &all());
    let text =
        String::from_utf8(super::svg(&scene(&network, &slice, Colour::Class))).expect("UTF-8");
    for class in 0..2 {
        let fill = format!("fill=\"{}\"", hex(Theme::Light.cell(class)));
        assert_eq!(text.matches(&fill).count(), 2, "class {class}: one area and one sample");
    }
    for words in [">upper<", ">class lower<"] {
        assert!(text.contains(words), "{words} is missing");
    }
}

#[test]
fn png_decodes_and_shows_both_classes() {
    let network = network();
    let slice = slice_of(&network, &whole(), &all());
    let scene = scene(&network, &slice, Colour::Class);
    let bytes = super::png(&scene, 500).expect("a picture");
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("pixels");
    assert_eq!(info.width, 500, "as wide as asked for");
    assert!((300..450).contains(&info.height), "{} high", info.height);
    for class in 0..2 {
        let colour = Theme::Light.cell(class);
        let count = pixels.chunks_exact(3).filter(|pixel| **pixel == colour).count();
        assert!(count > 5_000, "{count} pixels of class {class}");
    }
}

#[test]
fn pictures_of_no_or_too_large_a_size_are_refused() {
    let network = network();
    let slice = slice_of(&network, &whole(), &all());
    let scene = scene(&network, &slice, Colour::None);
    for width in [0, 100_000] {
        let error = super::png(&scene, width).expect_err("no such picture");
        assert!(error.contains(&width.to_string()), "{error}");
    }
}

#[test]
fn the_tree_gives_every_code_back() {
    let network = network();
    let slice = slice_of(&network, &whole(), &all());
    let tree = Tree::of(&slice, network.layout());
    let mut first = vec![0];
    tree.counts.iter().for_each(|count| first.push(first[first.len() - 1] + *count as usize));
    let pieces_of = |region: usize| {
        let mut pieces = vec![None; UNITS];
        let mut at = region as u32;
        while at != u32::MAX {
            for flip in &tree.flips[first[at as usize]..first[at as usize + 1]] {
                pieces[(flip / tree.pieces) as usize].get_or_insert(flip % tree.pieces);
            }
            at = tree.parent[at as usize];
        }
        pieces.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()
    };
    let layers = network.layout().layers();
    for region in 0..slice.regions.len() {
        let code = slice.code(region);
        let expected: Vec<u32> = layers
            .iter()
            .flat_map(|layer| (0..layer.units()).map(|unit| layer.piece(&code, unit) as u32))
            .collect();
        assert_eq!(pieces_of(region), expected, "region {region}");
    }
    assert_eq!(tree.parent.iter().filter(|parent| **parent == u32::MAX).count(), 1, "one root");
    assert!(tree.flips.len() < 2 * REGIONS, "{} differences", tree.flips.len());
}

#[test]
fn the_page_holds_its_numbers_and_nothing_from_elsewhere() {
    let network = network();
    let slice = slice_of(&network, &whole(), &all());
    let scene = scene(&network, &slice, Colour::Area);
    let text = String::from_utf8(super::html(&scene)).expect("UTF-8");
    for word in ["http:", "https:", "@import", "{{", "moons </script>"] {
        assert!(!text.contains(word), "{word} in the page");
    }
    let edges = Cells::of(&slice).complex.edges.len();
    let numbers = |id: &str| {
        let begin = text.find(&format!("id=\"{id}\"")).expect("an element");
        let (_, rest) = text[begin..].split_once('>').expect("its content");
        rest.split_once('<').expect("its end").0.len() / 4 * 3
    };
    for (id, bytes) in [("edgeCells", 8 * edges), ("areas", 4 * REGIONS), ("parents", 4 * REGIONS)]
    {
        let found = numbers(id);
        assert!((bytes..bytes + 3).contains(&found), "{id}: {found} bytes, not {bytes}");
    }
    let (_, about) = text.split_once("id=\"aboutData\">").expect("what is said once");
    let (about, _) = about.split_once("</script>").expect("its end");
    let about: serde_json::Value = serde_json::from_str(about).expect("JSON");
    assert_eq!(about["title"], "moons </script> & <b>", "the title");
    assert_eq!(about["regions"], REGIONS, "the regions");
    let first: Vec<&str> = about["paints"]
        .as_array()
        .expect("paints")
        .iter()
        .filter(|paint| paint["first"] == true)
        .map(|paint| paint["title"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(first, ["area of the region"], "the scene's own colouring comes first");
}

#[test]
fn slices_that_know_less_have_pictures() {
    let network = network();
    let layers = SliceOptions { layers: Some(1), ..SliceOptions::default() };
    let nothing = Window::new_box([0.0, 0.0], [0.0, 1.0]).expect("a window");
    for (window, options) in [(whole(), layers), (nothing, all())] {
        let slice = slice_of(&network, &window, &options);
        for colour in COLOURS {
            let scene = scene(&network, &slice, colour);
            let text = String::from_utf8(super::svg(&scene)).expect("UTF-8");
            check_markup(&text);
            assert!(!text.contains("NaN") && !text.contains("inf"), "{colour:?}: all are numbers");
            assert!(!text.contains("decision boundary"), "{colour:?}: there is none");
            super::png(&scene, 300).expect("a picture");
            assert!(super::html(&scene).ends_with(b"</html>\n"), "{colour:?}: a whole page");
        }
    }
}

fn plot() -> Plot {
    let curve = |rise: f64| (0..=20).map(|i| [f64::from(i) / 20.0, rise * f64::from(i)]).collect();
    Plot {
        title: "a segment".to_owned(),
        subtitle: "from a to b".to_owned(),
        x_label: "t".to_owned(),
        curves: (0..12).map(|i| (format!("output {i}"), curve(f64::from(i) - 4.0))).collect(),
        breaks: vec![(0.25, 0), (0.5, 2), (0.75, 2)],
        class_changes: vec![0.4],
        theme: Theme::Dark,
    }
}

#[test]
fn plots_have_curves_and_marks() {
    let text = String::from_utf8(super::plot_svg(&plot())).expect("UTF-8");
    check_markup(&text);
    for words in
        ["a segment", "from a to b", "output 11", "layer 0: 1", "layer 2: 2", "class changes"]
    {
        assert!(text.contains(words), "{words} is missing");
    }
    let bytes = super::plot_png(&plot(), 400).expect("a picture");
    assert!(bytes.starts_with(b"\x89PNG"), "a PNG file");
}

#[test]
fn plots_of_nothing_are_drawn() {
    let plot = Plot { curves: Vec::new(), breaks: Vec::new(), class_changes: Vec::new(), ..plot() };
    let text = String::from_utf8(super::plot_svg(&plot)).expect("UTF-8");
    check_markup(&text);
    assert!(!text.contains("NaN"), "all are numbers");
}
