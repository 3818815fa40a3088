//! Patches: parts of the window that are walked by themselves, on any thread. Which there are depends on the network
//! and the window alone, so a slice is the same on any number of threads.
//!
//! A slice of few regions is one patch. If there turn out to be more, the walk begins anew: the window is cut up until
//! there are enough cells to go on from, cells of a stage, or blocks, pieces of a cell with some of the stage's chords
//! still to be cut along. What has been made by then, the base, is copied into every patch. Patches cut edges of the base
//! where they touch them, on either side alike; [`gather`](super::gather) sews them together again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::complex::{Complex, Side};
use super::result::Maps;
use super::signs::Level;
use super::split::{Chord, Coarse, Ground};
use super::stop::{Stop, Tally};
use super::walk::{Cut, Found, Walk};

/// As many cells to go on from keep several threads busy to the end.
const ENOUGH: usize = 64;

/// A cell that is cut along more chords than this is cut into blocks, of at most a part of its chords each: about
/// 64 blocks.
const MANY: usize = 16;
const PART: usize = 5;

/// By default a walk that has found more regions begins anew, in patches.
pub(super) const ALONE: usize = 2048;

/// A cell with a chord for each so many of these regions has many more, and nobody needs to begin with it alone.
const CHORD: usize = 16;

/// A cell to go on from.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) stage: usize,
    pub(super) cell: u32,
    pub(super) sides: Vec<Side>,
    /// Set for a piece of the cell with chords of the stage.
    pub(super) block: Option<Block>,
}

/// What is known of a piece of a cell.
#[derive(Debug)]
pub(super) struct Block {
    chords: Vec<Chord>,
    /// The cuts of the whole cell.
    cuts: Arc<[Cut]>,
    /// The signs of its first part.
    words: Vec<u64>,
}

/// Where a walk puts cells off, and those that it has.
#[derive(Debug)]
pub(super) struct PutOff {
    pub(super) stage: usize,
    pub(super) starts: Vec<Start>,
}

/// What a walk has found in its part of the window.
#[derive(Debug)]
pub(super) struct Patch {
    pub(super) complex: Complex,
    pub(super) regions: Vec<Found>,
    pub(super) finest: Vec<Found>,
    pub(super) sides: Vec<Side>,
    /// Cells of each stage.
    pub(super) counts: Vec<usize>,
    pub(super) exact_decisions: u64,
    pub(super) maps: Option<Maps>,
    pub(super) is_capped: bool,
}

/// How much of each patch's complex is the base.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Base {
    pub(super) vertices: usize,
    pub(super) edges: usize,
    pub(super) cells: usize,
}

/// Walks the whole window: in one go, if it has no more than `most_alone` regions, else patch after patch.
pub(super) fn walk<'p, 'n>(mut alone: Walk<'p, 'n>, most_alone: usize) -> (Base, Vec<Patch>) {
    let stop = alone.stop;
    alone.stop.regions = stop.regions.min(most_alone.saturating_add(1));
    alone.most_chords = most_alone / CHORD;
    if let Some(start) = alone.begin() {
        alone.carry_on(&start);
    }
    let is_through = alone.regions.len() <= most_alone && !alone.has_given_up;
    if is_through || alone.regions.len() >= stop.regions {
        return (Base::default(), vec![alone.into_patch()]);
    }
    let mut first = alone.begin_anew(stop);
    let starts = first.scatter();
    let base = Base::of(&first.complex);
    let others = first.others(&starts);
    let mut patches = vec![first.into_patch()];
    patches.extend(others);
    (base, patches)
}

impl<'p> Walk<'p, '_> {
    /// Cuts the window up until there are enough cells to go on from.
    pub(super) fn scatter(&mut self) -> Vec<Start> {
        let mut starts: Vec<Start> = self.begin().into_iter().collect();
        let regions_at = self.regions_at;
        let is_open = |start: &Start| start.block.is_none() && start.stage < regions_at;
        while starts.len() < ENOUGH && starts.iter().any(is_open) {
            let mut next = Vec::new();
            for start in starts {
                if !is_open(&start) {
                    next.push(start);
                    continue;
                }
                self.put_off = Some(PutOff { stage: start.stage + 1, starts: next });
                self.carry_on(&start);
                next = self.put_off.take().expect("it was put there").starts;
            }
            starts = next;
        }
        starts
    }

    /// Puts a cell of many chords off, in blocks, where cells are put off. Says whether it did.
    pub(super) fn put_blocks_off(&mut self, stage: usize, cell: u32, level: &mut Level) -> bool {
        if self.put_off.is_none() || level.chords.len() <= MANY {
            return false;
        }
        let Level { ring, chords, sorted, splitter, base, .. } = level;
        let ground = Ground { cell, stage, cuts: sorted };
        let few = chords.len() / PART;
        let blocks = self.split_coarsely(ground, splitter, (ring, chords), few, base);
        let cuts: Arc<[Cut]> = Arc::from(&sorted[..]);
        let starts = blocks.into_iter().map(|Coarse { sides, chords, words }| {
            let block = Some(Block { chords, cuts: Arc::clone(&cuts), words });
            Start { stage, cell, sides, block }
        });
        let put_off = self.put_off.as_mut().expect("asked above");
        put_off.starts.extend(starts);
        true
    }

    /// Goes on from a cell or a block.
    pub(super) fn carry_on(&mut self, start: &Start) {
        let &Start { stage, cell, ref sides, ref block } = start;
        for (own, words) in self.path.iter_mut().zip(self.complex.path_of(cell)) {
            own.copy_from_slice(&words);
        }
        for segment in 1..=stage {
            if self.needs_forms(segment) {
                self.plan.push(&mut self.frames, segment, 0, &self.path);
            }
        }
        let Some(block) = block else { return self.visit(stage, cell, sides) };
        self.at_level(stage, |walk, level| {
            level.ring.clone_from(sides);
            level.chords.clone_from(&block.chords);
            level.sorted.clear();
            level.sorted.extend_from_slice(&block.cuts);
            level.base.clone_from(&block.words);
            walk.by_chords(stage, cell, level);
        });
    }

    /// A walk of the same window, or of a patch of it.
    fn begin_anew(&self, stop: Stop<'p>) -> Self {
        let maps = self.maps.is_some().then(Maps::default);
        let mut walk = Walk::new(self.plan, self.window, self.regions_at, stop, maps);
        walk.frames.begin_with(self.frames.first());
        walk
    }

    /// The patches of `starts`, on as many threads as there are.
    fn others(&self, starts: &[Start]) -> Vec<Patch> {
        let shares: Vec<&[Start]> = starts.chunks(starts.len().div_ceil(ENOUGH).max(1)).collect();
        let tally = Tally::new(shares.len());
        // Not of `self`, whose exact numbers stay on their thread.
        let (plan, window, regions_at) = (self.plan, self.window, self.regions_at);
        let (first, base) = (self.frames.first(), &self.complex);
        let Stop { regions, deadline, .. } = self.stop;
        let with_maps = self.maps.is_some();
        in_order(shares.len(), |number| {
            let stop = Stop { regions, deadline, tally: Some((&tally, number)) };
            let maps = with_maps.then(Maps::default);
            let mut walk = Walk::new(plan, window, regions_at, stop, maps);
            walk.is_capped = stop.is_reached(0);
            walk.complex = base.clone();
            walk.frames.begin_with(first);
            for start in shares[number] {
                if !walk.is_capped {
                    walk.carry_on(start);
                }
            }
            walk.into_patch()
        })
    }

    /// The patch of one start.
    pub(super) fn patch(&self, start: &Start) -> Patch {
        let mut walk = self.begin_anew(self.stop);
        walk.complex = self.complex.clone();
        walk.carry_on(start);
        walk.into_patch()
    }

    fn into_patch(self) -> Patch {
        Patch {
            complex: self.complex,
            regions: self.regions,
            finest: self.finest,
            sides: self.sides,
            counts: self.counts,
            exact_decisions: self.exact.decisions,
            maps: self.maps,
            is_capped: self.is_capped,
        }
    }
}

/// Does `count` pieces of work on all threads, the first ones first: where a number of regions is asked for, what comes
/// late may not be needed.
fn in_order<T: Send + Sync>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: Vec<OnceLock<T>> = (0..count).map(|_| OnceLock::new()).collect();
    rayon::scope(|scope| {
        for _ in 0..rayon::current_num_threads().min(count) {
            scope.spawn(|_| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(place) = done.get(number) else { break };
                    let is_first = place.set(work(number)).is_ok();
                    debug_assert!(is_first, "each number is given out once");
                }
            });
        }
    });
    done.into_iter().map(|place| place.into_inner().expect("all are done")).collect()
}

impl Base {
    fn of(complex: &Complex) -> Self {
        Self {
            vertices: complex.vertices.len(),
            edges: complex.edges.len(),
            cells: complex.cells.len(),
        }
    }
}

impl Patch {
    /// Drops all regions but the first `count`, and the cells that were counted on the way to them.
    pub(super) fn keep_first(&mut self, count: usize) {
        if self.regions.len() <= count {
            return;
        }
        self.is_capped = true;
        let dropped: hashbrown::HashSet<u32> =
            self.regions.drain(count..).map(|found| found.cell).collect();
        let complex = &self.complex;
        self.finest.retain(|found| !dropped.contains(&complex.cells[found.cell as usize].parent));
        if let Some(maps) = &mut self.maps {
            maps.numbers.truncate(count * maps.outputs);
            maps.errors.truncate(count);
        }
    }
}
