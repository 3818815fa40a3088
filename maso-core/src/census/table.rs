//! Distinct codes, counted: one record for each code in one arena, numbered by first appearance.
//!
//! A record is the full code, how many rows have it, and the first of them, side by side: a lookup costs
//! a line of the index and a line of the arena. Rows come in groups whose lines are all asked for before
//! any is used, so that the memory answers them together and not one after another.

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;

/// Rows whose lines are asked for at once.
const GROUP: usize = 32;
/// Bits of a slot that hold a record's number, plus one; the others hold the first bits of the code's hash.
const NUMBER_BITS: u32 = 32;
const NUMBER: u64 = (1 << NUMBER_BITS) - 1;

/// A table of distinct codes of equal length.
#[derive(Clone, Debug)]
pub(super) struct CodeTable {
    words: usize,
    /// Code words, count, first row; record after record.
    records: Vec<u64>,
    len: usize,
    /// Open addressing over a power of two of slots, five of eight in use at most; 0 is a free slot. The first bits of
    /// the hash say where a code is looked for first, so that codes stand about in the order of their hashes.
    slots: Vec<u64>,
    hasher: DefaultHashBuilder,
}

impl CodeTable {
    pub(super) fn new(words: usize) -> Self {
        let hasher = DefaultHashBuilder::default();
        Self { words, records: Vec::new(), len: 0, slots: vec![0; 2 * GROUP], hasher }
    }

    /// Counts `rows` codes that lie one after another, of rows from `first_row` on; each one's number is
    /// handed to `assigned`.
    pub(super) fn count_rows(
        &mut self,
        codes: &[u64],
        rows: usize,
        first_row: u64,
        mut assigned: impl FnMut(usize),
    ) {
        let words = self.words;
        for start in (0..rows).step_by(GROUP) {
            let end = (start + GROUP).min(rows);
            let code = |row: usize| &codes[row * words..][..words];
            self.count_group(
                end - start,
                |i| (code(start + i), 1, first_row + (start + i) as u64),
                &mut assigned,
            );
        }
    }

    /// Counts one code of `times` rows.
    pub(super) fn count_one(&mut self, code: &[u64], times: u64) {
        self.count_group(1, |_| (code, times, 0), &mut |_| {});
    }

    /// Counts all of `other`; for each of its codes, the number here.
    pub(super) fn merge(&mut self, other: &Self) -> Vec<usize> {
        let mut numbers = Vec::with_capacity(other.len);
        for start in (0..other.len).step_by(GROUP) {
            let end = (start + GROUP).min(other.len);
            let push = &mut |number| numbers.push(number);
            self.count_group(end - start, |i| other.record(start + i), push);
        }
        numbers
    }

    /// Counts up to [`GROUP`] entries: a code, how many rows have it, the first of them.
    fn count_group<'c>(
        &mut self,
        many: usize,
        entry: impl Fn(usize) -> (&'c [u64], u64, u64),
        assigned: &mut impl FnMut(usize),
    ) {
        if 8 * (self.len + many) > 5 * self.slots.len() {
            self.grow();
        }
        let mut hashes = [0; GROUP];
        for (i, hash) in hashes[..many].iter_mut().enumerate() {
            *hash = self.hasher.hash_one(entry(i).0);
        }
        self.ask_for(&hashes[..many]);
        for (i, &hash) in hashes[..many].iter().enumerate() {
            let (code, times, row) = entry(i);
            assigned(self.count(hash, code, times, row));
        }
    }

    /// Reads what the lookups of `hashes` will need, to no other end than that it is near: the reads do
    /// not wait for one another.
    fn ask_for(&self, hashes: &[u64]) {
        let mut slots = [0; GROUP];
        for (slot, &hash) in slots.iter_mut().zip(hashes) {
            *slot = self.slots[home(hash, self.slots.len())];
        }
        let stride = self.words + 2;
        let first = |slot: &u64| {
            let number = (slot & NUMBER) as usize;
            self.records.get(number.wrapping_sub(1).wrapping_mul(stride)).copied().unwrap_or(0)
        };
        std::hint::black_box(slots.iter().map(first).fold(0, u64::wrapping_add));
    }

    /// Counts one code; its number. There is room for one more.
    fn count(&mut self, hash: u64, code: &[u64], times: u64, row: u64) -> usize {
        let (mask, words, stride) = (self.slots.len() - 1, self.words, self.words + 2);
        let tag = hash & !NUMBER;
        let mut place = home(hash, self.slots.len());
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                break;
            }
            let number = (slot & NUMBER) as usize - 1;
            if slot & !NUMBER == tag {
                let record = &mut self.records[number * stride..][..stride];
                if record[..words] == *code {
                    record[words] += times;
                    record[words + 1] = record[words + 1].min(row);
                    return number;
                }
            }
            place = (place + 1) & mask;
        }
        self.records.extend_from_slice(code);
        self.records.extend([times, row]);
        self.len += 1;
        self.slots[place] = tag | self.len as u64;
        self.len - 1
    }

    /// Doubles the slots. What was in order stays so: both tables are gone through from one end to the other, which
    /// memory is good at.
    ///
    /// # Panics
    /// If there are 5 · 2²⁹ codes, with their slots 96 GB at least.
    fn grow(&mut self) {
        let size = 2 * self.slots.len();
        assert!(size as u64 <= 1 << (64 - NUMBER_BITS), "a table of codes holds 5 * 2^29 of them");
        let mut slots = vec![0; size];
        // From a free slot on nothing has come around the end.
        let start = self.slots.iter().position(|&slot| slot == 0).expect("three of eight are free");
        let (before, after) = self.slots.split_at(start);
        for &slot in after.iter().chain(before).filter(|&&slot| slot != 0) {
            let mut place = home(slot, size);
            while slots[place] != 0 {
                place = (place + 1) & (size - 1);
            }
            slots[place] = slot;
        }
        self.slots = slots;
    }

    /// Code, rows and first row of record `number`.
    fn record(&self, number: usize) -> (&[u64], u64, u64) {
        let record = &self.records[number * (self.words + 2)..][..self.words + 2];
        (&record[..self.words], record[self.words], record[self.words + 1])
    }

    /// All records: code, rows, first row.
    pub(super) fn records(&self) -> impl Iterator<Item = (&[u64], u64, u64)> {
        (0..self.len).map(|number| self.record(number))
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

/// Where a code with this hash, or a slot that begins with its first bits, is looked for first.
fn home(hash: u64, slots: usize) -> usize {
    (hash >> (64 - slots.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn counts_equal_those_of_a_map_through_growth_and_merging() {
        for words in [0, 1, 3] {
            let mut state = 7u64;
            let rows = 5000;
            let codes: Vec<u64> = (0..rows * words)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                    state >> 60
                })
                .collect();
            let mut plain: HashMap<&[u64], (u64, u64)> = HashMap::new();
            for row in 0..rows {
                let entry = plain.entry(&codes[row * words..][..words]).or_insert((0, row as u64));
                entry.0 += 1;
            }
            let (mut whole, mut first, mut second) =
                (CodeTable::new(words), CodeTable::new(words), CodeTable::new(words));
            whole.count_rows(&codes, rows, 0, |_| {});
            first.count_rows(&codes[..1777 * words], 1777, 0, |_| {});
            second.count_rows(&codes[1777 * words..], rows - 1777, 1777, |_| {});
            let numbers = first.merge(&second);
            for table in [&whole, &first] {
                assert_eq!(table.len(), plain.len(), "{words} words");
                for (code, count, row) in table.records() {
                    assert_eq!(plain[code], (count, row), "{code:?}");
                }
            }
            for (number, (code, ..)) in numbers.into_iter().zip(second.records()) {
                assert_eq!(first.record(number).0, code, "numbers of merged codes");
            }
        }
    }
}
