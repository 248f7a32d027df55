"""Writes the differences of each drop-in from tests/peers/differences into docs/migrating-from-*.md; --check compares.

The lists are what the comparison tests use: a difference that no entry explains fails there, and so does an entry that
explains nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START, END = "<!-- differences -->", "<!-- /differences -->"
REASONS = {
    "security": "Security",
    "fetch": "Fetch standard",
    "caching": "Caching",
    "http": "HTTP",
    "clarity": "Clearer errors",
    "safety": "Robustness",
}
KEYS = {"id", "what", "peer", "ours", "reason", "why", "migrate"}


def table(path: Path) -> str:
    listed = json.loads(path.read_text())
    peer, ours = listed["peer"], listed["ours"]
    ids: set[str] = set()
    lines = [
        START,
        f"<!-- written by tests/peers/migration_docs.py from tests/peers/differences/{path.name}: change that file -->",
        "",
        f"Compared with {peer} {listed['version']}; {len(listed['differences'])} differences, and no other.",
        "",
    ]
    for reason, title in REASONS.items():
        entries = [entry for entry in listed["differences"] if entry["reason"] == reason]
        if not entries:
            continue
        lines += [f"### {title}", ""]
        for entry in entries:
            if set(entry) != KEYS or entry["id"] in ids:
                raise SystemExit(
                    f"{path}: the entry {entry.get('id')} has other keys than {sorted(KEYS)}, or stands twice"
                )
            ids.add(entry["id"])
            lines.append(
                f"- **{entry['what'].rstrip('.')}.** {peer}: {stop(entry['peer'])} `{ours}`: {stop(entry['ours'])}"
            )
            lines.append(f"  {stop(entry['why'])} *What to do:* {stop(entry['migrate'])}")
        lines.append("")
    if len(ids) != len(listed["differences"]):
        raise SystemExit(f"{path}: a reason is none of {', '.join(REASONS)}")
    return "\n".join([*lines, END])


def stop(text: str) -> str:
    return text.rstrip(".") + "."


def main() -> int:
    check = "--check" in sys.argv[1:]
    stale = []
    for path in sorted((ROOT / "tests/peers/differences").glob("*.json")):
        page = ROOT / f"docs/migrating-from-{path.stem}.md"
        text = page.read_text()
        if text.count(START) != 1 or text.count(END) != 1:
            raise SystemExit(f"{page}: the markers {START} and {END} must stand there once each")
        before, rest = text.split(START)
        written = before + table(path) + rest.split(END)[1]
        if written == text:
            continue
        stale.append(page.name)
        if not check:
            page.write_text(written)
    if check and stale:
        print(f"stale: {', '.join(stale)}; run tests/peers/migration_docs.py", file=sys.stderr)
        return 1
    print(f"migration pages: {'written' if stale else 'as the lists say'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
