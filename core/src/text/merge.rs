//! Lists of field names, merged: each name once.

use super::list::names;

/// Merges field names into the `Vary` lines that a response has ([RFC 9110, 12.5.5][vary]): one
/// value, each name once whatever its case, the response's own first. A `*` among them says it all
/// and stays alone.
///
/// [vary]: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.5
///
/// ```
/// use crossgate::merge_vary;
/// assert_eq!(
///     merge_vary(["Accept-Encoding, origin"], "Origin, X-A"),
///     "Accept-Encoding, origin, X-A"
/// );
/// assert_eq!(merge_vary(["*"], "Origin"), "*");
/// assert_eq!(merge_vary([""], "Origin"), "Origin");
/// ```
pub fn merge_vary<'a>(existing: impl IntoIterator<Item = &'a str>, added: &'a str) -> String {
    merge_text(existing, added, Star::Alone)
}

/// Merges field names into the `Access-Control-Expose-Headers` lines that a response has, as
/// [`merge_vary`] does for its header; a `*` is a name beside others here.
///
/// ```
/// assert_eq!(crossgate::merge_names(["X-A"], "x-a, X-B"), "X-A, X-B");
/// ```
pub fn merge_names<'a>(existing: impl IntoIterator<Item = &'a str>, added: &'a str) -> String {
    merge_text(existing, added, Star::Name)
}

/// What a `*` among the names means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Star {
    /// It says everything and stays alone (`Vary`).
    Alone,
    /// It is a name like others (`Access-Control-Expose-Headers`).
    Name,
}

fn merge_text<'a>(
    existing: impl IntoIterator<Item = &'a str>,
    added: &'a str,
    star: Star,
) -> String {
    let lines: Vec<&[u8]> = existing.into_iter().map(str::as_bytes).collect();
    // Cut at commas and white space alone, so it is text as the lines were.
    String::from_utf8(merge_lines(&lines, added.as_bytes(), star)).unwrap_or_default()
}

/// Merges names into the lines that a response has.
pub(crate) fn merge_lines<M: Default + for<'t> Extend<&'t u8>>(
    lines: &[&[u8]],
    added: &[u8],
    star: Star,
) -> M {
    let mut merged = M::default();
    merge_tokens(lines, added, star, &mut |piece| merged.extend(piece));
    merged
}

/// A response's own names are compared with so many of those in front of them: a longer list takes
/// linear time and can keep what it said twice itself.
const COMPARED: usize = 64;

/// Calls `put` with the merged value in pieces, in order; allocates nothing.
pub(crate) fn merge_tokens(lines: &[&[u8]], added: &[u8], star: Star, put: &mut dyn FnMut(&[u8])) {
    let existing = lines.iter().copied().flat_map(names);
    if star == Star::Alone
        && existing
            .clone()
            .chain(names(added))
            .any(|name| name == b"*")
    {
        return put(b"*");
    }
    let mut first = true;
    let mut put_name = |name: &[u8]| {
        if !std::mem::take(&mut first) {
            put(b", ");
        }
        put(name);
    };
    for (index, name) in existing.clone().enumerate() {
        if !existing
            .clone()
            .take(index.min(COMPARED))
            .any(|known| known.eq_ignore_ascii_case(name))
        {
            put_name(name);
        }
    }
    // The policy's own are few, so they are compared with all.
    for (index, name) in names(added).enumerate() {
        let mut known = existing
            .clone()
            .chain(names(added).take(index.min(COMPARED)));
        if !known.any(|known| known.eq_ignore_ascii_case(name)) {
            put_name(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_lines_become_one() {
        assert_eq!(
            merge_vary(["Accept", "Origin,,Accept"], "Origin"),
            "Accept, Origin"
        );
        assert_eq!(merge_vary(["Accept, *"], "Origin"), "*");
        assert_eq!(merge_vary([], "Origin"), "Origin");
        assert_eq!(merge_names(["X-A"], "*"), "X-A, *");
    }

    #[test]
    fn bytes_that_are_no_text_stay_what_they_are() {
        let merge =
            |existing: &[u8], added: &[u8], star| merge_lines::<Vec<u8>>(&[existing], added, star);
        let merged = merge(b",\xff\t, X-\xe4,\xff ,", b"x-\xe4, Origin,", Star::Alone);
        assert_eq!(merged, b"\xff, X-\xe4, Origin");
        assert_eq!(merge(b" , ", b"", Star::Name), b"");
    }
}
