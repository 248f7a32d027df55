//! Names below which anybody can register.

/// A public suffix: a listed rule (ICANN and private sections), or a single label that is not
/// `localhost`. The list's default rule `*` does not count. A name below which every name is a
/// public suffix (`kawasaki.jp`, from the rule `*.kawasaki.jp`) counts too.
///
/// Without the feature `psl` only single labels are known; configurations that depend on more are
/// refused then.
pub(crate) fn is_public_suffix(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    if !name.contains('.') {
        return name != "localhost";
    }
    listed(name)
}

/// A name that is no public suffix, though public suffixes lie below it: `amazonaws.com`, because
/// of `s3.amazonaws.com`.
pub(crate) fn has_suffix_below(name: &str) -> bool {
    !is_public_suffix(name) && !below(name).is_empty()
}

/// The labels directly below a name that is no public suffix behind which public suffixes are:
/// `core` below `windows.net`, because of `blob.core.windows.net`.
#[cfg(feature = "regex")]
pub(crate) fn labels_towards_suffixes(name: &str) -> impl Iterator<Item = &'static str> {
    let length = name.strip_suffix('.').unwrap_or(name).len();
    below(name).iter().filter_map(move |suffix| {
        let front = suffix.get(..suffix.len().checked_sub(length + 1)?)?;
        front.rsplit('.').next()
    })
}

/// Whether a pattern matches a name directly below `base` that is a public suffix or has one below
/// it. `base` is no public suffix.
pub(crate) fn any_towards_suffixes(base: &str, is_match: impl Fn(&str) -> bool) -> bool {
    let base = base.strip_suffix('.').unwrap_or(base);
    below(base).iter().any(|suffix| {
        let front = suffix
            .strip_suffix(base)
            .and_then(|front| front.strip_suffix('.'));
        front.is_some_and(|front| is_match(front.rsplit('.').next().unwrap_or(front)))
    })
}

/// Below these suffixes whoever has the name `app` also has every name that ends in `--app`, and
/// nobody can have a name with `--` in it otherwise.
///
/// Netlify, "Deploy overview" and "Branch deploys"
/// (docs.netlify.com/site-deploys/overview, docs.netlify.com/manage/domains):
/// `deploy-preview-42--yoursitename.netlify.app`, `branch-name--yoursitename.netlify.app`.
const KEEP_DOUBLE_HYPHENS: [&str; 1] = ["netlify.app"];

/// A platform that keeps `--` in names for itself.
pub(crate) fn keeps_double_hyphens(suffix: &str) -> bool {
    KEEP_DOUBLE_HYPHENS.contains(&suffix.strip_suffix('.').unwrap_or(suffix))
}

/// The day of the public-suffix list that is compiled in, `2026-11-04`; `None` without the feature
/// `psl`.
#[must_use]
pub const fn public_suffix_list_date() -> Option<&'static str> {
    #[cfg(feature = "psl")]
    return Some(super::suffix_table::DATE);
    #[cfg(not(feature = "psl"))]
    return None;
}

#[cfg(feature = "psl")]
fn below(name: &str) -> &'static [&'static str] {
    use super::suffix_table::BELOW_OWNERS;
    let name = name.strip_suffix('.').unwrap_or(name);
    let labels = |name: &'static str| name.rsplit('.');
    // The names below `name` stand together, behind where it would stand itself.
    let from = BELOW_OWNERS.partition_point(|suffix| labels(suffix).lt(name.rsplit('.')));
    let is_below = |suffix: &&str| {
        suffix
            .strip_suffix(name)
            .is_some_and(|front| front.ends_with('.'))
    };
    let count = BELOW_OWNERS[from..].partition_point(is_below);
    &BELOW_OWNERS[from..from + count]
}

#[cfg(not(feature = "psl"))]
fn below(_name: &str) -> &'static [&'static str] {
    &[]
}

#[cfg(feature = "psl")]
fn listed(name: &str) -> bool {
    let is_rule = |name: &str| {
        psl2::lookup(name)
            .is_some_and(|found| found.suffix() == name && (found.is_icann() || found.is_private()))
    };
    is_rule(name) || is_rule(&format!("any-label.{name}"))
}

#[cfg(not(feature = "psl"))]
fn listed(_name: &str) -> bool {
    false
}

#[cfg(all(test, feature = "psl"))]
mod tests {
    use super::*;

    #[test]
    fn both_sections_wildcards_and_single_labels() {
        for suffix in [
            "com",
            "corp",
            "co.uk",
            "github.io",
            "vercel.app",
            "s3.amazonaws.com",
            "kawasaki.jp",
            "x.kawasaki.jp",
            "xn--55qx5d.cn",
            "github.io.",
        ] {
            assert!(is_public_suffix(suffix), "{suffix}");
        }
        for name in [
            "localhost",
            "example.com",
            "team.github.io",
            "city.kawasaki.jp",
            "a.corp",
            "www.ck",
        ] {
            assert!(!is_public_suffix(name), "{name}");
        }
    }

    #[test]
    fn names_above_suffixes() {
        for name in [
            "amazonaws.com",
            "us-west-2.amazonaws.com",
            "windows.net",
            "core.windows.net.",
        ] {
            assert!(has_suffix_below(name) && !is_public_suffix(name), "{name}");
        }
        for name in [
            "example.com",
            "bucket.s3.amazonaws.com",
            "xwindows.net",
            "com",
            "github.io",
        ] {
            assert!(!has_suffix_below(name), "{name}");
        }
        assert!(any_towards_suffixes("windows.net", |label| label == "core"));
        assert!(!any_towards_suffixes("windows.net", |label| label == "blob"));
    }

    #[test]
    fn the_table_is_from_the_list_that_answers() {
        let version = psl2::psl_version();
        assert!(
            version.starts_with(crate::origin::suffix_table::DATE),
            "{version}"
        );
        assert_eq!(public_suffix_list_date(), version.split('_').next());
    }
}
