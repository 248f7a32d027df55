"""Decisions: what goes in, what comes out, and that nothing else happens."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from crossgate import Decision, Policy

A = "https://a.example"
EVIL = "https://evil.example"
ACAO, ACAC, ACAM, ACAH = (
    f"access-control-{name}"
    for name in ("allow-origin", "allow-credentials", "allow-methods", "allow-headers")
)
POLICY = Policy(
    allow_origins=[A],
    allow_methods=["PUT"],
    allow_headers=["Authorization"],
    allow_credentials=True,
)
HOST = Policy(origin_predicate=True)


def ask(*headers: tuple[Any, Any], method: Any = "GET", policy: Policy = POLICY) -> Decision:
    return policy.evaluate(method, headers)


class TestHeadersIn:
    @pytest.mark.parametrize(
        "pair",
        [
            ("Origin", A),
            (b"origin", A.encode()),
            ("ORIGIN", A.encode()),
            (b"Origin", A),
            ["origin", A],
        ],
        ids=["str", "bytes", "str-bytes", "bytes-str", "list"],
    )
    @pytest.mark.parametrize("shape", [list, tuple, iter, lambda pairs: (pair for pair in pairs)])
    def test_shapes(self, pair: Any, shape: Any) -> None:
        decision = POLICY.evaluate("GET", shape([("accept", "*/*"), pair, (b"x-last", "")]))
        assert (decision.reason, decision.allowed) == ("allowed", True)

    def test_items_of_a_mapping(self) -> None:
        assert POLICY.evaluate("GET", {"Origin": A}.items()).reason == "allowed"

    def test_the_method_is_str_or_bytes(self) -> None:
        preflight = [("Origin", A), ("Access-Control-Request-Method", "PUT")]
        assert POLICY.evaluate("OPTIONS", preflight).kind == "preflight"
        assert POLICY.evaluate(b"OPTIONS", preflight).kind == "preflight"
        assert POLICY.evaluate("options", preflight).kind == "actual"

    def test_keywords(self) -> None:
        assert HOST.evaluate(method="GET", headers=[("Origin", A)], verdict="allow").allowed is True

    def test_values_last_as_long_as_the_decision(self) -> None:
        def made_on_the_way() -> Iterator[tuple[str, str]]:
            yield "Ori" + "gin"[0:3], "".join(["https://", "a.example"])

        decision = POLICY.evaluate("GET", made_on_the_way())
        assert dict(decision.headers)[ACAO] == A

    def test_repeated_lines(self) -> None:
        assert ask(("Origin", A), (b"origin", A.encode())).reason == "origin_multiple"
        names = [
            ("Access-Control-Request-Headers", "authorization"),
            (b"access-control-request-headers", b"x-other"),
        ]
        decision = ask(
            ("Origin", A), ("Access-Control-Request-Method", "PUT"), *names, method="OPTIONS"
        )
        assert decision.reason == "header_not_allowed"

    @pytest.mark.parametrize(
        "value",
        [
            "https://a.example\u0101",
            "https://a.ex\u0430mple",
            "\udc80https://a.example",
            "https://a.example\U0001f600",
            "https://a.example\u00e9",
            "\u4100",
            b"https://a.example\xe9",
        ],
    )
    def test_characters_that_no_origin_has(self, value: Any) -> None:
        decision = ask(("Origin", value))
        assert (decision.reason, decision.allowed) == ("origin_malformed", False)

    def test_characters_are_not_cut_to_a_byte(self) -> None:
        # U+0168 U+0174 ... have the low bytes of "https".
        wide = "".join(chr(0x100 + ord(c)) for c in A)
        assert ask(("Origin", wide)).allowed is False
        requested = [
            ("Origin", A),
            ("Access-Control-Request-Method", "".join(chr(0x100 + ord(c)) for c in "PUT")),
        ]
        assert POLICY.evaluate("OPTIONS", requested).reason == "method_not_allowed"
        assert (
            POLICY.evaluate("".join(chr(0x100 + ord(c)) for c in "OPTIONS"), requested).kind
            == "actual"
        )
        assert ask((chr(0x14F) + "rigin", A)).kind == "not_cors"

    @pytest.mark.parametrize(
        "names", ["\udc80", "authorization\udc80", "\u0101", "authorization,\u0101", "\xe9"]
    )
    def test_characters_that_no_header_name_has(self, names: str) -> None:
        # An unreadable list must not become an empty one, which would pass.
        requested = [
            ("Origin", A),
            ("Access-Control-Request-Method", "PUT"),
            ("Access-Control-Request-Headers", names),
        ]
        assert POLICY.evaluate("OPTIONS", requested).reason == "header_list_malformed"

    def test_names_beyond_latin_1_are_passed_over(self) -> None:
        assert ask(("\U0001f600", "x"), ("\udc80", "x"), ("Origin", A)).reason == "allowed"

    def test_huge(self) -> None:
        echo = Policy(allow_origins=[A], allow_headers="*", allow_credentials=True)
        requested = [
            ("Origin", A),
            ("Access-Control-Request-Method", "GET"),
            ("Access-Control-Request-Headers", "x," * 500_000),
        ]
        assert echo.evaluate("OPTIONS", requested).reason == "header_list_too_long"
        assert ask(("Origin", A + "x" * 10_000_000)).allowed is False
        assert POLICY.evaluate("GET", (("x", "y") for _ in range(100_000))).kind == "not_cors"

    @pytest.mark.parametrize(
        ("headers", "message"),
        [
            (
                None,
                "headers must be an iterable of (name, value) pairs of str or of bytes, "
                "not NoneType",
            ),
            (7, "headers must be an iterable of (name, value) pairs of str or of bytes, not int"),
            ("ab", "headers[0] must be a (name, value) tuple, not str"),
            (
                {"Origin": A},
                "headers[0] must be a (name, value) tuple, not str; pass headers.items()",
            ),
            ([("a", "b"), "cd"], "headers[1] must be a (name, value) tuple, not str"),
            ([("a",)], "headers[0] must be a (name, value) tuple, not a tuple of 1"),
            ([["a", "b", "c"]], "headers[0] must be a (name, value) tuple, not a list of 3"),
            ([None], "headers[0] must be a (name, value) tuple, not NoneType"),
            ([("a", "b"), (1, "b")], "the name in headers[1] must be a str or bytes, not int"),
            ([("a", None)], "the value in headers[0] must be a str or bytes, not NoneType"),
            (
                [("Origin", bytearray(b"x"))],
                "the value in headers[0] must be a str or bytes, not bytearray",
            ),
        ],
    )
    def test_wrong_shapes(self, headers: Any, message: str) -> None:
        for call in (
            lambda: POLICY.evaluate("GET", headers),
            lambda: POLICY.needs_verdict("GET", headers),
        ):
            with pytest.raises(TypeError) as caught:
                call()
            assert str(caught.value) == message
        with pytest.raises(TypeError) as caught:
            ask().apply(headers)
        assert str(caught.value) == message

    @pytest.mark.parametrize("method", [None, 1, bytearray(b"GET")])
    def test_wrong_methods(self, method: Any) -> None:
        with pytest.raises(TypeError, match="method must be a str or bytes, not"):
            POLICY.evaluate(method, [])

    def test_what_an_iterator_raises_is_passed_on(self) -> None:
        def broken() -> Any:
            yield "Origin", A
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            POLICY.evaluate("GET", broken())


class TestDecision:
    def test_actual(self) -> None:
        decision = ask(("Origin", A))
        assert (decision.kind, decision.reason, decision.action) == ("actual", "allowed", "forward")
        assert decision.allowed is True
        assert decision.status is None
        assert decision.headers == ((ACAO, A), (ACAC, "true"), ("vary", "Origin"))
        assert decision.remove == (
            ACAM,
            ACAH,
            "access-control-max-age",
            "access-control-allow-private-network",
        )

    def test_not_cors(self) -> None:
        decision = ask()
        assert (decision.kind, decision.allowed, decision.action) == ("not_cors", None, "forward")

    def test_preflight(self) -> None:
        decision = ask(("Origin", A), ("Access-Control-Request-Method", "PUT"), method="OPTIONS")
        assert (decision.kind, decision.action, decision.status, decision.allowed) == (
            "preflight",
            "answer",
            204,
            True,
        )
        assert dict(decision.headers)[ACAM] == "PUT"

    def test_denied_preflight(self) -> None:
        decision = ask(("Origin", EVIL), ("Access-Control-Request-Method", "PUT"), method="OPTIONS")
        assert (decision.reason, decision.status, decision.allowed) == (
            "origin_not_listed",
            403,
            False,
        )

    def test_reject(self) -> None:
        policy = Policy(
            allow_origins=[A], own_origins=["https://own.example"], denied_actual="reject"
        )
        decision = ask(("Origin", EVIL), policy=policy)
        assert (decision.action, decision.status) == ("reject", 403)

    def test_names_are_interned_plain_strings(self) -> None:
        decision = ask(("Origin", A))
        names = [name for name, _ in decision.headers]
        for text in (decision.kind, decision.reason, decision.action, *names, *decision.remove):
            assert type(text) is str
            assert text is sys.intern(text)

    def test_frozen(self) -> None:
        with pytest.raises(AttributeError):
            ask().allowed = True  # type: ignore[misc]
        with pytest.raises(TypeError):
            Decision()

    def test_repr(self) -> None:
        assert repr(ask(("Origin", EVIL))) == (
            "Decision(kind='actual', reason='origin_not_listed', action='forward', "
            "allowed=False, status=None, headers=(('vary', 'Origin'),))"
        )

    def test_outlives_its_policy(self) -> None:
        decision = Policy(allow_origins=[A]).evaluate(
            b"GET", [(b"origin", bytes(bytearray(A.encode())))]
        )
        assert decision.headers == ((ACAO, A), ("vary", "Origin"))


class TestVerdict:
    def test_needs_verdict(self) -> None:
        assert HOST.needs_verdict("GET", [("Origin", A)]) == A
        assert HOST.needs_verdict("GET", [("Origin", "null")]) is None
        assert HOST.needs_verdict("GET", []) is None
        assert POLICY.needs_verdict("GET", [("Origin", EVIL)]) is None

    @pytest.mark.parametrize(
        ("verdict", "allowed"), [("allow", True), ("deny", False), (None, False)]
    )
    def test_verdicts(self, verdict: Any, allowed: bool) -> None:
        decision = HOST.evaluate("GET", [("Origin", A)], verdict)
        assert decision.allowed is allowed
        assert dict(decision.headers).get(ACAO) == (A if allowed else None)

    @pytest.mark.parametrize("verdict", [True, False, 1, "ALLOW", "", b"allow", object()])
    def test_other_verdicts(self, verdict: Any) -> None:
        with pytest.raises(ValueError, match="verdict must be None, 'allow' or 'deny', not "):
            HOST.evaluate("GET", [("Origin", A)], verdict)
        with pytest.raises(ValueError, match="verdict must be None, 'allow' or 'deny', not "):
            HOST.check_websocket(A, False, verdict)

    def test_a_verdict_for_a_policy_that_does_not_ask(self) -> None:
        with pytest.raises(ValueError, match="origin_predicate"):
            POLICY.evaluate("GET", [], "allow")
        with pytest.raises(ValueError, match="origin_predicate"):
            POLICY.check_websocket(A, verdict="allow")


class TestWebSocket:
    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            (None, "absent"),
            ([], "absent"),
            (A, "allow"),
            (A.encode(), "allow"),
            ([A], "allow"),
            ((A.encode(),), "allow"),
            (EVIL, "deny"),
            ("", "deny"),
            ([A, A], "deny"),
            ([A, A.encode()], "deny"),
            (A + "\u0101", "deny"),
        ],
    )
    def test_lines(self, lines: Any, expected: str) -> None:
        assert POLICY.check_websocket(lines) == expected

    def test_public(self) -> None:
        anybody = Policy(allow_origins="*")
        assert anybody.check_websocket(A) == "deny"
        assert anybody.check_websocket(A, public=True) == "allow"

    def test_verdict(self) -> None:
        assert HOST.check_websocket(A) == "deny"
        assert HOST.check_websocket(A, verdict="allow") == "allow"

    @pytest.mark.parametrize("lines", [1, [A, None], [[A]], object()])
    def test_wrong_shapes(self, lines: Any) -> None:
        with pytest.raises(
            TypeError, match="origin_lines must be None, a str, bytes or a sequence of them"
        ):
            POLICY.check_websocket(lines)


class TestApply:
    def test_sets_merges_and_removes(self) -> None:
        theirs = [
            ("Content-Type", "text/plain"),
            ("Access-Control-Allow-Origin", "*"),
            ("Vary", "Accept-Encoding"),
            ("access-control-allow-methods", "GET"),
        ]
        assert ask(("Origin", A)).apply(theirs) == [
            ("Content-Type", "text/plain"),
            (ACAO, A),
            (ACAC, "true"),
            ("vary", "Accept-Encoding, Origin"),
        ]
        assert ask(("Origin", EVIL)).apply(theirs) == [
            ("Content-Type", "text/plain"),
            ("vary", "Accept-Encoding, Origin"),
        ]

    def test_does_not_touch_its_input(self) -> None:
        theirs = [(b"Vary", b"Accept"), (b"access-control-allow-origin", b"*")]
        before = list(theirs)
        applied = ask(("Origin", A)).apply(theirs)
        assert theirs == before
        assert applied is not theirs
        assert ask().apply(theirs) is not theirs

    def test_other_pairs_stay_the_same_objects(self) -> None:
        pair = ("x", "y")
        assert ask(("Origin", A)).apply([pair])[0] is pair

    @pytest.mark.parametrize("asked", [("Origin", A), (b"origin", A.encode())])
    def test_the_type_is_the_responses(self, asked: Any) -> None:
        texts = ask(asked).apply([("x", "y")])
        raw = ask(asked).apply([(b"x", b"y")])
        assert texts == [("x", "y"), (ACAO, A), (ACAC, "true"), ("vary", "Origin")]
        assert raw == [(name.encode(), value.encode()) for name, value in texts]

    def test_without_a_header_the_type_is_the_requests(self) -> None:
        assert ask(("Origin", A)).apply([])[0] == (ACAO, A)
        nothing: list[tuple[bytes, bytes]] = []
        assert ask((b"origin", A.encode())).apply(nothing)[0] == (ACAO.encode(), A.encode())

    def test_latin_1_survives(self) -> None:
        assert ask(("Origin", A)).apply([(b"vary", b"X-\xe9")])[-1] == (b"vary", b"X-\xe9, Origin")
        assert ask(("Origin", A)).apply([("vary", "X-\xe9")])[-1] == ("vary", "X-\xe9, Origin")

    def test_any_iterable(self) -> None:
        assert ask(("Origin", A)).apply(iter([("x", "y")]))[0] == ("x", "y")

    def test_exposed_headers_are_merged(self) -> None:
        policy = Policy(allow_origins=[A], expose_headers=["X-Ours"])
        applied = ask(("Origin", A), policy=policy).apply(
            [("Access-Control-Expose-Headers", "X-Own")]
        )
        assert dict(applied)["access-control-expose-headers"] == "X-Own, X-Ours"

    def test_upstream_is_kept_if_the_policy_says_so(self) -> None:
        policy = Policy(allow_origins=[A], upstream="keep")
        theirs = [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Methods", "GET")]
        assert ask(("Origin", EVIL), policy=policy).apply(theirs) == [*theirs, ("vary", "Origin")]

    def test_the_verdict_still_holds(self) -> None:
        assert dict(HOST.evaluate("GET", [("Origin", A)], "allow").apply([]))[ACAO] == A
        assert ACAO not in dict(HOST.evaluate("GET", [("Origin", A)], "deny").apply([]))


def test_threads() -> None:
    """One policy and one decision, used by many threads at once."""
    shared = ask(("Origin", A))
    wrong: list[object] = []
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        for n in range(2000):
            origin = A if (n + number) % 2 else f"https://{n}.evil.example"
            decision = POLICY.evaluate("GET", [("Origin", origin)])
            expected = A if origin == A else None
            if dict(decision.headers).get(ACAO) != expected or shared.apply([("x", "y")])[1] != (
                ACAO,
                A,
            ):
                wrong.append((origin, decision))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_nothing_is_leaked() -> None:
    name, value = "x-" + "header", "https://" + "b" * 40
    origin = ("Ori" + "gin", value)

    def work() -> None:
        for _ in range(1000):
            decision = POLICY.evaluate("GET", [origin, (name, value)])
            decision.apply([(name, value)])
            repr(decision)

    work()
    before = sys.getrefcount(value), sys.getrefcount(name), sys.getrefcount(origin)
    work()
    assert (sys.getrefcount(value), sys.getrefcount(name), sys.getrefcount(origin)) == before
