//! The C ABI from outside: the header, the exported symbols, and C programs that run against the built library.
//!
//! Needs gcc, g++ and nm; valgrind is used where it is installed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn header() -> PathBuf {
    here("../../include/crossgate.h")
}

/// Runs a command and gives what it printed; a failure fails the test with all of that.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// Builds the library once, as a user would, and gives the folder that it lies in.
fn library() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        run(Command::new(env::var_os("CARGO").unwrap_or("cargo".into())).args(["build", "--release", "--package", "crossgate-ffi"]).current_dir(here("../..")));
        // The folder for temporary files is `<target>/tmp`.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("release");
        assert!(folder.join("libcrossgate.so").exists(), "no library in {}", folder.display());
        // The name that the loader looks for.
        let link = folder.join("libcrossgate.so.0");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink("libcrossgate.so", link).unwrap();
        folder
    })
}

/// Compiles a C program against the shared library.
fn program(name: &str) -> PathBuf {
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.trim_end_matches(".c"));
    let folder = library();
    run(Command::new("gcc")
        .args(["-std=c11", "-g", "-O1", "-pthread", "-I"])
        .arg(here("../../include"))
        .args(STRICT)
        .arg(here(name))
        .arg("-o")
        .arg(&output)
        .arg("-L")
        .arg(folder)
        .arg("-lcrossgate")
        .arg(format!("-Wl,-rpath,{}", folder.display())));
    output
}

fn is_installed(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok()
}

#[test]
fn header_is_current() {
    let mut generated = Vec::new();
    let folder = here("../../ffi");
    // The crate's own source and nothing else: no cargo call, no dependencies.
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    cbindgen::Builder::new().with_config(config).with_crate(folder).generate().unwrap().write(&mut generated);
    let generated = String::from_utf8(generated).unwrap();
    if env::var_os("UPDATE_HEADER").is_some() {
        fs::write(header(), &generated).unwrap();
    }
    let checked_in = fs::read_to_string(header()).unwrap_or_default();
    assert!(checked_in == generated, "include/crossgate.h is stale: run UPDATE_HEADER=1 cargo test -p crossgate-c-tests header_is_current");
}

#[test]
fn header_compiles_alone() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (compiler, ending, standards) in [("gcc", "c", &["c99", "c11", "c17"][..]), ("g++", "cpp", &["c++17", "c++20"][..])] {
        let source = folder.join(format!("alone.{ending}"));
        // Twice: the guard works.
        fs::write(&source, "#include \"crossgate.h\"\n#include \"crossgate.h\"\nint main(void) { return 0; }\n").unwrap();
        for standard in standards {
            run(Command::new(compiler).args(STRICT).arg(format!("-std={standard}")).arg("-I").arg(here("../../include")).arg("-fsyntax-only").arg(&source));
        }
    }
}

/// The words `crossgate_...` that an opening parenthesis follows, outside comments.
fn declared_functions(header: &str) -> BTreeSet<String> {
    let code: String = header.split("/*").enumerate().map(|(i, part)| if i == 0 { part } else { part.split_once("*/").unwrap().1 }).collect();
    code.split('(')
        .filter_map(|before| before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next())
        .filter(|w| w.starts_with("crossgate_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn exports_are_what_the_header_declares() {
    let symbols = run(Command::new("nm").args(["--dynamic", "--defined-only", "--format=posix"]).arg(library().join("libcrossgate.so")));
    let exported: BTreeSet<_> = symbols.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    let declared = declared_functions(&fs::read_to_string(header()).unwrap());
    assert_eq!(exported, declared);
    assert!(declared.len() > 20);
}

#[test]
fn library_has_a_soname_and_stays_loaded() {
    let dynamic = run(Command::new("readelf").args(["--wide", "--dynamic"]).arg(library().join("libcrossgate.so")));
    assert!(dynamic.contains("Library soname: [libcrossgate.so.0]"), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    for line in dynamic.lines().filter(|line| line.contains("(NEEDED)")) {
        assert!(["libgcc_s.so", "libc.so", "libm.so", "ld-linux"].iter().any(|known| line.contains(known)), "{line}");
    }
}

#[test]
fn every_function() {
    let program = program("every_function.c");
    let arguments: [&OsStr; 2] = [OsStr::new(env!("CARGO_TARGET_TMPDIR")), OsStr::new(env!("CARGO_PKG_VERSION"))];
    run(Command::new(&program).args(arguments).env("CGTEST_ALLOW_ORIGINS", "https://a.example, https://b.example"));
    if is_installed("valgrind") {
        run(Command::new("valgrind")
            .args(["--quiet", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite,indirect", "--errors-for-leak-kinds=definite,indirect"])
            .arg(program)
            .args(arguments)
            .env("CGTEST_ALLOW_ORIGINS", "https://a.example, https://b.example"));
    }
}

#[test]
fn evaluation_allocates_nothing() {
    run(&mut Command::new(program("no_allocation.c")));
}

#[test]
fn threads_share_a_policy() {
    run(&mut Command::new(program("threads.c")));
}

#[test]
fn reasons_are_the_core_s() {
    // every_function.c prints them with this argument.
    let printed = run(Command::new(program("every_function.c")).arg("--reasons"));
    let expected: Vec<_> = crossgate::Reason::ALL.iter().map(|reason| reason.as_str()).collect();
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
        .args(["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"]));
    run(&mut Command::new(output));
}
