//! The walk through all cells of a window, depth first: each cell of a stage is split where the stage decides, and
//! its parts go on to the next stage before the next cell is looked at.

use std::time::Instant;

use super::complex::{Complex, Line, LineOf, NONE, Side, What};
use super::decide::{Exact, Given, SignTable};
use super::order::{Crossing, Stretch};
use super::result::Maps;
use super::split::{Chord, Ground, Parts, Splitter};
use super::window::Window;
use crate::geometry::forms::{Bounds, Frames, Kind, Plan};

/// A wall on its way through a cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) form: [f64; 3],
    pub(super) bounds: Bounds,
    pub(super) what: What,
    pub(super) line: u32,
    /// Whether it has the sign of the first of those that run together with it.
    pub(super) aligned: bool,
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) regions: usize,
    pub(super) deadline: Option<Instant>,
}

/// A region or a cell of what is decided last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) cell: u32,
    /// Its boundary in the list of sides.
    pub(super) sides: (u32, u32),
}

/// The cells that a walk has found, and everything on the way.
#[derive(Debug)]
pub(super) struct Walk<'p, 'n> {
    pub(super) plan: &'p Plan<'n>,
    pub(super) window: &'p Window,
    pub(super) complex: Complex,
    pub(super) exact: Exact,
    signs: Vec<SignTable>,
    pub(super) frames: Frames,
    pub(super) path: Vec<Vec<u64>>,
    levels: Vec<Level>,
    /// Cells of each stage so far.
    pub(super) counts: Vec<usize>,
    /// Stages whose cells are the regions; a last one may follow.
    regions_at: usize,
    pub(super) regions: Vec<Found>,
    pub(super) finest: Vec<Found>,
    pub(super) sides: Vec<Side>,
    stop: Stop,
    pub(super) is_capped: bool,
    pub(super) maps: Option<Maps>,
}

/// Lists of a level, used again for each of its cells.
#[derive(Debug, Default)]
struct Level {
    ring: Vec<Side>,
    /// Whether a place of the ring was a corner before the stage cut its sides.
    is_old: Vec<bool>,
    cuts: Vec<Cut>,
    /// Where each row's cut is.
    cut_of_row: Vec<u32>,
    /// Places where cuts meet the ring.
    marks: Vec<(u32, u32)>,
    chords: Vec<Chord>,
    sorted: Vec<Cut>,
    parts: Parts,
    splitter: Splitter,
    cells: Vec<u32>,
    positive: Vec<u64>,
    negative: Vec<u64>,
    base: Vec<u64>,
    crossings: Vec<Crossing>,
    points: Vec<(u32, u32)>,
    children: Vec<[u32; 2]>,
    flips: Vec<u32>,
    near: Vec<u64>,
    vanish: Vec<u32>,
}

impl<'p, 'n> Walk<'p, 'n> {
    pub(super) fn new(
        plan: &'p Plan<'n>,
        window: &'p Window,
        regions_at: usize,
        stop: Stop,
        maps: Option<Maps>,
    ) -> Self {
        let stages = plan.stages.len();
        Self {
            plan,
            window,
            complex: Complex::default(),
            exact: Exact::default(),
            signs: (0..stages).map(|_| SignTable::default()).collect(),
            frames: Frames::new(stages + 1),
            path: plan.stages.iter().map(|stage| vec![0; stage.words()]).collect(),
            levels: (0..stages).map(|_| Level::default()).collect(),
            counts: vec![0; stages],
            regions_at,
            regions: Vec::new(),
            finest: Vec::new(),
            sides: Vec::new(),
            stop,
            is_capped: false,
            maps,
        }
    }

    /// Walks the whole window.
    pub(super) fn run(&mut self) {
        let corners = self.window.corners();
        let count = corners.len() as u32;
        if count == 0 {
            return;
        }
        self.complex.cell(NONE, &[]);
        for side in 0..count {
            let (form, bounds) = self.window.side(side as usize);
            self.complex.lines.push(Line { form, bounds, of: LineOf::Side(side) });
            let before = (side + count - 1) % count;
            self.complex.vertex(corners[side as usize], 0.0, [before, side]);
        }
        let ring: Vec<Side> = (0..count)
            .map(|side| Side::new(self.complex.edge([side, (side + 1) % count], side), false))
            .collect();
        self.plan.push(&mut self.frames, 0, 0, &self.path);
        self.visit(0, 0, &ring);
    }

    /// What exact decisions are made of, and who makes them.
    pub(super) fn given(&mut self) -> (Given<'_>, &mut Exact) {
        let given = Given { plan: self.plan, window: self.window, complex: &self.complex };
        (given, &mut self.exact)
    }

    /// Goes on with a cell after `stage` stages.
    fn visit(&mut self, stage: usize, cell: u32, ring: &[Side]) {
        if stage == self.regions_at {
            let found = self.keep(cell, ring);
            self.regions.push(found);
            if let Some(maps) = &mut self.maps {
                let forms = self.plan.forms(&self.frames, self.plan.network.output());
                maps.outputs = forms.len();
                maps.numbers.extend((0..forms.len()).map(|index| forms.form(index)));
                maps.errors.push(forms.bounds.error);
            }
            self.is_capped |= self.is_at_stop();
        }
        if stage == self.plan.stages.len() {
            if stage > self.regions_at {
                let found = self.keep(cell, ring);
                self.finest.push(found);
            }
            return;
        }
        if let Kind::Contest(_) = &self.plan.stages[stage].kind {
            return self.by_contest(stage, cell, ring);
        }
        let mut level = std::mem::take(&mut self.levels[stage]);
        self.by_signs(stage, cell, ring, &mut level);
        self.levels[stage] = level;
    }

    fn is_at_stop(&self) -> bool {
        let late = |deadline| Instant::now() >= deadline;
        self.regions.len() >= self.stop.regions
            || self.regions.len().is_multiple_of(64) && self.stop.deadline.is_some_and(late)
    }

    fn keep(&mut self, cell: u32, ring: &[Side]) -> Found {
        let from = self.sides.len() as u32;
        self.sides.extend_from_slice(ring);
        Found { cell, sides: (from, self.sides.len() as u32) }
    }

    /// A stage whose pieces are signs of rows.
    fn by_signs(&mut self, stage: usize, cell: u32, ring: &[Side], level: &mut Level) {
        let words = self.plan.stages[stage].words();
        self.gather_signs(stage, cell, ring, level);
        level.base.clear();
        level.base.extend_from_slice(&level.positive);
        let cut = |i: usize| level.positive[i] & level.negative[i];
        if (0..words).all(|i| cut(i) == 0) {
            self.path[stage].copy_from_slice(&level.base);
            let part = self.complex.cell(cell, &level.base);
            return self.go_on(stage, part, ring);
        }
        self.refine_by_signs(stage, cell, ring, level);
        self.chords_of(level);
        self.orient_by_signs(stage, ring, level);
        self.split_cell(stage, cell, level);
        let Level { parts, base, sorted, cells, flips, children, .. } = level;
        // On the side of the first edge.
        let rises_there = |chord: &Chord| !chord.rises;
        for chord in &level.chords {
            for cut in &sorted[chord.first as usize..(chord.first + chord.count) as usize] {
                let What::Row(row) = cut.what else { unreachable!("signs have rows") };
                let bit = 1u64 << (row % 64);
                let positive = rises_there(chord) == cut.aligned;
                let word = &mut base[row as usize / 64];
                *word = if positive { *word | bit } else { *word & !bit };
            }
        }
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
        self.path[stage].copy_from_slice(base);
        let needs_forms = self.needs_forms(stage + 1);
        if needs_forms {
            self.plan.push(&mut self.frames, stage + 1, 0, &self.path);
        }
        let family = Family { parts, sorted, cells, children };
        self.descend(stage, 0, 0, family, needs_forms, &mut level.flips);
    }

    fn needs_forms(&self, segment: usize) -> bool {
        segment < self.plan.stages.len() || self.maps.is_some()
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
            rows_of(family.sorted, family.parts.flips(child as usize), flips);
            let words = &mut self.path[stage];
            flips.iter().for_each(|&row| words[row as usize / 64] ^= 1 << (row % 64));
            if needs_forms {
                let places = (depth, depth + 1);
                self.plan.flip(&mut self.frames, stage + 1, places, &self.path, flips);
            }
            self.descend(stage, child as usize, depth + 1, family, needs_forms, flips);
            rows_of(family.sorted, family.parts.flips(child as usize), flips);
            let words = &mut self.path[stage];
            flips.iter().for_each(|&row| words[row as usize / 64] ^= 1 << (row % 64));
            self.frames.back_to(stage + 1, depth);
        }
    }

    /// A cell that its stage does not split.
    pub(super) fn go_on(&mut self, stage: usize, part: u32, ring: &[Side]) {
        self.counts[stage] += 1;
        if self.needs_forms(stage + 1) {
            self.plan.push(&mut self.frames, stage + 1, 0, &self.path);
        }
        self.visit(stage + 1, part, ring);
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
            for (i, word) in positive.iter().enumerate() {
                level.positive[i] |= word;
                if zeros.is_empty() {
                    level.negative[i] |= !word;
                } else {
                    let in_word = zeros.iter().filter(|&&row| row as usize / 64 == i);
                    let vanish = in_word.fold(0u64, |bits, row| bits | 1 << (row % 64));
                    level.negative[i] |= !word & !vanish;
                }
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
                std::cmp::Ordering::Greater => level.base[row as usize / 64] |= 1 << (row % 64),
                std::cmp::Ordering::Equal => zeros.push(row),
                std::cmp::Ordering::Less => {}
            }
        }
        self.signs[stage].add(vertex, &level.base, zeros);
    }

    /// Cuts the sides of a cell where rows change their sign, and marks where.
    fn refine_by_signs(&mut self, stage: usize, cell: u32, ring: &[Side], level: &mut Level) {
        let words = self.plan.stages[stage].words();
        let rows = self.plan.stages[stage].rows();
        let Level {
            positive, negative, cuts, cut_of_row, marks, is_old, crossings, points, ..
        } = level;
        cuts.clear();
        cut_of_row.resize(rows, 0);
        let forms = self.plan.rows(&self.frames, stage);
        for word in 0..words {
            let mut bits = positive[word] & negative[word];
            while bits != 0 {
                let row = word as u32 * 64 + bits.trailing_zeros();
                bits &= bits - 1;
                cut_of_row[row as usize] = cuts.len() as u32;
                let what = What::Row(row);
                let line = self.complex.lines.len() as u32;
                let (form, of) =
                    (forms.form(row as usize), LineOf::Wall { cell, stage: stage as u32, what });
                let bounds = forms.bounds.of_form(form, self.plan.reach);
                self.complex.lines.push(Line { form, bounds, of });
                cuts.push(Cut { form, bounds, what, line, aligned: true });
            }
        }
        level.ring.clear();
        marks.clear();
        is_old.clear();
        for &side in ring {
            let [from, to] = [self.complex.start(side), self.complex.end(side)];
            let place = level.ring.len() as u32;
            let table = &self.signs[stage];
            for &row in table.zeros(from) {
                if (positive[row as usize / 64] & negative[row as usize / 64]) >> (row % 64) & 1
                    == 1
                {
                    marks.push((cut_of_row[row as usize], place));
                }
            }
            is_old.push(true);
            // Crossings, as seen from the edge's own first end.
            let ends = if side.is_reversed() { [to, from] } else { [from, to] };
            crossings.clear();
            let (first, last) = (table.positive(ends[0], words), table.positive(ends[1], words));
            for word in 0..words {
                let mut bits = first[word] ^ last[word];
                if bits == 0 {
                    continue;
                }
                for &row in table.zeros(from).iter().chain(table.zeros(to)) {
                    if row as usize / 64 == word {
                        bits &= !(1 << (row % 64));
                    }
                }
                while bits != 0 {
                    let bit = bits.trailing_zeros();
                    bits &= bits - 1;
                    let row = word as u32 * 64 + bit;
                    let falls = first[word] >> bit & 1 == 1;
                    crossings.push(Crossing::new(cut_of_row[row as usize], falls));
                }
            }
            if crossings.is_empty() {
                level.ring.push(side);
                continue;
            }
            let edge = side.edge();
            if self.complex.edges[edge].cut != stage as u32 {
                debug_assert_eq!(self.complex.edges[edge].cut, NONE, "uncut so far");
                let line = self.complex.edges[edge].line;
                let stretch = Stretch { ends, line };
                self.cross(cell, stage, cuts, stretch, crossings, points);
                self.complex.cut(edge, stage, points.iter().map(|(vertex, _)| *vertex));
            }
            let before = level.ring.len();
            self.complex.parts(side, stage, &mut level.ring);
            for place in before + 1..level.ring.len() {
                is_old.push(false);
                let vertex = self.complex.start(level.ring[place]);
                let line = self.complex.vertices[vertex as usize].lines[1];
                if let LineOf::Wall { what: What::Row(row), .. } =
                    self.complex.lines[line as usize].of
                {
                    marks.push((cut_of_row[row as usize], place as u32));
                }
                if let Some(also) = self.complex.also_at_vertex.get(&vertex) {
                    marks.extend(also.iter().map(|&row| (cut_of_row[row as usize], place as u32)));
                }
            }
        }
    }

    /// Makes chords of the marks: two for each cut. Cuts between the same places run together.
    fn chords_of(&self, level: &mut Level) {
        let Level { ring, marks, chords, cuts, sorted, .. } = level;
        let places = ring.len() as u32;
        marks.sort_unstable();
        debug_assert_eq!(marks.len(), 2 * cuts.len(), "each cut enters and leaves");
        let mut spans: Vec<(u32, u32, u32)> = marks
            .chunks_exact(2)
            .map(|pair| {
                debug_assert_eq!(pair[0].0, pair[1].0, "two places of one cut");
                // Place 0 is also the last: the stretch must not hold the first edge.
                let (a, b) = (pair[0].1, pair[1].1);
                let (from, to) = if a == 0 { (b, places) } else { (a, b) };
                (from, to, pair[0].0)
            })
            .collect();
        spans.sort_unstable();
        chords.clear();
        sorted.clear();
        for &(from, to, cut) in &spans {
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

    /// Finds the sign of each chord's cuts on its stretch: at an old corner there.
    fn orient_by_signs(&mut self, stage: usize, _ring: &[Side], level: &mut Level) {
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
