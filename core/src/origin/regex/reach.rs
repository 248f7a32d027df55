//! What a regex lets in: which registrable domains, addresses and hosts of application schemes the
//! origins have that pass the gate and that it matches.
//!
//! The check reads these origins from their end, as an attacker does, and lists the registrable
//! domains one by one. A list that becomes too long is a regex of which nobody can say whose
//! origins it lets in.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::gate::{Gate, Host, Kind};
use super::program::{Bytes, MAX_STATES, Program};
use super::well_formed::{STEPS as WELL_FORMED_STEPS, Way, WellFormed, well_formed};
use crate::origin::host::{MAX_HOST, is_label_byte};
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

/// Which alternatives spell whole labels out: each begins and ends where a label, the host or the
/// port does.
fn choices(program: &Program, places: &WellFormed) -> Vec<bool> {
    let mut good = vec![true; program.branches.len()];
    let inside = inside_labels(places);
    let (mut outside_port, mut in_host) = (vec![false; good.len()], vec![false; good.len()]);
    for from in 0..places.count() as u32 {
        let gate = places.gate(from);
        let starts = gate.is_label_start() || !gate.is_host();
        for (to, way) in places.out(from) {
            match way {
                Way::BranchStart(branch) => {
                    good[*branch as usize] &= starts || !inside[*to as usize];
                    outside_port[*branch as usize] |= !gate.is_port();
                }
                Way::BranchEnd(branch) => {
                    good[*branch as usize] &= starts || !inside[*to as usize];
                    in_host[*branch as usize] |= !gate.is_scheme();
                }
                Way::Nothing | Way::Read(_) => {}
            }
        }
    }
    // All of an alternation, or none.
    let mut whole: BTreeMap<u32, bool> = BTreeMap::new();
    for (branch, good) in program.branches.iter().zip(&good) {
        *whole.entry(branch.alternation).or_insert(true) &= good;
    }
    let branches = program.branches.iter().enumerate();
    branches
        .map(|(index, branch)| whole[&branch.alternation] && outside_port[index] && in_host[index])
        .collect()
}

/// The places from which something else may be read next than what ends a label.
fn inside_labels(places: &WellFormed) -> Vec<bool> {
    let ends: Bytes = 1 << b'.' | 1 << b':' | 1 << b']';
    let goes_on = |place: &u32| {
        let mut ways = places.out(*place).iter();
        ways.any(|(_, way)| matches!(way, Way::Read(bytes) if bytes & !ends != 0))
    };
    let mut inside = vec![false; places.count()];
    let mut pending: Vec<u32> = (0..places.count() as u32).filter(goes_on).collect();
    while let Some(place) = pending.pop() {
        if !std::mem::replace(&mut inside[place as usize], true) {
            let into = places.into(place).iter();
            let unread = into.filter(|(_, way)| !matches!(way, Way::Read(_)));
            pending.extend(unread.map(|(from, _)| *from));
        }
    }
    inside
}

/// The places in labels that begin with `xn--`.
fn encoded(places: &WellFormed) -> BTreeSet<u32> {
    let is_start = |place: &u32| places.gate(*place).is_label_start();
    let is_inner = |place: u32| matches!(places.gate(place), Gate::Name(_));
    let all = 0..places.count() as u32;
    let mut at: BTreeSet<u32> = all.filter(is_start).collect();
    for byte in b"xn--" {
        at = forward(places, at, |bytes| bytes >> byte & 1 == 1, false);
        at.retain(|place| is_inner(*place));
    }
    forward(places, at, |bytes| bytes & LABEL_BYTES != 0, true)
        .into_iter()
        .filter(|place| is_inner(*place))
        .collect()
}

/// What is reached by reading one byte, or any number of them, of a kind.
fn forward(
    places: &WellFormed,
    from: BTreeSet<u32>,
    is_read: impl Fn(Bytes) -> bool,
    repeated: bool,
) -> BTreeSet<u32> {
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    let mut pending: Vec<u32> = from.into_iter().collect();
    if repeated {
        found.extend(&pending);
    }
    while let Some(place) = pending.pop() {
        if !seen.insert(place) {
            continue;
        }
        for (to, way) in places.out(place) {
            match way {
                Way::Read(bytes) if is_read(*bytes) => {
                    found.insert(*to);
                    if repeated {
                        pending.push(*to);
                    }
                }
                Way::Read(_) => {}
                _ => {
                    if repeated {
                        found.insert(*to);
                    }
                    pending.push(*to);
                }
            }
        }
    }
    found
}

const LABEL_BYTES: Bytes = {
    let (mut set, mut byte) = (0, 0u8);
    while byte < 128 {
        if is_label_byte(byte) {
            set |= 1 << byte;
        }
        byte += 1;
    }
    set
};

const DIGITS: Bytes = 0x3ff << b'0';
const HEX_DIGITS: Bytes = DIGITS | 0x3f << b'a';

fn bytes(mut set: Bytes) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let byte = set.trailing_zeros() as u8;
        (set != 0).then(|| {
            set &= set - 1;
            byte
        })
    })
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

    /// What can have been read in front of a set in a label; `top`: in the last of the host.
    fn label_options(&mut self, group: &Group, top: bool) -> Bytes {
        let options = self.options(&group.set) & LABEL_BYTES;
        if top && !group.set.iter().any(|place| self.encoded.contains(place)) {
            options & !DIGITS
        } else {
            options
        }
    }

    /// One byte more of a label. No top-level name has a digit, but for the encoded ones: that
    /// `example\.com:?\d*` matches `example.com8` lets nobody in.
    fn read_label(&mut self, group: &Group, byte: u8, top: bool) -> Vec<Group> {
        let mut groups = self.read(group, byte);
        if top && byte.is_ascii_digit() {
            for group in &mut groups {
                group.set.retain(|place| self.encoded.contains(place));
            }
            groups.retain(|group| !group.set.is_empty());
        }
        groups
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
        for byte in bytes(self.label_options(group, base.is_empty())) {
            let tail = format!("{}{tail}", char::from(byte));
            for group in self.read_label(group, byte, base.is_empty()) {
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
        for byte in bytes(self.label_options(group, top)) {
            let tail = format!("{}{tail}", char::from(byte));
            for group in self.read_label(group, byte, top) {
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
        for byte in bytes(options) {
            let tail = format!("{}{tail}", char::from(byte));
            for group in self.read_label(group, byte, top) {
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
            for byte in bytes(self.options(&inner)) {
                let before = format!("{}{text}", char::from(byte));
                for group in self.read(&group, byte) {
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
mod tests {
    use super::*;

    fn found(pattern: &str) -> Vec<&'static str> {
        let reach = reach(pattern, &mut 0).unwrap();
        [
            (reach.never, "never"),
            (!reach.dead.is_empty(), "dead"),
            (reach.too_broad, "broad"),
            (!reach.label_boundary.is_empty(), "boundary"),
            (!reach.owners.is_empty(), "owners"),
            (reach.addresses, "addresses"),
            (reach.public_suffix, "suffix"),
            (reach.insecure, "insecure"),
            (reach.scheme_wide, "wide"),
        ]
        .into_iter()
        .filter_map(|(set, name)| set.then_some(name))
        .collect()
    }

    #[test]
    fn what_is_spelled_out_is_fine() {
        for pattern in [
            r"https://.*\.example\.com",
            r"^https://[a-z]+\.example\.com$",
            r"^https://(.*\.)?example\.com$",
            r"https://(www|app)\.example\.com(:\d+)?",
            r"https://[a-z0-9-]+-app\.example\.com",
            r"https://(foo|bar|baz)\.com",
            r"https://(shop|hop)\.com",
            r"https://example\.(com|org|net|de|fr|it)",
            r"(https://a\.com|https://b\.org):(1|2|3)",
            r"https://(shop|admin)\.acme\.(org|dev)",
            r"https://[a-z]+\.acme\.(org|co\.uk)",
            r"(?i)https://SHOP\.ACME\.ORG",
            r"(?i:https)://shop\.acme\.org",
            r"https?://localhost(:\d+)?",
            r"http://([a-z]+\.)?localhost:\d+",
            r"http://127\.0\.0\.\d+:\d+",
            r"http://127\.0\.0\.1",
            r"http://\[::1\]:\d+",
            r"https://10\.0\.0\.(1|2)",
            r"https://203\.0\.113\.10(:\d+)?",
            r"https://deploy-preview-[0-9]+--myapp\.netlify\.app",
            r"https://[0-9a-f]{8}--myapp\.netlify\.app",
            r"https://(main|dev)--myapp\.netlify\.app",
            r"https://pr-\d+\.example\.com",
            r"https://pr-\d+\.windows\.net",
            r"https://[a-z]+\.bucket\.s3\.amazonaws\.com",
            r"https://s3\.amazonaws\.com",
            r"https://github\.io",
            r"https://example\.com:.*",
            r"https://example\.com:?\d*",
            r"https://host\d+",
            r"https://intranet",
            r"(obsidian|my-app)://(host|app)(:\d+)?",
            r"capacitor://localhost:?\d*",
            r"capacitor://localhost|https://shop\.acme\.org",
            r"\bhttps://\bshop\.acme\.org\b",
        ] {
            assert_eq!(found(pattern), Vec::<&str>::new(), "{pattern}");
        }
    }

    #[test]
    #[cfg(feature = "psl")]
    fn what_others_can_have() {
        for (pattern, expected) in [
            (r".*", vec!["broad", "addresses", "insecure", "wide"]),
            (r"https://.*", vec!["broad", "addresses"]),
            (r"https://[a-z]+\.com", vec!["broad"]),
            (r"https://app-.*\.com", vec!["broad"]),
            (r"https://example\..*", vec!["broad"]),
            (r"https://example\.[a-z]+", vec!["broad"]),
            (r"https://example\.com.*", vec!["broad"]),
            (r"https://[a-z-]+\.vercel\.app", vec!["broad"]),
            (r"https://[a-z]+\.co\.uk", vec!["broad"]),
            (r"https://[a-z]+\.s3\.amazonaws\.com", vec!["broad"]),
            (r"https://.*\.s3[.-].*\.amazonaws\.com", vec!["broad"]),
            (r"https://([a-z0-9-]+\.)+windows\.net", vec!["broad"]),
            (r"https://[a-z]+\.windows\.net", vec!["suffix"]),
            (r"https://[a-z0-9-]+\.amazonaws\.com", vec!["broad"]),
            (r"https://s3[a-z]?\.amazonaws\.com", vec!["suffix"]),
            (r"https://[a-d]{6}\.com", vec!["broad"]),
            (r"https://[acegikmoqsuwy]{3}\.com", vec!["broad"]),
            (r"https://(a|b|c)(d|e|f)(g|h|i)(j|k|l)\.net", vec!["broad"]),
            (r"https://\d+--acme\.co\.uk", vec!["boundary"]),
            (
                r"https://(.*\.)?(cdn|blob)\.core\.windows\.net",
                vec!["broad"],
            ),
            (r"https://.*example\.com", vec!["boundary"]),
            (r"https://.*localhost", vec!["boundary"]),
            (r"https://\w+\.com[:\d]*", vec!["broad"]),
            (r"https://[a-z]*example\.com", vec!["boundary"]),
            (r"https://.*--myapp\.netlify\.app", vec!["boundary"]),
            (
                r"https://[a-z]+-[0-9]+--myapp\.netlify\.app",
                vec!["boundary"],
            ),
            (r"https://[a-d]{3}\.com", vec!["owners"]),
            (r"https://example\.com?", vec!["owners"]),
            (r"https://example\.co(\.uk)?", vec!["owners"]),
            (r"https://gr[ae]y\.com", vec!["owners"]),
            (r"https://s?hop\.com", vec!["owners"]),
            (r"https://((a|b)\.)?www\.?intranet", vec!["owners"]),
            (r"https://((a|b)\.)?(www\.)?example", vec!["owners"]),
            (r"https://exam(ple|s)\.com", vec!["owners"]),
            (r"https://x*example\.com", vec!["owners"]),
            (r"https://a.example\.com", vec!["owners"]),
            (r"https://example[0-9]\.com", vec!["owners"]),
            (r"https://10\.0\.0\.\d+", vec!["addresses"]),
            (r"https://10\.0\.0\.[12]", vec!["addresses"]),
            (r"https://(\d{1,3}\.){3}\d{1,3}(:\d+)?", vec!["addresses"]),
            (r"https://\[.*\]", vec!["addresses"]),
            (r"https?://.*\.example\.com", vec!["insecure"]),
            (r"http://192\.168\.1\.\d+", vec!["addresses", "insecure"]),
            (r"http://1.*\.0\.0\.\d+", vec!["addresses", "insecure"]),
            (r"http://\[fe80::[0-9a-f]+\]", vec!["addresses", "insecure"]),
            (r"http://\[::[12]\]", vec!["insecure"]),
            (r"moz-extension://[0-9a-f-]+", vec!["wide"]),
            (r"^(obsidian|my-app)://.*$", vec!["wide"]),
            (r"vscode-webview://\w+(:\d+)?", vec!["wide"]),
            (r"[a-z]+://\w+", vec!["broad", "insecure", "wide"]),
            (r"https://a$\.com", vec!["never"]),
            (r"https://\Bb\.com", vec!["never"]),
            (r"https://a..b\.com", vec!["boundary"]),
            (r"https://a\.\.com", vec!["never"]),
            (r"https://a{64}\.com", vec!["never"]),
            (r"https://(a{63}\.){4}com", vec!["never"]),
            (r"https://a{63}\.com", vec![]),
            (r"https://1\.2\.3", vec!["never"]),
            (r"https://127\.0\.0\.01", vec!["never"]),
            (r"http://\[0::1\]", vec!["never"]),
            (r"app://a{326}", vec!["never"]),
            (r"null|https://a\.com", vec!["dead"]),
            (r"https://a\.com(:443|:8443)", vec!["dead"]),
            (r"(a|A)://x", vec!["dead"]),
            (r"https://(a{64}|b)\.com", vec!["dead"]),
            (r"https://(|www\.)a\.com", vec![]),
        ] {
            assert_eq!(found(pattern), expected, "{pattern}");
        }
    }

    #[test]
    #[cfg(feature = "psl")]
    fn below_one_suffix() {
        for (pattern, expected) in [
            (r"https://.*\.vercel\.app", true),
            (r"https?://[a-z]+\.com(:\d+)?", true),
            (r"https://.*\.s3[.-].*\.amazonaws\.com", true),
            (r"https://.*vercel\.app", true),
            (r"https://(.*\.)?vercel\.app", true),
            (r"https://.*\.(com|org)", false),
            (r"https://.*", false),
            (r"https://.*\.com|app://x", false),
            (r"https://.*\.com|https://1\.2\.3\.4", false),
            (r"https://[a-z.]+com", false),
        ] {
            assert_eq!(
                reach(pattern, &mut 0).unwrap().below_one_suffix,
                expected,
                "{pattern}"
            );
        }
    }

    /// No regex takes more than its share of steps, and what cannot be seen through is refused or
    /// counts as too much.
    #[test]
    fn steps_are_bounded() {
        let words: Vec<String> = (0..3_000).map(|n| format!("w{n}")).collect();
        let words = words.join("|");
        let mut most = 0;
        for pattern in [
            "([a-z]+.?)*".repeat(50),
            "(a|b|c|d|[e-z0-9.:/-])*".repeat(20),
            format!("https://{}", "([a-z0-9-]+\\.)?".repeat(60)),
            "(((.*)*)*)*".to_owned(),
            "(.|..|...)*".repeat(30),
            format!("https://({})\\.com", vec!["[a-z]+-[0-9]+"; 300].join("|")),
            "https://(.{0,60}\\.){0,20}x".to_owned(),
            "(|a|b|(|c|d)*)*".repeat(10),
            // Each choice is another name, or another host of one label.
            format!("https://{}x", "(a\\.|b\\.|c\\.)?".repeat(40)),
            format!("https://({words})(-({words}))*\\.com"),
            format!(".*({words})({words}).*"),
            format!("({words})://({words})(:\\d+)?"),
            // Long labels ask for a second look.
            format!("https://.{{64}}(.|{words})*\\.com"),
            "https://([a-d]|e|f){60,70}\\.(com|org)".to_owned(),
            "(a|(b|(c|(d|e){2}){2}){2}){9}://(x|y){30}".to_owned(),
        ] {
            let mut steps = 0;
            let reach = reach(&pattern, &mut steps);
            let text: String = pattern.chars().take(40).collect();
            assert!(steps <= MAX_STEPS, "{text}: {steps}");
            most = most.max(steps);
            if let Ok(reach) = reach {
                let seen = reach.too_broad || reach.never || reach.scheme_wide;
                assert!(seen || !reach.label_boundary.is_empty(), "{text}");
            }
        }
        // Hosts of one label are nobody else's, however many.
        for pattern in [
            format!("https://({words})"),
            format!("https://({words})\\d*"),
        ] {
            let mut steps = 0;
            assert!(
                reach(&pattern, &mut steps).is_ok() && steps <= MAX_STEPS,
                "{steps}"
            );
        }
        // They are hostile, and what they do is counted.
        assert!(most > MAX_STEPS / 10, "{most} of {MAX_STEPS}");
        for plain in [
            r"https://.*\.example\.com",
            r"https://(a|b)\.example\.com(:\d+)?",
        ] {
            let mut steps = 0;
            assert!(reach(plain, &mut steps).is_ok());
            assert!((100..20_000).contains(&steps), "{plain}: {steps}");
        }
    }
}
