//! Linker arguments of the shared library, so that a plain `cargo build` gives one that can be installed.

/// The number in the SONAME; `CROSSGATE_ABI_VERSION` in `src/version.rs` is the same.
const ABI: u32 = 0;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // Without a SONAME, programs record the path that they were linked with.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcrossgate.so.{ABI}");
        // Rust's thread-local destructors must outlive a dlclose (servers reload their modules).
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
