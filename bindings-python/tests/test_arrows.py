"""Folders use only folders below them, no files form a circle, and unsafe code has one place."""

from __future__ import annotations

import pathlib
import re
import textwrap

import arrows
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
RUST, PYTHON = ROOT / "src", ROOT / "python/crossgate"


def write(root: pathlib.Path, files: dict[str, str]) -> pathlib.Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return root


def test_the_rust_source() -> None:
    imports = arrows.rust_imports(RUST)
    assert len(imports) > 100
    assert arrows.problems("src", imports, arrows.RUST) == []


def test_the_python_package() -> None:
    imports = arrows.python_imports(PYTHON)
    assert len(imports) > 40
    assert arrows.problems("crossgate", imports, arrows.PYTHON) == []


def test_every_folder_has_its_arrows() -> None:
    for root, may_use in ((RUST, arrows.RUST), (PYTHON, arrows.PYTHON)):
        files = [path.relative_to(root).as_posix() for path in root.rglob("*.*")]
        sources = [file for file in files if file.endswith((".rs", ".py", ".pyi"))]
        assert {arrows.folder(file) for file in sources} == set(may_use)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {
                "convert/text.rs": """
                    //! Says crate::asgi::x in a comment.
                    use crate::asgi::send::Send;
                """,
                "asgi/send.rs": "",
            },
            ["src/convert/text.rs:3 uses asgi: not allowed"],
        ),
        (
            {
                "convert/text.rs": "fn f() -> super::super::api::policy::Policy {}",
                "api/policy.rs": "",
            },
            ["src/convert/text.rs:1 uses api: not allowed"],
        ),
        (
            {"wsgi/environ.rs": "use crate::{\n    asgi, templates,\n};", "asgi/mod.rs": ""},
            ["src/wsgi/environ.rs:1 uses asgi: not allowed"],
        ),
        (
            {"api/policy.rs": "use super::shared::A;", "api/shared.rs": "use super::policy::B;"},
            [
                "a circle: src/api/policy.rs:1 uses api/shared.rs, "
                "src/api/shared.rs:1 uses api/policy.rs"
            ],
        ),
        (
            {"tables/mod.rs": "use crate::convert::text;", "convert/text.rs": ""},
            ["src/tables/mod.rs: nothing says what tables may use"],
        ),
        (
            {
                "api/policy.rs": "use crate::convert::{request, text::Text};\nmod m { super::f() }",
                "convert/text.rs": "",
                "convert/request.rs": "use super::text::Text;",
            },
            [],
        ),
    ],
)
def test_forbidden_imports_of_rust(
    tmp_path: pathlib.Path, files: dict[str, str], expected: list[str]
) -> None:
    imports = arrows.rust_imports(write(tmp_path, files))
    assert arrows.problems("src", imports, arrows.RUST) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"_options/paths.py": "import re\n\nfrom ..asgi import Send", "asgi.py": ""},
            ["crossgate/_options/paths.py:3 uses asgi: not allowed"],
        ),
        (
            {"wsgi.py": "from crossgate import asgi", "asgi.py": "", "__init__.py": ""},
            ["crossgate/wsgi.py:1 uses asgi: not allowed"],
        ),
        (
            {"aiohttp.py": "import crossgate.flask.site", "flask/site.py": ""},
            ["crossgate/aiohttp.py:1 uses flask: not allowed"],
        ),
        (
            {
                "flask/site.py": "def f():\n    from .views import g",
                "flask/views.py": "from .site import f",
            },
            [
                "a circle: crossgate/flask/site.py:2 uses flask/views.py, "
                "crossgate/flask/views.py:1 uses flask/site.py"
            ],
        ),
        (
            {
                "flask/site.py": "from .._options.paths import Paths\nfrom flask import Flask",
                "_options/paths.py": "from .._crossgate import Policy",
                "_crossgate.pyi": "",
            },
            [],
        ),
    ],
)
def test_forbidden_imports_of_python(
    tmp_path: pathlib.Path, files: dict[str, str], expected: list[str]
) -> None:
    imports = arrows.python_imports(write(tmp_path / "crossgate", files))
    assert arrows.problems("crossgate", imports, arrows.PYTHON) == expected


def test_unsafe_code_has_one_place() -> None:
    word = re.compile(r"\bunsafe\b")
    found = {
        path.relative_to(RUST).parent.as_posix()
        for path in RUST.rglob("*.rs")
        if word.search(re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8")))
    }
    assert found == {"asgi/cpython"}
