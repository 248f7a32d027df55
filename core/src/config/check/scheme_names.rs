//! The schemes whose origins browsers and web views send, and how they are misspelt.

/// A scheme one edit away is a misspelling of it. In the order in which one of two is meant.
const SHORT: [&str; 5] = ["https", "http", "capacitor", "tauri", "ionic"];

/// A scheme one or two edits away is.
const LONG: [&str; 3] = ["chrome-extension", "moz-extension", "safari-web-extension"];

/// The scheme that is meant, if this one is a misspelling.
pub(super) fn misspelt(scheme: &str) -> Option<&'static str> {
    if SHORT.contains(&scheme) || LONG.contains(&scheme) {
        return None;
    }
    let known = SHORT.iter().map(|known| (known, 1));
    known
        .chain(LONG.iter().map(|known| (known, 2)))
        .map(|(known, most)| (*known, most, strsim::osa_distance(scheme, known)))
        .filter(|(_, most, distance)| distance <= most)
        .min_by_key(|(_, _, distance)| *distance)
        .map(|(known, ..)| known)
}

/// The host as browsers send it: identifiers of extensions are in lower case in Chromium and
/// Firefox.
pub(super) fn sent_host(scheme: &str, host: &str) -> String {
    if matches!(scheme, "chrome-extension" | "moz-extension") {
        host.to_ascii_lowercase()
    } else {
        host.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_that_are_nearly_known() {
        for (scheme, known) in [
            ("htps", "https"),
            ("htttp", "http"),
            ("ttps", "https"),
            ("ttp", "http"),
            ("htpp", "http"),
            ("hhtps", "https"),
            ("httsp", "https"),
            ("capacitr", "capacitor"),
            ("chrome-extensions", "chrome-extension"),
            ("crome-extention", "chrome-extension"),
            ("moz-extention", "moz-extension"),
            ("safari-web-extensio", "safari-web-extension"),
            ("safari-extension", ""),
        ] {
            assert_eq!(misspelt(scheme).unwrap_or_default(), known, "{scheme}");
        }
        for scheme in [
            "http",
            "https",
            "app",
            "myapp",
            "vscode-webview",
            "vscode-file",
            "electron",
            "obsidian",
            "chrome",
            "extension",
            "h",
        ] {
            assert_eq!(misspelt(scheme), None, "{scheme}");
        }
    }
}
