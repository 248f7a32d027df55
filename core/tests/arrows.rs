//! Reads the imports of `core/src` and holds the arrows between its folders: a folder uses only
//! folders to its left, and no files of a folder form a circle.

#![allow(
    clippy::unwrap_used,
    reason = "a reader that cannot read fails the test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each folder may use, itself aside. `ARCHITECTURE.md` draws it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("problem", &["text"]),
    ("fetch", &["text"]),
    ("origin", &["text", "fetch"]),
    ("policy", &["text", "problem", "fetch", "origin"]),
    ("decide", &["text", "fetch", "origin", "policy"]),
    ("config", &["text", "problem", "fetch", "origin", "policy"]),
    (
        "live",
        &["text", "problem", "fetch", "policy", "decide", "config"],
    ),
    (
        "middleware",
        &["fetch", "policy", "decide", "config", "live"],
    ),
    (
        "tower",
        &[
            "problem",
            "fetch",
            "policy",
            "decide",
            "config",
            "live",
            "middleware",
        ],
    ),
    (
        "actix",
        &[
            "problem",
            "fetch",
            "policy",
            "decide",
            "config",
            "live",
            "middleware",
        ],
    ),
];

/// Files that may use each other: a type and its builder, and `mod.rs` with what it declares.
const CIRCLES: &[(&str, &str)] = &[
    ("tower/builder.rs", "tower/layer.rs"),
    ("actix/builder.rs", "actix/cors.rs"),
];

/// One import: who, where and what.
#[derive(Debug, PartialEq, Eq)]
struct Import {
    file: String,
    line: usize,
    /// Segments below the crate's root, like `policy`, `methods`, `MethodSet`.
    path: Vec<String>,
}

/// Every file below a folder, as a path relative to it.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && path.file_name().is_some_and(|name| name != "tests.rs")
            {
                found.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The module of a file, like `["policy", "methods"]` for `policy/methods.rs`.
fn module(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// The imports of a file: every `crate::…` and `super::…` outside of comments and of its tests.
fn imports(file: &Path, text: &str) -> Vec<Import> {
    let here = module(file);
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let line = line.split("//").next().unwrap_or_default();
        for (start, _) in line
            .match_indices("crate::")
            .chain(line.match_indices("super::"))
        {
            if line[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            // `super::super::x` is found at its second half.
            let mut rest = &line[start..];
            if rest.starts_with("super::") && line[..start].ends_with("super::") {
                continue;
            }
            let mut base = if rest.starts_with("crate::") {
                rest = &rest["crate::".len()..];
                Vec::new()
            } else {
                here.clone()
            };
            while let Some(after) = rest.strip_prefix("super::") {
                base.pop();
                rest = after;
            }
            let path = rest
                .split("::")
                .map_while(|part| {
                    let end = part.find(|c: char| !c.is_alphanumeric() && c != '_');
                    let name = &part[..end.unwrap_or(part.len())];
                    (!name.is_empty()).then(|| (name.to_owned(), end.is_some()))
                })
                .scan(false, |ended, (name, last)| {
                    let more = !*ended;
                    *ended = last;
                    more.then_some(name)
                });
            found.push(Import {
                file: file.display().to_string(),
                line: index + 1,
                path: base.into_iter().chain(path).collect(),
            });
        }
    }
    found
}

/// Every arrow that is not allowed, one line each.
fn forbidden(imports: &[Import]) -> Vec<String> {
    let folder = |path: &str| {
        let first = path.split('/').next().unwrap_or_default();
        first.trim_end_matches(".rs").to_owned()
    };
    let mut wrong = Vec::new();
    for import in imports {
        let from = folder(&import.file);
        let Some(to) = import.path.first() else {
            continue;
        };
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == from) else {
            if from != "lib" {
                wrong.push(format!(
                    "{}: the folder has no place in MAY_USE",
                    import.file
                ));
            }
            continue;
        };
        if *to != from && !allowed.contains(&to.as_str()) {
            wrong.push(format!(
                "{}:{} uses {to}: not allowed",
                import.file, import.line
            ));
        }
    }
    wrong
}

/// Every pair of files that use each other, directly or through others.
fn circles(files: &[PathBuf], imports: &[Import]) -> Vec<String> {
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let modules: Vec<Vec<String>> = files.iter().map(|file| module(file)).collect();
    let target = |path: &[String]| {
        // The longest module that the path starts with.
        let fits =
            |index: &usize| !modules[*index].is_empty() && path.starts_with(&modules[*index]);
        (0..names.len())
            .filter(fits)
            .max_by_key(|index| modules[*index].len())
    };
    let mut uses: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for import in imports {
        let from = names.iter().position(|name| *name == import.file).unwrap();
        let Some(to) = target(&import.path) else {
            continue;
        };
        // A `mod.rs` speaks for its folder: what it declares may use it, and it may use that.
        let inside = |one: usize, other: usize| {
            names[one].ends_with("mod.rs") && modules[other].starts_with(&modules[one])
        };
        let known = |a: &str, b: &str| CIRCLES.contains(&(a, b)) || CIRCLES.contains(&(b, a));
        if from != to && !inside(from, to) && !inside(to, from) && !known(&names[from], &names[to])
        {
            uses.entry(from).or_default().push(to);
        }
    }
    let reaches = |from: usize, to: usize| {
        let (mut seen, mut pending) = (vec![false; names.len()], vec![from]);
        while let Some(here) = pending.pop() {
            for next in uses.get(&here).into_iter().flatten() {
                if *next == to {
                    return true;
                }
                if !std::mem::replace(&mut seen[*next], true) {
                    pending.push(*next);
                }
            }
        }
        false
    };
    let circle = (0..names.len()).filter(|index| reaches(*index, *index));
    circle
        .map(|index| format!("{} uses itself through others", names[index]))
        .collect()
}

fn read(root: &Path) -> (Vec<PathBuf>, Vec<Import>) {
    let files = files(root);
    let imports = files
        .iter()
        .flat_map(|file| imports(file, &fs::read_to_string(root.join(file)).unwrap()))
        .collect();
    (files, imports)
}

#[test]
fn folders_use_only_folders_to_their_left() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (files, imports) = read(&root);
    assert!(
        files.len() > 60 && imports.len() > 200,
        "the reader finds too little"
    );
    let wrong = [forbidden(&imports), circles(&files, &imports)].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_forbidden_import_is_found_with_file_and_line() {
    let root = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    file(
        "policy/methods.rs",
        "//! crate::tower in a comment\n\nuse crate::config::check;\nuse super::vary;\n",
    );
    file("policy/vary.rs", "use super::methods::MethodSet;\n");
    file("policy/mod.rs", "use self::methods::MethodSet;\n");
    file(
        "text/list.rs",
        "#[cfg(test)]\nmod tests {\n    use crate::policy::Policy;\n}\n",
    );
    file("decide/mod.rs", "fn f() { crate::live::trace::g() }\n");
    file("extra/mod.rs", "use crate::text::list;\n");
    let (files, imports) = read(root.path());
    assert_eq!(
        forbidden(&imports),
        [
            "decide/mod.rs:1 uses live: not allowed",
            "extra/mod.rs: the folder has no place in MAY_USE",
            "policy/methods.rs:3 uses config: not allowed",
        ]
    );
    assert_eq!(
        circles(&files, &imports),
        [
            "policy/methods.rs uses itself through others",
            "policy/vary.rs uses itself through others",
        ]
    );
}
