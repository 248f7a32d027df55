//! What a regex lets in. The check walks the regex from its end, as an attacker reads it: which
//! registrable domains can the host have? A domain that is spelled out (alternatives included) is
//! fine; one that holds a class or a dot is not, because somebody else can register what fits.

use regex_automata::nfa::thompson::{Compiler, Config, WhichCaptures};
use regex_automata::util::syntax;

use super::UNICODE;
use super::reverse_nfa::{BUDGET, ReverseNfa, Width};
use super::state_set::StateSet;
use crate::origin::host::{MAX_HOST, ends_in_a_number, is_label_byte, is_loopback};
use crate::origin::pattern::ends_in_a_name;
use crate::origin::public_suffix::is_public_suffix;

/// A larger automaton is not walked: the regex is refused.
const WALKED_SIZE_LIMIT: usize = 1 << 18;

/// What a regex that spells no scheme out is tried with.
const APP_SCHEMES: [&str; 8] = [
    "chrome-extension",
    "moz-extension",
    "safari-web-extension",
    "capacitor",
    "ionic",
    "tauri",
    "app",
    "electron",
];

/// What a regex lets in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// A registrable domain that is not spelled out at all.
    pub(crate) too_broad: bool,
    /// A registrable domain whose front can be extended.
    pub(crate) label_boundary: bool,
    /// A plain-http origin beyond loopback.
    pub(crate) insecure: bool,
    /// Any host of an application scheme.
    pub(crate) scheme_wide: bool,
}

impl Reach {
    /// Nothing that credentials do not go with, plain http aside: whether an origin is that is seen
    /// when it comes.
    pub(crate) fn is_credential_safe(self) -> bool {
        Reach {
            insecure: false,
            ..self
        } == Reach::default()
    }
}

/// Finds out what a regex lets in. Errs on the side of more.
///
/// # Errors
/// The compiler's words, for a program that is too large.
pub(crate) fn reach(pattern: &str) -> Result<Reach, String> {
    let nfa = Compiler::new()
        .syntax(syntax::Config::new().unicode(UNICODE).utf8(false))
        .configure(
            Config::new()
                .reverse(true)
                .which_captures(WhichCaptures::None)
                .utf8(false)
                .nfa_size_limit(Some(WALKED_SIZE_LIMIT)),
        )
        .build(pattern)
        .map_err(|error| error.to_string())?;
    let backward = ReverseNfa::new(nfa);
    let mut reach = Reach::default();
    for scheme in ["https", "http"] {
        let mut walk = Walk {
            backward: &backward,
            completes: backward.completing(scheme),
            opens: backward.opening(&format!("{scheme}://")),
            scheme,
            reach: &mut reach,
            budget: BUDGET,
            below_budget: BUDGET,
        };
        walk.hosts();
    }
    let end = backward.start();
    let schemes = backward.schemes(&end);
    reach.scheme_wide |= schemes.is_none();
    for scheme in schemes
        .iter()
        .flatten()
        .map(String::as_str)
        .chain(APP_SCHEMES)
        .filter(|scheme| !matches!(*scheme, "http" | "https"))
    {
        let completes = backward.completing(scheme);
        let open = |set: &StateSet| {
            backward
                .bytes(set, Width::Wide, &completes)
                .iter()
                .any(|b| *b == b'.' || b.is_ascii_alphabetic())
        };
        reach.scheme_wide |= open(&end) || open(&backward.before_port(&end));
    }
    Ok(reach)
}

/// Walks the hosts of one scheme from their last byte.
struct Walk<'a> {
    backward: &'a ReverseNfa,
    /// From here the host can go on.
    completes: StateSet,
    /// Here the host can end.
    opens: StateSet,
    scheme: &'a str,
    reach: &'a mut Reach,
    budget: usize,
    below_budget: usize,
}

impl Walk<'_> {
    fn hosts(&mut self) {
        let mut end = self.backward.start();
        end.extend(self.backward.before_port(&end).iter());
        self.ipv6(&end);
        let trailing_dot = self.backward.step(&end, b'.', Width::Both);
        end.extend(trailing_dot.iter());
        self.label(&end, "", "", false, &mut Vec::new());
    }

    fn goes_on(&self, states: &StateSet) -> bool {
        !states.is_disjoint(&self.completes)
    }

    /// `tail` of the current label and `base`, the labels after it, are read. `owned`: a
    /// registrable domain is among them and spelled out; whatever stands below it belongs to its
    /// owner, but for another public suffix. `read`: where the walk was in this label before.
    fn label(
        &mut self,
        states: &StateSet,
        tail: &str,
        base: &str,
        owned: bool,
        read: &mut Vec<StateSet>,
    ) {
        if !self.goes_on(states) || tail.len() > 63 || base.len() > MAX_HOST {
            return;
        }
        let budget = if owned {
            &mut self.below_budget
        } else {
            &mut self.budget
        };
        let Some(left) = budget.checked_sub(states.len()) else {
            self.reach.too_broad = true;
            return;
        };
        *budget = left;
        let name = if base.is_empty() {
            tail.to_owned()
        } else {
            format!("{tail}.{base}")
        };
        if !tail.is_empty() {
            self.host_ends(states, &name);
            self.label_ends(states, &name, owned);
        }
        if !owned && self.class(states, tail, base) {
            return;
        }
        read.push(states.clone());
        for byte in self
            .backward
            .bytes(states, Width::Narrow, &self.completes)
            .into_iter()
            .filter(|b| is_label_byte(*b))
        {
            let next = self.backward.step(states, byte, Width::Narrow);
            let tail = format!("{}{tail}", char::from(byte));
            // What may stand there any number of times is spelled out no more than a class is
            // (`x*example\.com`), which below a registrable domain is its owner's.
            if read.contains(&next) && (owned || !ends_in_a_number(&tail)) {
                if !owned {
                    self.host("x.example");
                    self.reach.label_boundary = true;
                }
            } else {
                self.label(&next, &tail, base, owned, read);
            }
        }
        read.pop();
    }

    fn host_ends(&mut self, states: &StateSet, name: &str) {
        if !states.is_disjoint(&self.opens) {
            self.host(name);
        }
    }

    fn label_ends(&mut self, states: &StateSet, name: &str, owned: bool) {
        let next = self.backward.step(states, b'.', Width::Both);
        if !self.goes_on(&next) {
            return;
        }
        let suffix = ends_in_a_number(name) || is_public_suffix(name);
        if !suffix && !owned {
            self.host(&format!("x.{name}"));
        }
        self.label(&next, "", name, !suffix, &mut Vec::new());
    }

    fn host(&mut self, host: &str) {
        self.reach.insecure |= self.scheme == "http" && !is_loopback(host);
    }

    /// A class in the registrable domain. True if there is one, and the walk ends here.
    fn class(&mut self, states: &StateSet, tail: &str, base: &str) -> bool {
        let mut wide = self.backward.bytes(states, Width::Wide, &self.completes);
        wide.retain(|b| is_label_byte(*b));
        if wide.is_empty() {
            return false;
        }
        let number = wide.iter().all(u8::is_ascii_digit)
            && tail.bytes().all(|b| b.is_ascii_digit())
            && (base.is_empty() || ends_in_a_number(base));
        if number {
            self.reach.insecure |= self.scheme == "http" && !self.only_loopback_addresses(states);
            // `[a-z]+\d+` is a name after all.
            let mut digits = StateSet::default();
            (b'0'..=b'9').for_each(|digit| {
                digits.extend(self.backward.step(states, digit, Width::Wide).iter())
            });
            let digits = self.backward.loops(&digits, |b| b.is_ascii_digit());
            self.reach.too_broad |= self
                .backward
                .bytes(&digits, Width::Wide, &self.completes)
                .iter()
                .any(|b| is_label_byte(*b) && !b.is_ascii_digit());
            // The digits may be none (`example\.com:?\d*`), so what is spelled out in front of them
            // is still to be read.
            return false;
        } else if !base.is_empty() && self.is_named(states, tail, &wide) {
            self.host("x.example");
        } else {
            self.host("x.example");
            if tail.is_empty() {
                self.reach.too_broad = true;
            } else {
                self.reach.label_boundary = true;
            }
        }
        true
    }

    /// `prefix{hex}--name`: the host of the suffix makes such names, no tenant chooses them.
    fn is_named(&self, states: &StateSet, tail: &str, wide: &[u8]) -> bool {
        let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if !ends_in_a_name(tail) || !wide.iter().all(|b| hex(*b)) {
            return false;
        }
        // In front of the digits only what is spelled out.
        let first = self.backward.loops(states, hex);
        let mut front = first.clone();
        for _ in 0..63 {
            let mut next = StateSet::default();
            for byte in (0..128).filter(|b| is_label_byte(*b)) {
                let wide = self.backward.step(&front, byte, Width::Wide);
                if self.goes_on(&wide) && !(hex(byte) && first.is_superset(&wide)) {
                    return false;
                }
                next.extend(self.backward.step(&front, byte, Width::Narrow).iter());
            }
            front = next.without(&first);
            if front.is_empty() {
                break;
            }
        }
        true
    }

    /// Every address starts with `127.`.
    fn only_loopback_addresses(&self, states: &StateSet) -> bool {
        let body = self
            .backward
            .loops(states, |b| b.is_ascii_digit() || b == b'.');
        let starts_with = |head: &str| {
            let opening: Vec<u8> = format!("{}://{head}", self.scheme).bytes().rev().collect();
            self.backward.is_match(&self.backward.read(&body, opening))
        };
        ["", "1", "12", "127"]
            .iter()
            .zip([b'1', b'2', b'7', b'.'])
            .all(|(head, good)| {
                (b'.'..=b'9')
                    .filter(|b| *b != b'/' && *b != good)
                    .all(|b| !starts_with(&format!("{head}{}", char::from(b))))
            })
    }

    /// Every address but `[::1]` is beyond the machine.
    fn ipv6(&mut self, end: &StateSet) {
        let mut states = self.backward.step(end, b']', Width::Both);
        let is_part = |b: u8| b.is_ascii_hexdigit() || b == b':';
        let mut completes = self.backward.opening(&format!("{}://[", self.scheme));
        self.backward.widen(&mut completes, is_part);
        let mut others = false;
        for expected in [b'1', b':', b':', b'['] {
            others |= (0..128u8)
                .filter(|b| is_part(*b) && *b != expected)
                .any(|b| {
                    !self
                        .backward
                        .step(&states, b, Width::Both)
                        .is_disjoint(&completes)
                });
            states = self.backward.step(&states, expected, Width::Both);
        }
        if others {
            self.host("[::2]");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str) -> Vec<&'static str> {
        let reach = reach(pattern).unwrap();
        [
            (reach.too_broad, "broad"),
            (reach.label_boundary, "boundary"),
            (reach.insecure, "insecure"),
            (reach.scheme_wide, "wide"),
        ]
        .into_iter()
        .filter_map(|(set, name)| set.then_some(name))
        .collect()
    }

    #[test]
    fn registrable_domains_that_are_spelled_out_are_fine() {
        for pattern in [
            r"https://.*\.example\.com",
            r"^https://[a-z]+\.example\.com$",
            r"https://(www|app)\.example\.com(:\d+)?",
            r"https://[a-z0-9-]+-app\.example\.com",
            r"https://(foo|bar|baz)\.com",
            r"https://example\.(com|org|net|de|fr|it)",
            r"https://gr[ae]y\.com",
            r"https?://localhost(:\d+)?",
            r"http://([a-z]+\.)?localhost:\d+",
            r"http://127\.0\.0\.\d+:\d+",
            r"http://127\.0\.0\.1",
            r"http://\[::1\]:\d+",
            r"https://10\.0\.0\.\d+",
            r"https://deploy-preview-[0-9]+--myapp\.netlify\.app",
            r"https://[0-9a-f]{8}--myapp\.netlify\.app",
            r"https://pr-\d+\.example\.com",
            r"https://example\.com:.*",
            r"https://example\.com:?\d*",
            r"https://host\d+",
            r"(obsidian|my-app)://(host|app)(:\d+)?",
            r"capacitor://localhost:?\d*",
            r"https://exx?ample\.com",
        ] {
            assert_eq!(found(pattern), Vec::<&str>::new(), "{pattern}");
        }
    }

    #[test]
    #[cfg(feature = "psl")]
    fn registrable_domains_that_others_can_have() {
        for (pattern, expected) in [
            (r".*", vec!["broad", "insecure", "wide"]),
            (r"https://.*", vec!["broad"]),
            (r"https://[a-z]+\.com", vec!["broad"]),
            (r"https://app-.*\.com", vec!["broad"]),
            (r"https://example\..*", vec!["broad"]),
            (r"https://example\.[a-z]+", vec!["broad"]),
            (r"https://example\.com.*", vec!["broad"]),
            (r"https://[a-z-]+\.vercel\.app", vec!["broad"]),
            (r"https://[a-z]+\.co\.uk", vec!["broad"]),
            (r"https://[a-z]+\.s3\.amazonaws\.com", vec!["broad"]),
            (
                r"https://(.*\.)?(cdn|blob)\.core\.windows\.net",
                vec!["broad"],
            ),
            (r"https://.*example\.com", vec!["boundary"]),
            (r"https://.*example\.com:?\d*", vec!["boundary"]),
            (r"https://\w+\.com[:\d]*", vec!["broad"]),
            (r"https://.*\.[a-z]+\d+", vec!["broad"]),
            (r"https://x*example\.com", vec!["boundary"]),
            (r"https://(ab)*example\.com", vec!["boundary"]),
            (r"https://[a-z]*example\.com", vec!["boundary"]),
            (r"https://a.example.com", vec!["boundary"]),
            (r"https://example[0-9]\.com", vec!["broad"]),
            (r"https://.*--myapp\.netlify\.app", vec!["boundary"]),
            (
                r"https://[a-z]+[0-9]+--myapp\.netlify\.app",
                vec!["boundary"],
            ),
            (
                r"https://[a-z]+-[0-9]+--myapp\.netlify\.app",
                vec!["boundary"],
            ),
            (r"https?://.*\.example\.com", vec!["insecure"]),
            (r"http://192\.168\.1\.\d+", vec!["insecure"]),
            (r"http://1.*\.0\.0\.\d+", vec!["insecure"]),
            (r"http://\[fe80::[0-9a-f]+\]", vec!["insecure"]),
            (r"http://\[::1?\]", vec!["insecure"]),
            (r"moz-extension://[0-9a-f-]+", vec!["wide"]),
            (r"^(obsidian|my-app)://.*$", vec!["wide"]),
            (r"vscode-webview://\w+(:\d+)?", vec!["wide"]),
            (r"[a-z]+://\w+", vec!["broad", "insecure", "wide"]),
        ] {
            assert_eq!(found(pattern), expected, "{pattern}");
        }
    }
}
