//! The first bytes of a text as an integer, so that a list is searched by comparing integers.

/// Eight bytes from `start`; fewer if the text ends before, filled up with zeros.
#[inline]
pub(crate) fn load8(text: &[u8], start: usize) -> u64 {
    match text.get(start..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => fewer(text, start),
    }
}

#[cold]
fn fewer(text: &[u8], start: usize) -> u64 {
    text.get(start..)
        .unwrap_or_default()
        .iter()
        .rev()
        .fold(0, |tag, byte| tag << 8 | u64::from(*byte))
}

/// Whether two texts are equal, by chunks that may overlap: shorter than a call for what origins
/// and names are.
#[inline]
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        16..=32 => {
            a.first_chunk::<16>() == b.first_chunk::<16>()
                && a.last_chunk::<16>() == b.last_chunk::<16>()
        }
        8..16 => {
            a.first_chunk::<8>() == b.first_chunk::<8>()
                && a.last_chunk::<8>() == b.last_chunk::<8>()
        }
        ..8 => a == b,
        _ => {
            a.last_chunk::<16>() == b.last_chunk::<16>()
                && a.as_chunks::<16>().0 == b.as_chunks::<16>().0
        }
    }
}

/// A text of at most eight bytes as an integer: texts of the same length have different ones. 0 for
/// longer texts.
#[inline]
pub(crate) fn pack8(text: &[u8]) -> u64 {
    match (text, text.first_chunk::<4>(), text.last_chunk::<4>()) {
        ([], ..) => 0,
        ([first, ..], None, _) => {
            u64::from(*first)
                | u64::from(text[text.len() / 2]) << 8
                | u64::from(text[text.len() - 1]) << 16
        }
        (_, Some(first), Some(last)) if text.len() <= 8 => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
        }
        _ => 0,
    }
}

/// Of an origin: the bytes behind `https://`, mixed with the length.
#[inline]
pub(crate) fn origin_prefix(origin: &[u8]) -> u64 {
    load8(origin, 8) ^ (origin.len() as u64) << 56
}

/// Of a header name, whatever its case: its first bytes, mixed with the length.
#[inline]
pub(crate) fn name_prefix(name: &[u8]) -> u64 {
    // Sets the bit that tells `a` from `A`; a few other bytes fall together, so the names are
    // compared all the same.
    (load8(name, 0) | 0x2020_2020_2020_2020) ^ (name.len() as u64) << 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_equal_tags() {
        assert_eq!(name_prefix(b"Content-Type"), name_prefix(b"content-type"));
        assert_ne!(name_prefix(b"content-type"), name_prefix(b"content-typ"));
        assert_eq!(name_prefix(b"DPR"), name_prefix(b"dpr"));
        assert_ne!(
            origin_prefix(b"https://one.example"),
            origin_prefix(b"https://two.example")
        );
        assert_eq!(origin_prefix(b""), 0);
    }

    #[test]
    fn short_texts_differ_in_their_integers() {
        for length in 0..=8 {
            let text = vec![b'a'; length];
            for changed in 0..length {
                let mut other = text.clone();
                other[changed] = b'b';
                assert_ne!(pack8(&text), pack8(&other), "{length} {changed}");
            }
        }
        assert_eq!(pack8(b"PROPPATCH"), 0);
    }

    #[test]
    fn equality_looks_at_every_byte() {
        for length in 0..40 {
            let text = vec![b'a'; length];
            assert!(equal(&text, &text.clone()));
            assert!(!equal(&text, &vec![b'a'; length + 1]));
            for changed in 0..length {
                let mut other = text.clone();
                other[changed] = b'b';
                assert!(!equal(&text, &other), "{length} {changed}");
            }
        }
    }
}
