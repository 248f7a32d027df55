//! `make install TARGET=`: the library for other systems, as docs/c.md#cross-compiling says it.
//!
//! Slow, since each target is a whole build: `cargo test -p crossgate-c-tests -- --ignored`. Needs
//! the targets of rustup, and the Debian packages musl-tools, gcc-aarch64-linux-gnu and
//! qemu-user-static; what is not there is skipped and said.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{STRICT, here, is_installed, run, temporary, without};

fn has_target(target: &str) -> bool {
    let found = run(Command::new("rustc").args(["--target", target, "--print", "target-libdir"]));
    Path::new(found.trim()).exists()
}

/// Installs the library for a target, and gives the prefix.
fn installed(target: &str) -> PathBuf {
    let staged = temporary(&format!("cross-{target}"));
    let _ = std::fs::remove_dir_all(&staged);
    let destination = format!("DESTDIR={}", staged.display());
    let linker = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER";
    run(Command::new("make")
        .current_dir(here("../.."))
        .args(["-s", "install", "PREFIX=/usr", &destination])
        .arg(format!("TARGET={target}"))
        .env("CARGO_TARGET_DIR", temporary("cross"))
        .env(linker, "aarch64-linux-gnu-gcc")
        .env_remove("LIBDIR")
        .env_remove("BUILD")
        .env_remove("MAKEFLAGS"));
    staged.join("usr")
}

fn pkg_config(prefix: &Path, arguments: &[&str]) -> Vec<String> {
    let printed = run(Command::new("pkg-config")
        .args(arguments)
        .arg("crossgate")
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")));
    printed.split_whitespace().map(str::to_owned).collect()
}

/// Compiles the consumer with options of pkg-config, and gives the program.
fn consumer(compiler: &str, prefix: &Path, arguments: &[&str], name: &str) -> PathBuf {
    let program = temporary(name);
    let is_static = arguments.contains(&"--static");
    run(Command::new(compiler)
        .args(STRICT)
        .args(is_static.then_some("-static"))
        .arg(here("consumer/main.c"))
        .args(pkg_config(prefix, arguments))
        .arg("-o")
        .arg(&program));
    program
}

fn check_printed(command: &mut Command) {
    let expected = concat!(
        env!("CARGO_PKG_VERSION"),
        " Access-Control-Allow-Origin: https://a.example"
    );
    assert_eq!(run(command).trim(), expected);
}

#[test]
#[ignore = "long"]
fn musl_has_the_archive_alone() {
    let target = "x86_64-unknown-linux-musl";
    if !is_installed("musl-gcc") || !has_target(target) {
        return without("musl-gcc or the target", "musl-tools", "musl");
    }
    let prefix = installed(target);
    assert!(prefix.join("lib/libcrossgate.a").exists());
    assert!(!prefix.join("lib/libcrossgate.so").exists());
    let arguments = ["--cflags", "--static", "--libs"];
    let program = consumer("musl-gcc", &prefix, &arguments, "with_musl");
    check_printed(&mut Command::new(program));
}

#[test]
#[ignore = "long"]
fn another_processor_has_its_own_tools() {
    let target = "aarch64-unknown-linux-gnu";
    let (compiler, qemu) = ("aarch64-linux-gnu-gcc", "qemu-aarch64-static");
    if !is_installed(compiler) || !is_installed(qemu) || !has_target(target) {
        return without(
            "aarch64-linux-gnu-gcc, qemu-aarch64-static or the target",
            "gcc-aarch64-linux-gnu qemu-user-static",
            "aarch64",
        );
    }
    let prefix = installed(target);
    let arguments = ["--cflags", "--static", "--libs"];
    let whole = consumer(compiler, &prefix, &arguments, "aarch64_static");
    check_printed(Command::new(qemu).arg(whole));
    let shared = consumer(compiler, &prefix, &["--cflags", "--libs"], "aarch64_shared");
    check_printed(
        Command::new(qemu)
            .args(["-L", "/usr/aarch64-linux-gnu", "-E"])
            .arg(format!("LD_LIBRARY_PATH={}", prefix.join("lib").display()))
            .arg(shared),
    );
}

/// Without a build for the target there is an error, and never this system's library.
#[test]
fn a_library_for_another_system_is_refused() {
    let install = |target: &str, build: &Path| {
        let output = Command::new(here("../../ffi/packaging/install.sh"))
            .env("TARGET", target)
            .env("PREFIX", "/usr")
            .env("DESTDIR", temporary("cross-refused"))
            .env("BUILD", build)
            .envs(["STRIP", "LD", "NM", "OBJCOPY", "AR"].map(|tool| (tool, "true")))
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let target = "aarch64-unknown-linux-gnu";
    let refused = install(target, common::library());
    assert!(
        refused.contains("is for Advanced Micro Devices X86-64, not for aarch64")
            || cfg!(not(target_arch = "x86_64")),
        "{refused}"
    );
    let missing = install(target, Path::new("/nowhere"));
    assert!(
        missing.contains("--target aarch64-unknown-linux-gnu first"),
        "{missing}"
    );
    assert!(!temporary("cross-refused").exists());
}
