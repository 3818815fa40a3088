//! Codes by how many rows they have: all that sizes and entropies of a partition need, in next to no memory.

/// How many codes have one row, two rows, …
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tally {
    /// Codes with that many rows, up to [`FEW`].
    few: Vec<u64>,
    /// Rows of each code that has more, ascending.
    many: Vec<u64>,
    codes: usize,
}

/// Counts below this have a place of their own.
const FEW: u64 = 4096;

impl Tally {
    /// Distinct codes.
    pub(super) fn codes(&self) -> usize {
        self.codes
    }

    /// Codes with one row.
    pub(super) fn singletons(&self) -> usize {
        self.few.get(1).map_or(0, |&codes| codes as usize)
    }

    /// Pairs of a number of rows and how many codes have it; rows ascend.
    pub(super) fn ascending(&self) -> impl Iterator<Item = (u64, u64)> {
        let few = (0..).zip(self.few.iter().copied()).filter(|&(_, codes)| codes > 0);
        few.chain(self.many.iter().map(|&rows| (rows, 1)))
    }
}

impl FromIterator<u64> for Tally {
    /// From the rows of each code.
    fn from_iter<I: IntoIterator<Item = u64>>(rows: I) -> Self {
        let mut tally = Self { few: vec![0; FEW as usize], ..Self::default() };
        for rows in rows {
            tally.codes += 1;
            match tally.few.get_mut(rows as usize) {
                Some(codes) => *codes += 1,
                None => tally.many.push(rows),
            }
        }
        tally.many.sort_unstable();
        tally
    }
}

/// Codes that fit in a number, each with some rows, of which equal ones are to be put together. Those of one row stand
/// apart from the others: often they are nearly all, and so need less than half of the memory.
#[derive(Debug)]
pub(super) struct Keys<K> {
    single: Vec<K>,
    several: Vec<(K, u64)>,
}

impl<K: Copy + Ord> Keys<K> {
    /// For at most that many codes.
    pub(super) fn with_capacity(codes: usize) -> Self {
        Self { single: Vec::with_capacity(codes), several: Vec::new() }
    }

    /// One more code, and how many rows have it.
    pub(super) fn push(&mut self, key: K, rows: u64) {
        if rows == 1 {
            self.single.push(key);
        } else {
            self.several.push((key, rows));
        }
    }

    /// Rows of each distinct code.
    pub(super) fn tally(mut self) -> Tally {
        self.single.sort_unstable();
        self.several.sort_unstable();
        let (mut single, mut several) = (&self.single[..], &self.several[..]);
        std::iter::from_fn(|| {
            let heads = [single.first().copied(), several.first().map(|&(key, _)| key)];
            let key = heads.into_iter().flatten().min()?;
            let ones = single.iter().take_while(|&&own| own == key).count();
            let others = several.iter().take_while(|&&(own, _)| own == key).count();
            let rows = several[..others].iter().map(|&(_, rows)| rows).sum::<u64>();
            (single, several) = (&single[ones..], &several[others..]);
            Some(ones as u64 + rows)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_tally_says_how_many_codes_have_how_many_rows() {
        let tally: Tally = [3, 1, FEW, 1, 3, 7 * FEW, FEW - 1, FEW].into_iter().collect();
        let expected = [(1, 2), (3, 2), (FEW - 1, 1), (FEW, 1), (FEW, 1), (7 * FEW, 1)];
        assert!(tally.ascending().eq(expected), "{:?}", tally.ascending().collect::<Vec<_>>());
        assert_eq!((tally.codes(), tally.singletons()), (8, 2));
        assert_eq!(Tally::default().ascending().count(), 0);
    }

    #[test]
    fn equal_keys_are_put_together_as_a_map_would() {
        let (mut keys, mut plain, mut state) =
            (Keys::with_capacity(5000), BTreeMap::<u32, u64>::new(), 7u64);
        for _ in 0..5000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
            let (key, rows) = ((state >> 40) as u32 % 1500, 1 + (state >> 60).saturating_sub(12));
            keys.push(key, rows);
            *plain.entry(key).or_default() += rows;
        }
        assert_eq!(keys.tally(), plain.into_values().collect());
    }
}
