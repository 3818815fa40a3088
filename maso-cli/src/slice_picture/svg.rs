//! A figure as SVG. Shapes are in whole hundredths of a unit, each place written as the step from the one before.

use std::fmt::Write as _;

use super::figure::{Anchor, Figure, Item, Stroke, Text};
use super::palette::hex;

/// Parts of a unit.
const PARTS: f64 = 100.0;
const FAMILY: &str = "DejaVu Sans, Verdana, Arial, Helvetica, sans-serif";

/// Writes the figure.
pub(super) fn write(figure: &Figure) -> Vec<u8> {
    let [width, height] = figure.size.map(f64::ceil);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"{FAMILY}\">\n\
         <title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n",
        escaped(&figure.title),
        hex(figure.paper)
    );
    figure.items.iter().for_each(|item| write_item(&mut out, item));
    out.push_str("</svg>\n");
    out.into_bytes()
}

fn write_item(out: &mut String, item: &Item) {
    match item {
        Item::Fill { colour, rings } => {
            out.push_str("<path transform=\"scale(.01)\" shape-rendering=\"crispEdges\" ");
            let _ = write!(out, "fill-rule=\"evenodd\" fill=\"{}\" d=\"", hex(*colour));
            write_path(out, rings, true);
            out.push_str("\"/>\n");
        }
        Item::Stroke(stroke) => write_stroke(out, stroke),
        Item::Dot { at: [x, y], radius, colour, rim } => {
            let (colour, rim) = (hex(*colour), hex(*rim));
            let _ = writeln!(
                out,
                "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius:.2}\" fill=\"{colour}\" stroke=\"{rim}\" stroke-width=\".7\"/>"
            );
        }
        Item::Text(text) => write_text(out, text),
    }
}

fn write_stroke(out: &mut String, stroke: &Stroke) {
    out.push_str("<path transform=\"scale(.01)\" fill=\"none\" stroke-linejoin=\"round\" ");
    let _ = write!(out, "stroke=\"{}\" ", hex(stroke.colour));
    let _ = write!(out, "stroke-width=\"{:.0}\" ", stroke.width * PARTS);
    if stroke.opacity < 1.0 {
        let _ = write!(out, "stroke-opacity=\"{:.2}\" ", stroke.opacity);
    }
    if !stroke.dash.is_empty() {
        let dash: Vec<String> = stroke.dash.iter().map(|x| format!("{:.0}", x * PARTS)).collect();
        let _ = write!(out, "stroke-dasharray=\"{}\" ", dash.join(" "));
    }
    out.push_str("d=\"");
    write_path(out, &stroke.lines, false);
    out.push_str("\"/>\n");
}

/// Lines, each place as the step from the one before: after `m`, pairs of numbers are such steps.
fn write_path(out: &mut String, lines: &[Vec<[f64; 2]>], closed: bool) {
    let mut pen = [0_i64; 2];
    for line in lines {
        let mut places: Vec<_> =
            line.iter().map(|at| at.map(|x| (x * PARTS).round() as i64)).collect();
        places.dedup();
        if places.len() < if closed { 3 } else { 2 } {
            continue;
        }
        out.push('m');
        for (i, place) in places.iter().enumerate() {
            write_step(out, [place[0] - pen[0], place[1] - pen[1]], i == 0);
            pen = *place;
        }
        if closed {
            out.push('z');
            pen = places[0];
        }
    }
}

/// Two numbers, with a space only where no sign tells them apart from what is before.
fn write_step(out: &mut String, [x, y]: [i64; 2], first: bool) {
    if !first && x >= 0 {
        out.push(' ');
    }
    let _ = write!(out, "{x}");
    if y >= 0 {
        out.push(' ');
    }
    let _ = write!(out, "{y}");
}

fn write_text(out: &mut String, text: &Text) {
    let [x, y] = text.at;
    let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{}\" ", text.size);
    match text.anchor {
        Anchor::Start => {}
        Anchor::Middle => out.push_str("text-anchor=\"middle\" "),
        Anchor::End => out.push_str("text-anchor=\"end\" "),
    }
    if text.bold {
        out.push_str("font-weight=\"bold\" ");
    }
    if text.upright {
        let _ = write!(out, "transform=\"rotate(-90 {x:.1} {y:.1})\" ");
    }
    if let Some(halo) = text.halo {
        let halo = hex(halo);
        let _ = write!(out, "paint-order=\"stroke\" stroke=\"{halo}\" stroke-width=\"3\" ");
    }
    let _ = writeln!(out, "fill=\"{}\">{}</text>", hex(text.colour), escaped(&text.text));
}

/// A text that markup may hold. Control characters, which XML has no place for, are left out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            letter if letter.is_control() => {}
            '\u{fffe}' | '\u{ffff}' => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_steps() {
        let mut out = String::new();
        let lines =
            [vec![[1.0, 2.0], [1.5, 1.0], [1.5, 1.0], [0.5, 3.0]], vec![[0.0, 0.0], [1.0, 1.0]]];
        write_path(&mut out, &lines, false);
        assert_eq!(out, "m100 200 50-100-100 200m-50-300 100 100", "short and without repetitions");
    }

    #[test]
    fn rings_go_back_to_where_they_began() {
        let mut out = String::new();
        let square = vec![[1.0, 1.0], [2.0, 1.0], [2.0, 2.0]];
        write_path(&mut out, &[square.clone(), square], true);
        assert_eq!(
            out, "m100 100 100 0 0 100zm0 0 100 0 0 100z",
            "the second begins at the same place"
        );
    }

    #[test]
    fn texts_cannot_break_out() {
        assert_eq!(
            escaped("<a> & \"b\"\u{1}"),
            "&lt;a&gt; &amp; &quot;b&quot;",
            "markup and controls"
        );
    }
}
