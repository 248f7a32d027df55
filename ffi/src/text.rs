//! Text in and out: views of C's memory, and the buffers that results go to.

use std::ffi::c_char;

use crate::status::{
    CROSSGATE_ERR_BUFFER_TOO_SMALL, CROSSGATE_ERR_INVALID_ARGUMENT, CROSSGATE_ERR_NOT_UTF8,
    CROSSGATE_ERR_NULL_ARGUMENT, Outcome,
};

/// Bytes of somebody else's. data NULL: absent; len 0: empty. What the library gives back has a NUL
/// behind its len bytes wherever the comment says so.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct crossgate_str {
    /// The first byte.
    pub data: *const c_char,
    /// The number of bytes, without any NUL.
    pub len: usize,
}

impl crossgate_str {
    pub(crate) const ABSENT: Self = crossgate_str {
        data: std::ptr::null(),
        len: 0,
    };

    #[inline]
    pub(crate) const fn of(text: &str) -> Self {
        crossgate_str {
            data: text.as_ptr().cast(),
            len: text.len(),
        }
    }

    /// `None` if absent.
    ///
    /// # Safety
    /// `data` is NULL or has `len` readable bytes that outlive `'a`.
    #[inline]
    pub(crate) unsafe fn bytes<'a>(self) -> Outcome<Option<&'a [u8]>> {
        if self.data.is_null() {
            return if self.len == 0 {
                Ok(None)
            } else {
                Err(CROSSGATE_ERR_NULL_ARGUMENT)
            };
        }
        if self.len > isize::MAX as usize {
            return Err(CROSSGATE_ERR_INVALID_ARGUMENT);
        }
        // SAFETY: not NULL, of a possible length, and readable by this function's own contract.
        Ok(Some(unsafe {
            std::slice::from_raw_parts(self.data.cast(), self.len)
        }))
    }
}

/// Absent is as good as empty.
///
/// # Safety
/// `data` is NULL or has `len` readable bytes that outlive `'a`.
#[inline]
pub(crate) unsafe fn bytes<'a>(data: *const c_char, len: usize) -> Outcome<&'a [u8]> {
    // SAFETY: this function's own contract.
    Ok(unsafe { crossgate_str { data, len }.bytes() }?.unwrap_or_default())
}

/// Text of a configuration: it must be there and be UTF-8.
///
/// # Safety
/// `data` is NULL or has `len` readable bytes that outlive `'a`.
pub(crate) unsafe fn utf8<'a>(data: *const c_char, len: usize) -> Outcome<&'a str> {
    // SAFETY: this function's own contract.
    let bytes =
        unsafe { crossgate_str { data, len }.bytes() }?.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?;
    std::str::from_utf8(bytes).map_err(|_| CROSSGATE_ERR_NOT_UTF8)
}

/// A text buffer of the caller's, filled like snprintf's.
pub(crate) struct Buffer {
    data: *mut u8,
    size: usize,
    used: usize,
    length: *mut usize,
}

impl Buffer {
    /// The buffer, empty: so it is after whatever goes wrong later.
    ///
    /// # Safety
    /// `data` is NULL or has `size` writable bytes, `length` is NULL or writable, and both stay so
    /// while the buffer is used.
    #[inline]
    pub(crate) unsafe fn new(data: *mut c_char, size: usize, length: *mut usize) -> Outcome<Self> {
        // SAFETY: this function's own contract.
        unsafe {
            if !length.is_null() {
                length.write(0);
            }
            if !data.is_null() && size > 0 {
                data.write(0);
            }
        }
        if length.is_null() || (data.is_null() && size > 0) {
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        Ok(Buffer {
            data: data.cast(),
            size,
            used: 0,
            length,
        })
    }

    /// Adds text, or only its length once the buffer is full.
    #[inline]
    pub(crate) fn put(&mut self, text: &[u8]) {
        // Saturating: a length that no memory can hold stays too long.
        let end = self.used.saturating_add(text.len());
        if end < self.size {
            // SAFETY: `used..end` lies in the caller's buffer (`new`), and the text is borrowed
            // from elsewhere: the header forbids that buffers overlap.
            unsafe { copy(text, self.data.add(self.used)) };
        }
        self.used = end;
    }

    /// Adds the first `length` bytes of a text of fixed size, which takes no call.
    #[inline]
    pub(crate) fn put_start<const N: usize>(&mut self, text: &[u8; N], length: usize) {
        if self.size.saturating_sub(self.used) > N && length <= N {
            // SAFETY: there is room for all N bytes; those behind `length` are written over or lie
            // in the free room.
            unsafe {
                self.data
                    .add(self.used)
                    .cast::<[u8; N]>()
                    .write_unaligned(*text)
            };
            self.used += length;
        } else {
            self.put(text.get(..length).unwrap_or_default());
        }
    }

    /// Sets the length and ends the text with its NUL.
    #[inline]
    pub(crate) fn finish(self) -> Outcome {
        // SAFETY: `length` is writable by the contract of `new`.
        unsafe { self.length.write(self.used) };
        if self.used >= self.size {
            if self.size > 0 {
                // SAFETY: the buffer has a byte.
                unsafe { self.data.write(0) };
            }
            return Err(CROSSGATE_ERR_BUFFER_TOO_SMALL);
        }
        // SAFETY: `used` is within the buffer.
        unsafe { self.data.add(self.used).write(0) };
        Ok(())
    }
}

/// Copies a text. Header values are short, and calling memcpy for each costs more than the copy:
/// two blocks that may overlap cover every length from one block to two.
///
/// # Safety
/// `to` has room for the text and does not overlap it.
#[inline(always)]
pub(crate) unsafe fn copy(text: &[u8], to: *mut u8) {
    #[inline(always)]
    unsafe fn two_blocks<const N: usize>(text: &[u8], to: *mut u8) {
        let from = text.as_ptr();
        let last = text.len() - N;
        // SAFETY: the caller has seen that N <= len, so both blocks lie within the text and its
        // room.
        unsafe {
            let (start, end) = (
                from.cast::<[u8; N]>().read(),
                from.add(last).cast::<[u8; N]>().read(),
            );
            to.cast::<[u8; N]>().write(start);
            to.add(last).cast::<[u8; N]>().write(end);
        }
    }
    // SAFETY: this function's own contract, and N <= len in every arm.
    unsafe {
        match text.len() {
            16..=32 => two_blocks::<16>(text, to),
            8..16 => two_blocks::<8>(text, to),
            4..8 => two_blocks::<4>(text, to),
            _ => std::ptr::copy_nonoverlapping(text.as_ptr(), to, text.len()),
        }
    }
}
