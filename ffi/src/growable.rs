//! Structs that grow: a program that was compiled against an older or a newer header has a struct
//! of another size than this library. It is served as far as both know.

use crate::status::{CROSSGATE_ERR_NULL_ARGUMENT, CROSSGATE_ERR_STRUCT_SIZE, Outcome};

/// No version of a struct is larger: a `struct_size` above it was never set.
const MOST: usize = 1 << 14;

/// A struct of C whose first member is its size, a `u32`.
///
/// # Safety
/// `repr(C)`, and the first member is that `u32`.
pub(crate) unsafe trait Growable: Sized {
    /// The size of the first version. Members behind it are used only if the caller has them.
    const LEAST: usize;
}

/// Makes a struct ready to be filled: its size is set, the rest is 0.
///
/// # Safety
/// `object` is NULL or has `size` writable bytes.
pub(crate) unsafe fn init<T: Growable>(object: *mut T, size: usize) -> Outcome {
    if object.is_null() {
        return Err(CROSSGATE_ERR_NULL_ARGUMENT);
    }
    let size = served::<T>(size)?;
    // SAFETY: this function's own contract; the size is the first member, and was checked to fit.
    unsafe {
        object.cast::<u8>().write_bytes(0, size);
        object.cast::<u32>().write(size as u32);
    }
    Ok(())
}

/// The size of the caller's struct.
///
/// # Safety
/// NULL, or a struct whose `struct_size` is set.
#[inline(always)]
pub(crate) unsafe fn caller_size<T: Growable>(object: *const T) -> Outcome<usize> {
    if object.is_null() {
        return Err(CROSSGATE_ERR_NULL_ARGUMENT);
    }
    // SAFETY: not NULL, and the size is the first member.
    let size = unsafe { object.cast::<u32>().read() } as usize;
    if size == size_of::<T>() {
        return Ok(size);
    }
    served::<T>(size)
}

/// A size that is served, the library's own or another one.
pub(crate) fn served<T: Growable>(size: usize) -> Outcome<usize> {
    if (T::LEAST..=MOST).contains(&size) {
        Ok(size)
    } else {
        Err(CROSSGATE_ERR_STRUCT_SIZE)
    }
}

/// Writes a struct into the caller's: what both have. What only the caller has stays as it is, and
/// so does `struct_size`.
///
/// # Safety
/// `out` is NULL or a writable struct whose `struct_size` is set.
pub(crate) unsafe fn write_common<T: Growable>(value: &T, out: *mut T) -> Outcome {
    // SAFETY: this function's own contract.
    let size = unsafe { caller_size(out) }?;
    let after_size = size_of::<u32>();
    // SAFETY: both have so many bytes, and the library's own value lies elsewhere.
    unsafe {
        std::ptr::from_ref(value)
            .cast::<u8>()
            .add(after_size)
            .copy_to_nonoverlapping(
                out.cast::<u8>().add(after_size),
                size.min(size_of::<T>()) - after_size,
            );
    }
    Ok(())
}

/// Zeros what the caller has behind the library's own struct: members that it does not know.
///
/// # Safety
/// `object` has `size` writable bytes.
#[inline(always)]
pub(crate) unsafe fn clear_unknown<T: Growable>(object: *mut T, size: usize) {
    if size > size_of::<T>() {
        // SAFETY: this function's own contract.
        unsafe { clear(object.cast(), size_of::<T>(), size) };
    }
}

/// # Safety
/// `object` has `to` writable bytes, and `from` is less.
#[cold]
unsafe fn clear(object: *mut u8, from: usize, to: usize) {
    // SAFETY: this function's own contract.
    unsafe { object.add(from).write_bytes(0, to - from) };
}

/// Whether those members are all zero. Another value asks for something that the library cannot do.
///
/// # Safety
/// `object` has `size` readable bytes, and [`clear_unknown`] has seen them.
pub(crate) unsafe fn knows_everything<T: Growable>(object: *const T, size: usize) -> bool {
    let more = size.saturating_sub(size_of::<T>());
    // SAFETY: this function's own contract; `wrapping_add`, since nothing need be there.
    (0..more).all(|index| unsafe {
        object
            .cast::<u8>()
            .wrapping_add(size_of::<T>() + index)
            .read()
            == 0
    })
}
