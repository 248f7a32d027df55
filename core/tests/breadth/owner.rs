//! Whose an origin is, by the public-suffix list itself, and whether an expression names him.

/// The exceptions that a policy makes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gates {
    pub(crate) insecure: bool,
    pub(crate) suffixes: bool,
    pub(crate) schemes: bool,
}

impl Gates {
    pub(crate) const NONE: Gates = Gates::of(0);

    pub(crate) const EVERY: Gates = Gates::of(7);

    const fn of(bits: u8) -> Self {
        Gates {
            insecure: bits & 1 != 0,
            suffixes: bits & 2 != 0,
            schemes: bits & 4 != 0,
        }
    }
}

/// The labels that an expression spells out, in lower case.
fn spelled(expression: &str) -> Vec<String> {
    let bare = expression.to_ascii_lowercase();
    // A class of one letter is that letter.
    let mut bare = bare.replace("{1}", "");
    for letter in 'a'..='z' {
        bare = bare.replace(&format!("[{letter}]"), &letter.to_string());
    }
    let bare = bare
        .replace("[.]", ".")
        .replace(r"\-", "-")
        .replace(r"\w", "[w]")
        .replace(r"\d", "[d]")
        .replace(r"\s", "[s]")
        .replace(r"\b", "|");
    bare.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        .map(str::to_owned)
        .collect()
}

/// What is wrong with an origin that is let in, if it is a stranger's.
pub(crate) fn stranger(expression: &str, origin: &str, gates: Gates) -> Option<&'static str> {
    let (scheme, authority) = origin.split_once("://").unwrap();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let spelled = spelled(expression);
    let is_spelled = |label: &str| spelled.iter().any(|text| text == label);
    if scheme != "http" && scheme != "https" {
        let named = expression
            .replace('\\', "")
            .to_lowercase()
            .contains(&host.to_lowercase());
        let named = named || host.split('.').all(is_spelled);
        return (!gates.schemes && !named).then_some("a host of an application");
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_loopback = host == "localhost"
        || host.ends_with(".localhost")
        || host.starts_with("127.") && host.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        || host == "[::1]";
    if is_loopback {
        return None;
    }
    if scheme == "http" && !gates.insecure {
        return Some("plain http");
    }
    let top = host.rsplit('.').next().unwrap();
    if host.starts_with('[') || top.bytes().all(|byte| byte.is_ascii_digit()) {
        let named = expression.replace(['\\', '(', ')'], "").contains(host)
            || host.split('.').all(is_spelled);
        return (!named).then_some("an address");
    }
    // No top-level name has a digit, but for the encoded ones.
    if !top.starts_with("xn--") && top.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let listed = psl2::lookup(host);
    let listed = listed.filter(|found| found.is_icann() || found.is_private());
    let suffix = listed.as_ref().map_or(top, |found| found.suffix());
    // Whoever opens the gate means everybody below a suffix that is spelled out; top-level names
    // are suffixes, too.
    if gates.suffixes && (is_spelled(top) || suffix.split('.').all(is_spelled)) {
        return None;
    }
    if host == suffix {
        // In an intranet a name of one label is nobody else's, but for those on the list.
        let named = host.split('.').all(is_spelled) || listed.is_none();
        return (!named).then_some("a public suffix");
    }
    let below = &host[..host.len() - suffix.len() - 1];
    let label = below.rsplit('.').next().unwrap();
    let mut labels = suffix.split('.');
    if suffix == "netlify.app" && keeps_name(label, &is_spelled) {
        return None;
    }
    (!is_spelled(label) || !labels.all(is_spelled)).then_some("a domain")
}

/// A preview of an application that is spelled out: `deploy-preview-42--acme`.
fn keeps_name(label: &str, is_spelled: &impl Fn(&str) -> bool) -> bool {
    let Some((_, name)) = label.rsplit_once("--") else {
        return false;
    };
    is_spelled(name) || is_spelled(&format!("--{name}"))
}
