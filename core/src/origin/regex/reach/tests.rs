//! Regexes, and what they let in.

use super::*;

fn found(pattern: &str) -> Vec<&'static str> {
    let reach = reach(pattern, &mut 0).unwrap();
    [
        (reach.never, "never"),
        (!reach.dead.is_empty(), "dead"),
        (reach.too_broad, "broad"),
        (!reach.label_boundary.is_empty(), "boundary"),
        (!reach.owners.is_empty(), "owners"),
        (reach.addresses, "addresses"),
        (reach.public_suffix, "suffix"),
        (reach.insecure, "insecure"),
        (reach.scheme_wide, "wide"),
    ]
    .into_iter()
    .filter_map(|(set, name)| set.then_some(name))
    .collect()
}

#[test]
fn what_is_spelled_out_is_fine() {
    for pattern in [
        r"https://.*\.example\.com",
        r"^https://[a-z]+\.example\.com$",
        r"^https://(.*\.)?example\.com$",
        r"https://(www|app)\.example\.com(:\d+)?",
        r"https://[a-z0-9-]+-app\.example\.com",
        r"https://(foo|bar|baz)\.com",
        r"https://(shop|hop)\.com",
        r"https://example\.(com|org|net|de|fr|it)",
        r"(https://a\.com|https://b\.org):(1|2|3)",
        r"https://(shop|admin)\.acme\.(org|dev)",
        r"https://[a-z]+\.acme\.(org|co\.uk)",
        r"(?i)https://SHOP\.ACME\.ORG",
        r"(?i:https)://shop\.acme\.org",
        r"https?://localhost(:\d+)?",
        r"http://([a-z]+\.)?localhost:\d+",
        r"http://127\.0\.0\.\d+:\d+",
        r"http://127\.0\.0\.1",
        r"http://\[::1\]:\d+",
        r"https://10\.0\.0\.(1|2)",
        r"https://203\.0\.113\.10(:\d+)?",
        r"https://deploy-preview-[0-9]+--myapp\.netlify\.app",
        r"https://[0-9a-f]{8}--myapp\.netlify\.app",
        r"https://(main|dev)--myapp\.netlify\.app",
        r"https://pr-\d+\.example\.com",
        r"https://pr-\d+\.windows\.net",
        r"https://[a-z]+\.bucket\.s3\.amazonaws\.com",
        r"https://s3\.amazonaws\.com",
        r"https://github\.io",
        r"https://example\.com:.*",
        r"https://example\.com:?\d*",
        r"https://host\d+",
        r"https://intranet",
        r"(obsidian|my-app)://(host|app)(:\d+)?",
        r"capacitor://localhost:?\d*",
        r"capacitor://localhost|https://shop\.acme\.org",
        r"\bhttps://\bshop\.acme\.org\b",
    ] {
        assert_eq!(found(pattern), Vec::<&str>::new(), "{pattern}");
    }
}

#[test]
#[cfg(feature = "psl")]
fn what_others_can_have() {
    for (pattern, expected) in [
        (r".*", vec!["broad", "addresses", "insecure", "wide"]),
        (r"https://.*", vec!["broad", "addresses"]),
        (r"https://[a-z]+\.com", vec!["broad"]),
        (r"https://app-.*\.com", vec!["broad"]),
        (r"https://example\..*", vec!["broad"]),
        (r"https://example\.[a-z]+", vec!["broad"]),
        (r"https://example\.com.*", vec!["broad"]),
        (r"https://[a-z-]+\.vercel\.app", vec!["broad"]),
        (r"https://[a-z]+\.co\.uk", vec!["broad"]),
        (r"https://[a-z]+\.s3\.amazonaws\.com", vec!["broad"]),
        (r"https://.*\.s3[.-].*\.amazonaws\.com", vec!["broad"]),
        (r"https://([a-z0-9-]+\.)+windows\.net", vec!["broad"]),
        (r"https://[a-z]+\.windows\.net", vec!["suffix"]),
        (r"https://[a-z0-9-]+\.amazonaws\.com", vec!["broad"]),
        (r"https://s3[a-z]?\.amazonaws\.com", vec!["suffix"]),
        (r"https://[a-d]{6}\.com", vec!["broad"]),
        (r"https://[acegikmoqsuwy]{3}\.com", vec!["broad"]),
        (r"https://(a|b|c)(d|e|f)(g|h|i)(j|k|l)\.net", vec!["broad"]),
        (r"https://\d+--acme\.co\.uk", vec!["boundary"]),
        (
            r"https://(.*\.)?(cdn|blob)\.core\.windows\.net",
            vec!["broad"],
        ),
        (r"https://.*example\.com", vec!["boundary"]),
        (r"https://.*localhost", vec!["boundary"]),
        (r"https://\w+\.com[:\d]*", vec!["broad"]),
        (r"https://[a-z]*example\.com", vec!["boundary"]),
        (r"https://.*--myapp\.netlify\.app", vec!["boundary"]),
        (
            r"https://[a-z]+-[0-9]+--myapp\.netlify\.app",
            vec!["boundary"],
        ),
        (r"https://[a-d]{3}\.com", vec!["owners"]),
        (r"https://example\.com?", vec!["owners"]),
        (r"https://example\.co(\.uk)?", vec!["owners"]),
        (r"https://gr[ae]y\.com", vec!["owners"]),
        (r"https://s?hop\.com", vec!["owners"]),
        (r"https://((a|b)\.)?www\.?intranet", vec!["owners"]),
        (r"https://((a|b)\.)?(www\.)?example", vec!["owners"]),
        (r"https://exam(ple|s)\.com", vec!["owners"]),
        (r"https://x*example\.com", vec!["owners"]),
        (r"https://a.example\.com", vec!["owners"]),
        (r"https://example[0-9]\.com", vec!["owners"]),
        (r"https://10\.0\.0\.\d+", vec!["addresses"]),
        (r"https://10\.0\.0\.[12]", vec!["addresses"]),
        (r"https://(\d{1,3}\.){3}\d{1,3}(:\d+)?", vec!["addresses"]),
        (r"https://\[.*\]", vec!["addresses"]),
        (r"https?://.*\.example\.com", vec!["insecure"]),
        (r"http://192\.168\.1\.\d+", vec!["addresses", "insecure"]),
        (r"http://1.*\.0\.0\.\d+", vec!["addresses", "insecure"]),
        (r"http://\[fe80::[0-9a-f]+\]", vec!["addresses", "insecure"]),
        (r"http://\[::[12]\]", vec!["insecure"]),
        (r"moz-extension://[0-9a-f-]+", vec!["wide"]),
        (r"^(obsidian|my-app)://.*$", vec!["wide"]),
        (r"vscode-webview://\w+(:\d+)?", vec!["wide"]),
        (r"[a-z]+://\w+", vec!["broad", "insecure", "wide"]),
        (r"https://a$\.com", vec!["never"]),
        (r"https://\Bb\.com", vec!["never"]),
        (r"https://a..b\.com", vec!["boundary"]),
        (r"https://a\.\.com", vec!["never"]),
        (r"https://a{64}\.com", vec!["never"]),
        (r"https://(a{63}\.){4}com", vec!["never"]),
        (r"https://a{63}\.com", vec![]),
        (r"https://1\.2\.3", vec!["never"]),
        (r"https://127\.0\.0\.01", vec!["never"]),
        (r"http://\[0::1\]", vec!["never"]),
        (r"app://a{326}", vec!["never"]),
        (r"null|https://a\.com", vec!["dead"]),
        (r"https://a\.com(:443|:8443)", vec!["dead"]),
        (r"(a|A)://x", vec!["dead"]),
        (r"https://(a{64}|b)\.com", vec!["dead"]),
        (r"https://(|www\.)a\.com", vec![]),
    ] {
        assert_eq!(found(pattern), expected, "{pattern}");
    }
}

#[test]
#[cfg(feature = "psl")]
fn below_one_suffix() {
    for (pattern, expected) in [
        (r"https://.*\.vercel\.app", true),
        (r"https?://[a-z]+\.com(:\d+)?", true),
        (r"https://.*\.s3[.-].*\.amazonaws\.com", true),
        (r"https://.*vercel\.app", true),
        (r"https://(.*\.)?vercel\.app", true),
        (r"https://.*\.(com|org)", false),
        (r"https://.*", false),
        (r"https://.*\.com|app://x", false),
        (r"https://.*\.com|https://1\.2\.3\.4", false),
        (r"https://[a-z.]+com", false),
    ] {
        assert_eq!(
            reach(pattern, &mut 0).unwrap().below_one_suffix,
            expected,
            "{pattern}"
        );
    }
}

/// No regex takes more than its share of steps, and what cannot be seen through is refused or
/// counts as too much.
#[test]
fn steps_are_bounded() {
    let words: Vec<String> = (0..3_000).map(|n| format!("w{n}")).collect();
    let words = words.join("|");
    let mut most = 0;
    for pattern in [
        "([a-z]+.?)*".repeat(50),
        "(a|b|c|d|[e-z0-9.:/-])*".repeat(20),
        format!("https://{}", "([a-z0-9-]+\\.)?".repeat(60)),
        "(((.*)*)*)*".to_owned(),
        "(.|..|...)*".repeat(30),
        format!("https://({})\\.com", vec!["[a-z]+-[0-9]+"; 300].join("|")),
        "https://(.{0,60}\\.){0,20}x".to_owned(),
        "(|a|b|(|c|d)*)*".repeat(10),
        // Each choice is another name, or another host of one label.
        format!("https://{}x", "(a\\.|b\\.|c\\.)?".repeat(40)),
        format!("https://({words})(-({words}))*\\.com"),
        format!(".*({words})({words}).*"),
        format!("({words})://({words})(:\\d+)?"),
        // Long labels ask for a second look.
        format!("https://.{{64}}(.|{words})*\\.com"),
        "https://([a-d]|e|f){60,70}\\.(com|org)".to_owned(),
        "(a|(b|(c|(d|e){2}){2}){2}){9}://(x|y){30}".to_owned(),
    ] {
        let mut steps = 0;
        let reach = reach(&pattern, &mut steps);
        let text: String = pattern.chars().take(40).collect();
        assert!(steps <= MAX_STEPS, "{text}: {steps}");
        most = most.max(steps);
        if let Ok(reach) = reach {
            let seen = reach.too_broad || reach.never || reach.scheme_wide;
            assert!(seen || !reach.label_boundary.is_empty(), "{text}");
        }
    }
    // Hosts of one label are nobody else's, however many.
    for pattern in [
        format!("https://({words})"),
        format!("https://({words})\\d*"),
    ] {
        let mut steps = 0;
        assert!(
            reach(&pattern, &mut steps).is_ok() && steps <= MAX_STEPS,
            "{steps}"
        );
    }
    // They are hostile, and what they do is counted.
    assert!(most > MAX_STEPS / 10, "{most} of {MAX_STEPS}");
    for plain in [
        r"https://.*\.example\.com",
        r"https://(a|b)\.example\.com(:\d+)?",
    ] {
        let mut steps = 0;
        assert!(reach(plain, &mut steps).is_ok());
        assert!((100..20_000).contains(&steps), "{plain}: {steps}");
    }
}
