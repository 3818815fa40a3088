//! Distinct codes, counted: full codes in one arena, numbered by first appearance.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A table of distinct codes of equal length.
#[derive(Clone, Debug)]
pub(super) struct CodeTable {
    words: usize,
    /// Numbers of codes, found by their hash; equality is always that of the full code.
    index: HashTable<usize>,
    hasher: DefaultHashBuilder,
    codes: Vec<u64>,
    counts: Vec<u64>,
    first_rows: Vec<u64>,
}

impl CodeTable {
    pub(super) fn new(words: usize) -> Self {
        Self {
            words,
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            codes: Vec::new(),
            counts: Vec::new(),
            first_rows: Vec::new(),
        }
    }

    /// Counts `code` `times` times, seen first at `row`; its number.
    pub(super) fn count(&mut self, code: &[u64], times: u64, row: u64) -> usize {
        let Self { words, index, hasher, codes, counts, first_rows } = self;
        let place = |number: usize| number * *words..(number + 1) * *words;
        let hash = hasher.hash_one(code);
        let found = index.find(hash, |&number| codes[place(number)] == *code).copied();
        if let Some(number) = found {
            counts[number] += times;
            first_rows[number] = first_rows[number].min(row);
            return number;
        }
        let number = counts.len();
        codes.extend_from_slice(code);
        counts.push(times);
        first_rows.push(row);
        index.insert_unique(hash, number, |&n| hasher.hash_one(&codes[place(n)]));
        number
    }

    /// Counts all of `other`; for each of its codes, the number here.
    pub(super) fn merge(&mut self, other: &Self) -> Vec<usize> {
        let numbers = (0..other.len()).map(|number| {
            let code = &other.codes[number * other.words..][..other.words];
            self.count(code, other.counts[number], other.first_rows[number])
        });
        numbers.collect()
    }

    pub(super) fn words(&self) -> usize {
        self.words
    }

    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    pub(super) fn codes(&self) -> &[u64] {
        &self.codes
    }

    pub(super) fn counts(&self) -> &[u64] {
        &self.counts
    }

    pub(super) fn first_rows(&self) -> &[u64] {
        &self.first_rows
    }
}
