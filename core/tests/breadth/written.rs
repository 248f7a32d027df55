//! Random expressions of what people write: schemes, names, tenants, optional parts, classes.

use super::sampler::Random;

const SCHEMES: [&str; 14] = [
    "https://",
    "https://",
    "https://",
    "https://",
    "https://",
    "https://",
    "https?://",
    "http://",
    "(http|https)://",
    "",
    "(?i)https://",
    r"[a-z]+://",
    "capacitor://",
    "(app|https)://",
];

const LABELS: [&str; 44] = [
    "app",
    "www",
    "shop",
    r"app-\d+",
    r"\d+",
    "[a-z]+",
    "[a-z0-9-]+",
    ".*",
    ".+",
    r"\w+",
    "[^.]+",
    "[^/]+",
    r"[\w-]+",
    "(app|admin)",
    "(a|b|c)",
    "app(-[a-z]+)?",
    "(app-)?shop",
    "[abc]",
    "[a-c]{2}",
    "[a-z]{2}",
    ".*-shop",
    "shop-.*",
    "sh.p",
    "shops?",
    r"[0-9a-f]+--acme",
    r"deploy-preview-\d+--acme",
    ".*--acme",
    "a+",
    "a*b",
    "xn--a",
    "xn--.*",
    "(|app)",
    "s3",
    "s3[a-z-]*",
    "blob",
    "core",
    "(s3|cdn)",
    r"\S+",
    "[^a]",
    "127",
    r"\d{1,3}",
    "(acme|.*)",
    "a.b",
    "(app|shop|x-[a-z]+)",
];

const SEPARATORS: [&str; 18] = [
    r"\.",
    r"\.",
    r"\.",
    r"\.",
    r"\.",
    r"\.",
    r"\.",
    r"\.",
    "[.]",
    ".",
    r"\.?",
    "-",
    "",
    ".*",
    r"(\.|-)",
    "[.-]",
    r"\.*",
    r"(\.[a-z]+)?\.",
];

const BASES: [&str; 46] = [
    r"example\.com",
    r"example\.com",
    r"example\.com",
    r"acme\.co\.uk",
    r"acme\.org",
    r"example\.(com|org)",
    r"example\.com(\.au)?",
    r"example\.com?",
    r"example\.[a-z]+",
    r"example\..*",
    "example.com",
    r"(example|acme)\.com",
    r"(example\.com|acme\.org)",
    r"ex[a-z]mple\.com",
    r"acme\.(co\.uk|com)",
    r"vercel\.app",
    r"acme\.vercel\.app",
    r"netlify\.app",
    r"github\.io",
    r"acme\.github\.io",
    r"amazonaws\.com",
    r"s3\.amazonaws\.com",
    r"s3[.-][a-z0-9-]+\.amazonaws\.com",
    r"windows\.net",
    r"core\.windows\.net",
    r"azure\.com",
    r"cloudapp\.azure\.com",
    r"co\.uk",
    "com",
    r"(com|org)",
    r"pages\.dev",
    r"acme\.pages\.dev",
    "localhost",
    "intranet",
    r"127\.0\.0\.1",
    r"127\.0\.0\.\d+",
    r"10\.0\.0\.\d+",
    r"203\.0\.113\.10",
    r"\[::1\]",
    r"\[.*\]",
    r"(\d{1,3}\.){3}\d{1,3}",
    r"(vercel|acme)\.app",
    r"(acme|[a-z]+)\.dev",
    r"\w+",
    r"kawasaki\.jp",
    r"(example\.com|.*\.vercel\.app)",
];

const PORTS: [&str; 16] = [
    "",
    "",
    "",
    "",
    "",
    "",
    r"(:\d+)?",
    r":\d+",
    ":.*",
    ".*",
    r"(:8443)?",
    r"[:\d]*",
    r":?\d*",
    r"\.?",
    "(:(3000|8080))?",
    "(.*)?",
];

fn label(random: &mut Random) -> String {
    let label = random.one(&LABELS);
    match random.below(8) {
        0 => format!("({label})?"),
        1 => format!("(?:{label}|www)"),
        _ => label.to_owned(),
    }
}

fn origin(random: &mut Random) -> String {
    let mut text = random.one(&SCHEMES).to_owned();
    for _ in 0..random.below(3) {
        let (label, dot) = (label(random), random.one(&SEPARATORS));
        text += &match random.below(6) {
            0 => format!("({label}{dot})?"),
            1 => format!("({label}{dot})*"),
            2 => format!("({label}{dot})+"),
            _ => format!("{label}{dot}"),
        };
    }
    text + random.one(&BASES) + random.one(&PORTS)
}

/// An expression.
pub(crate) fn expression(random: &mut Random) -> String {
    let mut text = origin(random);
    if random.rarely(5) {
        text = format!("{text}|{}", origin(random));
    }
    match random.below(6) {
        0 => format!("^{text}$"),
        1 => format!("^({text})$"),
        2 => format!("({text})"),
        _ => text,
    }
}
