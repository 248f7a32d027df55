"""Policies that are swapped while serving, and decisions counted."""

from __future__ import annotations

import json
import pathlib
import threading
from typing import Any

import pytest
from crossgate import (
    Counters,
    Policy,
    PolicyError,
    ShadowDifference,
    ShadowRequest,
    SharedPolicy,
)

A, B = "https://a.example", "https://b.example"


def reason(shared: SharedPolicy, origin: str = A) -> str:
    return shared.evaluate("GET", [("Origin", origin)]).reason


def test_replaced() -> None:
    shared = SharedPolicy(Policy(allow_origins=[A]))
    assert (reason(shared), repr(shared)) == (
        "allowed",
        "SharedPolicy(Policy(allow_origins=['https://a.example']))",
    )
    shared.replace(Policy(allow_origins=[B]))
    assert (reason(shared), shared.policy) == ("origin_not_listed", Policy(allow_origins=[B]))
    shared.replace_document({"allow_origins": [A]})
    assert reason(shared) == "allowed"


def test_from_text() -> None:
    shared = SharedPolicy(Policy(allow_origins=[A]))
    shared.replace_json(json.dumps({"allow_origins": [B]}))
    assert reason(shared) == "origin_not_listed"
    shared.replace_toml(f'allow_origins = ["{A}"]')
    assert reason(shared) == "allowed"
    for replace in (shared.replace_json, shared.replace_toml):
        with pytest.raises(PolicyError):
            replace("{")
        with pytest.raises(TypeError):
            replace({"allow_origins": [B]})  # type: ignore[arg-type]
    assert reason(shared) == "allowed"


def test_from_a_file(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"allow_origins": [B]}))
    shared = SharedPolicy(Policy(allow_origins=[A]))
    shared.replace_file(file)
    assert reason(shared, B) == "allowed"
    file.write_text(json.dumps({"allow_origins": [f"{A}/"]}))
    with pytest.raises(PolicyError) as caught:
        shared.replace_file(str(file))
    assert caught.value.problems[0].path == "allow_origins[0]"
    with pytest.raises(FileNotFoundError):
        shared.replace_file(tmp_path / "none.json")
    assert reason(shared, B) == "allowed"


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"allow_origins": "*", "allow_credentials": True}, PolicyError),
        ({"allow_origin": [A]}, PolicyError),
        ({7: 8}, PolicyError),
        ({}, PolicyError),
        ([A], TypeError),
        (None, TypeError),
        ("{}", TypeError),
    ],
)
def test_what_is_wrong_changes_nothing(document: Any, error: Any) -> None:
    shared = SharedPolicy(Policy(allow_origins=[A]))
    with pytest.raises(error):
        shared.replace_document(document)
    assert reason(shared) == "allowed"


class TestShadow:
    def test_differences(self) -> None:
        seen: list[tuple[ShadowDifference, ShadowRequest]] = []
        shared = SharedPolicy(Policy(allow_origins=[A]))
        shared.set_shadow(Policy(allow_origins=[A, B]), lambda *both: seen.append(both))
        assert shared.shadow == Policy(allow_origins=[A, B])
        assert (reason(shared), reason(shared, B)) == ("allowed", "origin_not_listed")
        ((difference, request),) = seen
        assert (difference.live.allowed, difference.shadow.allowed) == (False, True)
        assert (request.method, request.headers) == ("GET", (("origin", B),))
        assert repr(request) == f"ShadowRequest(method='GET', headers=(('origin', '{B}'),))"
        assert repr(difference).startswith("ShadowDifference(live=Decision(kind='actual'")
        assert dict(difference.shadow.headers)["access-control-allow-origin"] == B
        shared.set_shadow(None)
        reason(shared, B)
        assert (len(seen), shared.shadow) == (1, None)

    def test_it_stays_when_the_live_one_is_replaced(self) -> None:
        seen: list[Any] = []
        shared = SharedPolicy(Policy(allow_origins=[A]))
        shared.set_shadow(Policy(allow_origins=[B]), lambda *both: seen.append(both))
        shared.replace(Policy(allow_origins=[B]))
        assert (reason(shared, B), seen) == ("allowed", [])

    def test_verdicts_reach_the_policies_that_ask(self) -> None:
        seen: list[Any] = []
        shared = SharedPolicy(Policy(origin_predicate=True))
        shared.set_shadow(Policy(allow_origins=[B]), lambda *both: seen.append(both))
        assert shared.evaluate("GET", [("Origin", A)], verdict="allow").allowed is True
        assert seen[0][0].shadow.reason == "origin_not_listed"
        with pytest.raises(ValueError, match="verdict"):
            SharedPolicy(Policy(allow_origins=[A])).evaluate(
                "GET", [("Origin", B)], verdict="allow"
            )

    def test_a_callback_that_raises(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reported: list[Any] = []
        monkeypatch.setattr("sys.unraisablehook", reported.append)
        shared = SharedPolicy(Policy(allow_origins=[A]))
        shared.set_shadow(Policy(allow_origins=[B]), lambda difference, request: 1 / 0)
        assert reason(shared) == "allowed"
        assert reported[0].exc_type is ZeroDivisionError

    @pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
    def test_what_ends_the_process_is_raised(self, error: type[BaseException]) -> None:
        def stop(difference: ShadowDifference, request: ShadowRequest) -> None:
            raise error

        shared = SharedPolicy(Policy(allow_origins=[A]))
        shared.set_shadow(Policy(allow_origins=[B]), stop)
        with pytest.raises(error):
            reason(shared)

    @pytest.mark.parametrize(
        "arguments", [(Policy(allow_origins=[A]),), (None, print), (Policy(allow_origins=[A]), 7)]
    )
    def test_wrong_arguments(self, arguments: Any) -> None:
        with pytest.raises(TypeError, match="set_shadow takes a policy and a function"):
            SharedPolicy(Policy(allow_origins=[A])).set_shadow(*arguments)


def test_readers_see_one_policy_or_the_other() -> None:
    shared = SharedPolicy(Policy(allow_origins=[A]))
    policies = [Policy(allow_origins=[origin]) for origin in (A, B)]
    mixed: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            decision = shared.evaluate("GET", [("Origin", A)])
            if (decision.allowed, len(decision.headers)) not in ((True, 2), (False, 1)):
                mixed.append(repr(decision))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(2000):
        shared.replace(policies[turn % 2])
    done.set()
    for reader in readers:
        reader.join()
    assert mixed == []


class TestCounters:
    def test_counted(self) -> None:
        policy, counters = Policy(allow_origins=[A]), Counters()
        for origin in (A, A, B, "null"):
            counters.record(policy.evaluate("GET", [("Origin", origin)]))
        counts = counters.as_dict()
        assert len(counts) == 13
        assert {r: n for r, n in counts.items() if n} == {
            "allowed": 2,
            "origin_not_listed": 1,
            "origin_null": 1,
        }
        assert (counters.get("allowed"), counters.get("own_origin")) == (2, 0)
        with pytest.raises(ValueError, match='there is no reason "Allowed"'):
            counters.get("Allowed")
        assert 'crossgate_decisions_total{reason="allowed"} 2\n' in counters.to_prometheus()
        assert (
            repr(counters) == "Counters({'allowed': 2, 'origin_not_listed': 1, 'origin_null': 1})"
        )

    def test_overwritten_headers(self) -> None:
        counters = Counters()
        counters.record_overwrote_upstream()
        assert counters.overwrote_upstream == 1

    def test_threads(self) -> None:
        decision, counters = Policy(allow_origins="*").evaluate("GET", []), Counters()
        threads = [
            threading.Thread(target=lambda: [counters.record(decision) for _ in range(5000)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counters.as_dict()["no_origin"] == 20_000


@pytest.mark.parametrize("value", [SharedPolicy(Policy(allow_origins=[A])), Counters()])
def test_frozen(value: Any) -> None:
    with pytest.raises(AttributeError):
        value.mine = 1


def test_overwrites_upstream() -> None:
    decision = Policy(allow_origins=[A]).evaluate("GET", [("Origin", A)])
    assert decision.overwrites_upstream([("Access-Control-Allow-Origin", "*")]) is True
    assert (
        decision.overwrites_upstream([("access-control-allow-origin", A), ("vary", "Accept")])
        is False
    )
    assert decision.overwrites_upstream([(b"access-control-allow-methods", b"PUT")]) is True
