//! Which library this is.

use std::ffi::c_char;

use crate::status::guard_or;

/// The version of this header.
pub const CROSSGATE_VERSION_MAJOR: u32 = 0;
/// The version of this header.
pub const CROSSGATE_VERSION_MINOR: u32 = 1;
/// The version of this header.
pub const CROSSGATE_VERSION_PATCH: u32 = 0;
/// The binary interface that this header describes: the number in the SONAME.
pub const CROSSGATE_ABI_VERSION: u32 = 0;

/// The version of the library that is loaded, like "0.1.0". Static.
#[unsafe(no_mangle)]
pub extern "C" fn crossgate_version() -> *const c_char {
    guard_or(c"".as_ptr(), || {
        concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
    })
}

/// The day of the public-suffix list that the library judges patterns and regexes by, like
/// "2026-11-04"; empty if it was built without one. Static.
#[unsafe(no_mangle)]
pub extern "C" fn crossgate_public_suffix_list_date() -> *const c_char {
    guard_or(c"".as_ptr(), || {
        static DATE: OnceDate = OnceDate(date());
        DATE.0.as_ptr().cast()
    })
}

/// A date with a NUL behind it.
struct OnceDate([u8; 11]);

const fn date() -> [u8; 11] {
    let mut text = [0; 11];
    if let Some(date) = crossgate::public_suffix_list_date() {
        let (mut at, date) = (0, date.as_bytes());
        while at < 10 {
            text[at] = date[at];
            at += 1;
        }
    }
    text
}

/// The binary interface of the library that is loaded. A program that loads it by name compares it
/// with CROSSGATE_ABI_VERSION; one that is linked to it need not, the SONAME does that.
#[unsafe(no_mangle)]
pub extern "C" fn crossgate_abi_version() -> u32 {
    guard_or(CROSSGATE_ABI_VERSION, || CROSSGATE_ABI_VERSION)
}
