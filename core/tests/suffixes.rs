//! The names above public suffixes, which are compiled in as a table, and the list that answers
//! every other question, compared on each rule of the list.
//!
//! `UPDATE_SUFFIXES=1 cargo test -p crossgate --test suffixes` writes the table.

#![allow(
    clippy::unwrap_used,
    reason = "a reader that cannot read fails the test"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crossgate::{Policy, ProblemCode};

/// The sources of the crate that has the list.
fn sources() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "psl2");
    let manifest = package.unwrap()["manifest_path"].as_str().unwrap();
    Path::new(manifest).with_file_name("src")
}

/// The list as the crate keeps it: a tree of labels from the end (its `lib.rs` describes it).
struct Tree {
    /// First edge, number of edges, flags.
    nodes: Vec<(usize, usize, u8)>,
    /// Label, node.
    edges: Vec<(String, usize)>,
}

const RULE: u8 = 1;
const WILDCARD: u8 = 4;
const EXCEPTION: u8 = 16;

impl Tree {
    fn read(sources: &Path) -> Self {
        let read = |name: &str| std::fs::read(sources.join(name)).unwrap();
        let (nodes, edges, labels) = (
            read("trie_nodes.bin"),
            read("trie_edges.bin"),
            read("trie_labels.bin"),
        );
        let number = |bytes: &[u8]| usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        let mut first = 0;
        let nodes = nodes.chunks_exact(3).map(|node| {
            let count = number(node);
            first += count;
            (first - count, count, node[2])
        });
        let nodes = nodes.collect();
        let (mut at, mut child, mut all) = (0, 0i64, Vec::new());
        while at < edges.len() {
            let label = number(&edges[at..]);
            at += 2;
            let (mut value, mut shift) = (0i64, 0);
            loop {
                value |= i64::from(edges[at] & 0x7f) << shift;
                shift += 7;
                at += 1;
                if edges[at - 1] & 0x80 == 0 {
                    break;
                }
            }
            child += (value >> 1) ^ -(value & 1);
            let length = usize::from(labels[label]);
            let text = String::from_utf8(labels[label + 1..][..length].to_vec()).unwrap();
            all.push((text, usize::try_from(child).unwrap()));
        }
        Tree { nodes, edges: all }
    }

    /// Every rule, as the list writes it.
    fn rules(&self, node: usize, name: &str, rules: &mut BTreeSet<String>) {
        let (first, count, flags) = self.nodes[node];
        for (flag, front) in [(RULE, ""), (WILDCARD, "*."), (EXCEPTION, "!")] {
            if flags & flag != 0 {
                rules.insert(format!("{front}{name}"));
            }
        }
        for (label, child) in &self.edges[first..first + count] {
            let dot = if name.is_empty() { "" } else { "." };
            self.rules(*child, &format!("{label}{dot}{name}"), rules);
        }
    }
}

fn rules() -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    Tree::read(&sources()).rules(0, "", &mut rules);
    assert!(rules.len() > 5_000);
    rules
}

fn parent(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, parent)| parent)
}

/// What the public suffix of a policy is, said with the list's words and nothing of the engine's.
fn is_suffix(rules: &BTreeSet<String>, name: &str) -> bool {
    let Some(parent) = parent(name) else {
        return true;
    };
    rules.contains(name)
        || rules.contains(&format!("*.{name}"))
        || rules.contains(&format!("*.{parent}")) && !rules.contains(&format!("!{name}"))
}

/// The suffixes whose parents are none.
fn below_owners(rules: &BTreeSet<String>) -> Vec<&str> {
    let names = rules.iter().filter(|rule| !rule.starts_with('!'));
    let names: BTreeSet<&str> = names.map(|rule| rule.trim_start_matches("*.")).collect();
    let mut names: Vec<&str> = names
        .into_iter()
        .filter(|name| parent(name).is_some_and(|parent| !is_suffix(rules, parent)))
        .collect();
    names.sort_by(|one, other| one.rsplit('.').cmp(other.rsplit('.')));
    names
}

#[test]
fn the_table_is_that_of_the_list() {
    let version = std::fs::read_to_string(sources().join("psl_version.txt")).unwrap();
    let date = version.split('_').next().unwrap();
    let rules = rules();
    let names: String = below_owners(&rules)
        .iter()
        .map(|name| format!("    \"{name}\",\n"))
        .collect();
    let text = format!(
        "//! Public suffixes below names that are none, of the list that is compiled in. Generated \
         by\n//! `UPDATE_SUFFIXES=1 cargo test -p crossgate --test suffixes`.\n\n/// The day of \
         the list.\npub(super) const DATE: &str = \"{date}\";\n\n/// The public suffixes whose \
         parent is none, and which has two labels or more. In the order of\n/// their labels from \
         the end.\n#[rustfmt::skip]\npub(super) const BELOW_OWNERS: &[&str] = \
         &[\n{names}];\n"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/origin/suffix_table.rs");
    if std::env::var_os("UPDATE_SUFFIXES").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert!(
        text == std::fs::read_to_string(&path).unwrap(),
        "core/src/origin/suffix_table.rs is stale; UPDATE_SUFFIXES=1 writes it"
    );
}

/// Whether `*.` with credentials is refused on a name, because strangers are below it.
fn is_refused(name: &str) -> bool {
    let built = Policy::builder()
        .allow_origins([format!("https://*.{name}")])
        .allow_credentials(true)
        .build();
    built.is_err_and(|error| {
        error
            .problems()
            .iter()
            .any(|problem| problem.code == ProblemCode::PatternPublicSuffix)
    })
}

#[test]
fn every_rule_and_every_name_above_it() {
    let rules = rules();
    let (mut known, mut above) = (BTreeSet::new(), 0);
    for rule in &rules {
        let (front, name) = match rule.split_at_checked(1) {
            Some(("!", name)) => ("!", name),
            _ => ("", rule.trim_start_matches("*.")),
        };
        let mut at = Some(name);
        while let Some(name) = at.filter(|name| known.insert(*name)) {
            let exception = front == "!" && rule[1..] == *name;
            assert_eq!(is_refused(name), !exception, "{name}, because of {rule}");
            above += usize::from(!is_suffix(&rules, name));
            at = parent(name);
        }
        // A name below that is no rule belongs to one owner.
        let owned = format!(
            "owned-by-somebody.{}{name}",
            if front.is_empty() { "x." } else { "" }
        );
        if !rules.contains(&format!("*.x.{name}")) && !rules.contains(&format!("*.{name}")) {
            assert!(!is_refused(&owned), "{owned}");
        }
    }
    assert!(above > 300, "{above}");
}
