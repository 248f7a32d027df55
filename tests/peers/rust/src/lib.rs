//! Runs a peer and crossgate side by side and sees that every difference is one that the
//! documentation names.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// What a service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The lines of each header, by its lower-case name.
    pub headers: BTreeMap<String, Vec<String>>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// An answer from its parts.
    pub fn new<'a>(
        status: u16,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        body: &[u8],
    ) -> Self {
        let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in headers {
            lines
                .entry(name.to_ascii_lowercase())
                .or_default()
                .push(String::from_utf8_lossy(value).into_owned());
        }
        Answer {
            status,
            headers: lines,
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }

    /// Whether a header is there.
    pub fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// A header that has one line.
    pub fn line(&self, name: &str) -> Option<&str> {
        match self.headers.get(name).map(Vec::as_slice) {
            Some([line]) => Some(line),
            _ => None,
        }
    }

    /// Gives this answer those of some headers that it lacks.
    pub fn take_missing(&mut self, other: &Answer, names: &[&str]) {
        names
            .iter()
            .filter(|name| !self.has(name))
            .collect::<Vec<_>>()
            .iter()
            .for_each(|name| self.take(other, &[name]));
    }

    /// Takes away those of some headers that the other lacks.
    pub fn drop_surplus(&mut self, other: &Answer, names: &[&str]) {
        names
            .iter()
            .filter(|name| !other.has(name))
            .for_each(|name| self.take(other, &[name]));
    }

    /// Gives this answer another's status, body and type of the body.
    pub fn take_content(&mut self, other: &Answer) {
        self.status = other.status;
        self.body.clone_from(&other.body);
        self.take(other, &["content-type"]);
    }

    /// Gives this answer another's lines of some headers.
    pub fn take(&mut self, other: &Answer, names: &[&str]) {
        for name in names {
            match other.headers.get(*name) {
                Some(lines) => self.headers.insert((*name).to_owned(), lines.clone()),
                None => self.headers.remove(*name),
            };
        }
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The method.
    pub method: &'static str,
    /// The path: `/` is handled plainly, `/own` sets CORS headers of its own, `/missing` is a 404,
    /// `/error` a 500.
    pub path: &'static str,
    /// The headers.
    pub headers: Vec<(&'static str, &'static str)>,
}

impl Ask {
    /// Whether it is a preflight.
    pub fn is_preflight(&self) -> bool {
        self.method == "OPTIONS"
            && self.get("origin").is_some()
            && self.get("access-control-request-method").is_some()
    }

    /// Whether there are several origins.
    pub fn has_several_origins(&self) -> bool {
        self.headers
            .iter()
            .filter(|(name, _)| *name == "origin")
            .count()
            > 1
    }

    /// The first line of a header.
    pub fn get(&self, name: &str) -> Option<&'static str> {
        self.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }
}

/// The requests of the comparisons: 30.
pub fn asks() -> Vec<Ask> {
    const A: (&str, &str) = ("origin", "https://a.example");
    const EVIL: (&str, &str) = ("origin", "https://evil.test");
    const NULL: (&str, &str) = ("origin", "null");
    const PUT: (&str, &str) = ("access-control-request-method", "PUT");
    const PRIVATE: (&str, &str) = ("access-control-request-private-network", "true");
    let names = |names| ("access-control-request-headers", names);
    let method = |method| ("access-control-request-method", method);
    let ask = |method, path, headers: &[(&'static str, &'static str)]| Ask {
        method,
        path,
        headers: headers.to_vec(),
    };
    vec![
        ask("GET", "/", &[]),
        ask("GET", "/", &[A]),
        ask("GET", "/", &[("origin", "https://b.example")]),
        ask("GET", "/", &[EVIL]),
        ask("GET", "/", &[NULL]),
        ask("GET", "/", &[("origin", "https://A.example")]),
        ask("GET", "/", &[A, EVIL]),
        ask("HEAD", "/", &[A]),
        ask("POST", "/", &[A]),
        ask("DELETE", "/", &[EVIL]),
        ask("OPTIONS", "/", &[]),
        ask("OPTIONS", "/", &[A]),
        ask("OPTIONS", "/", &[PUT]),
        ask("OPTIONS", "/", &[A, PUT]),
        ask("OPTIONS", "/", &[A, method("PATCH")]),
        ask("OPTIONS", "/", &[A, method("POST")]),
        ask("OPTIONS", "/", &[A, method("GET, DELETE")]),
        ask("OPTIONS", "/", &[EVIL, PUT]),
        ask("OPTIONS", "/", &[NULL, PUT]),
        ask("OPTIONS", "/", &[A, PUT, names("content-type,x-a")]),
        ask(
            "OPTIONS",
            "/",
            &[A, PUT, names("content-type"), names("x-a")],
        ),
        ask("OPTIONS", "/", &[A, PUT, names("x-a,,content-type")]),
        ask("OPTIONS", "/", &[A, PUT, names("authorization")]),
        ask("OPTIONS", "/", &[A, PUT, names("x z")]),
        ask("OPTIONS", "/", &[A, PUT, PRIVATE]),
        ask("OPTIONS", "/", &[EVIL, PUT, PRIVATE]),
        ask("GET", "/", &[A, PRIVATE]),
        ask("GET", "/own", &[A]),
        ask("GET", "/own", &[EVIL]),
        ask("GET", "/own", &[]),
        ask("GET", "/missing", &[A]),
        ask("GET", "/error", &[A]),
    ]
}

/// What building or serving came to: an answer, or that the options were refused.
pub type Outcome = Result<Answer, String>;

/// The same request under the same options on both sides.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The options' name.
    pub options: &'static str,
    /// The request.
    pub ask: Ask,
    /// The peer's.
    pub peer: Outcome,
    /// Ours.
    pub ours: Outcome,
}

/// Takes one documented difference out of a pair by making the peer's outcome ours in that respect.
pub type Normalise = fn(&mut Pair);

/// Runs on pairs where both sides serve.
pub fn served(pair: &mut Pair, change: impl FnOnce(&Ask, &mut Answer, &Answer)) {
    if let (Ok(peer), Ok(ours)) = (&mut pair.peer, &pair.ours) {
        change(&pair.ask, peer, ours);
    }
}

/// Explains options that the peer takes and ours refuses with a problem.
pub fn refused(pair: &mut Pair, options: &str, code: &str) {
    if pair.options == options
        && pair.peer.is_ok()
        && pair
            .ours
            .as_ref()
            .is_err_and(|error| error.contains(&format!("error {code} at ")))
    {
        pair.peer = pair.ours.clone();
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    peer: String,
    version: String,
    ours: String,
    differences: Vec<Difference>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    id: String,
    what: String,
    peer: String,
    ours: String,
    reason: String,
    why: String,
    migrate: String,
}

/// Sees that the pairs differ in what the document names and in nothing else, and that every entry
/// shows.
///
/// # Panics
/// If that is not so.
pub fn compare(document: &str, pairs: Vec<Pair>, normalise: &[(&str, Normalise)]) {
    let document: Document =
        serde_json::from_str(document).expect("the list of differences is valid");
    for difference in &document.differences {
        let Difference {
            id,
            what,
            peer,
            ours,
            reason,
            why,
            migrate,
        } = difference;
        assert!(
            [what, peer, ours, why, migrate]
                .iter()
                .all(|text| !text.is_empty()),
            "{id}"
        );
        assert!(
            ["security", "fetch", "caching", "http", "clarity", "safety"]
                .contains(&reason.as_str()),
            "{id}: {reason}"
        );
    }
    let named: Vec<&str> = document
        .differences
        .iter()
        .map(|difference| difference.id.as_str())
        .collect();
    let known: Vec<&str> = normalise.iter().map(|(id, _)| *id).collect();
    assert_eq!(
        named, known,
        "the differences of {} {} and the test's, in their order",
        document.peer, document.version
    );
    assert!(pairs.len() >= 300, "only {} pairs", pairs.len());
    let (mut unexplained, mut seen, mut equal) = (Vec::new(), BTreeSet::new(), 0);
    let count = pairs.len();
    for pair in pairs {
        let mut left = pair.clone();
        equal += usize::from(left.peer == left.ours);
        for (id, normalise) in normalise {
            if left.peer == left.ours {
                break;
            }
            let before = left.clone();
            normalise(&mut left);
            if before.peer != left.peer || before.ours != left.ours {
                seen.insert(*id);
            }
        }
        if left.peer != left.ours {
            unexplained.push(format!(
                "{} {:?}\n  peer {:?}\n  ours {:?}\n  left {:?}\n       {:?}",
                pair.options, pair.ask, pair.peer, pair.ours, left.peer, left.ours
            ));
        }
    }
    println!(
        "{}: {count} pairs, {equal} equal as they are",
        document.ours
    );
    assert!(
        unexplained.is_empty(),
        "{} of {count} pairs differ in what no entry explains:\n{}",
        unexplained.len(),
        unexplained.join("\n")
    );
    let unseen: Vec<&&str> = known.iter().filter(|id| !seen.contains(**id)).collect();
    assert!(unseen.is_empty(), "entries that no pair shows: {unseen:?}");
}

/// The examples of the documentation are tests.
#[cfg(doctest)]
mod documentation {
    #[doc = include_str!("../../../../README.md")]
    mod readme {}
    #[doc = include_str!("../../../../docs/rust.md")]
    mod rust {}
    #[doc = include_str!("../../../../docs/migrating-from-tower-http.md")]
    mod tower_http {}
    #[doc = include_str!("../../../../docs/migrating-from-actix-cors.md")]
    mod actix_cors {}
}
