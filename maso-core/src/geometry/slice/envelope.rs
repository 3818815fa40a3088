//! The upper envelope of a unit's candidates in a convex polygon: where each wins, as cells on the shared edges.

use std::cmp::Ordering;

use super::complex::{Line, LineOf, NONE, Side, What};
use super::contest::At;
use super::order::{Crossing, Stretch};
use super::walk::{Cut, Walk};
use crate::geometry::forms::Bounds;

/// Two of a unit's candidates; above 0 where the later one wins.
#[derive(Debug)]
struct Pair {
    first: u32,
    second: u32,
    cut: Cut,
    form: ([f64; 3], Bounds),
    /// Its sign at each corner of the ring.
    signs: Vec<Ordering>,
}

/// A stretch of a pair's line inside the polygon, from where it enters counterclockwise.
#[derive(Clone, Copy, Debug)]
struct Wall {
    ends: [u32; 2],
    /// Which wins on its left, and on its right.
    winners: [u32; 2],
    line: u32,
}

impl Walk<'_, '_> {
    /// Splits a polygon into the cells where each of a unit's candidates wins. Gives winners and boundaries.
    pub(super) fn envelope(
        &mut self,
        at: At,
        ring: Vec<Side>,
        unit: u32,
        candidates: &[u32],
    ) -> Vec<(u32, Vec<Side>)> {
        let mut pairs = Vec::new();
        for (i, &first) in candidates.iter().enumerate() {
            for &second in &candidates[i + 1..] {
                pairs.push(self.new_pair(at, &ring, What::Pair { unit, first, second }));
            }
        }
        let ring = self.cut_where_winners_change(at, ring, &mut pairs);
        let mut walls = Vec::new();
        for pair in 0..pairs.len() {
            walls.extend(self.wall(at, &ring, &pairs, pair, candidates));
        }
        self.join_ends(at, unit, candidates, &mut walls);
        let mut faces: Vec<(u32, Vec<Side>)> =
            candidates.iter().map(|&c| (c, Vec::new())).collect();
        let mut give = |winner: u32, side: Side| {
            let face = faces.iter_mut().find(|(candidate, _)| *candidate == winner);
            face.expect("one of the candidates").1.push(side);
        };
        for (place, &side) in ring.iter().enumerate() {
            give(winner_along(&pairs, candidates, place, ring.len()), side);
        }
        for wall in walls {
            let edge = self.complex.edge(wall.ends, wall.line);
            give(wall.winners[0], Side::new(edge, false));
            give(wall.winners[1], Side::new(edge, true));
        }
        faces.retain(|(_, sides)| !sides.is_empty());
        faces.iter_mut().for_each(|(_, sides)| self.chain(sides));
        faces
    }

    fn new_pair(&mut self, at: At, ring: &[Side], what: What) -> Pair {
        let What::Pair { first, second, .. } = what else { unreachable!("a pair") };
        let (form, bounds) = self.pair_form(at, what);
        let line = self.complex.lines.len() as u32;
        let of = LineOf::Wall { cell: at.cell, stage: at.stage as u32, what };
        self.complex.lines.push(Line { form, error: bounds.error, of });
        let corners = ring.iter().map(|&side| self.complex.start(side)).collect::<Vec<_>>();
        let signs = corners
            .into_iter()
            .map(|corner| self.pair_sign(at, what, (form, bounds), corner))
            .collect();
        let cut = Cut { what, line, aligned: true };
        Pair { first, second, cut, form: (form, bounds), signs }
    }

    /// Cuts the sides of a polygon where one winner follows another. Gives the finer ring, the pairs' signs with
    /// it.
    fn cut_where_winners_change(
        &mut self,
        at: At,
        ring: Vec<Side>,
        pairs: &mut [Pair],
    ) -> Vec<Side> {
        let cuts: Vec<Cut> = pairs.iter().map(|pair| pair.cut).collect();
        let mut finer = Vec::new();
        // For each place of the finer ring: the old corner, or the new vertex and the pairs that tie there.
        let mut made: Vec<Result<usize, (u32, Vec<u32>)>> = Vec::new();
        for (place, &side) in ring.iter().enumerate() {
            made.push(Ok(place));
            let next = (place + 1) % ring.len();
            let ends = self.complex.edges[side.edge()].ends;
            let stretch = Stretch { ends, line: self.complex.edges[side.edge()].line };
            let mut crossings = Vec::new();
            for (i, pair) in pairs.iter().enumerate() {
                let (from, to) = (pair.signs[place], pair.signs[next]);
                if from.is_ne() && from == to.reverse() {
                    let first = if side.is_reversed() { to } else { from };
                    crossings.push(Crossing::new(i as u32, first == Ordering::Greater));
                }
            }
            crossings.retain(|crossing| self.is_highest(at, &cuts, stretch, *crossing));
            if crossings.is_empty() {
                finer.push(side);
                continue;
            }
            let mut points = Vec::new();
            self.cross(at.cell, at.stage, &cuts, stretch, &mut crossings, &mut points);
            let vertices = points.iter().map(|(vertex, _)| *vertex);
            self.complex.cut(side.edge(), at.stage, vertices);
            self.complex.parts(side, at.stage, &mut finer);
            let mut rest = &crossings[..];
            let mut new: Vec<_> = points
                .iter()
                .map(|&(vertex, count)| {
                    let (now, later) = rest.split_at(count as usize);
                    rest = later;
                    Err((vertex, now.iter().map(|crossing| crossing.cut).collect()))
                })
                .collect();
            if side.is_reversed() {
                new.reverse();
            }
            made.append(&mut new);
        }
        for (i, pair) in pairs.iter_mut().enumerate() {
            let old = std::mem::take(&mut pair.signs);
            let (form, what) = (pair.form, pair.cut.what);
            for corner in &made {
                pair.signs.push(match corner {
                    Ok(place) => old[*place],
                    Err((_, ties)) if ties.contains(&(i as u32)) => Ordering::Equal,
                    Err((vertex, _)) => self.pair_sign(at, what, form, *vertex),
                });
            }
        }
        finer
    }

    /// Whether no candidate is above the two of a pair where they tie on a stretch.
    fn is_highest(&mut self, at: At, cuts: &[Cut], stretch: Stretch, crossing: Crossing) -> bool {
        let vertex = self.vertex_on(at, cuts, stretch, crossing);
        let What::Pair { unit, first, .. } = cuts[crossing.cut as usize].what else { return true };
        let rivals = cuts.iter().filter_map(|cut| rival(cut, unit, first)).collect::<Vec<_>>();
        rivals.into_iter().all(|(cut, later)| {
            let form = self.line_form(cut.line);
            let sign = self.pair_sign(at, cut.what, form, vertex);
            // The rival is not above.
            sign != if later { Ordering::Greater } else { Ordering::Less }
        })
    }

    /// The form of a line, and what is known of it.
    fn line_form(&self, line: u32) -> ([f64; 3], Bounds) {
        let line = &self.complex.lines[line as usize];
        (line.form, line.bounds(self.plan.reach))
    }

    /// A vertex that belongs to no edge yet, where a pair ties on a stretch.
    fn vertex_on(&mut self, at: At, cuts: &[Cut], stretch: Stretch, crossing: Crossing) -> u32 {
        let mut points = Vec::new();
        self.cross(at.cell, at.stage, cuts, stretch, &mut [crossing], &mut points);
        points[0].0
    }

    /// The stretch of a pair's line where the two tie above all others, if there is one between their cells.
    fn wall(
        &mut self,
        at: At,
        ring: &[Side],
        pairs: &[Pair],
        number: usize,
        candidates: &[u32],
    ) -> Option<Wall> {
        let pair = &pairs[number];
        let has = |sign| pair.signs.contains(&sign);
        if !has(Ordering::Less) || !has(Ordering::Greater) {
            return None;
        }
        let cuts: Vec<Cut> = pairs.iter().map(|pair| pair.cut).collect();
        let (mut ends, rises) = self.chord(at, ring, &cuts, pair, number);
        for &other in candidates {
            if other == pair.first || other == pair.second {
                continue;
            }
            let rival = pairs.iter().find_map(|p| {
                let later = p.first == pair.first && p.second == other;
                let earlier = p.first == other && p.second == pair.first;
                (later || earlier).then_some((p, later))
            });
            let (rival, later) = rival.expect("a pair of every two");
            let above = |sign: Ordering| if later { sign } else { sign.reverse() };
            let (form, what) = (rival.form, rival.cut.what);
            let signs = ends.map(|end| above(self.pair_sign(at, what, form, end)));
            match signs {
                [Ordering::Less | Ordering::Equal, Ordering::Less]
                | [Ordering::Less, Ordering::Equal] => {}
                [Ordering::Equal, Ordering::Equal] => {
                    if wins_beside(pairs, pair, other) {
                        return None;
                    }
                }
                [Ordering::Greater, Ordering::Less] | [Ordering::Less, Ordering::Greater] => {
                    let place = cuts.iter().position(|cut| cut.what == what).expect("its cut");
                    let falls = (signs[0] == Ordering::Greater) == later;
                    let stretch = Stretch { ends, line: pair.cut.line };
                    let crossing = Crossing::new(place as u32, falls);
                    let meeting = self.vertex_on(at, &cuts, stretch, crossing);
                    ends[usize::from(signs[1] == Ordering::Greater)] = meeting;
                }
                _ => return None,
            }
        }
        // The polygon between the first end and the second, counterclockwise, is on the right.
        let winners = if rises { [pair.first, pair.second] } else { [pair.second, pair.first] };
        Some(Wall { ends, winners, line: pair.cut.line })
    }

    /// Where a pair's line enters and leaves the polygon, counterclockwise, and whether the pair is above 0 on the
    /// boundary from the first to the second.
    fn chord(
        &mut self,
        at: At,
        ring: &[Side],
        cuts: &[Cut],
        pair: &Pair,
        number: usize,
    ) -> ([u32; 2], bool) {
        let mut ends = Vec::new();
        let mut rises = None;
        for (place, &side) in ring.iter().enumerate() {
            let (from, to) = (pair.signs[place], pair.signs[(place + 1) % ring.len()]);
            if from.is_eq() {
                ends.push(self.complex.start(side));
            }
            if ends.len() == 1 && to.is_ne() {
                rises.get_or_insert(to == Ordering::Greater);
            }
            if from.is_ne() && from == to.reverse() {
                let first = if side.is_reversed() { to } else { from };
                let crossing = Crossing::new(number as u32, first == Ordering::Greater);
                let edge = self.complex.edges[side.edge()];
                let stretch = Stretch { ends: edge.ends, line: edge.line };
                ends.push(self.vertex_on(at, cuts, stretch, crossing));
                if ends.len() == 1 {
                    rises.get_or_insert(to == Ordering::Greater);
                }
            }
        }
        debug_assert_eq!(ends.len(), 2, "a line through a convex polygon");
        ([ends[0], ends[1]], rises.expect("a corner between"))
    }

    /// Makes one vertex of those at which walls end inside the polygon, where they are one point.
    fn join_ends(&mut self, at: At, unit: u32, candidates: &[u32], walls: &mut [Wall]) {
        let mut known: Vec<(Vec<u32>, u32)> = Vec::new();
        for wall in walls.iter_mut() {
            let [first, second] = wall.winners;
            for end in &mut wall.ends {
                let lines = self.complex.vertices[*end as usize].lines;
                let inside = |line: u32| {
                    line != NONE
                        && matches!(self.complex.lines[line as usize].of,
                            LineOf::Wall { stage, cell, what: What::Pair { unit: of, .. } }
                                if stage as usize == at.stage && of == unit && cell == at.cell)
                };
                if !lines.into_iter().all(inside) {
                    continue;
                }
                let mut ties = Vec::new();
                for &other in candidates {
                    let (a, b) = (first.min(other), first.max(other));
                    let what = What::Pair { unit, first: a, second: b };
                    let is_tie = other == first || other == second || {
                        let form = self.pair_form(at, what);
                        self.pair_sign(at, what, form, *end).is_eq()
                    };
                    if is_tie {
                        ties.push(other);
                    }
                }
                match known.iter().find(|(of, _)| *of == ties) {
                    Some((_, vertex)) => *end = *vertex,
                    None => known.push((ties, *end)),
                }
            }
        }
    }

    /// Puts the sides of a polygon in order, each beginning where the one before ends.
    fn chain(&self, sides: &mut [Side]) {
        for i in 1..sides.len() {
            let end = self.complex.end(sides[i - 1]);
            let next = (i..sides.len()).find(|&j| self.complex.start(sides[j]) == end);
            sides.swap(i, next.expect("a polygon's sides follow one another"));
        }
    }
}

/// The pair of `first` with another candidate, if `cut` is one: it, and whether the other is the later.
fn rival(cut: &Cut, unit: u32, first: u32) -> Option<(Cut, bool)> {
    match cut.what {
        What::Pair { unit: of, first: a, .. } if of == unit && a == first => Some((*cut, true)),
        What::Pair { unit: of, second: b, .. } if of == unit && b == first => Some((*cut, false)),
        _ => None,
    }
}

/// The sign of `second` less `first` at a place of the ring.
fn beats(pairs: &[Pair], first: u32, second: u32, place: usize) -> Ordering {
    let (a, b) = (first.min(second), first.max(second));
    let pair = pairs.iter().find(|pair| pair.first == a && pair.second == b).expect("a pair");
    if first < second { pair.signs[place] } else { pair.signs[place].reverse() }
}

/// Whether a third candidate, which ties with a pair all along its line, wins on a side of it.
fn wins_beside(pairs: &[Pair], pair: &Pair, other: u32) -> bool {
    (0..pair.signs.len()).any(|place| {
        let best = match pair.signs[place] {
            Ordering::Less => pair.first,
            Ordering::Greater => pair.second,
            Ordering::Equal => return false,
        };
        beats(pairs, best, other, place) == Ordering::Greater
    })
}

/// Which candidate wins along a side of the ring, inside the polygon.
fn winner_along(pairs: &[Pair], candidates: &[u32], place: usize, places: usize) -> u32 {
    let next = (place + 1) % places;
    let better = |old: u32, new: u32| {
        let at = |place| beats(pairs, old, new, place);
        let along = at(place).then(at(next));
        // Where they tie along the side, inside decides.
        let inside = || (0..places).map(at).find(|sign| sign.is_ne());
        (if along.is_eq() { inside().unwrap_or(along) } else { along }).is_gt()
    };
    let best =
        candidates.iter().copied().reduce(|old, new| if better(old, new) { new } else { old });
    best.expect("a unit has candidates")
}
