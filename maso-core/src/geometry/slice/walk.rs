//! The walk through all cells of a window, depth first: each cell of a stage is split where the stage decides, and
//! its parts go on to the next stage before the next cell is looked at.

use super::complex::{Complex, Line, LineOf, NONE, Side, What};
use super::decide::{Exact, Given, SignTable};
use super::patches::{PutOff, Start};
use super::result::Maps;
use super::signs::Level;
use super::stop::Stop;
use super::window::Window;
use crate::geometry::forms::{Frames, Kind, Plan};

/// A wall on its way through a cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) what: What,
    pub(super) line: u32,
    /// Whether it has the sign of the first of those that run together with it.
    pub(super) aligned: bool,
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
    pub(super) signs: Vec<SignTable>,
    pub(super) frames: Frames,
    pub(super) path: Vec<Vec<u64>>,
    pub(super) levels: Vec<Option<Box<Level>>>,
    /// Cells of each stage so far.
    pub(super) counts: Vec<usize>,
    /// Stages whose cells are the regions; a last one may follow.
    pub(super) regions_at: usize,
    pub(super) regions: Vec<Found>,
    pub(super) finest: Vec<Found>,
    pub(super) sides: Vec<Side>,
    pub(super) stop: Stop<'p>,
    pub(super) is_capped: bool,
    pub(super) maps: Option<Maps>,
    /// It gives up at a cell that more chords cross.
    pub(super) most_chords: usize,
    pub(super) has_given_up: bool,
    /// Cells that are put off, where they are.
    pub(super) put_off: Option<PutOff>,
}

impl<'p, 'n> Walk<'p, 'n> {
    pub(super) fn new(
        plan: &'p Plan<'n>,
        window: &'p Window,
        regions_at: usize,
        stop: Stop<'p>,
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
            levels: (0..stages).map(|_| None).collect(),
            counts: vec![0; stages],
            regions_at,
            regions: Vec::new(),
            finest: Vec::new(),
            sides: Vec::new(),
            stop,
            is_capped: false,
            maps,
            most_chords: usize::MAX,
            has_given_up: false,
            put_off: None,
        }
    }

    /// The whole window as a cell; none if it has no inside.
    pub(super) fn begin(&mut self) -> Option<Start> {
        let corners = self.window.corners();
        let count = corners.len() as u32;
        if count == 0 {
            return None;
        }
        let cell = self.complex.cell(NONE, &[]);
        for side in 0..count {
            let (form, error) = self.window.side(side as usize);
            self.complex.lines.push(Line { form, error, of: LineOf::Side(side) });
            let before = (side + count - 1) % count;
            self.complex.vertex(corners[side as usize], 0.0, [before, side]);
        }
        let sides = (0..count)
            .map(|side| Side::new(self.complex.edge([side, (side + 1) % count], side), false))
            .collect();
        if self.frames.is_empty() {
            self.plan.push(&mut self.frames, 0, 0, &self.path);
        }
        Some(Start { stage: 0, cell, sides, block: None })
    }

    /// What exact decisions are made of, and who makes them.
    pub(super) fn given(&mut self) -> (Given<'_>, &mut Exact) {
        let given = Given { plan: self.plan, window: self.window, complex: &self.complex };
        (given, &mut self.exact)
    }

    /// Goes on with a cell after `stage` stages.
    pub(super) fn visit(&mut self, stage: usize, cell: u32, ring: &[Side]) {
        if let Some(put_off) = &mut self.put_off
            && put_off.stage == stage
        {
            return put_off.starts.push(Start { stage, cell, sides: ring.to_vec(), block: None });
        }
        if stage == self.regions_at {
            let found = self.keep(cell, ring);
            self.regions.push(found);
            if let Some(maps) = &mut self.maps {
                let forms = self.plan.forms(&self.frames, self.plan.network.output());
                maps.outputs = forms.len();
                maps.numbers.extend((0..forms.len()).map(|index| forms.form(index)));
                maps.errors.push(forms.bounds.error);
            }
            self.is_capped |= self.stop.is_reached(self.regions.len());
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
        self.at_level(stage, |walk, level| walk.by_signs(stage, cell, ring, level));
    }

    /// Works with the lists of a stage.
    pub(super) fn at_level(&mut self, stage: usize, work: impl FnOnce(&mut Self, &mut Level)) {
        let mut level = self.levels[stage].take().unwrap_or_default();
        work(self, &mut level);
        self.levels[stage] = Some(level);
    }

    fn keep(&mut self, cell: u32, ring: &[Side]) -> Found {
        let from = self.sides.len() as u32;
        self.sides.extend_from_slice(ring);
        Found { cell, sides: (from, self.sides.len() as u32) }
    }

    pub(super) fn needs_forms(&self, segment: usize) -> bool {
        segment < self.plan.stages.len() || self.maps.is_some()
    }

    /// A cell that its stage does not split.
    pub(super) fn go_on(&mut self, stage: usize, part: u32, ring: &[Side]) {
        self.counts[stage] += 1;
        if self.needs_forms(stage + 1) {
            self.plan.push(&mut self.frames, stage + 1, 0, &self.path);
        }
        self.visit(stage + 1, part, ring);
    }
}
