"""Reads the imports of the binding's Rust source and of the Python package, and finds those that
are not allowed: an import against the arrows between folders, and circles of files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

MayUse = Mapping[str, Sequence[str]]
"""The folders (or files beside them) that each folder may use, itself aside."""

RUST: MayUse = {
    "convert": (),
    "api": ("convert",),
    "templates": ("convert", "api"),
    "asgi": ("convert", "api", "templates"),
    "wsgi": ("convert", "api", "templates"),
    "lib": ("convert", "api", "templates", "asgi", "wsgi"),
}

PYTHON: MayUse = {
    "_crossgate": (),
    "_options": ("_crossgate",),
    "_coroutines": ("_crossgate", "_options"),
    "aiohttp": ("_crossgate", "_options"),
    "asgi": ("_crossgate", "_options"),
    "django": ("_crossgate", "_options"),
    "flask": ("_crossgate", "_options"),
    "wsgi": ("_crossgate", "_options"),
    "__init__": ("_crossgate",),
}


class Import(NamedTuple):
    """One import: where it stands, and the file that it names."""

    file: str
    line: int
    target: str


def folder(file: str) -> str:
    """The folder of a file, or the file itself if it stands in none."""
    return file.partition("/")[0].partition(".")[0]


def problems(where: str, imports: Sequence[Import], may_use: MayUse) -> list[str]:
    """What is wrong with the imports: one line for each forbidden arrow and each circle."""
    found: list[str] = []
    for file, line, target in imports:
        source, used = folder(file), folder(target)
        if source not in may_use:
            found.append(f"{where}/{file}: nothing says what {source} may use")
        elif used not in (source, *may_use[source]):
            found.append(f"{where}/{file}:{line} uses {used}: not allowed")
    arrows: dict[str, dict[str, int]] = {}
    for file, line, target in imports:
        if file != target and not is_declaration(file) and not is_declaration(target):
            arrows.setdefault(file, {}).setdefault(target, line)
    for circle in circles(arrows):
        steps = [
            f"{where}/{file}:{arrows[file][target]} uses {target}"
            for file, target in zip(circle, [*circle[1:], circle[0]])
        ]
        found.append("a circle: " + ", ".join(steps))
    return found


def is_declaration(file: str) -> bool:
    """Whether a file declares the modules of its folder, and so names all of them."""
    return Path(file).name in ("mod.rs", "lib.rs", "__init__.py", "__init__.pyi")


def circles(arrows: Mapping[str, Mapping[str, int]]) -> Iterator[list[str]]:
    """The circles that a walk along the arrows closes."""
    done: set[str] = set()

    def walk(file: str, way: list[str]) -> Iterator[list[str]]:
        if file in way:
            yield way[way.index(file) :]
        elif file not in done:
            for target in arrows.get(file, ()):
                yield from walk(target, [*way, file])
            done.add(file)

    for file in arrows:
        yield from walk(file, [])


# Rust

_PATH = re.compile(r"(?<![\w:])(crate|(?:super::)*super)::([\w:]*)(\{[^}]*\})?")


def rust_imports(root: Path) -> list[Import]:
    """Every `crate::` and `super::` path below a folder of Rust source, comments aside."""
    files = {path.relative_to(root).as_posix() for path in root.rglob("*.rs")}
    found: list[Import] = []
    for file in sorted(files):
        text = re.sub(r"//[^\n]*", "", (root / file).read_text(encoding="utf-8"))
        here = [*Path(file).with_suffix("").parts]
        if here[-1] in ("mod", "lib"):
            here.pop()
        for path in _PATH.finditer(text):
            line = text.count("\n", 0, path.start()) + 1
            base = [] if path[1] == "crate" else here[: len(here) - path[1].count("super")]
            stem = [*base, *filter(None, path[2].split("::"))]
            names = re.findall(r"(?:^|[{,])\s*(\w+)", path[3] or "") or [""]
            for name in names:
                target = _rust_file(files, [*stem, name] if name else stem)
                found.append(Import(file, line, target or file))
    return found


def _rust_file(files: set[str], path: list[str]) -> str | None:
    """The file of the innermost module of a path; None if the path begins with no module."""
    for length in range(len(path), 0, -1):
        module = "/".join(path[:length])
        for name in (f"{module}.rs", f"{module}/mod.rs"):
            if name in files:
                return name
    return None


# Python


def python_imports(root: Path) -> list[Import]:
    """Every import of a module of the package itself."""
    files = {path.relative_to(root).as_posix() for path in root.rglob("*.py*")}
    found: list[Import] = []
    for file in sorted(file for file in files if file.endswith((".py", ".pyi"))):
        package = [*Path(file).parent.parts]
        for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                module = (node.module or "").split(".") if node.module else []
                if node.level:
                    base = package[: len(package) - node.level + 1]
                elif module[:1] == [root.name]:
                    base, module = [], module[1:]
                else:
                    continue
                paths = [[*base, *module, alias.name] for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name.split(".") for alias in node.names]
                paths = [name[1:] for name in names if name[0] == root.name]
            else:
                continue
            for path in paths:
                target = _python_file(files, path)
                if target is not None:
                    found.append(Import(file, node.lineno, target))
    return found


def _python_file(files: set[str], path: list[str]) -> str | None:
    for length in range(len(path), -1, -1):
        module = "/".join(path[:length])
        for name in (f"{module}.py", f"{module}.pyi", f"{module}/__init__.py".lstrip("/")):
            if name in files:
                return name
    return None
