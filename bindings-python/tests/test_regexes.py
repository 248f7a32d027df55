"""Regular expressions of Python's: the engine reads them by Python's rules, so that each means what
it means to `re`, or is refused; with credentials none is accepted that nobody can check.
"""

from __future__ import annotations

import os
import random
import re
import warnings
from typing import Any

import pytest
from crossgate import Counters, Policy, PolicyError
from crossgate._crossgate import PythonRegex
from crossgate.asgi import CORSMiddleware as Asgi
from crossgate.flask import CORS
from crossgate.wsgi import CORSMiddleware as Wsgi
from flask import Flask

# Accepted with credentials once, because Python matched them and nobody checked them.
STRANGERS = [
    (r"https://.*--myapp\.netlify\.app", "https://evil--myapp.netlify.app"),
    (r"https://.*\Z", "https://evil.example"),
    (r"https://.*\.vercel\.app\Z", "https://evil.vercel.app"),
    (r"\bhttps://.*", "https://evil.example"),
    (r"https://([a-z0-9.]|(?:--))*", "https://evil.example"),
    (r"(?!http:)https://.*", "https://evil.example"),
    (r"(?x) https://.* ", "https://evil.example"),
    (r"https://.*(" + "|".join(f"a{n}" for n in range(40_000)) + "|)", "https://evil.example"),
]


def codes(error: PolicyError) -> set[str]:
    return {problem.code for problem in error.problems}


@pytest.mark.parametrize("regex", [regex for regex, _ in STRANGERS], ids=range(len(STRANGERS)))
def test_with_credentials_each_is_checked(regex: str) -> None:
    with pytest.raises(PolicyError) as of_asgi:
        Asgi(None, allow_origin_regex=regex, allow_credentials=True)  # type: ignore[arg-type]
    with pytest.raises(PolicyError) as of_flask:
        CORS(Flask("x"), origins=[re.compile(regex)], supports_credentials=True)
    with pytest.raises(PolicyError) as of_policy:
        Policy(allow_origin_regexes=[re.compile(regex)], allow_credentials=True)
    assert codes(of_asgi.value) == codes(of_flask.value) == codes(of_policy.value)


@pytest.mark.parametrize(
    "regex",
    [
        r"(?=h)https://([a-z]+)*\.example\.com",
        r"https://([a-z0-9]+-?)+(?<=-)app\.vercel\.app",
        r"https://(([a-z])\2?)+\.example",
    ],
)
def test_no_origin_takes_long(regex: str) -> None:
    """Doubled with each letter once. The answer is no after a fixed number of steps."""
    policy = Policy(allow_origin_regexes=[re.compile(regex)])
    counters = Counters()
    origins = [f"https://{'a' * length}-.test" for length in (10, 30, 62)]
    for origin in origins:
        decision = policy.evaluate("GET", [("Origin", origin)])
        assert (decision.allowed, decision.reason) == (False, "origin_not_listed")
        counters.record(decision)
    assert counters.get("origin_not_listed") == len(origins)


def test_a_regex_that_runs_out_of_steps_is_counted() -> None:
    policy = Policy(allow_origin_regexes=["https://(a|b|ab)*(?=c)"])
    for middleware in ("record", "wsgi"):
        counters = Counters()
        for host, expected in (("ab", 0), ("ab" * 28, 1)):
            headers = [("Origin", f"https://{host}")]
            if middleware == "record":
                decision = policy.evaluate("GET", headers)
                assert decision.hit_regex_step_limit is bool(expected)
                counters.record(decision)
            else:
                app = Wsgi(lambda _, start: start("200 OK", []) and [], policy, counters=counters)
                environ = {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": headers[0][1]}
                app(environ, lambda *_: None)
            assert counters.regex_step_limit == expected
        assert "\ncrossgate_regex_step_limit_total 1\n" in counters.to_prometheus()


def test_bytes_are_no_regex_of_origins() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(allow_origin_regexes=[re.compile(b"https://a")])
    assert codes(caught.value) == {"option_type"}


def test_the_document_has_the_translation() -> None:
    regex = re.compile(r"https://A\.example\Z", re.IGNORECASE)
    policy = Policy(allow_origin_regexes=[regex])
    document: Any = policy.document()
    assert document["allow_origin_regexes"] == [r"(?i:https://A\.example$)"]
    assert Policy(**document) == policy


# Parts of regexes, and origins that they can match.
LITERALS = [*"ab01-.:/{}],&", "https://", "a", "b", r"\.", r"\-", r"\/", "--"]
CLASSES = [r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", ".", r"\x61", r"\u0061", r"\141", "\\\n"]
CLASS_PARTS = [
    "a",
    "b",
    "0-9",
    "a-c",
    r"\d",
    r"\w",
    r"\-",
    "-",
    ".",
    "&&",
    "--",
    "[",
    r"\]",
    "~~",
    "^",
    "^",
]
LOOKS = ["(?=", "(?!", "(?<=", "(?<!"]
ALPHABET = "ab01-.:/"


class Generator:
    """Random regexes by Python's grammar, and some that nearly are.

    No repetition stands in another: `re` tries every way to share a text between the two, and
    would not come to an end with some. The comparison with JavaScript's engine has them.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.is_repeated = False

    def regex(self, depth: int = 3) -> str:
        branches = [self.concat(depth) for _ in range(self.random.choice([1, 1, 1, 2, 3]))]
        return "|".join(branches)

    def concat(self, depth: int) -> str:
        return "".join(self.part(depth) for _ in range(self.random.randint(0, 4)))

    def part(self, depth: int) -> str:
        repeats = not self.is_repeated and self.random.random() < 0.35
        self.is_repeated |= repeats
        part = self.once(depth)
        if repeats:
            self.is_repeated = False
            part += self.random.choice(
                ["*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "*?", "+?", "??", "{,}", "*+", "++"]
            )
        return part

    def once(self, depth: int) -> str:
        roll = self.random.random()
        if roll < 0.45 or depth == 0:
            part = self.random.choice(LITERALS)
        elif roll < 0.6:
            part = self.random.choice(CLASSES)
        elif roll < 0.75:
            inner = "".join(self.random.choices(CLASS_PARTS, k=self.random.randint(1, 4)))
            part = f"[{self.random.choice(['', '^'])}{inner}]"
        elif roll < 0.9:
            opener = self.random.choice(["(", "(?:", "(?i:", "(?-i:", "(?s:", "(?P<n>"])
            part = f"{opener}{self.regex(depth - 1)})"
        elif roll < 0.93:
            part = f"{self.random.choice(LOOKS)}{self.regex(depth - 1)})"
        elif roll < 0.97:
            part = self.random.choice(["^", "$", r"\A", r"\Z", r"\b", r"\B", "(?#x)"])
        else:
            part = self.random.choice([r"\1", "(?P=n)", r"\2"])
        return part

    def flags(self) -> int:
        chosen = self.random.choice([0, 0, 0, re.I, re.X, re.A, re.I | re.S, re.M])
        return int(chosen)

    def origins(self) -> list[str]:
        texts = [
            "".join(self.random.choices(ALPHABET, k=self.random.randint(0, 6))) for _ in range(6)
        ]
        hosts = [
            text.strip("-.:/").replace("/", "").replace(":", "").replace("..", ".") or "a"
            for text in texts
        ]
        return [
            *(f"https://{host}" for host in hosts),
            *(f"https://{host}:8{port}" for host, port in zip(hosts, "012345")),
            "a://b",
            "b1://a.b",
            "a-b://1:8",
        ]


def verdicts(policy: Policy, origins: list[str]) -> list[bool | None]:
    return [policy.evaluate("GET", [("Origin", origin)]).allowed for origin in origins]


def test_the_same_as_python() -> None:
    """Every random regex has the verdict of `re.fullmatch` on every origin, or is refused."""
    count = int(os.environ.get("CROSSGATE_REGEXES", "4000"))
    generator = Generator(20261201)
    compared = refused = matched = 0
    reasons: dict[str, int] = {}
    everything = Policy(
        allow_origins=["a://*", "b1://*", "a-b://*"], allow_origin_regexes=["https://.*"]
    )
    while compared < count:
        text = generator.regex()
        if generator.random.random() < 0.6:
            text = "https?://" + text
        flags = generator.flags()
        origins = generator.origins()
        if not text.strip():
            continue
        # Only what passes the grammar gate reaches a regex.
        origins = [o for o, passed in zip(origins, verdicts(everything, origins)) if passed]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                pattern = re.compile(text, flags)
            except (re.error, OverflowError):
                continue
        try:
            policy = Policy(allow_origin_regexes=[pattern])
        except PolicyError as error:
            for problem in error.problems:
                if problem.code == "regex_never_matches":
                    # Then Python agrees.
                    assert not [o for o in origins if pattern.fullmatch(o)], (text, flags)
                    break
            else:
                refused += 1
                reason = next(p.message for p in error.problems if p.severity == "error")
                key = re.sub(r"[\d\"'\\].*", "", reason)[:60]
                reasons[key] = reasons.get(key, 0) + 1
            compared += 1
            continue
        expected = [pattern.fullmatch(origin) is not None for origin in origins]
        assert verdicts(policy, origins) == expected, (text, flags, origins)
        document: Any = policy.document()
        assert verdicts(Policy(**document), origins) == expected, (text, document)
        matched += any(expected)
        compared += 1
    print(f"{compared} compared, {matched} match something, {refused} refused: {reasons}")
    assert refused < compared / 50
    assert matched > compared / 50


def test_flags_are_those_of_the_pattern() -> None:
    for text, flags, origin, allowed in [
        ("HTTPS://A", "i", "https://a", True),
        ("HTTPS://A", "", "https://a", False),
        ("https:// a", "x", "https://a", True),
    ]:
        try:
            policy = Policy(allow_origin_regexes=[PythonRegex(text, flags)])
        except PolicyError:
            assert not allowed
            continue
        assert policy.evaluate("GET", [("Origin", origin)]).allowed is allowed
