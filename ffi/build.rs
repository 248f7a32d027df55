//! Linker arguments of the shared library, so that a plain `cargo build` gives one that can be
//! installed.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

/// The number in the SONAME; `CROSSGATE_ABI_VERSION` in `src/version.rs` is the same.
const ABI: u32 = 0;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // They can choose another linker.
    println!("cargo:rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    println!("cargo:rustc-check-cfg=cfg(no_backtrace)");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // Without a SONAME, programs record the path that they were linked with.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcrossgate.so.{ABI}");
        // Rust's thread-local destructors must outlive a dlclose (servers reload their modules).
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        leave_out_backtraces();
        // Equal functions once. GNU's linker cannot, rust-lld, lld, mold and gold can.
        if takes("-Wl,--icf=all") {
            println!("cargo:rustc-cdylib-link-arg=-Wl,--icf=all");
        }
    }
}

/// Whether the linker takes an argument.
fn takes(argument: &str) -> bool {
    let (Some(rustc), Some(target), Some(folder)) = (
        env::var_os("RUSTC"),
        env::var_os("TARGET"),
        env::var_os("OUT_DIR").map(PathBuf::from),
    ) else {
        return false;
    };
    let source = folder.join("empty.rs");
    let mut command = Command::new(rustc);
    command
        .args([
            "--crate-type=cdylib",
            "-C",
            &format!("link-arg={argument}"),
            "--target",
        ])
        .arg(target)
        .arg("-o")
        .arg(folder.join("empty.so"))
        .arg(&source);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        command
            .arg("-C")
            .arg(format!("linker={}", linker.to_string_lossy()));
    }
    if let Ok(flags) = env::var("CARGO_ENCODED_RUSTFLAGS") {
        command.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    }
    fs::write(source, "").is_ok() && command.output().is_ok_and(|output| output.status.success())
}

/// See `src/no_backtrace.rs`. Where the standard library has no such function the library is
/// bigger, and that is all.
fn leave_out_backtraces() {
    let has_asm = matches!(
        env::var("CARGO_CFG_TARGET_ARCH").as_deref(),
        Ok("x86_64" | "aarch64")
    );
    if let Some(symbol) = has_asm.then(symbol_of_backtraces).flatten() {
        println!("cargo:rustc-cfg=no_backtrace");
        println!("cargo:rustc-cdylib-link-arg=-Wl,--defsym={symbol}=crossgate_no_backtrace");
    }
}

/// The mangled name of the function that prints a panic's backtrace: `<DisplayBacktrace as
/// Display>::fmt`.
fn symbol_of_backtraces() -> Option<String> {
    let printed = Command::new(env::var_os("RUSTC")?)
        .args(["--print", "target-libdir", "--target"])
        .arg(env::var_os("TARGET")?)
        .output()
        .ok()?;
    let folder = PathBuf::from(String::from_utf8(printed.stdout).ok()?.trim());
    let is_std = |path: &PathBuf| {
        path.extension().is_some_and(|e| e == "rlib")
            && path
                .file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("libstd-"))
    };
    let library = fs::read(
        fs::read_dir(folder)
            .ok()?
            .flatten()
            .map(|entry| entry.path())
            .find(is_std)?,
    )
    .ok()?;
    let mut found: Vec<&str> = library
        .split(|byte| *byte == 0)
        .filter(|name| name.len() < 512)
        .filter_map(|name| std::str::from_utf8(name).ok())
        .filter(|name| name.contains("BacktraceLock"))
        // A symbol's name may be the end of its section's.
        .filter_map(|name| {
            name.find("_R")
                .or_else(|| name.find("_ZN"))
                .map(|start| &name[start..])
        })
        .filter(|name| {
            name.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.'))
        })
        .filter(|name| is_display_of_backtraces(name))
        .collect();
    found.sort_unstable();
    found.dedup();
    match found[..] {
        [symbol] => Some(symbol.to_owned()),
        _ => None,
    }
}

/// `fmt` of that trait for that type and nothing else: a function of another signature must not be
/// exchanged.
fn is_display_of_backtraces(name: &str) -> bool {
    let legacy = "DisplayBacktrace$u20$as$u20$core..fmt..Display$GT$3fmt17h";
    (name.starts_with("_RNvX")
        && name.contains("16DisplayBacktraceNtNt")
        && name.ends_with("4core3fmt7Display3fmt"))
        || name.contains(legacy)
}
