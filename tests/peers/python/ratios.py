"""Ratios of what middlewares add to a handler, in CPU time and without the time of the handler.

Rounds of all are interleaved in one process. What is added counts for no less than the spread of
the handler. A time is the least of several medians: one disturbed round does not move a median, and
a disturbed block of rounds is not the least. The spread is that of the medians.
"""

from __future__ import annotations

import json
import pathlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[3]
BLOCKS = 12
ROUNDS_OF_BLOCK = 5
ROUND_NS = 3_000_000
WARM_UP = 3

Call = Callable[[], object]

EXPOSE = ["X-Request-Id", "X-Total"]
ORIGINS = ["https://one.example.com", "https://app.example.com", "https://three.example.com"]
ALLOWED = ORIGINS[1]
FOREIGN = "https://evil.example.net"
NAMES_2000 = ",".join(f"x{number:03x}" for number in range(2000))
COMMAS = "," * 10_000


def origins(count: int) -> list[str]:
    """So many origins, the last of which is asked about."""
    return [f"https://app-{number}.example.com" for number in range(count)]


def workloads() -> dict[str, tuple[str, dict[str, str]]]:
    """The method and headers of W0 to W3, W5 and W6."""
    preflight = {"Origin": ALLOWED, "Access-Control-Request-Method": "PUT"}
    return {
        "W0": ("GET", {}),
        "W1": ("GET", {"Origin": ALLOWED}),
        "W2": (
            "OPTIONS",
            {**preflight, "Access-Control-Request-Headers": "authorization,content-type"},
        ),
        "W3": ("GET", {"Origin": FOREIGN}),
        "W5": ("GET", {"Origin": ALLOWED}),
        "W6a": ("OPTIONS", {**preflight, "Access-Control-Request-Headers": NAMES_2000}),
        "W6b": ("OPTIONS", {**preflight, "Access-Control-Request-Headers": COMMAS}),
    }


@dataclass
class Net:
    """ns a request."""

    least: float
    bare: float
    spread: float

    @property
    def net(self) -> float:
        return max(self.least - self.bare, self.spread)


def _time(call: Call, count: int) -> float:
    started = time.thread_time_ns()
    for _ in range(count):
        call()
    return (time.thread_time_ns() - started) / count


def measure(bare: Call, calls: dict[str, Call]) -> dict[str, Net]:
    """What each call costs over the bare one."""
    everything = {"": bare, **calls}
    counts: dict[str, int] = {}
    for name, call in everything.items():
        for _ in range(WARM_UP):
            call()
        counts[name] = max(1, min(2000, int(ROUND_NS / max(_time(call, 3), 1))))
    times: dict[str, list[float]] = {name: [] for name in everything}
    for _ in range(BLOCKS * ROUNDS_OF_BLOCK):
        for name, call in everything.items():
            times[name].append(_time(call, counts[name]))
    medians = {name: _medians(found) for name, found in times.items()}
    bare_least = min(medians[""])
    spread = statistics.median(medians[""]) - bare_least
    return {name: Net(min(medians[name]), bare_least, spread) for name in calls}


def _medians(times: list[float]) -> list[float]:
    """The median of each block."""
    return [
        statistics.median(times[start : start + ROUNDS_OF_BLOCK])
        for start in range(0, len(times), ROUNDS_OF_BLOCK)
    ]


def report(name: str, title: str, rows: list[dict[str, object]]) -> None:
    """Prints a table and writes build/bench-NAME.json."""
    print(f"\n{title}\n")
    keys = list(rows[0])
    texts = [[str(row.get(key, "")) for key in keys] for row in rows]
    widths = [max(len(line[column]) for line in [keys, *texts]) for column in range(len(keys))]
    for line in [keys, *texts]:
        print("  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)))
    path = ROOT / "build" / f"bench-{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows, indent=1))


def row(workload: str, what: str, peer: Net, ours: Net, goal: float) -> dict[str, object]:
    """One cell beside its goal."""
    ratio = peer.net / ours.net
    return {
        "workload": workload,
        "layer": what,
        "bare ns": round(peer.bare),
        "peer adds ns": round(peer.net),
        "ours adds ns": round(ours.net),
        "floor ns": round(ours.spread),
        "ratio": f"{ratio:.1f}",
        "goal": f">= {goal:g}" if goal else "",
        "met": ""
        if not goal
        else "yes"
        if ratio >= goal
        else "within 15 %"
        if ratio >= goal * 0.85
        else "no",
    }
