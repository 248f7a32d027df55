//! Whose an origin is, by the public-suffix list itself, and whether an expression names him.

use std::collections::BTreeSet;

use crossgate::Policy;

/// The exceptions that a policy makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gates {
    pub(crate) insecure: bool,
    pub(crate) suffixes: bool,
    pub(crate) schemes: bool,
}

impl Gates {
    pub(crate) const NONE: Gates = Gates::of(0);

    pub(crate) const EVERY: Gates = Gates::of(7);

    /// None, and each alone.
    pub(crate) const FEWER: [Gates; 4] = [Gates::NONE, Gates::of(1), Gates::of(2), Gates::of(4)];

    /// Those that a policy with every gate does not call unneeded.
    pub(crate) fn needed(policy: &Policy) -> Self {
        let needs = |gate: &str| {
            let mut warnings = policy.warnings().iter();
            !warnings
                .any(|problem| problem.code.as_str() == "gate_not_needed" && problem.value == gate)
        };
        Gates {
            insecure: needs("insecure_origins_with_credentials"),
            suffixes: needs("public_suffix_subdomains_with_credentials"),
            schemes: needs("any_host_of_scheme_with_credentials"),
        }
    }

    pub(crate) fn and(self, other: Gates) -> Self {
        Gates {
            insecure: self.insecure && other.insecure,
            suffixes: self.suffixes && other.suffixes,
            schemes: self.schemes && other.schemes,
        }
    }

    const fn of(bits: u8) -> Self {
        Gates {
            insecure: bits & 1 != 0,
            suffixes: bits & 2 != 0,
            schemes: bits & 4 != 0,
        }
    }
}

/// The labels that an expression spells out, in lower case.
fn spelled(expression: &str) -> BTreeSet<String> {
    let bare = expression.to_ascii_lowercase();
    // A class of one letter is that letter, a longer one is none.
    let bare = without(&bare.replace(r"\-", "-"), '[', ']', |class| {
        match class.as_bytes() {
            [byte] if byte.is_ascii_lowercase() => class.to_owned(),
            _ => "|".to_owned(),
        }
    });
    let bare = without(&bare, '{', '}', |count| {
        let again = if count == "1" { "" } else { "|" };
        again.to_owned()
    });
    let bare = [r"\w", r"\d", r"\s", r"\b"]
        .iter()
        .fold(bare, |bare, class| bare.replace(class, "|"));
    bare.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        .map(str::to_owned)
        .collect()
}

/// A text with something else for whatever stands between two characters.
fn without(text: &str, open: char, close: char, instead: impl Fn(&str) -> String) -> String {
    let (mut left, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(open).filter(|at| !rest[..*at].ends_with('\\')) {
        let inner = &rest[at + 1..];
        // A bracket that stands first belongs to the class.
        let Some(end) = inner.char_indices().skip(1).find(|(_, c)| *c == close) else {
            break;
        };
        left += &rest[..at];
        left += &instead(&inner[..end.0]);
        rest = &inner[end.0 + 1..];
    }
    left + rest
}

/// What of a host is on the public-suffix list.
fn listed_suffix(host: &str) -> Option<&str> {
    let found = psl2::lookup(host).filter(|found| found.is_icann() || found.is_private());
    found.map(|found| found.suffix())
}

fn host_of(origin: &str) -> &str {
    let (_, authority) = origin.split_once("://").unwrap();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// No top-level name has a digit or a hyphen, but for the encoded ones: nobody has such a host.
fn is_no_name(host: &str) -> bool {
    let top = host.rsplit('.').next().unwrap_or(host);
    let is_letter = |byte: u8| byte.is_ascii_lowercase();
    let letters = top.bytes().filter(|byte| is_letter(*byte)).count();
    !top.starts_with("xn--") && (1..top.len()).contains(&letters)
}

/// The machine itself, at whatever port.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.starts_with("127.") && host.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        || host == "[::1]"
}

/// Every origin lies below one public suffix; a top-level name is one. This is what the gate for
/// suffixes lifts of a regex that is too broad.
pub(crate) fn are_below_one_suffix(origins: &[String]) -> bool {
    let hosts = origins.iter().map(|origin| {
        let host = host_of(origin);
        host.strip_suffix('.').unwrap_or(host)
    });
    let mut hosts = hosts.filter(|host| !is_no_name(host));
    let Some(first) = hosts.next() else {
        return false;
    };
    let mut common: Vec<&str> = first.rsplit('.').collect();
    common.pop();
    for host in hosts {
        let labels = host.rsplit('.').take(host.matches('.').count());
        let same = common.iter().zip(labels).take_while(|(a, b)| *a == b);
        let count = same.count();
        common.truncate(count);
    }
    // The top-level name is a public suffix, listed or not.
    !common.is_empty() && !first.starts_with('[')
}

/// What is wrong with a host of an application scheme that is not named. Up to 64 of them are a
/// list, digits at their end (`{digits}`) aside.
const APPLICATION: &str = "a host of an application";

/// What is wrong with a registrable domain that is not named. If there is only one, it is named in
/// some way: `app(shop\.)?com`.
const DOMAIN: &str = "a domain";

/// Whether a fault stands when more of the origins are known that are let in.
pub(crate) fn stands(wrong: &str, origins: &[String]) -> bool {
    let web = |origin: &&String| origin.starts_with("http");
    if wrong == APPLICATION {
        let apps = origins.iter().filter(|origin| !web(origin));
        let hosts = apps.map(|origin| host_of(origin));
        let bare = hosts.map(|host| host.trim_end_matches(|c: char| c.is_ascii_digit()));
        return bare.collect::<BTreeSet<_>>().len() > 64;
    }
    let hosts = origins.iter().filter(web).map(|origin| host_of(origin));
    let hosts = hosts.map(|host| host.strip_suffix('.').unwrap_or(host));
    let names = hosts.filter(|host| host.contains('.') && !is_no_name(host) && !is_loopback(host));
    let domains = names.map(|host| {
        let suffix = listed_suffix(host).unwrap_or_else(|| host.rsplit('.').next().unwrap());
        let front = host.strip_suffix(suffix).unwrap().trim_end_matches('.');
        let label = front.rsplit('.').next().unwrap_or("");
        format!("{label}.{suffix}")
    });
    wrong != DOMAIN || domains.collect::<BTreeSet<_>>().len() != 1
}

/// Judges the origins that an expression lets in.
pub(crate) struct Judge {
    expression: String,
    spelled: BTreeSet<String>,
}

impl Judge {
    pub(crate) fn new(expression: &str) -> Self {
        Judge {
            expression: expression.to_owned(),
            spelled: spelled(expression),
        }
    }

    fn spells(&self, label: &str) -> bool {
        self.spelled.contains(label)
    }

    fn spells_all(&self, name: &str) -> bool {
        name.split('.').all(|label| self.spells(label))
    }

    /// What is wrong with an origin that is let in, if it is a stranger's. `below_one`: with every
    /// other that is let in it lies below one public suffix.
    pub(crate) fn stranger(
        &self,
        origin: &str,
        gates: Gates,
        below_one: bool,
    ) -> Option<&'static str> {
        let (scheme, _) = origin.split_once("://").unwrap();
        let host = host_of(origin);
        if scheme != "http" && scheme != "https" {
            let named = gates.schemes || self.spells_all(&host.to_lowercase());
            return (!named).then_some(APPLICATION);
        }
        let host = host.strip_suffix('.').unwrap_or(host);
        if is_loopback(host) {
            return None;
        }
        if scheme == "http" && !gates.insecure {
            return Some("plain http");
        }
        let top = host.rsplit('.').next().unwrap();
        if host.starts_with('[') || top.bytes().all(|byte| byte.is_ascii_digit()) {
            let bare = self.expression.replace(['\\', '(', ')'], "");
            return (!bare.contains(host) && !self.spells_all(host)).then_some("an address");
        }
        if is_no_name(host) {
            return None;
        }
        if gates.suffixes && below_one {
            return None;
        }
        let listed = listed_suffix(host);
        let suffix = listed.unwrap_or(top);
        if host == suffix {
            // In an intranet a name of one label is nobody else's, but for those on the list.
            let named = self.spells_all(host) || listed.is_none();
            return (!named && !gates.suffixes).then_some("a public suffix");
        }
        let below = &host[..host.len() - suffix.len() - 1];
        let label = below.rsplit('.').next().unwrap();
        if suffix == "netlify.app" && self.is_preview(label) {
            return None;
        }
        // `(blob)?kawasaki\.jp`: the only domain beside a public suffix, and that is lifted.
        let beside_suffix = |word: &String| {
            let rest = label
                .strip_prefix(word.as_str())
                .filter(|rest| self.spells(rest));
            let below = rest.map(|rest| format!("any.{rest}.{suffix}"));
            below.is_some_and(|below| listed_suffix(&below) == Some(below.as_str()))
        };
        if gates.suffixes && self.spelled.iter().any(beside_suffix) {
            return None;
        }
        (!self.spells(label) || !self.spells_all(suffix)).then_some(DOMAIN)
    }

    /// A preview of an application that is spelled out: `deploy-preview-42--acme`. In front stand
    /// words that are spelled out, and digits.
    fn is_preview(&self, label: &str) -> bool {
        let Some((front, name)) = label.rsplit_once("--") else {
            return false;
        };
        let is_word =
            |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit()) || self.is_joined(word);
        let ending = format!("--{name}");
        let is_named = self.spells(name) || self.spelled.iter().any(|s| s.ends_with(&ending));
        is_named && front.split('-').all(is_word)
    }

    /// A text is put together of words that are spelled out.
    fn is_joined(&self, text: &str) -> bool {
        let words = || self.spelled.iter().flat_map(|label| label.split('-'));
        text.is_empty()
            || words().any(|word| {
                let rest = text.strip_prefix(word).filter(|_| !word.is_empty());
                rest.is_some_and(|rest| self.is_joined(rest))
            })
    }
}
