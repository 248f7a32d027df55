//! Whoever writes less is refused less: an entry is never refused where one passes that matches the
//! same origins and more, whatever exceptions the policy makes.

use crossgate::{Policy, SafetyException};

const EXCEPTIONS: [SafetyException; 3] = [
    SafetyException::InsecureOriginsWithCredentials,
    SafetyException::PublicSuffixSubdomainsWithCredentials,
    SafetyException::AnyHostOfSchemeWithCredentials,
];

/// Below these names the entries lie.
const BASES: [&str; 5] = [
    "example.com",
    "vercel.app",
    "amazonaws.com",
    "co.uk",
    "localhost",
];

/// What may stand in front of a name, as patterns and as regexes: each matches what the one before
/// it matches, and more.
const FRONTS: [(&str, &str); 5] = [
    ("p-7--acme.", r"p-7--acme\."),
    ("p-{digits}--acme.", r"p-[0-9]+--acme\."),
    ("p-{hex}--acme.", r"p-[0-9a-f]+--acme\."),
    ("p-{slug}--acme.", r"p-[a-z0-9-]+--acme\."),
    ("*.", r".*\."),
];

/// The same for ports and schemes.
const PORTS: [(&str, &str); 2] = [("", ""), (":*", r"(:\d+)?")];
const SCHEMES: [&str; 2] = ["https", "https?"];

fn passes(entry: &str, is_regex: bool, exceptions: usize) -> bool {
    let exceptions = (0..3).filter(|bit| exceptions >> bit & 1 == 1);
    let builder = Policy::builder()
        .allow_credentials(true)
        .dangerously_allow(exceptions.map(|bit| EXCEPTIONS[bit]));
    let builder = if is_regex {
        builder.allow_origin_regexes([entry])
    } else {
        builder.allow_origins([entry])
    };
    builder.build().is_ok()
}

/// An entry, and how much it matches: by its front, its port, its scheme.
struct Entry {
    text: String,
    is_regex: bool,
    breadth: [usize; 3],
}

fn entries(base: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (front, (pattern, regex)) in FRONTS.iter().enumerate() {
        for (port, (any, digits)) in PORTS.iter().enumerate() {
            for (scheme, written) in SCHEMES.iter().enumerate() {
                let breadth = [front, port, scheme];
                let escaped = base.replace('.', r"\.");
                entries.push(Entry {
                    text: format!("{written}://{regex}{escaped}{digits}"),
                    is_regex: true,
                    breadth,
                });
                if scheme == 0 {
                    entries.push(Entry {
                        text: format!("https://{pattern}{base}{any}"),
                        is_regex: false,
                        breadth,
                    });
                }
            }
        }
    }
    entries
}

#[test]
fn a_narrower_entry_is_never_refused_where_a_broader_one_passes() {
    let (mut refused, mut passed) = (0, 0);
    for base in BASES {
        let entries = entries(base);
        let mut with_fewer: Vec<Vec<bool>> = Vec::new();
        // The third exception is for schemes that no entry here has.
        for exceptions in 0..4 {
            let judged: Vec<bool> = entries
                .iter()
                .map(|entry| passes(&entry.text, entry.is_regex, exceptions))
                .collect();
            for bit in 0..2 {
                if exceptions >> bit & 1 == 1 {
                    let before = &with_fewer[exceptions & !(1 << bit)];
                    let mut pairs = before.iter().zip(&judged);
                    assert!(pairs.all(|(before, now)| *now || !before), "{base}");
                }
            }
            for (narrow, narrow_passes) in entries.iter().zip(&judged) {
                *(if *narrow_passes {
                    &mut passed
                } else {
                    &mut refused
                }) += 1;
                for (broad, broad_passes) in entries.iter().zip(&judged) {
                    let is_narrower = narrow
                        .breadth
                        .iter()
                        .zip(&broad.breadth)
                        .all(|(narrow, broad)| narrow <= broad);
                    assert!(
                        !is_narrower || *narrow_passes || !broad_passes,
                        "{} is refused, {} passes; exceptions {exceptions:03b}",
                        narrow.text,
                        broad.text
                    );
                }
            }
            with_fewer.push(judged);
        }
    }
    assert!(refused > 100 && passed > 50, "{refused} {passed}");
}

/// The third exception, beside every set of the others.
#[test]
fn a_host_of_an_application_scheme_is_narrower_than_any_host() {
    let entries = [
        (
            "moz-extension://8b1f2c3d-0000-4111-8222-93339444a555",
            false,
        ),
        (
            r"moz-extension://8b1f2c3d-0000-4111-8222-93339444a555",
            true,
        ),
        ("moz-extension://*", false),
        (r"moz-extension://[0-9a-f-]+", true),
    ];
    let mut passed = [0; 2];
    for exceptions in 0..8 {
        let judged = entries.map(|(entry, is_regex)| passes(entry, is_regex, exceptions));
        let [one, one_regex, any, any_regex] = judged;
        assert!(one && one_regex, "{exceptions:03b}");
        assert!(
            any || !any_regex,
            "{exceptions:03b}: a pattern is no broader than a regex"
        );
        assert_eq!(any, exceptions >> 2 & 1 == 1, "{exceptions:03b}");
        passed[usize::from(any)] += 1;
    }
    assert_eq!(passed, [4, 4]);
}
