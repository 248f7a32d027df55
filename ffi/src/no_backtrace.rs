//! What a panic's backtrace is replaced by. A panic is a bug of this library and becomes
//! `CROSSGATE_ERR_PANIC`; its message and place go to stderr. To name the functions above it, the
//! standard library brings a reader of ELF, DWARF and zlib, which is a tenth of the library (leave
//! the line with `leave_out_backtraces()` in `build.rs` out to see), and its hook for panics cannot
//! be exchanged without a hook of our own for the whole process. So `build.rs` tells the linker to
//! take the function below for the one that prints backtraces.
//!
//! Safety: the two have one signature, `fn(&T, &mut Formatter<'_>) -> fmt::Result` with a sized
//! `T`, so two thin pointers and one byte, and Rust's own calling convention means the same to
//! both: one compiler made the standard library and this crate (`build.rs` reads the symbol from
//! the very library that is linked). The first argument is not read. `build.rs` exchanges nothing
//! but that method of that type, and nothing if it finds none or several. A standard library that
//! is built anew with another convention (`-Zbuild-std` with flags that change the ABI) is not for
//! this.

use std::fmt;

/// Stands for `<DisplayBacktrace as fmt::Display>::fmt` of the standard library; the first argument
/// is not looked at.
fn fmt(_: &(), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("(this library prints no backtraces)\n")
}

// The linker needs a name of its own for it, which `no_mangle` would give and export.
macro_rules! jump_to_fmt {
    ($instruction:literal) => {
        std::arch::global_asm!(
            ".pushsection .text.crossgate_no_backtrace,\"ax\",@progbits",
            ".globl crossgate_no_backtrace",
            ".hidden crossgate_no_backtrace",
            ".type crossgate_no_backtrace, @function",
            "crossgate_no_backtrace:",
            concat!($instruction, " {fmt}"),
            ".popsection",
            fmt = sym fmt
        );
    };
}
#[cfg(target_arch = "x86_64")]
jump_to_fmt!("jmp");
#[cfg(target_arch = "aarch64")]
jump_to_fmt!("b");
