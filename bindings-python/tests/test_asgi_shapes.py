"""Scopes and headers of any shape: an `Origin` that cannot be read is never "no Origin"."""

from __future__ import annotations

import random
from collections import UserDict
from types import MappingProxyType
from typing import Any

import pytest
from asgi_calls import ACAO, EVIL, A, application, headers, run, scope
from crossgate.asgi import CORSMiddleware

OPTIONS: Any = {"allow_origins": [A], "allow_methods": ["PUT"], "websocket": True}
ACRM = b"access-control-request-method"

ITEM = {
    "tuple": tuple,
    "list": list,
    "iterator": iter,
    "generator": lambda pair: (part for part in pair),
    "str": lambda pair: tuple(part.decode("latin-1") for part in pair),
    "upper case": lambda pair: (pair[0].upper(), pair[1]),
    "bytearray": lambda pair: tuple(bytearray(part) for part in pair),
    "memoryview": lambda pair: [memoryview(part) for part in pair],
    "dict": lambda pair: dict.fromkeys(pair),
}
READABLE = list(ITEM)
UNREADABLE = {
    "three": lambda pair: (*pair, b"x"),
    "one": lambda pair: (pair[0],),
    "number": lambda pair: 7,
    "none": lambda pair: None,
    "text": lambda pair: b": ".join(pair),
    "value": lambda pair: (pair[0], 7),
    "name": lambda pair: (7, pair[1]),
    "empty": lambda pair: iter(()),
}
OUTER = {
    "list": list,
    "tuple": tuple,
    "iterator": iter,
    "generator": lambda items: (item for item in items),
    "dict": lambda items: dict(enumerate(items)).values(),
}
SCOPE = {
    "dict": dict,
    "subclass": lambda fields: type("Fields", (dict,), {})(fields),
    "mapping": UserDict,
    "proxy": MappingProxyType,
}


def asked(kind: str, origin: str, random: random.Random, make: Any, more: Any = ()) -> Any:
    pairs = [make((b"origin", origin.encode()))]
    if kind == "preflight":
        pairs.append(ITEM[random.choice(READABLE)]((ACRM, b"PUT")))
    pairs += [ITEM[random.choice(READABLE)]((b"host", b"x")) for _ in range(random.randrange(3))]
    pairs += more
    random.shuffle(pairs)
    fields = scope(method="OPTIONS" if kind == "preflight" else "GET")
    if kind == "websocket":
        fields["type"] = "websocket"
    fields["headers"] = OUTER[random.choice(list(OUTER))](pairs)
    return SCOPE[random.choice(list(SCOPE))](fields)


def outcome(kind: str, fields: Any) -> str:
    """What became of a request: allowed, denied, or forwarded without a word."""
    reached: list[Any] = []
    sent = run(CORSMiddleware(application(seen=reached), **OPTIONS), fields)
    if kind == "websocket":
        return "allowed" if reached else "denied"
    if kind == "preflight" and reached:
        return "forwarded"
    return "allowed" if ACAO in dict(sent[0]["headers"]) else "denied"


@pytest.mark.parametrize("kind", ["actual", "preflight", "websocket"])
@pytest.mark.parametrize("shape", READABLE)
def test_what_can_be_read_is_read(kind: str, shape: str) -> None:
    chance = random.Random(f"{kind} {shape}")
    for _ in range(50):
        assert outcome(kind, asked(kind, A, chance, ITEM[shape])) == "allowed"
        assert outcome(kind, asked(kind, EVIL, chance, ITEM[shape])) == "denied"


@pytest.mark.parametrize("kind", ["actual", "preflight", "websocket"])
@pytest.mark.parametrize("shape", UNREADABLE)
def test_what_cannot_be_read_is_denied(kind: str, shape: str) -> None:
    chance = random.Random(f"{kind} {shape}")
    for _ in range(50):
        assert outcome(kind, asked(kind, A, chance, UNREADABLE[shape])) == "denied"
        # Beside a good line, too.
        odd = [UNREADABLE[shape]((b"origin", EVIL.encode()))]
        assert outcome(kind, asked(kind, A, chance, tuple, odd)) == "denied"


@pytest.mark.parametrize("given", [7, object()])
def test_headers_that_are_no_iterable(given: Any) -> None:
    fields = scope(headers=given)
    assert outcome("websocket", {**fields, "type": "websocket"}) == "denied"
    assert outcome("actual", fields) == "denied"


def test_headers_that_fail_are_not_all() -> None:
    def failing() -> Any:
        yield (b"host", b"x")
        raise ValueError("gone")

    assert outcome("websocket", scope(type="websocket", headers=failing())) == "denied"


def test_no_headers_are_no_origin() -> None:
    for fields in (scope(), {"type": "http", "method": "GET", "path": "/"}):
        assert ACAO not in dict(headers(CORSMiddleware(application(), **OPTIONS), fields))
    assert outcome("websocket", scope(type="websocket")) == "allowed"


def test_the_application_gets_what_was_read() -> None:
    seen: list[Any] = []
    pairs = iter([iter((b"origin", A.encode())), (b"host", b"x"), iter((b"a", b"b", b"c")), 7])
    run(CORSMiddleware(application(seen=seen), **OPTIONS), scope(headers=pairs))
    assert list(seen[0]["headers"]) == [
        (b"origin", A.encode()),
        (b"host", b"x"),
        (b"a", b"b", b"c"),
        7,
    ]
