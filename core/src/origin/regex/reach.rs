//! What a regex lets in: which registrable domains, addresses and hosts of application schemes the
//! origins have that pass the gate and that it matches.
//!
//! The check reads these origins from their end, as an attacker does, and lists the registrable
//! domains one by one. A list that becomes too long is a regex of which nobody can say whose
//! origins it lets in.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::gate::{Gate, Host, Kind};
use super::labels::{DIGITS, HEX_DIGITS, LABEL_BYTES, bytes, choices, encoded};
use super::program::{Bytes, MAX_STATES, Program};
use super::well_formed::{STEPS as WELL_FORMED_STEPS, Way, WellFormed, well_formed};
use crate::origin::host::MAX_HOST;
use crate::origin::public_suffix::{
    has_suffix_below, is_public_suffix, keeps_double_hyphens, labels_towards_suffixes,
};
use crate::origin::serialized::MAX_ORIGIN;

/// More registrable domains than these are nobody's in particular.
const MAX_OWNERS: usize = 64;

/// Ways that are looked at for each question before a regex counts as one that lets in too much to
/// list.
const BUDGET: usize = 300_000;

/// No regex takes more steps to be judged: states of it, places, and ways between them that are
/// looked at.
pub(crate) const MAX_STEPS: usize = MAX_STATES + WELL_FORMED_STEPS + QUESTIONS * BUDGET;

/// How often a budget is opened.
const QUESTIONS: usize = 9;

/// More ways to choose between alternatives are no list of names, either.
const MAX_CHOICES: usize = 1_000;

/// So many bytes that may stand in one place are a class ("any letter"), no list of alternatives.
const CLASS_WIDTH: u32 = 5;

/// What a regex lets in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// No origin matches.
    pub(crate) never: bool,
    /// The alternatives that let nothing in: where they stand in the text, from its start.
    pub(crate) dead: Vec<Range<usize>>,
    /// Registrable domains that are not spelled out, and too many to list.
    pub(crate) too_broad: bool,
    /// The same, but for their ends: these.
    pub(crate) label_boundary: BTreeSet<String>,
    /// A few registrable domains that are not spelled out.
    pub(crate) owners: Vec<String>,
    /// IP addresses that are not spelled out, loopback aside.
    pub(crate) addresses: bool,
    /// Hosts that are public suffixes, or above one, and not spelled out.
    pub(crate) public_suffix: bool,
    /// A plain-http origin beyond loopback.
    pub(crate) insecure: bool,
    /// Any host of an application scheme.
    pub(crate) scheme_wide: bool,
    /// Every origin is below one public suffix.
    pub(crate) below_one_suffix: bool,
}

/// Finds out what a regex lets in. Errs on the side of more. `steps` grows by what that took:
/// [`MAX_STEPS`] at most.
///
/// # Errors
/// The parser's words, or that the regex is too large to be judged.
pub(crate) fn reach(pattern: &str, steps: &mut usize) -> Result<Reach, String> {
    let program = Program::new(pattern)?;
    *steps += program.states.len();
    let (places, life) = well_formed(&program, steps)?;
    let mut reach = Reach {
        never: life.never,
        dead: life
            .dead
            .iter()
            .map(|branch| program.branches[*branch as usize].span.clone())
            .collect(),
        ..Reach::default()
    };
    if reach.never {
        return Ok(reach);
    }
    reach.insecure = places
        .ends
        .iter()
        .any(|(_, kind, host)| *kind == Kind::Http && *host != Host::Loopback);
    let mut walk = Walk {
        choices: choices(&program, &places),
        encoded: encoded(&places),
        seen: vec![0; places.count()],
        round: 0,
        places: &places,
        budget: 0,
        steps,
    };
    walk.names(&mut reach);
    walk.single_labels(&mut reach);
    walk.ask();
    reach.addresses = walk.not_spelled_out(
        |_, host| matches!(host, Host::Ip4 | Host::Ip6),
        Gate::is_host_start,
    );
    reach.scheme_wide = walk.is_scheme_wide();
    Ok(reach)
}

/// Places that the same bytes lead to the end from, and the alternatives that were chosen on these
/// ways.
#[derive(Clone, Debug)]
struct Group {
    chosen: Vec<u32>,
    set: Vec<u32>,
}

/// What is to be looked at, by what was chosen: that only grows, so with the shorter ones first
/// each is looked at once.
#[derive(Debug, Default)]
struct Open(BTreeMap<(usize, Vec<u32>), Vec<u32>>);

impl Open {
    fn push(&mut self, chosen: Vec<u32>, place: u32) {
        self.0
            .entry((chosen.len(), chosen))
            .or_default()
            .push(place);
    }

    fn pop(&mut self) -> Option<(Vec<u32>, Vec<u32>)> {
        let ((_, chosen), places) = self.0.pop_first()?;
        Some((chosen, places))
    }
}

/// What a name stands for that the walk found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    /// A registrable domain.
    Owner,
    /// A host that is a public suffix or above one.
    SuffixHost,
}

/// The names that were found.
#[derive(Debug, Default)]
struct Names {
    all: BTreeSet<String>,
    by_choice: BTreeMap<Vec<u32>, BTreeMap<String, Found>>,
    too_many: bool,
}

impl Names {
    fn add(&mut self, chosen: &[u32], name: &str, found: Found) {
        self.all.insert(name.to_owned());
        let names = self.by_choice.entry(chosen.to_vec()).or_default();
        let known = names.entry(name.to_owned()).or_insert(found);
        *known = (*known).max(found);
        self.too_many |= self.all.len() > MAX_OWNERS || self.by_choice.len() > MAX_CHOICES;
    }

    /// The names that are left when some alternatives were chosen: found behind these, or behind
    /// some of them, before the others were come to.
    fn of_each_choice(&self) -> impl Iterator<Item = BTreeMap<&str, Found>> {
        let is_part = |part: &[u32], of: &[u32]| {
            let mut of = of.iter();
            part.iter().all(|branch| of.any(|other| other == branch))
        };
        self.by_choice.keys().map(move |chosen| {
            let mut all: BTreeMap<&str, Found> = BTreeMap::new();
            let parts = self
                .by_choice
                .iter()
                .filter(|(part, _)| is_part(part, chosen));
            for (name, found) in parts.flat_map(|(_, names)| names) {
                let known = all.entry(name).or_insert(*found);
                *known = (*known).max(*found);
            }
            all
        })
    }
}

struct Walk<'a> {
    places: &'a WellFormed,
    /// Which alternatives spell whole labels out.
    choices: Vec<bool>,
    /// Places in a label that begins with `xn--`.
    encoded: BTreeSet<u32>,
    /// The round in which a place was seen last.
    seen: Vec<u32>,
    round: u32,
    /// What is left for the question that is asked.
    budget: usize,
    steps: &'a mut usize,
}

impl Walk<'_> {
    /// Opens the budget for the next question.
    fn ask(&mut self) {
        self.budget = BUDGET;
    }

    fn gate(&self, place: u32) -> Gate {
        self.places.gate(place)
    }

    /// Takes a number of ways off the budget; whether there were as many.
    fn spend(&mut self, ways: usize) -> bool {
        *self.steps += (ways + 1).min(self.budget);
        let left = self.budget.checked_sub(ways + 1);
        self.budget = left.unwrap_or(0);
        left.is_some()
    }

    /// Everything from which one of the places is reached by reading nothing, or through places
    /// whose gate is `passed`.
    fn closed(
        &mut self,
        chosen: &[u32],
        from: Vec<u32>,
        passed: impl Fn(Gate) -> bool,
    ) -> Vec<Group> {
        let mut groups = Vec::new();
        let mut open = Open::default();
        let mut next = Some((chosen.to_vec(), from));
        while let Some((chosen, mut pending)) = next {
            self.round += 1;
            let mut set = Vec::new();
            while let Some(place) = pending.pop() {
                let seen = &mut self.seen[place as usize];
                if std::mem::replace(seen, self.round) == self.round {
                    continue;
                }
                set.push(place);
                let into = self.places.into(place);
                if !self.spend(into.len()) {
                    return groups;
                }
                for (from, way) in into {
                    match way {
                        Way::Read(_) if !passed(self.gate(place)) => {}
                        Way::BranchEnd(branch) if self.choices[*branch as usize] => {
                            match chosen.binary_search(branch) {
                                Ok(_) => pending.push(*from),
                                Err(at) => {
                                    let mut chosen = chosen.clone();
                                    chosen.insert(at, *branch);
                                    open.push(chosen, *from);
                                }
                            }
                        }
                        _ => pending.push(*from),
                    }
                }
            }
            groups.push(Group { chosen, set });
            next = open.pop();
        }
        groups
    }

    /// The last places of the hosts of some origins, port and trailing dot read.
    fn ends(&mut self, is_meant: impl Fn(Kind, Host) -> bool) -> Vec<Group> {
        let ends = self
            .places
            .ends
            .iter()
            .filter(|(_, kind, host)| is_meant(*kind, *host))
            .map(|(place, ..)| *place)
            .collect();
        let mut groups = self.closed(&[], ends, |gate| {
            matches!(gate, Gate::Port(_) | Gate::Dot(_))
        });
        for group in &mut groups {
            group
                .set
                .retain(|place| !matches!(self.gate(*place), Gate::Port(_) | Gate::Dot(_)));
        }
        groups.retain(|group| !group.set.is_empty());
        groups
    }

    /// What can have been read in front of a set.
    fn options(&mut self, set: &[u32]) -> Bytes {
        let (mut all, mut seen) = (0, 0);
        for place in set {
            let into = self.places.into(*place);
            seen += into.len();
            for (_, way) in into {
                if let Way::Read(bytes) = way {
                    all |= bytes;
                }
            }
        }
        if self.spend(seen) { all } else { 0 }
    }

    /// One byte more is read.
    fn read(&mut self, group: &Group, byte: u8) -> Vec<Group> {
        let (mut before, mut seen) = (Vec::new(), 0);
        for place in &group.set {
            let into = self.places.into(*place);
            seen += into.len();
            for (from, way) in into {
                if matches!(way, Way::Read(bytes) if bytes >> byte & 1 == 1) {
                    before.push(*from);
                }
            }
        }
        if !self.spend(seen) || before.is_empty() {
            return Vec::new();
        }
        self.closed(&group.chosen, before, |_| false)
    }

    /// Each byte of a set that is read next, and what is in front of it. Most bytes lead to the
    /// same places, which are looked for once.
    fn read_each(&mut self, group: &Group, options: Bytes) -> Vec<(u8, Vec<Group>)> {
        let (mut ways, mut seen) = (Vec::new(), 0);
        for place in &group.set {
            let into = self.places.into(*place);
            seen += into.len();
            for (from, way) in into {
                if let Way::Read(bytes) = way {
                    ways.push((*from, *bytes & options));
                }
            }
        }
        let mut known: Vec<(Vec<u32>, Vec<Group>, usize)> = Vec::new();
        let mut each = Vec::new();
        for byte in bytes(options) {
            let has = |way: &&(u32, Bytes)| way.1 >> byte & 1 == 1;
            let before: Vec<u32> = ways.iter().filter(has).map(|(from, _)| *from).collect();
            let same = known.iter().find(|(places, ..)| *places == before);
            let groups = match same {
                Some((_, groups, cost)) => {
                    let (groups, cost) = (groups.clone(), *cost);
                    // As if they had been looked for again.
                    if self.spend(cost) { groups } else { Vec::new() }
                }
                None if before.is_empty() || !self.spend(seen) => Vec::new(),
                None => {
                    let budget = self.budget;
                    let groups = self.closed(&group.chosen, before.clone(), |_| false);
                    known.push((before, groups.clone(), seen + budget - self.budget));
                    groups
                }
            };
            if !groups.is_empty() {
                each.push((byte, groups));
            }
        }
        each
    }

    /// What can have been read in front of a set in a label; `top`: in the last of the host.
    fn label_options(&mut self, group: &Group, top: bool) -> Bytes {
        let options = self.options(&group.set) & LABEL_BYTES;
        if top && !group.set.iter().any(|place| self.encoded.contains(place)) {
            options & !DIGITS
        } else {
            options
        }
    }

    /// Each byte more of a label. No top-level name has a digit, but for the encoded ones: that
    /// `example\.com:?\d*` matches `example.com8` lets nobody in.
    fn read_label(&mut self, group: &Group, top: bool) -> Vec<(u8, Vec<Group>)> {
        let options = self.label_options(group, top);
        let mut each = self.read_each(group, options);
        for (byte, groups) in &mut each {
            if top && byte.is_ascii_digit() {
                for group in &mut *groups {
                    group.set.retain(|place| self.encoded.contains(place));
                }
                groups.retain(|group| !group.set.is_empty());
            }
        }
        each
    }

    fn read_all(&mut self, group: Group, text: impl Iterator<Item = u8>) -> Vec<Group> {
        text.fold(vec![group], |groups, byte| {
            groups
                .iter()
                .flat_map(|group| self.read(group, byte))
                .collect()
        })
    }

    fn starts_host(&self, group: &Group) -> bool {
        group
            .set
            .iter()
            .any(|place| self.gate(*place).is_host_start())
    }

    /// The registrable domains of names of several labels.
    fn names(&mut self, reach: &mut Reach) {
        let is_name = |kind, host| kind != Kind::App && host == Host::Name;
        self.ask();
        let ends = self.ends(is_name);
        if ends.is_empty() {
            return;
        }
        let mut names = Names::default();
        for group in &ends {
            self.label(group, "", "", &mut names);
        }
        names.too_many |= self.budget == 0;
        if names.too_many {
            self.ask();
            for group in &ends {
                self.classes(group, "", "", true, reach);
            }
            reach.too_broad |= reach.label_boundary.is_empty();
        } else {
            let mut several = false;
            for names in names.of_each_choice() {
                reach.public_suffix |=
                    names.len() > 1 && names.values().any(|found| *found == Found::SuffixHost);
                let owners = names.values().filter(|found| **found == Found::Owner);
                several |= owners.count() > 1;
            }
            if several {
                reach.owners = names.all.into_iter().collect();
            }
        }
        self.ask();
        reach.below_one_suffix = self
            .places
            .ends
            .iter()
            .all(|(_, kind, host)| is_name(*kind, *host))
            && self.below_one_suffix(ends);
    }

    /// Goes on in a label of which `tail` is read; after it comes `base`, a public suffix.
    fn label(&mut self, group: &Group, tail: &str, base: &str, names: &mut Names) {
        if names.too_many || self.budget == 0 || tail.len() > 63 || base.len() > MAX_HOST {
            return;
        }
        if !tail.is_empty() {
            if tail.len() > 2
                && tail.starts_with("--")
                && keeps_double_hyphens(base)
                && self.is_spelled_out_before(group, HEX_DIGITS, Gate::is_label_start)
            {
                names.add(&group.chosen, &joined(tail, base), Found::Owner);
                return;
            }
            self.label_ends(group, &joined(tail, base), None, names);
        }
        for (byte, groups) in self.read_label(group, base.is_empty()) {
            let tail = format!("{}{tail}", char::from(byte));
            for group in groups {
                self.label(&group, &tail, base, names);
            }
        }
    }

    /// A label may end here. `owner`: the registrable domain, if one was read.
    fn label_ends(&mut self, group: &Group, name: &str, owner: Option<&str>, names: &mut Names) {
        let starts = self.starts_host(group);
        let dots = self.read(group, b'.');
        if !starts && dots.is_empty() {
            return;
        }
        if is_public_suffix(name) {
            if starts {
                names.add(&group.chosen, name, Found::SuffixHost);
            }
            for group in &dots {
                self.label(group, "", name, names);
            }
        } else if has_suffix_below(name) {
            if starts {
                let found = if owner.is_some() {
                    Found::SuffixHost
                } else {
                    Found::Owner
                };
                names.add(&group.chosen, name, found);
            }
            let owner = owner.unwrap_or(name);
            for group in &dots {
                self.towards_suffixes(group, name, owner, names);
            }
        } else {
            names.add(&group.chosen, owner.unwrap_or(name), Found::Owner);
        }
    }

    /// Below a registrable domain below which other public suffixes lie: only the ways to them are
    /// of interest, and whether there is any other.
    fn towards_suffixes(&mut self, group: &Group, base: &str, owner: &str, names: &mut Names) {
        let towards: BTreeSet<&str> = labels_towards_suffixes(base).collect();
        for label in &towards {
            for group in self.read_all(group.clone(), label.bytes().rev()) {
                self.label_ends(&group, &joined(label, base), Some(owner), names);
            }
        }
        let mut others = false;
        self.labels(group, "", false, &mut |label, _, _| {
            others |= !towards.contains(label);
            !others
        });
        if others {
            names.add(&group.chosen, owner, Found::Owner);
        }
    }

    /// Lists whole labels until `each` says that it has seen enough: the label, whether the host
    /// starts with it, and what is in front of its dot.
    fn labels(
        &mut self,
        group: &Group,
        tail: &str,
        top: bool,
        each: &mut impl FnMut(&str, bool, Vec<Group>) -> bool,
    ) -> bool {
        if tail.len() > 63 || self.budget == 0 {
            return true;
        }
        if !tail.is_empty() {
            let starts = self.starts_host(group);
            let dots = self.read(group, b'.');
            if (starts || !dots.is_empty()) && !each(tail, starts, dots) {
                return false;
            }
        }
        for (byte, groups) in self.read_label(group, top) {
            let tail = format!("{}{tail}", char::from(byte));
            for group in groups {
                if !self.labels(&group, &tail, top, each) {
                    return false;
                }
            }
        }
        true
    }

    /// In front of what was read stands what a pattern may have there: digits of a kind, and in
    /// front of them what is spelled out.
    fn is_spelled_out_before(
        &mut self,
        group: &Group,
        kind: Bytes,
        is_start: impl Fn(Gate) -> bool,
    ) -> bool {
        let mut digits: BTreeSet<u32> = group.set.iter().copied().collect();
        let mut pending = vec![group.clone()];
        while let Some(group) = pending.pop() {
            for byte in bytes(self.options(&group.set) & kind) {
                for mut next in self.read(&group, byte) {
                    next.set.retain(|place| digits.insert(*place));
                    if !next.set.is_empty() {
                        pending.push(next);
                    }
                }
            }
        }
        let digits = Group {
            chosen: Vec::new(),
            set: digits.into_iter().collect(),
        };
        let inner = self.before_start(&digits, &is_start);
        let mut fronts = Vec::new();
        for byte in bytes(self.options(&inner) & !kind) {
            fronts.extend(self.read(&digits, byte));
        }
        self.texts(fronts, is_start).is_some()
    }

    /// The places of a group that are not where `is_start` holds.
    fn before_start(&self, group: &Group, is_start: &impl Fn(Gate) -> bool) -> Vec<u32> {
        let places = group.set.iter().copied();
        places
            .filter(|place| !is_start(self.gate(*place)))
            .collect()
    }

    /// Where the registrable domains are too many: what of them is a class.
    fn classes(&mut self, group: &Group, tail: &str, base: &str, top: bool, reach: &mut Reach) {
        if self.budget == 0 || tail.len() > 63 || base.len() > MAX_HOST {
            return;
        }
        let options = self.label_options(group, top);
        if options.count_ones() >= CLASS_WIDTH {
            if tail.is_empty() {
                reach.too_broad = true;
            } else {
                reach.label_boundary.insert(joined(tail, base));
            }
            return;
        }
        if !tail.is_empty() {
            let name = joined(tail, base);
            if is_public_suffix(&name) || has_suffix_below(&name) {
                for group in self.read(group, b'.') {
                    self.classes(&group, "", &name, false, reach);
                }
            }
        }
        for (byte, groups) in self.read_label(group, top) {
            let tail = format!("{}{tail}", char::from(byte));
            for group in groups {
                self.classes(&group, &tail, base, top, reach);
            }
        }
    }

    /// All names are below one public suffix, which is spelled out.
    fn below_one_suffix(&mut self, groups: Vec<Group>) -> bool {
        let (mut groups, mut base) = (groups, String::new());
        loop {
            let mut next: Option<(String, bool, Vec<Group>)> = None;
            let mut one = true;
            for group in &groups {
                self.labels(group, "", base.is_empty(), &mut |label, starts, dots| {
                    match &mut next {
                        None => next = Some((label.to_owned(), starts, dots)),
                        Some((known, any, all)) if known == label => {
                            *any |= starts;
                            all.extend(dots);
                        }
                        Some(_) => one = false,
                    }
                    one
                });
            }
            let Some((label, starts, dots)) = next.filter(|_| one && self.budget > 0) else {
                return false;
            };
            base = joined(&label, &base);
            if starts || dots.is_empty() {
                return false;
            }
            if is_public_suffix(&base) {
                return true;
            }
            groups = dots;
        }
    }

    /// Hosts of one label: in an intranet they are nobody else's, but top-level names are.
    fn single_labels(&mut self, reach: &mut Reach) {
        self.ask();
        let mut ends = self.ends(|kind, host| kind != Kind::App && host == Host::Single);
        if self.texts(ends.clone(), Gate::is_host_start).is_some() {
            return;
        }
        // `host\d+`
        self.ask();
        ends.retain(|group| !self.is_spelled_out_before(group, DIGITS, Gate::is_host_start));
        self.ask();
        for group in &ends {
            self.classes(group, "", "", false, reach);
            reach.too_broad |= self.budget == 0;
        }
    }

    /// Origins of application schemes that are not listed. Digits at their end may be a port.
    fn is_scheme_wide(&mut self) -> bool {
        let is_start = |gate| gate == Gate::START;
        self.ask();
        let apps = self.ends(|_, host| host == Host::App);
        if self.texts(apps.clone(), is_start).is_some() {
            return false;
        }
        self.ask();
        !apps
            .iter()
            .all(|group| self.is_spelled_out_before(group, DIGITS, is_start))
    }

    /// Some texts, from where `is_start` holds to the end of the host, are not spelled out.
    fn not_spelled_out(
        &mut self,
        is_meant: impl Fn(Kind, Host) -> bool,
        is_start: impl Fn(Gate) -> bool,
    ) -> bool {
        let ends = self.ends(is_meant);
        self.texts(ends, is_start)
            .is_none_or(|texts| texts.values().any(|texts| texts.len() > 1))
    }

    /// The texts for each choice; `None` if they are too many.
    fn texts(
        &mut self,
        ends: Vec<Group>,
        is_start: impl Fn(Gate) -> bool,
    ) -> Option<BTreeMap<Vec<u32>, BTreeSet<String>>> {
        let mut found: BTreeMap<Vec<u32>, BTreeSet<String>> = BTreeMap::new();
        let mut pending: Vec<(Group, String)> = ends
            .into_iter()
            .map(|group| (group, String::new()))
            .collect();
        while let Some((group, text)) = pending.pop() {
            if self.budget == 0 || text.len() > MAX_ORIGIN {
                return None;
            }
            if group.set.iter().any(|place| is_start(self.gate(*place))) {
                found
                    .entry(group.chosen.clone())
                    .or_default()
                    .insert(text.clone());
                if found.values().map(BTreeSet::len).sum::<usize>() > MAX_OWNERS {
                    return None;
                }
            }
            let inner = self.before_start(&group, &is_start);
            let options = self.options(&inner);
            for (byte, groups) in self.read_each(&group, options) {
                let before = format!("{}{text}", char::from(byte));
                for group in groups {
                    pending.push((group, before.clone()));
                }
            }
        }
        (self.budget > 0).then_some(found)
    }
}

fn joined(label: &str, base: &str) -> String {
    if base.is_empty() {
        label.to_owned()
    } else {
        format!("{label}.{base}")
    }
}

#[cfg(test)]
mod tests;
