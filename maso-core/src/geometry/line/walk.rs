//! The walk along a segment, depth first: each interval of a stage is cut where the stage decides, and its parts go
//! on to the next stage from the first to the last.

use std::cmp::Ordering;
use std::time::Instant;

use super::bend::Bends;
use super::decide::{Cell, End, EndOf, Exact, What, operands};
use super::result::{Break, ClassChange, Piece, UnitChange};
use crate::geometry::forms::{Bounds, Frames, Kind, Operand, Plan, ROUNDING, value};

/// Roots that f64 does not place as well as this are placed exactly.
const TIGHT: f64 = 1e-11;

/// Forms are found anew after as many changes of the ones before, so that errors do not add up.
const MOST_FLIPS: usize = 64;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) pieces: usize,
    pub(super) deadline: Option<Instant>,
}

/// A root inside an interval, and what changes there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root {
    pub(super) what: What,
    /// Whether its form is above 0 before it.
    pub(super) falls: bool,
    pub(super) t: f64,
    pub(super) slack: f64,
    /// Bits of the stage's words that change, from bit `at` on.
    pub(super) at: usize,
    pub(super) bits: u64,
}

/// The signs of a stage's rows at an end.
#[derive(Debug, Default)]
struct Signs {
    positive: Vec<u64>,
    zero: Vec<u64>,
}

/// What a stage keeps from one of its intervals to the next.
#[derive(Debug, Default)]
struct Level {
    /// The last end whose signs were found: they are `right`.
    last: Option<u32>,
    left: Signs,
    right: Signs,
    words: Vec<u64>,
    roots: Vec<Root>,
}

/// What a walk has found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) pieces: Vec<Piece>,
    pub(super) breaks: Vec<Break>,
    pub(super) class_changes: Vec<ClassChange>,
    pub(super) first_code: Vec<u64>,
    pub(super) first_class: Option<u32>,
    class: Option<u32>,
    /// Of the last piece: what was decided, the outputs' slopes and how well they are known.
    path: Vec<Vec<u64>>,
    slopes: Vec<f64>,
    error: f64,
}

#[derive(Debug)]
pub(super) struct Walk<'p, 'n> {
    pub(super) plan: &'p Plan<'n>,
    /// Stages that are layers; one more may follow.
    layers: usize,
    pub(super) frames: Frames,
    pub(super) path: Vec<Vec<u64>>,
    pub(super) exact: Exact,
    levels: Vec<Level>,
    ends: u32,
    bends: &'p Bends,
    keeps_maps: bool,
    stop: Stop,
    pub(super) found: Found,
    pub(super) is_capped: bool,
}

impl<'p, 'n> Walk<'p, 'n> {
    pub(super) fn new(plan: &'p Plan<'n>, bends: &'p Bends, keeps_maps: bool, stop: Stop) -> Self {
        let stages = plan.stages.len();
        Self {
            plan,
            layers: plan.stages.iter().filter(|stage| stage.layer.is_some()).count(),
            frames: Frames::new(stages + 1),
            path: plan.stages.iter().map(|stage| vec![0; stage.words()]).collect(),
            exact: Exact::default(),
            levels: (0..stages).map(|_| Level::default()).collect(),
            ends: 0,
            bends,
            keeps_maps,
            stop,
            found: Found::default(),
            is_capped: false,
        }
    }

    /// Walks the whole segment.
    pub(super) fn run(&mut self) {
        self.plan.push(&mut self.frames, 0, 0, &self.path);
        let ends = [(0.0, EndOf::Start), (1.0, EndOf::Finish)];
        let interval = ends.map(|(t, of)| self.end(t, 0.0, of));
        self.visit(0, interval);
    }

    fn end(&mut self, t: f64, slack: f64, of: EndOf) -> End {
        self.ends += 1;
        End { t, slack, of, id: self.ends }
    }

    /// The present cell, of as many stages, and who answers about it.
    pub(super) fn cell(&mut self, stages: usize) -> (Cell<'_>, &mut Exact) {
        (Cell { plan: self.plan, path: &self.path, stages }, &mut self.exact)
    }

    /// Goes on with an interval after `stage` stages.
    fn visit(&mut self, stage: usize, interval: [End; 2]) {
        if stage == self.layers {
            self.keep_piece(interval);
        }
        let plan = self.plan;
        match plan.stages.get(stage).map(|stage| &stage.kind) {
            Some(Kind::Signs(_)) => self.by_signs(stage, interval),
            Some(Kind::Contest(contest)) => self.by_contest(stage, contest, interval),
            None if stage > self.layers => self.keep_class(interval[0]),
            None => {}
        }
        if stage == self.layers {
            self.is_capped = interval[1].of != EndOf::Finish && self.is_at_stop();
        }
    }

    fn is_at_stop(&self) -> bool {
        let pieces = self.found.pieces.len();
        let late = |deadline| Instant::now() >= deadline;
        pieces >= self.stop.pieces
            || pieces.is_multiple_of(64) && self.stop.deadline.is_some_and(late)
    }

    /// A stage whose pieces are signs of rows.
    fn by_signs(&mut self, stage: usize, interval: [End; 2]) {
        let mut level = std::mem::take(&mut self.levels[stage]);
        // The network is continuous: a sign at an end is the same seen from both sides.
        if level.last == Some(interval[0].id) {
            std::mem::swap(&mut level.left, &mut level.right);
        } else {
            self.find_signs(stage, interval[0], &mut level.left);
        }
        self.find_signs(stage, interval[1], &mut level.right);
        level.last = Some(interval[1].id);
        let Level { left, right, words, roots, .. } = &mut level;
        words.clear();
        roots.clear();
        for word in 0..left.positive.len() {
            let [up, down] = [left.positive[word], right.positive[word]];
            let mut crossing = (up ^ down) & !left.zero[word] & !right.zero[word];
            words.push((up | down) & !crossing | up & crossing);
            while crossing != 0 {
                let bit = crossing.trailing_zeros() as usize;
                crossing &= crossing - 1;
                let row = word * 64 + bit;
                let root = self.row_root(stage, row, up >> bit & 1 == 1, interval);
                roots.push(root);
            }
        }
        self.split(stage, interval, words, roots);
        self.levels[stage] = level;
    }

    /// Finds the signs of all rows at an end.
    fn find_signs(&mut self, stage: usize, end: End, signs: &mut Signs) {
        let forms = self.plan.rows(&self.frames, stage);
        let limit = forms.bounds.of_value(end.slack);
        let [slopes, _, offsets] = forms.columns();
        let words = self.plan.stages[stage].words();
        let mut near = Vec::new();
        signs.positive.clear();
        signs.zero.clear();
        signs.zero.resize(words, 0);
        let rows = slopes.iter().zip(offsets).take(forms.len()).enumerate();
        signs.positive.resize(words, 0);
        for (row, (a, c)) in rows {
            let z = a * end.t + c;
            let is_below = z < -limit;
            if z > limit {
                signs.positive[row / 64] |= 1 << (row % 64);
            } else if !is_below {
                near.push(row as u32);
            }
        }
        for row in near {
            let what = What::Row(row);
            match self.sign(stage, what, self.row_form(stage, row as usize), end) {
                Ordering::Greater => signs.positive[row as usize / 64] |= 1 << (row % 64),
                Ordering::Equal => signs.zero[row as usize / 64] |= 1 << (row % 64),
                Ordering::Less => {}
            }
        }
    }

    fn row_form(&self, stage: usize, row: usize) -> ([f64; 3], Bounds) {
        let forms = self.plan.rows(&self.frames, stage);
        let form = forms.form(row);
        (form, forms.bounds.of_form(form, self.plan.reach))
    }

    fn row_root(&self, stage: usize, row: usize, falls: bool, interval: [End; 2]) -> Root {
        let (t, slack) = place(self.row_form(stage, row), interval);
        Root { what: What::Row(row as u32), falls, t, slack, at: row, bits: 1 }
    }

    /// The sign at an end of what is compared.
    pub(super) fn sign(
        &mut self,
        stage: usize,
        what: What,
        (form, bounds): ([f64; 3], Bounds),
        end: End,
    ) -> Ordering {
        let z = value(form, [end.t, 0.0]);
        let limit = bounds.of_value(end.slack);
        if z > limit {
            return Ordering::Greater;
        }
        if z < -limit {
            return Ordering::Less;
        }
        let roots = self.roots(stage, what);
        if let [Operand::Constant(x), Operand::Constant(y)] = roots {
            return x.total_cmp(&y);
        }
        if roots[0] == roots[1] || self.is_root_of(roots, end) {
            return Ordering::Equal;
        }
        let (cell, exact) = self.cell(stage);
        exact.sign(cell, roots, end)
    }

    /// What is compared, seen through layers that let a number pass or switch it off.
    pub(super) fn roots(&self, stage: usize, what: What) -> [Operand; 2] {
        let operands = operands(self.plan, stage, what);
        // 0 and −0 are one number.
        operands.map(|operand| match self.plan.root(&self.path, operand) {
            Operand::Constant(value) => Operand::Constant(value + 0.0),
            number => number,
        })
    }

    /// Whether an end was made where the same two are equal: a unit that switches on there, against one that is
    /// off, for instance.
    fn is_root_of(&self, [x, y]: [Operand; 2], end: End) -> bool {
        let EndOf::Root { stage, what } = end.of else { return false };
        let made = self.roots(stage as usize, what);
        made == [x, y] || made == [y, x]
    }

    /// Cuts an interval at `roots`; `words` are decided before the first.
    pub(super) fn split(
        &mut self,
        stage: usize,
        interval: [End; 2],
        words: &mut [u64],
        roots: &mut [Root],
    ) {
        let groups = self.sort(stage, roots);
        let (mut left, mut rest, mut before) = (interval[0], &*roots, &roots[..0]);
        let mut turn = Turn::default();
        for count in groups.into_iter().map(Some).chain([None]) {
            let (group, later) = rest.split_at(count.unwrap_or(0));
            let right = match count {
                Some(_) => self.end_of(stage, group, [left, interval[1]]),
                None => interval[1],
            };
            self.path[stage].copy_from_slice(words);
            self.exact.forget(stage);
            self.find_forms(stage, before, &mut turn);
            self.visit(stage + 1, [left, right]);
            if self.is_capped {
                return;
            }
            group.iter().for_each(|root| toggle(words, root));
            (left, rest, before) = (right, later, group);
        }
    }

    /// Finds the forms behind `stage`: from those of the interval before, where little changes.
    fn find_forms(&mut self, stage: usize, changes: &[Root], turn: &mut Turn) {
        let segment = stage + 1;
        if segment > self.layers {
            return;
        }
        turn.flips += changes.len();
        let by_flips = turn.is_begun && turn.flips <= MOST_FLIPS;
        if by_flips && matches!(self.plan.stages[stage].kind, Kind::Signs(_)) {
            let rows: Vec<u32> = changes.iter().map(|root| root.at as u32).collect();
            let depths = (turn.depth, 1 - turn.depth);
            self.plan.flip(&mut self.frames, segment, depths, &self.path, &rows);
            turn.depth = 1 - turn.depth;
        } else {
            self.plan.push(&mut self.frames, segment, turn.depth, &self.path);
            (turn.is_begun, turn.flips) = (true, 0);
        }
    }

    /// Sorts roots, by places where they are apart and exactly where they may not be. Gives how many are one, group
    /// by group.
    fn sort(&mut self, stage: usize, roots: &mut [Root]) -> Vec<usize> {
        roots.sort_unstable_by(|x, y| x.t.total_cmp(&y.t));
        let mut reach = f64::NEG_INFINITY;
        let mut are_apart = true;
        for root in roots.iter() {
            are_apart &= reach < root.t - root.slack;
            reach = reach.max(root.t + root.slack);
        }
        if are_apart {
            return vec![1; roots.len()];
        }
        roots.sort_by(|x, y| self.compare(stage, x, y));
        roots.chunk_by(|x, y| self.compare(stage, x, y).is_eq()).map(<[Root]>::len).collect()
    }

    /// Which of two roots comes first.
    pub(super) fn compare(&mut self, stage: usize, x: &Root, y: &Root) -> Ordering {
        if x.t + x.slack < y.t - y.slack {
            return Ordering::Less;
        }
        if y.t + y.slack < x.t - x.slack {
            return Ordering::Greater;
        }
        if x.what == y.what {
            return Ordering::Equal;
        }
        let [first, second] = [x, y].map(|root| operands(self.plan, stage, root.what));
        let (cell, exact) = self.cell(stage);
        // The sign of y's form where x's vanishes: if it is that of the start, x comes first.
        match exact.sign_at_root(cell, second, first) {
            Ordering::Equal => Ordering::Equal,
            sign if (sign == Ordering::Greater) == y.falls => Ordering::Less,
            _ => Ordering::Greater,
        }
    }

    /// The end that a group of roots makes, inside an interval.
    fn end_of(&mut self, stage: usize, group: &[Root], [left, right]: [End; 2]) -> End {
        let best = group.iter().min_by(|x, y| x.slack.total_cmp(&y.slack));
        let best = *best.expect("a group has roots");
        let (mut t, mut slack) = (best.t, best.slack);
        if slack > TIGHT {
            let operands = operands(self.plan, stage, best.what);
            let (cell, exact) = self.cell(stage);
            (t, slack) = (exact.place(cell, operands), 4.0 * ROUNDING);
        }
        // It lies inside, exactly; an end that rounding puts outside is as far off as the one it passes.
        if t < left.t {
            (t, slack) = (left.t, slack.max(left.slack));
        }
        if t > right.t {
            (t, slack) = (right.t, slack.max(right.slack));
        }
        self.end(t, slack, EndOf::Root { stage: stage as u32, what: best.what })
    }

    /// One piece of the network.
    fn keep_piece(&mut self, [from, to]: [End; 2]) {
        let plan = self.plan;
        let forms = plan.forms(&self.frames, plan.network.output());
        let (error, slopes) = (forms.bounds.error, forms.columns()[0][..forms.len()].to_vec());
        let mut outputs = Vec::new();
        if self.keeps_maps {
            outputs.extend((0..forms.len()).map(|index| {
                let [a, _, c] = forms.form(index);
                [a, c]
            }));
        }
        let path = self.path[..self.layers].to_vec();
        if self.found.pieces.is_empty() {
            self.found.first_code = code_of(plan, &path);
        } else {
            let bends = self.is_bent(&slopes, error);
            let changes = changes(plan, &self.found.path, &path);
            self.found.breaks.push(Break { t: from.t, changes, bends });
        }
        self.found.pieces.push(Piece { from: from.t, to: to.t, outputs });
        (self.found.path, self.found.slopes, self.found.error) = (path, slopes, error);
    }

    /// Whether the outputs' slopes are not those of the piece before.
    fn is_bent(&mut self, slopes: &[f64], error: f64) -> bool {
        let limit = 1.01 * (error + self.found.error);
        let mut pairs = slopes.iter().zip(&self.found.slopes);
        if pairs.any(|(x, y)| (x - y).abs() > limit + ROUNDING * (x.abs() + y.abs())) {
            return true;
        }
        let cell = Cell { plan: self.plan, path: &self.path, stages: self.layers };
        self.bends.is_bent(cell, &mut self.exact, &self.found.path)
    }

    /// What was decided last, from an end on.
    fn keep_class(&mut self, from: End) {
        let class = self.plan.stages[self.layers].piece(&self.path[self.layers], 0) as u32;
        match self.found.class.replace(class) {
            None => self.found.first_class = Some(class),
            Some(before) if before != class => {
                self.found.class_changes.push(ClassChange { t: from.t, from: before, to: class });
            }
            Some(_) => {}
        }
    }
}

/// Where the forms of one interval after another stand.
#[derive(Debug, Default)]
struct Turn {
    is_begun: bool,
    depth: usize,
    /// Changes since all were found anew.
    flips: usize,
}

/// Where a form vanishes in an interval, and how far the exact place may be: what is left of the form there, and how
/// well it is known, over its slope.
pub(super) fn place((form, bounds): ([f64; 3], Bounds), interval: [End; 2]) -> (f64, f64) {
    let [a, _, c] = form;
    // In an interval of [0, 1] no slope is further from the exact one than the bound of the form.
    let steep = a.abs() - bounds.error;
    let t = -c / a;
    if !(steep > 0.0 && t.is_finite()) {
        return (interval[0].t.midpoint(interval[1].t), f64::INFINITY);
    }
    let t = t.clamp(0.0, 1.0);
    let left = value(form, [t, 0.0]).abs() + bounds.of_value(0.0);
    (t, 1.01 * left / steep + ROUNDING)
}

fn toggle(words: &mut [u64], root: &Root) {
    let (word, shift) = (root.at / 64, root.at % 64);
    words[word] ^= root.bits << shift;
    if shift > 0 && root.bits >> (64 - shift) != 0 {
        words[word + 1] ^= root.bits >> (64 - shift);
    }
}

/// The code of a piece, in the network's layout.
fn code_of(plan: &Plan<'_>, path: &[Vec<u64>]) -> Vec<u64> {
    let layout = plan.network.layout();
    let mut code = vec![0; layout.words()];
    for ((stage, words), layer) in plan.stages.iter().zip(path).zip(layout.layers()) {
        stage.put_pieces(words, layer, &mut code);
    }
    code
}

/// The units whose piece is another.
fn changes(plan: &Plan<'_>, old: &[Vec<u64>], new: &[Vec<u64>]) -> Vec<UnitChange> {
    let mut changes: Vec<UnitChange> = Vec::new();
    for (layer, (stage, (old, new))) in plan.stages.iter().zip(old.iter().zip(new)).enumerate() {
        let layer = layer as u32;
        for word in 0..old.len() {
            let mut bits = old[word] ^ new[word];
            while bits != 0 {
                let unit = (word * 64 + bits.trailing_zeros() as usize) / stage.field;
                bits &= bits - 1;
                let is_known = |last: &UnitChange| (last.layer, last.unit) == (layer, unit as u32);
                if !changes.last().is_some_and(is_known) {
                    let [from, to] = [old, new].map(|words| stage.piece(words, unit) as u32);
                    changes.push(UnitChange { layer, unit: unit as u32, from, to });
                }
            }
        }
    }
    changes
}
