"""Policies: how they are built, what is refused, what they are equal to."""

from __future__ import annotations

import copy
import errno
import json
import os
import pickle
import re
from collections import OrderedDict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from crossgate import Policy, PolicyError, Problem, SharedPolicy
from crossgate.asgi import CORSMiddleware

A, B = "https://a.example", "https://b.example"


def problems_of(**options: Any) -> tuple[Problem, ...]:
    with pytest.raises(PolicyError) as caught:
        Policy(**options)
    return caught.value.problems


def codes_of(**options: Any) -> list[str]:
    return [problem.code for problem in problems_of(**options)]


class TestProblems:
    def test_all_are_collected(self) -> None:
        found = problems_of(allow_origins=["https://a.example/", "null"], max_age=-1, colour="red")
        assert {(p.code, p.path) for p in found} >= {
            ("origin_has_path", "allow_origins[0]"),
            ("origin_null", "allow_origins[1]"),
            ("max_age_invalid", "max_age"),
            ("unknown_option", "colour"),
        }

    def test_nothing_configured_is_an_error(self) -> None:
        assert codes_of() == ["origins_empty"]

    def test_fields(self) -> None:
        (problem,) = problems_of(allow_origins=["https://a.example/"])
        assert problem.severity == "error"
        assert problem.code == "origin_has_path"
        assert problem.path == "allow_origins[0]"
        assert problem.value == "https://a.example/"
        assert problem.hint == "https://a.example"
        assert problem.message in str(problem)
        assert str(problem).startswith(
            "error origin_has_path at allow_origins[0] = https://a.example/: "
        )

    def test_the_error_shows_each_on_its_own_line(self) -> None:
        with pytest.raises(PolicyError) as caught:
            Policy(allow_origins=["https://a.example/", "null"])
        lines = str(caught.value).splitlines()
        assert lines[0] == "invalid CORS policy: 2 errors"
        assert [line.strip() for line in lines[1:]] == [
            str(problem) for problem in caught.value.problems
        ]

    def test_the_error_is_a_value_error(self) -> None:
        with pytest.raises(ValueError, match="origins_empty"):
            Policy()

    def test_the_error_pickles(self) -> None:
        with pytest.raises(PolicyError) as caught:
            Policy(allow_origins=["https://a.example/"])
        again = pickle.loads(pickle.dumps(caught.value))
        assert type(again) is PolicyError
        assert again.problems == caught.value.problems
        assert str(again) == str(caught.value)

    def test_an_error_raised_by_others_has_no_problems(self) -> None:
        assert PolicyError("of mine").problems == ()

    def test_values_are_escaped(self) -> None:
        found = problems_of(allow_origins=["https://a.example\r\nSet-Cookie: x"])
        assert all("\n" not in str(problem) for problem in found)
        assert "\\r\\n" in found[0].value

    def test_are_values(self) -> None:
        (first,), (second,) = (problems_of(allow_origins=["https://a.example/"]) for _ in range(2))
        (other,) = problems_of(allow_origins=["https://b.example/"])
        assert first == second
        assert hash(first) == hash(second)
        assert first != other
        assert first != "origin_has_path"
        assert eval(repr(first)) == first
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(first, protocol)) == first

    def test_are_frozen(self) -> None:
        (problem,) = problems_of()
        with pytest.raises(AttributeError):
            problem.code = "mine"  # type: ignore[misc]

    def test_are_not_made_up(self) -> None:
        with pytest.raises(ValueError, match="severity or code"):
            Problem("fatal", "origin_has_path", "", "", "")
        with pytest.raises(ValueError, match="severity or code"):
            Problem("error", "no_such_code", "", "", "")

    def test_warnings_do_not_stop(self) -> None:
        policy = Policy(allow_origins=["HTTPS://A.example:443"])
        assert {problem.severity for problem in policy.warnings} == {"warning"}
        assert policy.document()["allow_origins"] == [A]
        assert Policy(allow_origins=[A]).warnings == ()


class TestOddTypes:
    """A value that no option takes is a problem with its place, never a TypeError."""

    @pytest.mark.parametrize(
        ("value", "name"),
        [
            (b"https://a.example", "a value of type bytes"),
            (bytearray(b"x"), "a value of type bytearray"),
            (memoryview(b"x"), "a value of type memoryview"),
            ({A: 1}, "a value of type dict"),
            (OrderedDict({A: 1}), "a value of type OrderedDict"),
            (MappingProxyType({A: 1}), "a value of type mappingproxy"),
            (object, "a value of type type"),
            (len, "a value of type builtin_function_or_method"),
            (1j, "a value of type complex"),
            (None, "no value"),
            (1, "a number"),
            (1.5, "a number"),
            (True, "a boolean"),
            (A, "a string"),
        ],
    )
    def test_no_list(self, value: Any, name: str) -> None:
        (problem,) = problems_of(allow_origins=[A], own_origins=value)
        assert (problem.code, problem.path) == ("option_type", "own_origins")
        assert problem.message == f"expected a list of strings, found {name}"
        assert "null" not in str(problem)

    @pytest.mark.parametrize(
        "item",
        [b"https://a.example", None, 1, 1.5, True, [A], (A,), {A}, {A: 1}, object(), 10**400],
    )
    def test_no_text_in_a_list(self, item: Any) -> None:
        (problem,) = problems_of(allow_origins=[A, item])
        assert (problem.code, problem.path) == ("option_type", "allow_origins[1]")

    def test_a_list_in_itself(self) -> None:
        endless: list[Any] = [A]
        endless.append(endless)
        assert codes_of(allow_origins=endless) == ["option_type"]

    @pytest.mark.parametrize(
        "option",
        ["allow_null_origin", "origin_predicate", "allow_credentials", "allow_private_network"],
    )
    @pytest.mark.parametrize("value", [0, 1, "true", None, b"", []])
    def test_only_booleans_are_booleans(self, option: str, value: Any) -> None:
        assert ("option_type", option) in [
            (p.code, p.path) for p in problems_of(allow_origins=[A], **{option: value})
        ]

    @pytest.mark.parametrize(
        "value",
        [True, False, "600", b"600", [600], object(), float("nan"), 1.5, -1, 10**30, 10**400],
    )
    def test_max_age_is_a_number_of_seconds(self, value: Any) -> None:
        (problem,) = problems_of(allow_origins=[A], max_age=value)
        assert problem.path == "max_age"

    def test_only_max_age_is_absent_with_none(self) -> None:
        assert Policy(allow_origins=[A], max_age=None) == Policy(allow_origins=[A])
        assert codes_of(allow_origins=[A], preflight_status=None) == ["option_type"]

    def test_lone_surrogates(self) -> None:
        assert codes_of(allow_origins=["https://a\udc80.example"]) != []
        assert codes_of(allow_origins=[A], **{"\udc80": 1}) == ["unknown_option"]

    def test_subclasses_of_str_are_text(self) -> None:
        class Name(str):
            pass

        assert Policy(allow_origins=[Name(A)]) == Policy(allow_origins=[A])

    def test_what_an_iterable_raises_is_passed_on(self) -> None:
        def broken() -> Any:
            yield A
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            Policy(allow_origins=broken())

    def test_only_keywords(self) -> None:
        with pytest.raises(TypeError):
            Policy({"allow_origins": "*"})  # type: ignore[call-arg]


class TestLists:
    @pytest.mark.parametrize(
        "origins",
        [
            [A, B],
            (A, B),
            iter([A, B]),
            (origin for origin in (A, B)),
            {A: 1, B: 2}.keys(),
            {B, A},
            frozenset({B, A}),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_any_iterable(self, origins: Any) -> None:
        assert Policy(allow_origins=origins).document()["allow_origins"] == [A, B]

    def test_order_is_kept(self) -> None:
        assert Policy(allow_origins=[B, A]).document()["allow_origins"] == [B, A]

    def test_a_set_is_sorted(self) -> None:
        methods = {"PUT", "PATCH", "DELETE", "MERGE", "LINK", "COPY"}
        assert Policy(allow_origins=[A], allow_methods=methods).document()[
            "allow_methods"
        ] == sorted(methods)

    def test_star_is_a_list_or_not(self) -> None:
        assert Policy(allow_origins="*") == Policy(allow_origins=["*"])


class TestSources:
    def test_json_and_toml(self) -> None:
        policy = Policy(allow_origins=[A], max_age=600)
        assert Policy.from_json(json.dumps({"allow_origins": [A], "max_age": 600})) == policy
        assert Policy.from_toml(f'allow_origins = ["{A}"]\nmax_age = 600') == policy

    @pytest.mark.parametrize("build", [Policy.from_json, Policy.from_toml])
    def test_text_that_does_not_parse(self, build: Any) -> None:
        with pytest.raises(PolicyError) as caught:
            build("{")
        assert [problem.code for problem in caught.value.problems] == ["document_invalid"]

    def test_files(self, tmp_path: Path) -> None:
        policy = Policy(allow_origins=[A])
        (tmp_path / "p.json").write_text(json.dumps({"allow_origins": [A]}))
        (tmp_path / "p.TOML").write_text(f'allow_origins = ["{A}"]')
        assert Policy.from_file(tmp_path / "p.json") == policy
        assert Policy.from_file(str(tmp_path / "p.TOML")) == policy

    def test_a_bad_file_raises_its_problems(self, tmp_path: Path) -> None:
        path = tmp_path / "p.json"
        path.write_text('{"allow_origins": ["https://a.example/"]}')
        with pytest.raises(PolicyError) as caught:
            Policy.from_file(path)
        assert caught.value.problems[0].code == "origin_has_path"

    def test_a_missing_file(self, tmp_path: Path) -> None:
        path = tmp_path / "none.json"
        with pytest.raises(FileNotFoundError) as caught:
            Policy.from_file(path)
        assert caught.value.errno == errno.ENOENT
        assert caught.value.filename == os.fspath(path)
        assert caught.value.strerror == os.strerror(errno.ENOENT)

    def test_what_is_no_regular_file(self, tmp_path: Path) -> None:
        directory, fifo, device = (tmp_path / f"{name}.json" for name in ("dir", "fifo", "device"))
        directory.mkdir()
        os.mkfifo(fifo)
        device.symlink_to("/dev/zero")
        shared = SharedPolicy(Policy(allow_origins=[A]))
        for path in (directory, fifo, device):
            for load in (Policy.from_file, shared.replace_file):
                with pytest.raises(PolicyError) as caught:
                    load(path)
                (problem,) = caught.value.problems
                assert problem.code == "document_not_a_file"
        assert shared.policy == Policy(allow_origins=[A])

    def test_a_file_that_is_too_large(self, tmp_path: Path) -> None:
        path = tmp_path / "p.json"
        with path.open("wb") as file:
            file.truncate(2 << 30)
        with pytest.raises(PolicyError) as caught:
            Policy.from_file(path)
        assert caught.value.problems[0].code == "document_too_large"

    def test_after_a_thousand_problems_the_rest_are_counted(self) -> None:
        faulty = [f"https://a{n}.example/" for n in range(1_500)]
        with pytest.raises(PolicyError, match=r"and 500 more$") as caught:
            Policy(allow_origins=faulty)
        assert (len(caught.value.problems), caught.value.omitted) == (1_000, 500)
        with pytest.raises(PolicyError, match=r"and 500 more$") as caught:
            CORSMiddleware(None, allow_origins=faulty)  # type: ignore[arg-type]
        assert (len(caught.value.problems), caught.value.omitted) == (1_000, 500)
        upper = Policy(allow_origins=[f"https://A{n}.example" for n in range(1_500)])
        assert (len(upper.warnings), upper.omitted_problems) == (1_000, 500)
        assert PolicyError().omitted == Policy(allow_origins=[A]).omitted_problems == 0

    def test_another_ending(self, tmp_path: Path) -> None:
        path = tmp_path / "p.yaml"
        path.write_text("")
        with pytest.raises(OSError, match=r"ends in \.json or \.toml") as caught:
            Policy.from_file(path)
        assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, str(path))

    @pytest.mark.parametrize("path", [None, 3, object()])
    def test_no_path(self, path: Any) -> None:
        with pytest.raises(TypeError):
            Policy.from_file(path)

    def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SHOP_ALLOW_ORIGINS", f"{A}, {B}")
        monkeypatch.setenv("SHOP_ALLOW_CREDENTIALS", "true")
        assert Policy.from_env("SHOP") == Policy(allow_origins=[A, B], allow_credentials=True)
        monkeypatch.setenv("SHOP_MAX_AGE", "soon")
        with pytest.raises(PolicyError):
            Policy.from_env("SHOP")

    def test_environment_without_the_prefix(self) -> None:
        with pytest.raises(PolicyError, match="origins_empty"):
            Policy.from_env("NOBODY_SETS_THIS")


FULL: dict[str, Any] = {
    "allow_origins": [A, "https://*.b.example"],
    "allow_origin_regexes": [r"https://c-[0-9]+\.c\.example"],
    "allow_methods": ["PUT"],
    "allow_headers": ["Authorization"],
    "expose_headers": ["X-Total"],
    "allow_credentials": True,
    "max_age": 600,
    "own_origins": ["https://own.example"],
    "denied_actual": "reject",
}


class TestValue:
    def test_document(self) -> None:
        policy = Policy(**FULL)
        document = policy.document()
        assert {key: document[key] for key in FULL} == FULL
        assert document["preflight_status"] == 204
        assert document["allow_null_origin"] is False
        assert document["max_age"] == 600
        assert Policy(**document) == policy
        document["allow_origins"].append("mine")
        assert policy.document() != document

    def test_equality(self) -> None:
        policy = Policy(**FULL)
        same, other = Policy(**FULL), Policy(**{**FULL, "max_age": 601})
        assert policy == same
        assert hash(policy) == hash(same)
        assert policy != other
        assert policy != FULL
        assert len({policy, same, other}) == 2

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_pickle(self, protocol: int) -> None:
        policy = Policy(**FULL)
        again = pickle.loads(pickle.dumps(policy, protocol))
        assert again == policy
        assert again.evaluate("GET", [("Origin", A)]).allowed is True
        assert again.evaluate("GET", [("Origin", B)]).allowed is False

    def test_copy(self) -> None:
        policy = Policy(**FULL)
        assert copy.copy(policy) == policy
        assert copy.deepcopy(policy) == policy

    def test_repr(self) -> None:
        policy = Policy(allow_origins=[A], allow_credentials=True)
        assert repr(policy) == "Policy(allow_origins=['https://a.example'], allow_credentials=True)"
        assert eval(repr(Policy(**FULL))) == Policy(**FULL)
        assert eval(repr(Policy(origin_predicate=True))) == Policy(origin_predicate=True)

    def test_repr_of_many_origins_is_short(self) -> None:
        text = repr(Policy(allow_origins=[f"https://{n}.a.example" for n in range(1000)]))
        assert text.endswith("'https://7.a.example', ... 992 more])")

    def test_frozen(self) -> None:
        with pytest.raises(AttributeError):
            Policy(allow_origins=[A]).warnings = ()  # type: ignore[misc]
        with pytest.raises(AttributeError):
            Policy(allow_origins=[A]).mine = 1  # type: ignore[attr-defined]


def test_the_digest_names_the_meaning() -> None:
    policy = Policy(allow_origins=["https://a.example"], allow_methods=["put"])
    same = Policy(allow_origins=["https://a.example:443"], allow_methods=["PUT"])
    assert re.fullmatch("[0-9a-f]{16}", policy.digest)
    assert (policy, policy.digest, hash(policy)) == (same, same.digest, hash(same))
    assert policy.digest != Policy(allow_origins=["https://b.example"]).digest


def test_notes_are_not_warnings() -> None:
    policy = Policy(allow_origins=["https://a.example"], allow_methods=["PUT", "OPTIONS"])
    assert policy.warnings == ()
    (note,) = policy.notes
    assert (note.severity, note.path) == ("note", "allow_methods[1]")
    assert Policy(allow_origins=["https://a.example"]).notes == ()
    assert Problem("note", note.code, note.path, note.value, note.message, note.hint) == note
