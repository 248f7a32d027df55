"""Writes the lists of tests/peers/differences into docs/migrating-from-*.md; --check compares.

The comparison tests use the same lists: a difference that no entry explains fails there, and so
does an entry that explains nothing.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
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
        f"<!-- Written by tests/peers/migration_docs.py from differences/{path.name}. -->",
        "",
        f"Compared with {peer} {listed['version']}. "
        f"These {len(listed['differences'])} differences are all that the tests find.",
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
                    f"{path}: the entry {entry.get('id')} has other keys than {sorted(KEYS)}, "
                    "or its id is used twice"
                )
            ids.add(entry["id"])
            lines += item("- ", f"**{stop(entry['what'])}**")
            lines += item("  - ", f"{peer}: {stop(entry['peer'])}")
            lines += item("  - ", f"`{ours}`: {stop(entry['ours'])}")
            lines += item("  - ", f"Why: {stop(entry['why'])}")
            if entry["migrate"].rstrip(".") != "nothing":
                lines += item("  - ", f"What to do: {stop(entry['migrate'])}")
        lines.append("")
    if len(ids) != len(listed["differences"]):
        raise SystemExit(f"{path}: a reason is none of {', '.join(REASONS)}")
    return "\n".join([*lines, END])


def stop(text: str) -> str:
    """The text as a sentence."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def item(bullet: str, text: str) -> list[str]:
    """A list item in lines of at most 100 columns; code spans are not broken."""
    kept = re.sub(r"`[^`]*`", lambda span: span[0].replace(" ", "\0"), text)
    indent = " " * len(bullet)
    wrapped = textwrap.wrap(
        kept,
        100,
        initial_indent=bullet,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\0", " ") for line in wrapped]


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
