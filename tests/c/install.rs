//! The library as it is installed: its size, its symbols, and programs that find it as their build
//! systems do.
//!
//! Needs gcc, binutils and rustc; pkg-config and cmake are used where they are installed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use common::{STRICT, here, is_installed, library, run, temporary, without};

/// Root installs: what the script's tools write must be its own files. A `-o /dev/null` once
/// replaced the device.
#[test]
fn installing_leaves_the_devices_alone() {
    use std::os::unix::fs::FileTypeExt;
    installed();
    assert!(
        fs::metadata("/dev/null")
            .unwrap()
            .file_type()
            .is_char_device()
    );
    let script = fs::read_to_string(here("../../ffi/packaging/install.sh")).unwrap();
    assert!(
        !script.contains("-o /dev/"),
        "a tool that replaces its output file"
    );
}

/// What `rustc --print native-static-libs` names on Linux, but for what a C compiler adds itself.
const NATIVE: [&str; 5] = ["-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];

/// Installs into a folder, once, as `make install PREFIX=… DESTDIR=…` does, and gives the prefix.
fn installed() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let staged = temporary("staged");
        let _ = fs::remove_dir_all(&staged);
        let script = here("../../ffi/packaging/install.sh");
        run(Command::new(script)
            .env("PREFIX", "/opt/crossgate")
            .env("DESTDIR", &staged)
            .env_remove("LIBDIR")
            .env("BUILD", library()));
        // Moved: nothing may remember where it was put first.
        let moved = temporary("installed");
        let _ = fs::remove_dir_all(&moved);
        fs::rename(staged.join("opt/crossgate"), &moved).unwrap();
        moved
    })
}

fn stripped_size(library: &Path, name: &str) -> u64 {
    let stripped = temporary(name);
    run(Command::new("strip")
        .arg("--strip-unneeded")
        .arg("-o")
        .arg(&stripped)
        .arg(library));
    fs::metadata(stripped).unwrap().len()
}

#[test]
fn sizes_are_watched() {
    let default = stripped_size(&library().join("libcrossgate.so"), "default.so");
    let small = fs::metadata(small_one().join("lib/libcrossgate.so"))
        .unwrap()
        .len();
    let archive = fs::metadata(installed().join("lib/libcrossgate.a"))
        .unwrap()
        .len();
    println!("stripped: {default} bytes, without features {small} bytes; archive {archive} bytes");
    assert!(
        default < 2_400_000,
        "the default library has {default} bytes"
    );
    assert!(
        small < 450_000,
        "the library without features has {small} bytes"
    );
}

/// What `make install SMALL=1` installs.
fn small_one() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let staged = temporary("small_staged");
        let _ = fs::remove_dir_all(&staged);
        let destination = format!("DESTDIR={}", staged.display());
        let mut make = Command::new("make");
        make.current_dir(here("../.."))
            .args(["-s", "install", "SMALL=1", "PREFIX=/usr", &destination])
            .env("CARGO_TARGET_DIR", temporary("small"));
        run(make
            .env_remove("LIBDIR")
            .env_remove("BUILD")
            .env_remove("MAKEFLAGS"));
        staged.join("usr")
    })
}

/// It refuses what it cannot do, by name, and does the rest.
#[test]
fn the_small_library_says_what_it_lacks() {
    let program = temporary("small_program");
    run(Command::new("gcc")
        .args(STRICT)
        .arg("-I")
        .arg(small_one().join("include"))
        .arg(here("small.c"))
        .arg(small_one().join("lib/libcrossgate.so"))
        .arg("-o")
        .arg(&program));
    run(Command::new(program).env("LD_LIBRARY_PATH", small_one().join("lib")));
}

/// The standard library's reader of debug information is left out of both libraries
/// (ffi/src/no_backtrace.rs): a panic is caught all the same, with its message and place on stderr.
#[test]
fn a_panic_is_caught_without_its_backtrace() {
    let build = |name: &str, libraries: &[&OsStr]| {
        let program = temporary(name);
        run(Command::new("gcc")
            .args(STRICT)
            .arg("-I")
            .arg(installed().join("include"))
            .arg(here("panic.c"))
            .args(libraries)
            .arg("-o")
            .arg(&program));
        program
    };
    let (shared, archive) = (
        installed().join("lib/libcrossgate.so"),
        installed().join("lib/libcrossgate.a"),
    );
    let with_archive: Vec<_> = [archive.as_os_str()]
        .into_iter()
        .chain(NATIVE.map(OsStr::new))
        .collect();
    for (program, library) in [
        (build("panic_shared", &[shared.as_os_str()]), &shared),
        (build("panic_static", &with_archive), &archive),
    ] {
        let output = Command::new(&program)
            .env("LD_LIBRARY_PATH", installed().join("lib"))
            .env("RUST_BACKTRACE", "1")
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{program:?}: {}\n{printed}",
            output.status
        );
        assert!(
            printed.contains("panicked at")
                && printed.contains("(this library prints no backtraces)"),
            "{program:?}: {printed}"
        );
        // What the reader starts with. (Of the shared library the names are stripped; its size
        // tells.)
        let symbols = run(Command::new("nm").arg("--defined-only").arg(library));
        assert!(
            !symbols
                .lines()
                .any(|line| line.contains("backtrace_rs") && line.ends_with("7Context3new")),
            "{library:?} reads debug information"
        );
    }
}

fn global_symbols(file: &Path, dynamic: &[&str]) -> Vec<String> {
    let printed = run(Command::new("nm")
        .args(["--defined-only", "--extern-only", "--format=posix"])
        .args(dynamic)
        .arg(file));
    printed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn only_our_symbols_are_global() {
    let shared = global_symbols(&installed().join("lib/libcrossgate.so"), &["--dynamic"]);
    let archive: Vec<_> = global_symbols(&installed().join("lib/libcrossgate.a"), &[])
        .into_iter()
        .filter(|name| !name.contains("crossgate.o"))
        .collect();
    assert!(
        shared.iter().all(|name| name.starts_with("crossgate_")),
        "{shared:?}"
    );
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(archive), sorted(shared));
}

/// Both archives whole, so that every symbol meets every other.
#[test]
fn two_rust_libraries_fit_in_one_program() {
    let (source, other, program) = (
        temporary("other.rs"),
        temporary("libother.a"),
        temporary("two_libraries"),
    );
    fs::write(
        &source,
        "#[unsafe(no_mangle)]\npub extern \"C\" fn other_length() -> usize {\n    \
            std::panic::catch_unwind(|| format!(\"{}\", 12345).len()).unwrap_or(0)\n}\n",
    )
    .unwrap();
    run(Command::new("rustc")
        .args(["--edition=2024", "--crate-type=staticlib", "-O", "-o"])
        .arg(&other)
        .arg(&source));
    let main = temporary("two_libraries.c");
    fs::write(
        &main,
        "#include <crossgate.h>\n#include <string.h>\nsize_t other_length(void);\nint main(void) \
            {\n    return other_length() != 5 || strlen(crossgate_version()) == 0;\n}\n",
    )
    .unwrap();
    run(Command::new("gcc")
        .args(STRICT)
        .arg("-I")
        .arg(installed().join("include"))
        .arg(&main)
        .arg("-Wl,--whole-archive")
        .arg(&other)
        .arg(installed().join("lib/libcrossgate.a"))
        .arg("-Wl,--no-whole-archive")
        .args(NATIVE)
        .arg("-o")
        .arg(&program));
    run(&mut Command::new(program));
}

/// A consumer far from our tree.
fn consumer() -> PathBuf {
    let folder = temporary("consumer");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(here("consumer/main.c"), folder.join("main.c")).unwrap();
    fs::copy(
        here("consumer/CMakeLists.txt"),
        folder.join("CMakeLists.txt"),
    )
    .unwrap();
    folder
}

fn check_consumer(program: &Path, shared: bool) {
    // The installed library is not where the loader looks.
    let printed = run(Command::new(program).env(
        "LD_LIBRARY_PATH",
        if shared {
            installed().join("lib")
        } else {
            "/nowhere".into()
        },
    ));
    assert_eq!(
        printed.trim(),
        concat!(
            env!("CARGO_PKG_VERSION"),
            " Access-Control-Allow-Origin: https://a.example"
        )
    );
    let needed = run(Command::new("readelf")
        .args(["--wide", "--dynamic"])
        .arg(program));
    assert_eq!(needed.contains("libcrossgate.so.0"), shared, "{needed}");
}

fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let folder = installed().join("lib/pkgconfig");
    run(Command::new("pkg-config")
        .args(arguments)
        .arg("crossgate")
        .env("PKG_CONFIG_PATH", folder))
    .split_whitespace()
    .map(str::to_owned)
    .collect()
}

#[test]
fn pkg_config_finds_both_libraries() {
    if !is_installed("pkg-config") {
        return without("pkg-config", "pkg-config", "programs built with pkg-config");
    }
    let folder = consumer();
    assert_eq!(pkg_config(&["--modversion"]), [env!("CARGO_PKG_VERSION")]);
    let native = pkg_config(&["--static", "--libs-only-l"]);
    assert_eq!(native[1..], NATIVE, "the static library's own libraries");
    let build = |name: &str, libraries: &[String]| {
        let program = folder.join(name);
        run(Command::new("gcc")
            .args(STRICT)
            .args(pkg_config(&["--cflags"]))
            .arg(folder.join("main.c"))
            .args(libraries)
            .arg("-o")
            .arg(&program));
        program
    };
    check_consumer(&build("with_shared", &pkg_config(&["--libs"])), true);
    // -static would make the whole program static; so only our library is.
    let libraries: Vec<_> = pkg_config(&["--static", "--libs"])
        .into_iter()
        .map(|l| {
            if l == "-lcrossgate" {
                "-l:libcrossgate.a".to_owned()
            } else {
                l
            }
        })
        .collect();
    check_consumer(&build("with_static", &libraries), false);
    // A program that is static as a whole.
    let mut whole = pkg_config(&["--static", "--libs"]);
    whole.insert(0, "-static".to_owned());
    check_consumer(&build("wholly_static", &whole), false);
}

fn cmake(folder: &Path, build: &Path, options: &[&str]) -> Command {
    let mut command = Command::new("cmake");
    let mut prefix = OsStr::new("-DCMAKE_PREFIX_PATH=").to_owned();
    prefix.push(installed());
    let _ = fs::remove_dir_all(build);
    command
        .arg("-S")
        .arg(folder)
        .arg("-B")
        .arg(build)
        .arg(prefix)
        .args(options);
    command
}

#[test]
fn cmake_finds_both_libraries() {
    if !is_installed("cmake") {
        return without("cmake", "cmake", "programs built with CMake");
    }
    let folder = consumer();
    for (name, options, shared) in [
        ("default", &[][..], true),
        ("static_chosen", &["-DBUILD_SHARED_LIBS=OFF"], false),
        ("shared", &["-DLIBRARY=crossgate::shared"], true),
        ("static", &["-DLIBRARY=crossgate::static"], false),
    ] {
        let build = folder.join(name);
        run(&mut cmake(&folder, &build, options));
        run(Command::new("cmake").arg("--build").arg(&build));
        check_consumer(&build.join("consumer"), shared);
    }
    for wrong in ["1.0", "0.2", "0.0.9", "0.1.1"] {
        let output = cmake(
            &folder,
            &folder.join("refused"),
            &[&format!("-DVERSION={wrong}")],
        )
        .output()
        .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && text.contains("crossgate"),
            "version {wrong} was found\n{text}"
        );
    }
}
