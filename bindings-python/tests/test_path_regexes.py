"""Regexes of paths mean what they mean to `re.match`, and no `re` runs on a request."""

from __future__ import annotations

import random
import re
import sys

import pytest
from crossgate._crossgate import PathRegex
from crossgate._options.paths import Paths, matcher

PATHS = [
    "/", "/api", "/api/", "/api/users", "/api/v1/users/7", "/apis", "/API/x", "/a", "/ab", "/abc",
    "/a/b", "/a/b/c", "/a-b_c.d", "/a b", "/7", "/42/", "/a//b", "/a/./b", "//", "", "x", "/a\n",
    "/a\nb", "/\x1c", "/\t/a", "/caf\u00e9", "/caf\u00e9/x", "/\u65e5\u672c/x", "/\u0661",
    "/\u212a", "/\u017f/a", "/\u0130", "/a\u0301", "/\u00a0/a", "/\U0001f600/a",
]  # fmt: skip
ATOMS = [
    "a", "b", "c", "/", "api", "v1", "users", r"\.", ".", "-", "_", " ", r"\w", r"\d", r"\s", r"\W",
    r"\D", r"\S", "[a-c]", "[^/]", "[^/.]", r"[\w-]", r"[^\d/]", "[]a]", "[a-]", r"\/", r"\n",
    "\u00e9", "[\u00e0-\u00ff]", "[^\u00e9/]", r"\u65e5", r"\x61", r"\b", r"\B", "", "7",
]  # fmt: skip
REPEATS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{,2}", "{1,}?"]


def simple(rng: random.Random) -> str:
    return "".join(rng.choice(ATOMS) for _ in range(rng.randint(1, 3)))


def part(rng: random.Random) -> str:
    """A part of a regex. No repetition stands in another, so that `re` comes to an end."""
    kind = rng.randrange(6)
    if kind < 2:
        atom = rng.choice([atom for atom in ATOMS if atom not in (r"\b", r"\B", "")])
        return atom if len(atom) > 1 and atom[0] not in "[\\" else atom + rng.choice(REPEATS)
    if kind == 2:
        opener = rng.choice(["(", "(?:", f"(?P<n{rng.randrange(10**6)}>", "(?i:"])
        return f"{opener}{simple(rng)}|{simple(rng)})"
    if kind == 3:
        return f"({simple(rng)}){rng.choice(REPEATS)}"
    return simple(rng)


def expression(rng: random.Random) -> str:
    text = "/" + "".join(part(rng) for _ in range(rng.randint(1, 4)))
    if rng.randrange(6) == 0:
        text += "|/" + part(rng)
    start, end = rng.choice(["", "", "^", r"\A"]), rng.choice(["", "", "$", r"\Z", ".*", "/.*$"])
    return rng.choice(["", "", "", "", "(?i)", "(?s)", "(?a)", "(?x)"]) + start + text + end


def covers(regex: re.Pattern[str], path: str) -> bool:
    """What `re` says: a match from the start that ends where a segment ends, or the whole path."""
    found = regex.match(path)
    if found is None:
        return False
    end = found.end()
    ends_segment = end == len(path) or path[end] == "/" or path[end - 1 : end] == "/"
    return ends_segment or regex.fullmatch(path) is not None


def test_random_regexes_cover_what_re_matches() -> None:
    rng = random.Random(7)
    compared = unknown = covered = tried = 0
    refused: list[tuple[str, str]] = []
    while tried < 3_000:
        text = expression(rng)
        try:
            regex = re.compile(text)
        except re.error:
            continue
        tried += 1
        try:
            own = PathRegex(regex)
        except ValueError as error:
            refused.append((text, str(error)))
            continue
        for path in PATHS:
            found = own.covers(path)
            compared += 1
            if found is None:
                unknown += 1
                assert not path.isascii() or path.endswith("\n"), (text, path)
            else:
                covered += found
                assert found is covers(regex, path), (text, path)
    # Both cases of a letter beyond ASCII.
    assert [text for text, error in refused if "flag i" not in error] == []
    assert covered > compared // 20
    assert unknown < compared // 8
    assert compared > 2_000 * len(PATHS)


@pytest.mark.parametrize("text", ["/(?!private).*", "/(?=a)", "(?<=/)a", r"(/a)\1", "^/(?s:.)"])
def test_what_has_no_linear_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot select paths: "):
        matcher(text + "[]]")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="re has no possessive repeats")
def test_possessive_repeats_are_refused() -> None:
    with pytest.raises(ValueError, match="possessive"):
        matcher(re.compile("/a++"))


def test_what_python_alone_knows_denies() -> None:
    paths: Paths[str] = Paths("denied", str.__eq__)
    paths.add("resources", r"/[\w]+/x", "words")
    paths.add("resources", "/*", "all")
    found = {path: paths.of(path) for path in ("/a/x", "/a.b/x", "/caf\u00e9/x", "/\ud800/x")}
    assert found == {
        "/a/x": "words",
        "/a.b/x": "all",
        "/caf\u00e9/x": "denied",
        "/\ud800/x": "denied",
    }


def test_no_re_on_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    paths: Paths[str] = Paths("denied", str.__eq__)
    for pattern in (r"^/api/v\d+/.*$", re.compile("/b.*"), "/c/*", "/d"):
        paths.add("resources", pattern, str(pattern))

    def fails(*_: object) -> None:
        raise AssertionError

    for name in ("compile", "match", "fullmatch", "search"):
        monkeypatch.setattr(re, name, fails)
    assert paths.of("/api/v12/x") == r"^/api/v\d+/.*$"
    assert paths.of("/d") == "/d"
    # A `re.Pattern` cannot be patched, so none may be left.
    for _, pattern, matches, _ in paths._rules:
        assert isinstance(pattern, str) or "re." not in repr(getattr(matches, "__self__", None))
