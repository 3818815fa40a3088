//! Stages whose pieces are signs of forms: a cell is cut along the lines where some vanish inside of it, and its parts
//! are taken on from neighbour to neighbour.

use std::cmp::Ordering;

use super::complex::{Line, LineOf, NONE, Side, What};
use super::order::{Crossing, Stretch};
use super::split::{Chord, Ground, Parts, Splitter};
use super::walk::{Cut, Walk};

/// Lists of a level, used again for each of its cells.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) ring: Vec<Side>,
    /// Whether a place of the ring was a corner before the stage cut its sides.
    is_old: Vec<bool>,
    cuts: Vec<Cut>,
    /// Where each row's cut is.
    cut_of_row: Vec<u32>,
    /// Places where cuts meet the ring.
    marks: Vec<(u32, u32)>,
    /// Where each cut enters and leaves, and which it is.
    spans: Vec<(u32, u32, u32)>,
    pub(super) chords: Vec<Chord>,
    pub(super) sorted: Vec<Cut>,
    parts: Parts,
    pub(super) splitter: Splitter,
    cells: Vec<u32>,
    positive: Vec<u64>,
    negative: Vec<u64>,
    /// The signs of the first part.
    pub(super) base: Vec<u64>,
    crossings: Vec<Crossing>,
    points: Vec<(u32, u32)>,
    children: Vec<[u32; 2]>,
    flips: Vec<u32>,
    near: Vec<u64>,
    vanish: Vec<u32>,
}

impl Walk<'_, '_> {
    /// A stage whose pieces are signs of rows.
    pub(super) fn by_signs(&mut self, stage: usize, cell: u32, ring: &[Side], level: &mut Level) {
        self.gather_signs(stage, cell, ring, level);
        level.base.clear();
        level.base.extend_from_slice(&level.positive);
        if level.positive.iter().zip(&level.negative).all(|(above, below)| above & below == 0) {
            self.path[stage].copy_from_slice(&level.base);
            let part = self.complex.cell(cell, &level.base);
            return self.go_on(stage, part, ring);
        }
        self.find_cuts(stage, cell, level);
        self.cut_sides(stage, cell, ring, level);
        chords_of(level);
        self.orient(stage, level);
        if level.chords.len() > self.most_chords {
            (self.is_capped, self.has_given_up) = (true, true);
            return;
        }
        choose_first_part(level);
        if !self.put_blocks_off(stage, cell, level) {
            self.by_chords(stage, cell, level);
        }
    }

    /// Splits a polygon along its chords, whose first part is decided, and goes on with the parts.
    pub(super) fn by_chords(&mut self, stage: usize, cell: u32, level: &mut Level) {
        self.split_cell(stage, cell, level);
        self.name_parts(cell, level);
        let Level { parts, base, sorted, cells, children, .. } = level;
        self.path[stage].copy_from_slice(base);
        let needs_forms = self.needs_forms(stage + 1);
        if needs_forms {
            self.plan.push(&mut self.frames, stage + 1, 0, &self.path);
        }
        let family = Family { parts, sorted, cells, children };
        self.descend(stage, 0, 0, family, needs_forms, &mut level.flips);
    }

    /// Enters the parts into the tree of cells.
    fn name_parts(&mut self, cell: u32, level: &mut Level) {
        let Level { parts, base, sorted, cells, flips, children, .. } = level;
        cells.clear();
        for part in 0..parts.len() {
            let new = match parts.twin(part) {
                None => self.complex.cell(cell, base),
                Some(twin) => {
                    rows_of(sorted, parts.flips(part), flips);
                    self.complex.twin(cell, cells[twin], flips)
                }
            };
            cells.push(new);
        }
        hang(parts, children);
    }

    /// One part whose forms are at `depth`, then those that differ from it in few.
    fn descend(
        &mut self,
        stage: usize,
        part: usize,
        depth: usize,
        family: Family<'_>,
        needs_forms: bool,
        flips: &mut Vec<u32>,
    ) {
        if self.is_capped {
            return;
        }
        self.counts[stage] += 1;
        self.visit(stage + 1, family.cells[part], family.parts.sides(part));
        let mut next = family.children[part][0];
        while next != NONE {
            let child = next;
            next = family.children[child as usize][1];
            // Nobody comes back to the part after its last child, which may have its forms' place.
            let depth_of_child = if next == NONE { depth } else { depth + 1 };
            rows_of(family.sorted, family.parts.flips(child as usize), flips);
            let words = &mut self.path[stage];
            flips.iter().for_each(|&row| words[row as usize / 64] ^= 1 << (row % 64));
            if needs_forms {
                let places = (depth, depth_of_child);
                self.plan.flip(&mut self.frames, stage + 1, places, &self.path, flips);
            }
            self.descend(stage, child as usize, depth_of_child, family, needs_forms, flips);
            rows_of(family.sorted, family.parts.flips(child as usize), flips);
            let words = &mut self.path[stage];
            flips.iter().for_each(|&row| words[row as usize / 64] ^= 1 << (row % 64));
            self.frames.back_to(stage + 1, depth);
        }
    }

    /// Which rows are above 0 somewhere, and which below, at the corners of a cell.
    fn gather_signs(&mut self, stage: usize, cell: u32, ring: &[Side], level: &mut Level) {
        let rows = self.plan.stages[stage].rows();
        let words = self.plan.stages[stage].words();
        level.positive.clear();
        level.positive.resize(words, 0);
        level.negative.clear();
        level.negative.resize(words, 0);
        for &side in ring {
            let vertex = self.complex.start(side);
            if !self.signs[stage].has(vertex) {
                self.find_signs(stage, cell, vertex, level);
            }
            let positive = self.signs[stage].positive(vertex, words);
            let zeros = self.signs[stage].zeros(vertex);
            let sums = level.positive.iter_mut().zip(&mut level.negative);
            if zeros.is_empty() {
                for ((above, below), word) in sums.zip(positive) {
                    *above |= word;
                    *below |= !word;
                }
                continue;
            }
            for (i, ((above, below), word)) in sums.zip(positive).enumerate() {
                let in_word = zeros.iter().filter(|&&row| row as usize / 64 == i);
                let vanish = in_word.fold(0u64, |bits, row| bits | 1 << (row % 64));
                *above |= word;
                *below |= !word & !vanish;
            }
        }
        if !rows.is_multiple_of(64) {
            level.negative[words - 1] &= (1 << (rows % 64)) - 1;
        }
    }

    /// The signs of all rows at a vertex.
    fn find_signs(&mut self, stage: usize, cell: u32, vertex: u32, level: &mut Level) {
        let forms = self.plan.rows(&self.frames, stage);
        let place = self.complex.vertices[vertex as usize];
        let limit = forms.bounds.of_value(place.slack);
        let words = forms.block().stride.div_ceil(64);
        level.base.resize(words, 0);
        level.near.resize(words, 0);
        let (above, near) = (&mut level.base, &mut level.near);
        self.plan.kernels.form_signs(&forms.block(), place.at, limit, above, near);
        level.base.truncate(self.plan.stages[stage].words());
        level.vanish.clear();
        let rows = forms.len();
        for (word, &bits) in (0u32..).zip(&level.near) {
            let mut bits = bits;
            while bits != 0 {
                // The units that fill up the last block vanish as well.
                level.vanish.extend(
                    Some(word * 64 + bits.trailing_zeros()).filter(|&row| (row as usize) < rows),
                );
                bits &= bits - 1;
            }
        }
        let mut zeros = Vec::new();
        for &row in &level.vanish {
            let operands = self.plan.stages[stage].row(self.plan.network, row as usize);
            let (given, exact) = self.given();
            match exact.sign(given, cell, operands, vertex) {
                Ordering::Greater => level.base[row as usize / 64] |= 1 << (row % 64),
                Ordering::Equal => zeros.push(row),
                Ordering::Less => {}
            }
        }
        self.signs[stage].add(vertex, &level.base, zeros);
    }

    /// Finds the cuts of a cell: rows that are above 0 at one corner and below at another.
    fn find_cuts(&mut self, stage: usize, cell: u32, level: &mut Level) {
        let forms = self.plan.rows(&self.frames, stage);
        level.cuts.clear();
        level.cut_of_row.resize(self.plan.stages[stage].rows(), 0);
        for (word, (positive, negative)) in (0u32..).zip(level.positive.iter().zip(&level.negative))
        {
            for bit in bits(positive & negative) {
                let row = word * 64 + bit;
                level.cut_of_row[row as usize] = level.cuts.len() as u32;
                let what = What::Row(row);
                let line = self.complex.lines.len() as u32;
                let form = forms.form(row as usize);
                let of = LineOf::Wall { cell, stage: stage as u32, what };
                self.complex.lines.push(Line { form, error: forms.bounds.error, of });
                level.cuts.push(Cut { what, line, aligned: true });
            }
        }
    }

    /// Cuts the sides of a cell where rows change their sign, and marks where.
    fn cut_sides(&mut self, stage: usize, cell: u32, ring: &[Side], level: &mut Level) {
        level.ring.clear();
        level.marks.clear();
        level.is_old.clear();
        for &side in ring {
            self.mark_corner(stage, side, level);
            self.find_crossings(stage, side, level);
            if level.crossings.is_empty() {
                level.ring.push(side);
                continue;
            }
            let edge = side.edge();
            if self.complex.edges[edge].cut != stage as u32 {
                debug_assert_eq!(self.complex.edges[edge].cut, NONE, "uncut so far");
                let Level { cuts, crossings, points, .. } = level;
                let stretch = Stretch {
                    ends: self.complex.edges[edge].ends,
                    line: self.complex.edges[edge].line,
                };
                self.cross(cell, stage, cuts, stretch, crossings, points);
                self.complex.cut(edge, stage, points.iter().map(|(vertex, _)| *vertex));
            }
            let before = level.ring.len();
            self.complex.parts(side, stage, &mut level.ring);
            self.mark_new(before + 1, level);
        }
    }

    /// Marks the cuts that pass through the corner where a side begins.
    fn mark_corner(&self, stage: usize, side: Side, level: &mut Level) {
        let place = level.ring.len() as u32;
        level.is_old.push(true);
        for &row in self.signs[stage].zeros(self.complex.start(side)) {
            let word = row as usize / 64;
            if (level.positive[word] & level.negative[word]) >> (row % 64) & 1 == 1 {
                level.marks.push((level.cut_of_row[row as usize], place));
            }
        }
    }

    /// The cuts that cross a side between its ends, as seen from the edge's own first end.
    fn find_crossings(&self, stage: usize, side: Side, level: &mut Level) {
        let ends = self.complex.edges[side.edge()].ends;
        let words = self.plan.stages[stage].words();
        let table = &self.signs[stage];
        let [first, last] = ends.map(|end| table.positive(end, words));
        level.crossings.clear();
        for word in 0..words {
            let mut changed = first[word] ^ last[word];
            if changed == 0 {
                continue;
            }
            for &row in ends.iter().flat_map(|&end| table.zeros(end)) {
                if row as usize / 64 == word {
                    changed &= !(1 << (row % 64));
                }
            }
            for bit in bits(changed) {
                let row = word * 64 + bit as usize;
                let falls = first[word] >> bit & 1 == 1;
                level.crossings.push(Crossing::new(level.cut_of_row[row], falls));
            }
        }
    }

    /// Marks the cuts that meet the ring at its places from `from` on, which this stage has made.
    fn mark_new(&self, from: usize, level: &mut Level) {
        for place in from..level.ring.len() {
            level.is_old.push(false);
            let vertex = self.complex.start(level.ring[place]);
            let line = self.complex.vertices[vertex as usize].lines[1];
            if let LineOf::Wall { what: What::Row(row), .. } = self.complex.lines[line as usize].of
            {
                level.marks.push((level.cut_of_row[row as usize], place as u32));
            }
            if let Some(also) = self.complex.also_at_vertex.get(&vertex) {
                let cuts = also.iter().map(|&row| (level.cut_of_row[row as usize], place as u32));
                level.marks.extend(cuts);
            }
        }
    }

    /// Finds the sign of each chord's cuts on its stretch: at an old corner there.
    fn orient(&self, stage: usize, level: &mut Level) {
        let words = self.plan.stages[stage].words();
        for chord in &mut level.chords {
            let corner = (chord.from + 1..chord.to).find(|&place| level.is_old[place as usize]);
            let corner = corner.expect("a wall through a cell leaves corners on both sides");
            let vertex = self.complex.start(level.ring[corner as usize]);
            let positive = self.signs[stage].positive(vertex, words);
            let mut leading = None;
            let range = chord.first as usize..(chord.first + chord.count) as usize;
            for cut in &mut level.sorted[range] {
                let What::Row(row) = cut.what else { unreachable!("signs have rows") };
                let rises = positive[row as usize / 64] >> (row % 64) & 1 == 1;
                cut.aligned = rises == *leading.get_or_insert(rises);
            }
            chord.rises = leading.expect("a cut");
        }
    }

    /// Splits a cell along its chords.
    fn split_cell(&mut self, stage: usize, cell: u32, level: &mut Level) {
        let Level { ring, chords, sorted, parts, splitter, .. } = level;
        let ground = Ground { cell, stage, cuts: sorted };
        self.split(ground, splitter, ring, chords, parts);
    }
}

/// Parts of a cell and how they hang together.
#[derive(Clone, Copy)]
struct Family<'a> {
    parts: &'a Parts,
    sorted: &'a [Cut],
    cells: &'a [u32],
    /// For each part the first that hangs on it, and the next that hangs where it does.
    children: &'a [[u32; 2]],
}

/// Sets the signs of the cuts to what they are in the first part: beyond each chord's stretch.
fn choose_first_part(level: &mut Level) {
    let Level { chords, sorted, base, .. } = level;
    for chord in chords {
        for cut in &sorted[chord.first as usize..(chord.first + chord.count) as usize] {
            let What::Row(row) = cut.what else { unreachable!("signs have rows") };
            let bit = 1u64 << (row % 64);
            let word = &mut base[row as usize / 64];
            *word = if chord.rises == cut.aligned { *word & !bit } else { *word | bit };
        }
    }
}

/// Lists the parts that hang on each part.
fn hang(parts: &Parts, children: &mut Vec<[u32; 2]>) {
    children.clear();
    children.resize(parts.len(), [NONE; 2]);
    for part in (1..parts.len()).rev() {
        let twin = parts.twin(part).expect("all but the first have one");
        children[part][1] = children[twin][0];
        children[twin][0] = part as u32;
    }
}

/// The rows of ranges of cuts.
fn rows_of(sorted: &[Cut], ranges: &[(u32, u32)], rows: &mut Vec<u32>) {
    rows.clear();
    for &(first, count) in ranges {
        for cut in &sorted[first as usize..(first + count) as usize] {
            if let What::Row(row) = cut.what {
                rows.push(row);
            }
        }
    }
}

/// Makes chords of the marks: two for each cut. Cuts between the same places run together.
fn chords_of(level: &mut Level) {
    let Level { ring, marks, spans, chords, cuts, sorted, .. } = level;
    let places = ring.len() as u32;
    marks.sort_unstable();
    debug_assert_eq!(marks.len(), 2 * cuts.len(), "each cut enters and leaves");
    spans.clear();
    spans.extend(marks.chunks_exact(2).map(|pair| {
        debug_assert_eq!(pair[0].0, pair[1].0, "two places of one cut");
        // Place 0 is also the last: the stretch must not hold the first edge.
        let (a, b) = (pair[0].1, pair[1].1);
        let (from, to) = if a == 0 { (b, places) } else { (a, b) };
        (from, to, pair[0].0)
    }));
    spans.sort_unstable();
    chords.clear();
    sorted.clear();
    for &(from, to, cut) in &*spans {
        match chords.last_mut() {
            Some(last) if last.from == from && last.to == to => last.count += 1,
            _ => {
                let first = sorted.len() as u32;
                chords.push(Chord { from, to, first, count: 1, rises: false });
            }
        }
        sorted.push(cuts[cut as usize]);
    }
}

/// The places of the bits that are set.
fn bits(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros();
        word &= word.wrapping_sub(1);
        (bit < 64).then_some(bit)
    })
}
