//! The C ABI from outside: the header, the exported symbols, and C programs that run against the
//! built library.
//!
//! Needs gcc, g++ and nm; clang and valgrind are used where they are installed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::{env, fs};

use common::{STRICT, cargo, here, include, is_installed, library, links, run, temporary, without};

fn header() -> PathBuf {
    include().join("crossgate.h")
}

/// The sources of a program: one file, or all those of a folder.
fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let files = fs::read_dir(path).unwrap();
    let mut files: Vec<_> = files
        .map(|entry| entry.unwrap().path())
        .filter(|file| file.extension().is_some_and(|ending| ending == "c"))
        .collect();
    files.sort();
    files
}

/// Compiles a C program against the shared library, once: tests that share one must not write over
/// it while it runs. The name of the program tells the options.
fn program_with(name: &str, options: &[&str]) -> PathBuf {
    static COMPILED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let output = temporary(&format!(
        "{}{}",
        name.trim_end_matches(".c").replace('/', "_"),
        options.concat().replace(['=', ','], "")
    ));
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if compiled.contains(&output) {
        return output;
    }
    run(Command::new("gcc")
        .args(["-std=c11", "-g", "-O1", "-pthread", "-I"])
        .arg(include())
        .args(STRICT)
        .args(options)
        .args(sources(&here(name)))
        .arg("-o")
        .arg(&output)
        .args(links()));
    compiled.insert(output.clone());
    output
}

fn program(name: &str) -> PathBuf {
    program_with(name, &[])
}

/// The program of tests/c/functions with its arguments and environment, behind a checker.
fn functions_under(checker: &[&str], program: &Path) -> Command {
    let mut command = match checker {
        [tool, options @ ..] => {
            let mut command = Command::new(tool);
            command.args(options).arg(program);
            command
        }
        [] => Command::new(program),
    };
    command.args([
        OsStr::new(env!("CARGO_TARGET_TMPDIR")),
        OsStr::new(env!("CARGO_PKG_VERSION")),
    ]);
    command.env(
        "CGTEST_ALLOW_ORIGINS",
        "https://a.example, https://b.example",
    );
    command
}

const MEMCHECK: [&str; 5] = [
    "valgrind",
    "--quiet",
    "--error-exitcode=9",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect",
];

#[test]
fn header_is_current() {
    let mut generated = Vec::new();
    let folder = here("../../ffi");
    // The crate's own source and nothing else: no cargo call, no dependencies.
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    cbindgen::Builder::new()
        .with_config(config)
        .with_crate(folder)
        .generate()
        .unwrap()
        .write(&mut generated);
    let generated = String::from_utf8(generated).unwrap();
    if env::var_os("UPDATE_HEADER").is_some() {
        fs::write(header(), &generated).unwrap();
    }
    let checked_in = fs::read_to_string(header()).unwrap_or_default();
    assert!(
        checked_in == generated,
        "include/crossgate.h is stale: run UPDATE_HEADER=1 cargo test -p crossgate-c-tests \
            header_is_current"
    );
}

#[test]
fn header_compiles_alone() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    const C: &[&str] = &["c99", "c11", "c17"];
    const CPP: &[&str] = &["c++11", "c++14", "c++17", "c++20"];
    for (compiler, ending, standards) in [
        ("gcc", "c", C),
        ("clang", "c", C),
        ("g++", "cpp", CPP),
        ("clang++", "cpp", CPP),
    ] {
        if !is_installed(compiler) {
            assert!(compiler.starts_with("clang"), "{compiler} is not installed");
            without(compiler, "clang", "the header under clang");
            continue;
        }
        let source = folder.join(format!("alone.{ending}"));
        // Twice: the guard works.
        fs::write(
            &source,
            "#include \"crossgate.h\"\n#include \"crossgate.h\"\nint main(void) { return 0; }\n",
        )
        .unwrap();
        for standard in standards {
            run(Command::new(compiler)
                .args(STRICT)
                .arg(format!("-std={standard}"))
                .arg("-I")
                .arg(here("../../include"))
                .arg("-fsyntax-only")
                .arg(&source));
        }
    }
}

/// The words `crossgate_...` that an opening parenthesis follows, outside comments.
fn declared_functions(header: &str) -> BTreeSet<String> {
    let code: String = header
        .split("/*")
        .enumerate()
        .map(|(i, part)| {
            if i == 0 {
                part
            } else {
                part.split_once("*/").unwrap().1
            }
        })
        .collect();
    code.split('(')
        .filter_map(|before| {
            before
                .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
        })
        .filter(|w| w.starts_with("crossgate_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn exports_are_what_the_header_declares() {
    let symbols = run(Command::new("nm")
        .args(["--dynamic", "--defined-only", "--format=posix"])
        .arg(library().join("libcrossgate.so")));
    let exported: BTreeSet<_> = symbols
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    let declared = declared_functions(&fs::read_to_string(header()).unwrap());
    assert_eq!(exported, declared);
    assert!(declared.len() > 20);
}

#[test]
fn library_has_a_soname_and_stays_loaded() {
    let dynamic = run(Command::new("readelf")
        .args(["--wide", "--dynamic"])
        .arg(library().join("libcrossgate.so")));
    assert!(
        dynamic.contains("Library soname: [libcrossgate.so.0]"),
        "{dynamic}"
    );
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    for line in dynamic.lines().filter(|line| line.contains("(NEEDED)")) {
        assert!(
            ["libgcc_s.so", "libc.so", "libm.so", "ld-linux"]
                .iter()
                .any(|known| line.contains(known)),
            "{line}"
        );
    }
}

#[test]
fn every_function_does_what_the_header_says() {
    run(&mut functions_under(&[], &program("functions")));
}

/// The C side checked by gcc's sanitizers, and what the library allocates by their leak checker.
#[test]
fn programs_pass_sanitizers() {
    let options = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    run(&mut functions_under(
        &[],
        &program_with("functions", &options),
    ));
    run(Command::new(program_with("threads.c", &options)).arg("10"));
    run(Command::new(program_with("fuzz.c", &options)).arg("50000"));
}

#[test]
fn programs_pass_valgrind() {
    if !is_installed("valgrind") {
        return without("valgrind", "valgrind", "memcheck, helgrind and drd");
    }
    run(&mut functions_under(&MEMCHECK, &program("functions")));
    run(Command::new(MEMCHECK[0])
        .args(&MEMCHECK[1..])
        .arg(program("fuzz.c"))
        .arg("5000"));
    // What a policy's maker wrote is seen by who loads it: threads.c says so to the checker, which
    // sees no atomics.
    let threads = program_with("threads.c", &["-DWITH_ANNOTATIONS"]);
    let mut suppressions = OsStr::new("--suppressions=").to_owned();
    suppressions.push(here("threads.supp"));
    for tool in ["--tool=helgrind", "--tool=drd"] {
        run(Command::new("valgrind")
            .args([tool, "--quiet", "--error-exitcode=9"])
            .arg(&suppressions)
            .arg(&threads)
            .arg("100"));
    }
}

#[test]
fn careless_calls_only_fail() {
    run(&mut Command::new(program("fuzz.c")));
}

/// Nightly, slow: many more careless calls.
#[test]
#[ignore = "long"]
fn careless_calls_only_fail_long() {
    for seed in 1..20 {
        run(Command::new(program("fuzz.c")).args(["1000000", &seed.to_string()]));
    }
}

/// The types and functions of the library as its debug information has them, against those checked
/// in. What was added is reported too: it belongs into the baseline.
#[test]
fn abi_is_the_one_checked_in() {
    if !is_installed("abidw") {
        return without("abidw", "abigail-tools", "the comparison of the ABI");
    }
    // The ABI does not depend on features or optimisation.
    let target = temporary("abi");
    run(cargo()
        .args([
            "build",
            "--package",
            "crossgate-ffi",
            "--no-default-features",
            "--config",
            "profile.dev.debug=2",
            "--target-dir",
        ])
        .arg(&target));
    let dump = target.join("crossgate.abi");
    run(Command::new("abidw")
        .args([
            "--no-corpus-path",
            "--no-comp-dir-path",
            "--no-show-locs",
            "--out-file",
        ])
        .arg(&dump)
        .arg(target.join("debug/libcrossgate.so")));
    let baseline = here("abi/crossgate.abi");
    if env::var_os("UPDATE_ABI").is_some() {
        fs::write(
            &baseline,
            without_places(&fs::read_to_string(&dump).unwrap()),
        )
        .unwrap();
    }
    let output = Command::new("abidiff")
        .arg("--suppressions")
        .arg(here("abi/public.suppr"))
        .args([&baseline, &dump])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "the ABI changed: if nothing but additions stand here, run UPDATE_ABI=1 cargo test -p \
            crossgate-c-tests abi_is; otherwise it is a new CROSSGATE_ABI_VERSION\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

/// The dump without the folders of the machine that it was made on.
fn without_places(dump: &str) -> String {
    let mut pieces = dump.split("path='/");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        let (place, rest) = piece.split_once('\'').unwrap_or((piece, ""));
        let place = place
            .split_once("/registry/src/")
            .and_then(|(_, inner)| inner.split_once('/'))
            .map_or(place, |(_, inner)| inner);
        format!("{text}path='{place}'{rest}")
    })
}

/// Makes, changes, frees or describes something, or writes a line of a log: nothing that a request
/// waits for.
fn is_apart_from_requests(function: &str) -> bool {
    [
        "crossgate_builder_",
        "crossgate_error_",
        "crossgate_policy_from_",
        "crossgate_shared_policy_replace",
    ]
    .iter()
    .any(|start| function.starts_with(start))
        || ["_new", "_free"].iter().any(|end| function.ends_with(end))
        || [
            "crossgate_policy_document_json",
            "crossgate_shared_policy_set_shadow",
            "crossgate_counters_to_prometheus",
            "crossgate_decision_denied_name",
            "crossgate_decision_describe",
        ]
        .contains(&function)
}

#[test]
fn a_request_allocates_nothing() {
    let listed = run(Command::new(program("no_allocation.c")).arg("--list"));
    let counted: BTreeSet<_> = listed.lines().map(str::to_owned).collect();
    let left_out: Vec<_> = declared_functions(&fs::read_to_string(header()).unwrap())
        .into_iter()
        .filter(|name| !counted.contains(name))
        .collect();
    let unexpected: Vec<_> = left_out
        .iter()
        .filter(|name| !is_apart_from_requests(name))
        .collect();
    assert!(unexpected.is_empty(), "not counted: {unexpected:?}");
    assert!(counted.contains("crossgate_policy_free") && !left_out.is_empty());
}

/// What a program sees of a panic, which must be a status.
#[test]
fn a_panic_becomes_a_status() {
    run(&mut Command::new(program("panic.c")));
}

/// The benchmark that `make bench` compiles: it takes some seconds.
#[test]
fn the_benchmark_runs() {
    let json = temporary("bench.json");
    let printed = run(Command::new(program("bench.c")).arg(&json));
    assert!(printed.contains("W1 allowed"), "{printed}");
    let written = fs::read_to_string(json).unwrap();
    assert!(
        written.starts_with('[') && written.ends_with("]\n") && written.contains("min_ns"),
        "{written}"
    );
}

#[test]
fn threads_share_a_policy() {
    run(&mut Command::new(program("threads.c")));
}

#[test]
fn reasons_are_the_core_s() {
    // It prints them with this argument.
    let printed = run(Command::new(program("functions")).arg("--reasons"));
    let expected: Vec<_> = crossgate::Reason::ALL
        .iter()
        .map(|reason| reason.as_str())
        .collect();
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn static_library_links() {
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static_program");
    run(Command::new("gcc")
        .args(["-std=c11", "-pthread", "-I"])
        .arg(here("../../include"))
        .arg(here("threads.c"))
        .arg("-o")
        .arg(&output)
        .arg(library().join("libcrossgate.a"))
        // What `rustc --print native-static-libs` names on Linux.
        .args([
            "-lgcc_s",
            "-lutil",
            "-lrt",
            "-lpthread",
            "-lm",
            "-ldl",
            "-lc",
        ]));
    run(&mut Command::new(output));
}
