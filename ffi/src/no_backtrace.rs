//! What a panic's backtrace is replaced by. A panic is a bug of this library and becomes `CROSSGATE_PANIC`; its message
//! and place go to stderr. To name the functions above it, the standard library brings a reader of ELF, DWARF and
//! zlib of about 190 kB, and its hook for panics cannot be exchanged without a hook of our own for the whole process.
//! So `build.rs` tells the linker to take the function below for the one that prints backtraces.

use std::fmt;

/// Stands for `<DisplayBacktrace as fmt::Display>::fmt` of the standard library; the first argument is not looked at.
fn fmt(_: &(), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("(this library prints no backtraces)\n")
}

// The linker needs a name of its own for it, which `no_mangle` would give and export.
#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".pushsection .text.crossgate_no_backtrace,\"ax\",@progbits",
    ".globl crossgate_no_backtrace",
    ".hidden crossgate_no_backtrace",
    ".type crossgate_no_backtrace, @function",
    "crossgate_no_backtrace:",
    "jmp {fmt}",
    ".popsection",
    fmt = sym fmt
);
#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".pushsection .text.crossgate_no_backtrace,\"ax\",@progbits",
    ".globl crossgate_no_backtrace",
    ".hidden crossgate_no_backtrace",
    ".type crossgate_no_backtrace, @function",
    "crossgate_no_backtrace:",
    "b {fmt}",
    ".popsection",
    fmt = sym fmt
);
