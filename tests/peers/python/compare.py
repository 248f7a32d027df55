"""Compares a peer with crossgate: what differs, and which entry of a list explains it."""

from __future__ import annotations

import json
import pathlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

DIFFERENCES = pathlib.Path(__file__).resolve().parents[1] / "differences"
# What a server adds by itself, and what differs with the day.
UNCOMPARED = {"date", "server", "connection"}


@dataclass(frozen=True)
class Reply:
    """An answer. error: what the constructor raised, in place of one."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    error: str = ""

    def get(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name]
        return " | ".join(values) if values else None


@dataclass(frozen=True)
class Request:
    """A request, with its headers by name."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def origin(self) -> str | None:
        return self.get("origin")

    @property
    def acrm(self) -> str | None:
        return self.get("access-control-request-method")

    @property
    def is_preflight(self) -> bool:
        return self.method == "OPTIONS" and self.origin is not None and self.acrm is not None


@dataclass(frozen=True)
class Seen:
    """One field of one pair in which the two differ."""

    options: str
    request: Request
    field: str
    peer: Reply
    ours: Reply

    @property
    def theirs(self) -> str | None:
        return self.peer.get(self.field)

    @property
    def our(self) -> str | None:
        return self.ours.get(self.field)


@dataclass
class Comparison:
    """All pairs of one peer. classify: the id of the difference that explains a field, or None."""

    peer: str
    classify: Callable[[Seen], str | None]
    pairs: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)

    def add(self, options: str, request: Request, peer: Reply, ours: Reply) -> None:
        self.pairs += 1
        for name in differing(peer, ours):
            seen = Seen(options, request, name, peer, ours)
            key = self.classify(seen)
            if key is not None:
                self.explained[key] += 1
            else:
                theirs, our = (
                    reply.error or reply.get(name) or reply.status for reply in (peer, ours)
                )
                self.unexplained.append(f"{options} {request}: {name}: {theirs!r} became {our!r}")

    def check(self, least: int) -> None:
        """Every difference has an entry, and every entry a difference."""
        written = {
            entry["id"]
            for entry in json.loads((DIFFERENCES / f"{self.peer}.json").read_text())["differences"]
        }
        assert not self.unexplained, "\n".join(
            [f"{len(self.unexplained)} differences", *self.unexplained[:40]]
        )
        assert self.pairs >= least
        assert set(self.explained) == written, (
            f"not written, or explain nothing: {written ^ set(self.explained)}"
        )


def differing(peer: Reply, ours: Reply) -> Iterable[str]:
    """The names of what differs: "error", "status", "body", or a header's."""
    if peer.error or ours.error:
        return ["error"] if bool(peer.error) != bool(ours.error) else []
    found = [name for name in ("status", "body") if getattr(peer, name) != getattr(ours, name)]
    names = sorted(
        {name.lower() for reply in (peer, ours) for name, _ in reply.headers} - UNCOMPARED
    )
    return found + [name for name in names if _comparable(name, peer) != _comparable(name, ours)]


def _comparable(name: str, reply: Reply) -> str | None:
    value = reply.get(name)
    # Vary lists field names, which have no case.
    return value.lower() if value is not None and name == "vary" else value
