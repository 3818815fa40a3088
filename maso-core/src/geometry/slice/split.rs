//! A convex polygon cut by chords into the cells between them: pure combinatorics, but for the order in which
//! chords cross one another.

use super::complex::{NONE, Side, What};
use super::order::{Crossing, Stretch};
use super::walk::{Cut, Walk};

/// Fewer chords than this are taken one after another from the reference edge on; of more, a middle one.
const FEW: usize = 8;

/// A wall on its way through a polygon, between two places of its boundary.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chord {
    /// The place where the stretch of the boundary begins that does not hold the first edge, and where it ends:
    /// 1 to the number of edges. Place k is where edge k begins.
    pub(super) from: u32,
    pub(super) to: u32,
    /// The first of the cuts that run here, and how many do (in a list of cuts sorted so).
    pub(super) first: u32,
    pub(super) count: u32,
    /// Whether the first cut is above 0 on that stretch.
    pub(super) rises: bool,
}

/// The cells of a polygon, one after another; cell 0 has the polygon's first edge.
#[derive(Debug, Default)]
pub(super) struct Parts {
    sides: Vec<Side>,
    parts: Vec<Part>,
    /// Chords across which a part differs from its twin, by their cuts: first and count.
    flips: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    sides: (u32, u32),
    twin: u32,
    flips: (u32, u32),
}

impl Parts {
    fn clear(&mut self) {
        self.sides.clear();
        self.parts.clear();
        self.flips.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// The boundary of a part, counterclockwise.
    pub(super) fn sides(&self, part: usize) -> &[Side] {
        let (from, to) = self.parts[part].sides;
        &self.sides[from as usize..to as usize]
    }

    /// The part before it that it differs from in few; none for the first.
    pub(super) fn twin(&self, part: usize) -> Option<usize> {
        let twin = self.parts[part].twin;
        (twin != NONE).then_some(twin as usize)
    }

    /// The cuts that it differs in: ranges of the sorted list.
    pub(super) fn flips(&self, part: usize) -> &[(u32, u32)] {
        let (from, to) = self.parts[part].flips;
        &self.flips[from as usize..to as usize]
    }

    /// The signs of a part, from those of the first.
    fn words(&self, part: u32, cuts: &[Cut], base: &[u64]) -> Vec<u64> {
        let mut words = base.to_vec();
        let mut at = Some(part as usize);
        while let Some(part) = at {
            for &(first, count) in self.flips(part) {
                for cut in &cuts[first as usize..(first + count) as usize] {
                    if let What::Row(row) = cut.what {
                        words[row as usize / 64] ^= 1 << (row % 64);
                    }
                }
            }
            at = self.twin(part);
        }
        words
    }

    fn begin(&mut self, twin: u32, flips: impl IntoIterator<Item = (u32, u32)>) -> u32 {
        let from = self.flips.len() as u32;
        self.flips.extend(flips);
        let flips = (from, self.flips.len() as u32);
        self.parts.push(Part { sides: (0, 0), twin, flips });
        (self.parts.len() - 1) as u32
    }

    fn finish(&mut self, part: u32, sides: &[Side]) {
        let from = self.sides.len() as u32;
        self.sides.extend_from_slice(sides);
        self.parts[part as usize].sides = (from, self.sides.len() as u32);
    }
}

/// A polygon on its way, with the chords that still cut it and the number of the part that has its first edge.
#[derive(Debug, Default)]
struct Piece {
    sides: Vec<Side>,
    chords: Vec<Chord>,
    part: u32,
}

/// Lists that are used again and again.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    pieces: Vec<Piece>,
    spare: Vec<Piece>,
    crossings: Vec<Crossing>,
    points: Vec<(u32, u32)>,
    /// For each crossing chord of a split: which it is, and the number of the point where it crosses.
    met: Vec<(u32, u32)>,
    /// The same by the crossings' cuts.
    point_of: Vec<(u32, u32)>,
    chord_edges: Vec<u32>,
}

/// What a polygon is split in.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) cell: u32,
    pub(super) stage: usize,
    /// Sorted so that those of a chord are neighbours.
    pub(super) cuts: &'a [Cut],
}

/// A piece of a polygon with the chords that still cut it.
#[derive(Debug)]
pub(super) struct Coarse {
    pub(super) sides: Vec<Side>,
    pub(super) chords: Vec<Chord>,
    /// The signs of the part that has its first edge.
    pub(super) words: Vec<u64>,
}

impl Splitter {
    /// Puts a whole polygon on its way, as the first of `parts`.
    fn begin(&mut self, sides: &[Side], chords: &[Chord], parts: &mut Parts) {
        parts.clear();
        let mut piece = self.spare.pop().unwrap_or_default();
        piece.sides.clear();
        piece.sides.extend_from_slice(sides);
        piece.chords.clear();
        piece.chords.extend_from_slice(chords);
        piece.part = parts.begin(NONE, []);
        self.pieces.push(piece);
    }
}

impl Walk<'_, '_> {
    /// Splits the polygon `sides` along `chords` into `parts`.
    pub(super) fn split(
        &mut self,
        ground: Ground<'_>,
        splitter: &mut Splitter,
        sides: &[Side],
        chords: &[Chord],
        parts: &mut Parts,
    ) {
        splitter.begin(sides, chords, parts);
        while let Some(mut piece) = splitter.pieces.pop() {
            while !piece.chords.is_empty() {
                let across = self.split_once(ground, splitter, &mut piece, parts);
                splitter.pieces.push(across);
            }
            parts.finish(piece.part, &piece.sides);
            splitter.spare.push(piece);
        }
    }

    /// Splits the polygon `sides` until no more than `few` of `chords` are left in any piece; gives the pieces, each
    /// with the signs of its own first part, `base` being those of the first of all.
    pub(super) fn split_coarsely(
        &mut self,
        ground: Ground<'_>,
        splitter: &mut Splitter,
        (sides, chords): (&[Side], &[Chord]),
        few: usize,
        base: &[u64],
    ) -> Vec<Coarse> {
        let mut parts = Parts::default();
        let mut found = Vec::new();
        splitter.begin(sides, chords, &mut parts);
        while let Some(mut piece) = splitter.pieces.pop() {
            while piece.chords.len() > few {
                let across = self.split_once(ground, splitter, &mut piece, &mut parts);
                splitter.pieces.push(across);
            }
            let words = parts.words(piece.part, ground.cuts, base);
            found.push(Coarse { sides: piece.sides, chords: piece.chords, words });
        }
        found
    }

    /// Cuts `piece` along one of its chords. It keeps its first edge; what is across is given back.
    fn split_once(
        &mut self,
        ground: Ground<'_>,
        splitter: &mut Splitter,
        piece: &mut Piece,
        parts: &mut Parts,
    ) -> Piece {
        let chosen = choose(&piece.chords, piece.sides.len());
        let chord = piece.chords.swap_remove(chosen);
        let inside = chord.to - chord.from;
        self.meet(ground, splitter, piece, chord);
        let met = splitter.points.len() as u32;
        let mut across = splitter.spare.pop().unwrap_or_default();
        self.new_edges(ground, splitter, piece, chord);
        let edges = &splitter.chord_edges;
        // Across: back along the chord's first edge, which is the reference there, the boundary, and back.
        across.sides.clear();
        across.sides.push(Side::new(edges[0], true));
        across.sides.extend_from_slice(&piece.sides[chord.from as usize..chord.to as usize]);
        across.sides.extend(edges[1..].iter().rev().map(|&edge| Side::new(edge, true)));
        let range = chord.from as usize..chord.to as usize;
        piece.sides.splice(range, edges.iter().map(|&edge| Side::new(edge, false)));
        // Where places of the boundary and points of the chord come to stand.
        let in_across = |place: u32| 1 + place - chord.from;
        let point_across = |point: u32| 1 + inside + met - point;
        let in_piece =
            |place: u32| if place <= chord.from { place } else { place + met + 1 - inside };
        let point_piece = |point: u32| chord.from + point + 1;
        across.chords.clear();
        let mut crossing = splitter.met.iter();
        let mut next = crossing.next();
        let mut kept = 0;
        for i in 0..piece.chords.len() {
            let other = piece.chords[i];
            if let Some(&(which, point)) = next
                && which == i as u32
            {
                next = crossing.next();
                let (starts_inside, ends_inside) = (chord.holds(other.from), chord.holds(other.to));
                debug_assert!(starts_inside != ends_inside, "it crosses");
                let (within, beyond) =
                    if starts_inside { (other.from, other.to) } else { (other.to, other.from) };
                // Across: the stretch from the lower to the higher place.
                let a = in_across(within);
                let b = point_across(point);
                // Its stretch there is the one between the place inside and the chord's end that lies on
                // the stretch of the whole.
                let rises = if starts_inside { other.rises } else { !other.rises };
                across.chords.push(Chord { from: a, to: b, rises, ..other });
                let (place, point) = (in_piece(beyond), point_piece(point));
                let rest = if place < point {
                    // It began before the chord: its stretch holds the chord's first end.
                    Chord { from: place, to: point, ..other }
                } else {
                    Chord { from: point, to: place, ..other }
                };
                piece.chords[kept] = rest;
                kept += 1;
            } else if chord.covers(other) {
                across.chords.push(Chord {
                    from: in_across(other.from),
                    to: in_across(other.to),
                    ..other
                });
            } else {
                piece.chords[kept] =
                    Chord { from: in_piece(other.from), to: in_piece(other.to), ..other };
                kept += 1;
            }
        }
        piece.chords.truncate(kept);
        // Which of the others lie between the reference edge and the chord's first edge.
        let place = chord.from;
        let between = piece.chords.iter().filter(|other| other.from <= place && place < other.to);
        let flips = between.chain([&chord]).map(|chord| (chord.first, chord.count));
        across.part = parts.begin(piece.part, flips);
        across
    }

    /// Finds which chords cross `chord`, and the points where they do.
    fn meet(&mut self, ground: Ground<'_>, splitter: &mut Splitter, piece: &Piece, chord: Chord) {
        let Splitter { crossings, points, met, point_of, .. } = splitter;
        crossings.clear();
        met.clear();
        for (i, other) in piece.chords.iter().enumerate() {
            if chord.crosses(*other) {
                // Whether it is above 0 at the chord's first end.
                let on_stretch = other.from < chord.from && chord.from < other.to;
                met.push((i as u32, other.first));
                crossings.push(Crossing::new(other.first, other.rises == on_stretch));
            }
        }
        points.clear();
        if met.is_empty() {
            return;
        }
        let ends = [chord.from, chord.to].map(|place| self.place(piece, place));
        let line = ground.cuts[chord.first as usize].line;
        let stretch = Stretch { ends, line };
        self.cross(ground.cell, ground.stage, ground.cuts, stretch, crossings, points);
        // The crossings were sorted: back to the chords' order.
        point_of.clear();
        let mut at = 0;
        for (point, &(_, count)) in points.iter().enumerate() {
            for crossing in &crossings[at..at + count as usize] {
                point_of.push((crossing.cut, point as u32));
            }
            at += count as usize;
        }
        for (_, cut) in met.iter_mut() {
            *cut = point_of.iter().find(|(of, _)| of == cut).expect("it crosses").1;
        }
    }

    /// The edges of a chord, from its first end through the points on it to its second.
    fn new_edges(
        &mut self,
        ground: Ground<'_>,
        splitter: &mut Splitter,
        piece: &Piece,
        chord: Chord,
    ) {
        let line = ground.cuts[chord.first as usize].line;
        let last = self.place(piece, chord.to);
        let mut start = self.place(piece, chord.from);
        splitter.chord_edges.clear();
        for &end in splitter.points.iter().map(|(point, _)| point).chain([&last]) {
            splitter.chord_edges.push(self.complex.edge([start, end], line));
            start = end;
        }
    }

    /// The vertex at a place of a polygon's boundary.
    fn place(&self, piece: &Piece, place: u32) -> u32 {
        self.complex.start(piece.sides[place as usize % piece.sides.len()])
    }
}

impl Chord {
    /// Whether a place is within its stretch, ends left out.
    fn holds(&self, place: u32) -> bool {
        self.from < place && place < self.to
    }

    fn covers(&self, other: Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    fn crosses(&self, other: Self) -> bool {
        let beyond = |place| place < self.from || self.to < place;
        self.holds(other.from) && beyond(other.to) || self.holds(other.to) && beyond(other.from)
    }
}

/// Which chord to cut along: next to the reference edge where there are few; else one that leaves about as much
/// on either side.
fn choose(chords: &[Chord], sides: usize) -> usize {
    let places = chords.iter().enumerate();
    let best = if chords.len() < FEW {
        places.min_by_key(|(_, chord)| (chord.from, u32::MAX - chord.to))
    } else {
        let half = sides as u32 / 2;
        places.min_by_key(|(_, chord)| (chord.to - chord.from).abs_diff(half))
    };
    best.expect("a chord").0
}
