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
}
