use super::*;
use RegexDialect::{JavaScript, Python, Rust};

#[test]
fn what_means_the_same_stays_as_it_is() {
    for text in [
        r"https://[a-z0-9-]+\.example\.com",
        r"^https?://(www\.)?example\.(com|org)(:\d+)?$",
        r"https://(?:a|b)\.example\.com",
        r"https://\w+-\d{2,4}\.example\.com",
        r"https://[^/.]+\.example\.com",
        r"",
        r"https://(|www\.)a\.example",
    ] {
        for dialect in [Rust, Python, JavaScript] {
            assert_eq!(
                translate(text, "", dialect).unwrap().text,
                text,
                "{dialect:?}"
            );
        }
    }
}

#[test]
fn what_differs_is_translated() {
    for (dialect, flags, text, expected) in [
        (Python, "", r"https://a\.example\Z", r"https://a\.example$"),
        (
            Python,
            "",
            r"\Ahttps://a\.example\z",
            r"^https://a\.example$",
        ),
        (Python, "i", r"https://a", r"(?i:https://a)"),
        (Python, "", r"(?i)https://a", r"(?i:https://a)"),
        (Python, "", r"(?i:a)b(?-i:c)", r"(?i:a)b(?:c)"),
        (Python, "x", "https:// a # comment\n b", r"https://ab"),
        (Python, "", "(?x)(?i) a [ b#]", r"(?i:a[ b#])"),
        (Python, "", r"a{,3}b{,}", r"a{0,3}b*"),
        (Python, "", r"a{b", r"a\{b"),
        (Python, "", r"[[a]", r"[\x5Ba]"),
        (Python, "", r"[a&&b]x", r"[\x26ab]x"),
        (Python, "", r"[!--]x", r"[\x21-\x2D]x"),
        (Python, "", r"[]a]", r"[]a]"),
        (Python, "", r"a(?#comment)b", r"ab"),
        (Python, "", r"(?P<n>a)b", r"(?P<n>a)b"),
        (Python, "", r"\x41\101\u0041", r"\x41A\u0041"),
        (
            JavaScript,
            "",
            r"https:\/\/a\.example",
            r"https:\/\/a\.example",
        ),
        (JavaScript, "gy", r"a", r"a"),
        (JavaScript, "i", r"a", r"(?i:a)"),
        (JavaScript, "", r"a{,3}", r"a\{,3}"),
        (JavaScript, "", r"[]", r"[^\x00-\x7F]"),
        (JavaScript, "", r"a[^]b", r"a[\x21-\x7E]b"),
        (JavaScript, "", r"(?<n>a)", r"(?<n>a)"),
        (JavaScript, "", r"\q\-\8", r"q\-8"),
        (JavaScript, "", r"[\d-z]", r"[\x2D0-9z]"),
        (JavaScript, "v", r"[\w--[a-z]]", r"[\w--[a-z]]"),
        (JavaScript, "v", r"[\w&&\d]", r"[\w&&\d]"),
        (JavaScript, "u", r"\u{61}", r"\u{61}"),
    ] {
        let found = translate(text, flags, dialect).unwrap();
        assert_eq!(
            (found.text.as_str(), found.backtracking),
            (expected, None),
            "{text}"
        );
    }
}

#[test]
fn what_a_linear_engine_cannot_run() {
    for (dialect, text, document, program) in [
        (Rust, r"(?<!evil)a", r"(?<!evil)a", r"(?<!evil)a"),
        (Rust, r"([ab])\1c", r"([ab])\1c", r"([ab])(?:\1)c"),
        (Rust, r"(?>a+)b", r"(?>a+)b", r"(?>a+)b"),
        (Python, r"a++b", r"(?>a+)b", r"(?>a+)b"),
        (
            Python,
            r"(?P<n>a)(?P=n)1",
            r"(?P<n>a)(?:\1)1",
            r"(a)(?:\1)1",
        ),
        (Python, r"(?=a)*b", r"b", r"b"),
        (Python, r"(?=a)+b", r"(?=a)b", r"(?=a)b"),
        (JavaScript, r"(?<n>a)\k<n>", r"(?<n>a)(?:\1)", r"(a)(?:\1)"),
        (JavaScript, r"(?!b)\w", r"(?!b)\w", r"(?!b)[0-9A-Z\x5Fa-z]"),
        (
            Python,
            r"(?!b)\b",
            r"(?!b)\b",
            concat!(
                r"(?!b)(?:(?<=[0-9A-Z\x5Fa-z])(?![0-9A-Z\x5Fa-z])|",
                r"(?<![0-9A-Z\x5Fa-z])(?=[0-9A-Z\x5Fa-z]))"
            ),
        ),
    ] {
        let found = translate(text, "", dialect).unwrap();
        assert_eq!(found.text, document, "{text}");
        assert_eq!(
            found.backtracking.as_deref().unwrap_or(document),
            program,
            "{text}"
        );
        // A document says the same once more.
        let again = translate(document, "", Rust).unwrap();
        assert_eq!(again.text, document);
        assert_eq!(
            again.backtracking.is_some(),
            found.backtracking.is_some(),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_regex_or_has_no_translation() {
    for (dialect, flags, text) in [
        (Rust, "", r"a++"),
        (Rust, "", r"a\Z"),
        (Rust, "", r"("),
        (Rust, "", r"(?!a)b++"),
        (Python, "", r"a**"),
        (Python, "", r"*a"),
        (Python, "", r"{2}"),
        (Python, "", r"a{3,2}"),
        (Python, "", r"\q"),
        (Python, "", r"[\q]"),
        (Python, "", r"(?<=a*)b"),
        (Python, "", r"a(?i)b"),
        (Python, "", r"(a)(?(1)b|c)"),
        (Python, "", r"\1(a)"),
        (Python, "", r"(a\1)"),
        (Python, "", r"[z-a]"),
        (Python, "", r"[a-\d]"),
        (Python, "L", r"a"),
        (Python, "i", "[\u{e9}]"),
        (JavaScript, "", r"(?i)a"),
        (JavaScript, "", r"a++"),
        (JavaScript, "u", r"\q"),
        (JavaScript, "u", r"\p{L}"),
        (JavaScript, "u", r"a{"),
        (JavaScript, "", r"(a)|\1"),
        (JavaScript, "", r"(a)?\1"),
        (JavaScript, "v", r"[\q{ab}]"),
        (JavaScript, "v", r"[a&&&b]"),
        (JavaScript, "v", r"[(]"),
        (JavaScript, "z", r"a"),
        (JavaScript, "", r")"),
    ] {
        let found = translate(text, flags, dialect);
        assert!(found.is_err(), "{text}: {found:?}");
    }
    let deep = "(".repeat(10_000) + &")".repeat(10_000);
    for dialect in [Rust, Python, JavaScript] {
        assert!(translate(&deep, "", dialect).is_err());
    }
}
