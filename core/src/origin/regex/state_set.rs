//! A set of an automaton's states: a bit each.

use regex_automata::util::primitives::StateID;

/// The last word is never zero, so equal sets have equal words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StateSet {
    words: Vec<u64>,
}

fn place(state: StateID) -> (usize, u64) {
    (state.as_usize() / 64, 1 << (state.as_usize() % 64))
}

impl StateSet {
    /// Takes a state in; whether it is new.
    pub(super) fn insert(&mut self, state: StateID) -> bool {
        let (word, bit) = place(state);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }

    pub(super) fn contains(&self, state: StateID) -> bool {
        let (word, bit) = place(state);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    pub(super) fn len(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub(super) fn is_disjoint(&self, other: &StateSet) -> bool {
        self.words
            .iter()
            .zip(&other.words)
            .all(|(one, other)| one & other == 0)
    }

    pub(super) fn is_superset(&self, other: &StateSet) -> bool {
        other.without(self).is_empty()
    }

    /// Those that `other` has not.
    pub(super) fn without(&self, other: &StateSet) -> StateSet {
        self.iter()
            .filter(|state| !other.contains(*state))
            .collect()
    }

    /// In ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = StateID> {
        let ids = (0..self.words.len() * 64).filter_map(|index| StateID::new(index).ok());
        ids.filter(|state| self.contains(*state))
    }
}

impl Extend<StateID> for StateSet {
    fn extend<I: IntoIterator<Item = StateID>>(&mut self, states: I) {
        for state in states {
            self.insert(state);
        }
    }
}

impl FromIterator<StateID> for StateSet {
    fn from_iter<I: IntoIterator<Item = StateID>>(states: I) -> Self {
        let mut set = StateSet::default();
        set.extend(states);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set() {
        let id = |index| StateID::new(index).unwrap();
        let set = |indices: &[usize]| indices.iter().map(|index| id(*index)).collect::<StateSet>();
        let mut some = set(&[130, 0, 63, 64]);
        assert!(
            !some.insert(id(64))
                && some.contains(id(0))
                && !some.contains(id(1))
                && !some.contains(id(9_999))
        );
        assert_eq!(
            some.iter()
                .map(|state| state.as_usize())
                .collect::<Vec<_>>(),
            [0, 63, 64, 130]
        );
        assert_eq!(some, set(&[0, 64, 63, 130]));
        assert!(some.is_disjoint(&set(&[1, 65, 500])) && !some.is_disjoint(&set(&[130])));
        assert!(some.is_superset(&set(&[0, 130])) && !some.is_superset(&set(&[0, 131])));
        assert_eq!(some.without(&set(&[130, 64, 7])), set(&[0, 63]));
        assert!(some.without(&some).is_empty() && StateSet::default().is_empty());
        assert_eq!((some.len(), StateSet::default().len()), (4, 0));
    }
}
