"""crossgate.hpp under two compilers and two standards, with and without exceptions; the C++ blocks
of docs/c.md.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, SANITIZE

HERE = pathlib.Path(__file__).resolve().parent
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
PAGE = (ROOT / "docs/c.md").read_text()
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def need(name):
    if not shutil.which(name):
        pytest.skip(f"the package {name.replace('clang++', 'clang')} is missing")


def has_runtime(compiler, folder):
    (folder / "empty.cpp").write_text("int main() {}\n")
    command = [compiler, str(folder / "empty.cpp"), "-o", str(folder / "empty"), *SANITIZE]
    return subprocess.run(command, capture_output=True, timeout=300).returncode == 0


# What crossgate.h has and crossgate.hpp does otherwise.
OTHERWISE = {
    # For languages without views.
    "crossgate_evaluate_block",
    "crossgate_answer_init",
    # The policy is built first and then put in place, so that the caller gets it and its warnings.
    "crossgate_shared_policy_replace_json",
    "crossgate_shared_policy_replace_toml",
    "crossgate_shared_policy_replace_file",
}


def test_everything_of_the_c_header_is_there():
    """Every function and every constant with a meaning for a server."""
    c, cpp = ((ROOT / "include" / name).read_text() for name in ("crossgate.h", "crossgate.hpp"))
    functions = set(
        re.findall(r"\b(crossgate_\w+)\(\w", re.sub(r"/\*.*?\*/", "", c, flags=re.DOTALL))
    )
    assert len(functions) > 40
    assert {name for name in functions if not re.search(rf"\b{name}\b", cpp)} == OTHERWISE
    constants = set(re.findall(r"#define (CROSSGATE_[A-Z0-9_]+) \d", c))
    constants -= {name for name in constants if name.startswith("CROSSGATE_VERSION_")}
    missing = {name for name in constants if not re.search(rf"\b{name}\b", cpp)}
    assert missing <= {
        "CROSSGATE_ABI_VERSION",
        "CROSSGATE_ADDED_LINES",
        # Its strings are as long as they must be.
        "CROSSGATE_DESCRIPTION_SIZE",
        "CROSSGATE_SOURCE_MERGED",
    }, missing


def run(program, compiler, **options):
    environment = {**compiler.environment, "ASAN_OPTIONS": "detect_leaks=1"}
    found = subprocess.run(
        [str(program)], capture_output=True, text=True, timeout=300, env=environment, **options
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


@pytest.mark.parametrize("exceptions", ["-fexceptions", "-fno-exceptions"])
@pytest.mark.parametrize("standard", ["-std=c++17", "-std=c++20", "-std=c++2b"])
@pytest.mark.parametrize("name", ["g++", "clang++"])
def test_header(name, standard, exceptions, compiler, tmp_path):
    need(name)
    # A second file with the header in it: nothing may be defined twice.
    second = tmp_path / "second.cpp"
    second.write_text("#include <crossgate.hpp>\n")
    sources = [HERE / "hpp_test.cpp", second]
    program = compiler.compile(name, sources, tmp_path / "test", *STRICT, standard, exceptions)
    assert run(program, compiler, cwd=tmp_path) == "0 failures\n"


# clang's sanitizers need its own runtime, a package of its own in Debian.
@pytest.mark.parametrize(
    ("name", "exceptions"),
    [("g++", "-fexceptions"), ("g++", "-fno-exceptions"), ("clang++", "-fexceptions")],
)
def test_under_sanitizers(name, exceptions, compiler, tmp_path):
    need(name)
    source = HERE / "hpp_test.cpp"
    if name == "clang++" and not has_runtime(name, tmp_path):
        pytest.skip("clang's sanitizer runtime is missing (Debian: libclang-rt-14-dev)")
    program = compiler.compile(
        name, [source], tmp_path / "test", *STRICT, "-std=c++17", "-O1", exceptions, *SANITIZE
    )
    assert run(program, compiler, cwd=tmp_path) == "0 failures\n"


@pytest.mark.parametrize(
    "line",
    [
        'request.add_header("Origin", std::string("https://a.example"));',
        'crossgate::request other(std::string("GET"));',
        'crossgate::request other("GET", std::map<std::string, std::string>());',
        'for (auto problem : crossgate::policy::from_json("{}").value().warnings()) (void)problem;',
        'crossgate::policy::from_json("{}").value().evaluate(request, decision);',
        "crossgate::decision other = decision;",
        "shared.load().evaluate(request, decision);",
        "for (auto problem : shared.load().warnings()) (void)problem;",
        "crossgate::counters mine; crossgate::counters other = mine;",
    ],
)
def test_what_would_dangle_is_refused(line, tmp_path):
    program = f"""#include <crossgate.hpp>
        #include <map>
        void f(crossgate::request &request, crossgate::decision &decision,
            crossgate::shared_policy &shared) {{
            (void)request; (void)decision; (void)shared;
            {line}
        }}"""
    source = tmp_path / "refused.cpp"
    command = ["g++", "-std=c++17", "-fsyntax-only", f"-I{ROOT}/include", str(source)]
    source.write_text(program.replace(line, ""))
    assert subprocess.run(command, capture_output=True).returncode == 0
    source.write_text(program)
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 1
    assert "deleted function" in found.stderr, found.stderr


def undocumented(node, public=True):
    """The items of a node of clang's tree without a comment."""
    record = node["kind"] == "CXXRecordDecl"
    public = node.get("tagUsed") != "class" if record else public
    for item in node.get("inner", []):
        kind, name = item["kind"], item.get("name", "")
        if kind == "AccessSpecDecl":
            public = item["access"] == "public"
        inside = item.get("inner", [])
        if (
            kind == "ClassTemplateDecl"
        ):  # the comment is the template's, the members are the class's
            yield from undocumented(
                next(part for part in inside if part["kind"] == "CXXRecordDecl")
            )
        if kind not in COMMENTED and not kind.endswith("TemplateDecl"):
            continue
        if (
            not public
            or item.get("isImplicit")
            or item.get("explicitlyDeleted")
            or name in ("detail", "")
        ):
            continue
        if kind == "FunctionTemplateDecl" and any(part.get("explicitlyDeleted") for part in inside):
            continue
        if item.get("explicitlyDefaulted") or item.get("parentDeclContextId"):
            continue
        declared = kind in ("CXXRecordDecl", "EnumDecl") and not inside
        if not declared and not any(part["kind"] == "FullComment" for part in inside):
            yield name
        if kind in ("CXXRecordDecl", "EnumDecl", "NamespaceDecl"):
            yield from undocumented(item)


COMMENTED = {
    "CXXRecordDecl",
    "EnumDecl",
    "EnumConstantDecl",
    "FunctionDecl",
    "CXXMethodDecl",
    "CXXConstructorDecl",
}
COMMENTED |= {"CXXDestructorDecl", "FieldDecl", "VarDecl", "NamespaceDecl"}


def bare_items(header, folder):
    (folder / "crossgate.hpp").write_text(header)
    (folder / "crossgate.h").write_text((ROOT / "include/crossgate.h").read_text())
    (folder / "a.cpp").write_text("#include <crossgate.hpp>\n")
    command = [
        "clang++",
        "-std=c++17",
        "-fsyntax-only",
        "-I.",
        "-Xclang",
        "-ast-dump=json",
        "-Xclang",
    ]
    found = subprocess.run(
        [*command, "-ast-dump-filter=crossgate", "a.cpp"],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    decoder, at, bare = json.JSONDecoder(), found.stdout.find("{"), []
    while at >= 0:
        node, end = decoder.raw_decode(found.stdout, at)
        if node["kind"] == "NamespaceDecl" and node["name"] == "crossgate":
            bare += undocumented(node)
        at = found.stdout.find("{", end)
    return bare


def test_every_item_is_documented(tmp_path):
    need("clang++")
    header = (ROOT / "include/crossgate.hpp").read_text()
    assert bare_items(header, tmp_path) == []
    for comment in (
        "    /** Why. */\n",
        "/** How weighty a problem is. */\n",
        " ///< Done.",
    ):
        assert comment in header
        assert bare_items(header.replace(comment, "", 1), tmp_path) != [], comment


APP = "https://app.example.com"
PREFLIGHT = f"OPTIONS / HTTP/1.1\r\nOrigin: {APP}\r\nAccess-Control-Request-Method: PUT\r\n\r\n"


@pytest.mark.parametrize(
    ("language", "text"),
    BLOCK.findall(PAGE.split("\n## A server\n")[1].split("\n## ")[0]),
    ids=["c", "cpp"],
)
def test_servers_of_the_page(language, text, compiler, tmp_path):
    source = tmp_path / f"example.{language}"
    source.write_text(text)
    readme = BLOCK.findall((ROOT / "README.md").read_text())
    (tmp_path / "policy.json").write_text(next(text for name, text in readme if name == "json"))
    command, standard = ("cc", "-std=c11") if language == "c" else ("c++", "-std=c++17")
    program = compiler.compile(
        command, [source], tmp_path / "example", standard, *STRICT, *SANITIZE
    )

    def send(request):
        answer = run(program, compiler, cwd=tmp_path, input=request).replace("\r\n", "\n")
        head, _, body = answer.partition("\n\n")
        first, *lines = head.split("\n")
        pairs = (line.split(": ", 1) for line in lines)
        return int(first.split()[1]), {name.lower(): value for name, value in pairs}, body

    status, headers, body = send(f"GET / HTTP/1.1\r\nHost: a\r\nOrigin: {APP}\r\n\r\n")
    assert (status, headers["access-control-allow-origin"], body) == (200, APP, "hello\n")
    assert headers["vary"] == ("Origin" if language == "c" else "accept-encoding, Origin")
    status, headers, body = send(PREFLIGHT)
    assert (status, headers["access-control-allow-methods"], body) == (204, "PUT, DELETE", "")
    assert "content-length" not in headers
    status, headers, body = send(PREFLIGHT.replace("app", "evil"))
    assert (status, headers["content-length"], body) == (403, "0", "")
    two = f"GET / HTTP/1.1\r\nOrigin: {APP}\r\nOrigin: {APP}\r\n\r\n"
    for request in ("GET / HTTP/1.1\r\n\r\n", two):
        status, headers, _ = send(request)
        assert status == 200
        assert "access-control-allow-origin" not in headers
    assert run(program, compiler, cwd=tmp_path, input="") == ""


# What the fragments of the page leave to the reader: a program around reload() and serve().
CHANGES = {
    "c": """
#include <crossgate.h>
#include <stdio.h>
#include <string.h>
{fragment}
int main(int count, char **paths) {{
    crossgate_policy *policy;
    crossgate_request request;
    crossgate_decision decision;
    if (crossgate_policy_from_file(paths[1], strlen(paths[1]), &policy, NULL) != CROSSGATE_OK ||
        crossgate_shared_policy_new(policy, &shared) != CROSSGATE_OK)
        return 1;
    crossgate_policy_free(policy);
    for (int i = 1; i < count; i++) {{
        reload(paths[i]);
        crossgate_request_init(&request, sizeof request, "GET", 3);
        crossgate_request_add_header(&request, "Origin", 6, "https://app.example.com", 23);
        crossgate_decision_init(&decision, sizeof decision);
        serve(&request, &decision);
        printf("%d ", decision.allowed);
    }}
    crossgate_shared_policy_free(shared);
    return 0;
}}
""",
    "cpp": """
#include <crossgate.hpp>
#include <iostream>
{fragment}
int main(int count, char **paths) {{
    const crossgate::shared_policy shared(crossgate::policy::from_file(paths[1]).value());
    for (int i = 1; i < count; i++) {{
        reload(shared, paths[i]);
        crossgate::request request("GET");
        request.add_header("Origin", "https://app.example.com");
        serve(shared, request);
        const auto policy = shared.load();
        crossgate::decision decision(policy);
        policy.evaluate(request, decision);
        std::cout << decision.allowed().value() << ' ';
    }}
}}
""",
}


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_changes_of_the_page(language, compiler, tmp_path):
    [fragment] = re.findall(rf"^```{language} fragment\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    source = tmp_path / f"change.{language}"
    source.write_text(CHANGES[language].format(fragment=fragment))
    strict = [flag for flag in STRICT if flag != "-Wshadow"]
    command, standard = ("cc", "-std=c11") if language == "c" else ("c++", "-std=c++17")
    program = compiler.compile(command, [source], tmp_path / "change", standard, *strict, *SANITIZE)
    policies = {
        "app": "https://app.example.com",
        "other": "HTTPS://other.example",
        "bad": "https://app.example.com/",
    }
    for name, origin in policies.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"allow_origins": [origin]}))
    order = ("app", "other", "bad", "app")
    environment = {**compiler.environment, "ASAN_OPTIONS": "detect_leaks=1"}
    command = [str(program), *(str(tmp_path / f"{name}.json") for name in order)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert (found.returncode, found.stdout) == (0, "1 0 0 1 "), found.stderr
    assert "the old policy stays:" in found.stderr
    assert "origin_has_path" in found.stderr


def test_ctypes_of_the_page(compiler, tmp_path):
    script = tmp_path / "example.py"
    script.write_text(next(text for name, text in BLOCK.findall(PAGE) if name == "py"))
    found = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=compiler.environment
    )
    assert found.returncode == 0, found.stderr
    assert "origin_has_path" in found.stdout


def test_links_of_the_page():
    for target in re.findall(r"\]\(([^)]+)\)", BLOCK.sub("", PAGE)):
        assert (ROOT / "docs" / target).exists(), target
    for example in re.findall(r"^\| [^|]+ \| `([\w./-]+)` \|", PAGE, re.MULTILINE):
        assert (ROOT / "ffi/examples" / example).exists(), example
