//! Structs that grow: one program, compiled against an older and a newer header, runs with this
//! library.
//!
//! Needs gcc.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::process::Command;

use common::{STRICT, here, include, links, run, temporary};

/// Every struct with a `struct_size`, by its name, and its members as they stand in the header.
fn growable_structs(header: &str) -> Vec<(&str, &str)> {
    header
        .split("typedef struct ")
        .skip(1)
        .filter_map(|rest| {
            let (name, rest) = rest.split_once(" {\n")?;
            let (members, _) = rest.split_once(&format!("\n}} {name};"))?;
            members
                .contains("uint32_t struct_size;")
                .then_some((name, members))
        })
        .collect()
}

/// The header of a version before this one: the last member of each struct is not there yet.
fn older(header: &str) -> String {
    let mut made = header.to_owned();
    for (name, members) in growable_structs(header) {
        // A member is its comment and its declaration.
        let last = members.rfind("    /**").unwrap();
        assert!(last > 0, "{name} has one member");
        made = made.replace(members, members[..last].trim_end());
    }
    made
}

/// The header of a version after this one: each struct has one member more.
fn newer(header: &str) -> String {
    growable_structs(header)
        .into_iter()
        .fold(header.to_owned(), |made, (_, members)| {
            made.replace(members, &format!("{members}\n    uint64_t added_later;"))
        })
}

/// Compiles growth.c against a header and runs it; gives what it printed.
fn run_with(header: &str, version: &str) -> String {
    let folder = temporary(&format!("growth-{version}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("crossgate.h"), header).unwrap();
    let program = folder.join("growth");
    run(Command::new("gcc")
        .args(["-std=c11", "-g", "-O1", "-I"])
        .arg(&folder)
        .args(STRICT)
        .arg(format!("-D{version}"))
        .arg(here("growth.c"))
        .arg("-o")
        .arg(&program)
        .args(links()));
    run(&mut Command::new(program))
}

#[test]
fn older_and_newer_programs_run_with_this_library() {
    let header = fs::read_to_string(include().join("crossgate.h")).unwrap();
    let names: Vec<_> = growable_structs(&header)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let expected = [
        "crossgate_problem",
        "crossgate_request",
        "crossgate_decision",
        "crossgate_answer",
        "crossgate_response_functions",
        "crossgate_difference",
    ];
    assert_eq!(names, expected);
    let sizes = [
        run_with(&older(&header), "OLDER"),
        run_with(&header, "SAME"),
        run_with(&newer(&header), "NEWER"),
    ];
    // The three headers are three.
    assert!(sizes[0] != sizes[1] && sizes[1] != sizes[2], "{sizes:?}");
}
