"""What a request has, and what a worker remembers of it."""

import subprocess

import pytest
from nginx_harness import ROOT, Connection, Nginx, free_ports
from nginx_site import ANSWERED, EVIL, GRANTED, MAIN, PREFLIGHT_VARY, PUT, A


def test_two_origins_are_none(site):
    assert site.ask("GET", "/a.txt", A, A).cors == {"vary": "Origin"}
    assert site.ask("GET", "/any", A, EVIL).cors == {"access-control-allow-origin": "*"}
    assert site.ask("GET", "/a.txt", ("Origin", "https://a.example, https://a.example")).cors == {
        "vary": "Origin"
    }


def test_many_origins_more_than_once(site):
    """A worker remembers some: each must get its own all the same, and nothing else."""
    names = ["a.example", *(f"x{n}.wild.example" for n in range(12)), f"{'long' * 15}.wild.example"]
    for _ in range(3):
        for name in names:
            origin = ("Origin", f"https://{name}")
            assert site.ask("GET", "/a.txt", origin).cors == GRANTED | {
                "access-control-allow-origin": origin[1]
            }
            assert site.ask("GET", "/a.txt", origin, origin).cors == {"vary": "Origin"}
            assert site.ask("GET", "/any", origin).cors == {"access-control-allow-origin": "*"}
            assert site.ask("GET", "/a.txt", ("Origin", f"https://{name}.")).cors == {
                "vary": "Origin"
            }
            answer = site.preflight("/a.txt", origin, PUT)
            assert (answer.status, answer.cors) == (
                204,
                ANSWERED | {"access-control-allow-origin": origin[1]},
            )
            assert site.ask("OPTIONS", "/a.txt", origin).one("vary") == PREFLIGHT_VARY


TELLS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <crossgate.h>

crossgate_status crossgate_evaluate(const crossgate_policy *policy, const crossgate_request
*request,
                                    crossgate_decision *decision, char *scratch, size_t size) {
    static __typeof__(&crossgate_evaluate) real;
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "crossgate_evaluate");
    fputs("crossgate_evaluate is called\n", stderr);
    return real(policy, request, decision, scratch, size);
}
"""


class Telling(Nginx):
    """An nginx with one worker whose error log has a line for each time that the library "
    "decides."""

    def __init__(self, prefix, module):
        super().__init__(prefix, module, workers=1)
        source = self.write("tells.c", TELLS)
        command = [
            "cc",
            "-shared",
            "-fPIC",
            "-Wall",
            "-Werror",
            f"-I{ROOT}/include",
            source,
            "-o",
            prefix / "tells.so",
        ]
        subprocess.run([*command, "-ldl"], check=True)

    @property
    def command(self):
        return ["env", f"LD_PRELOAD={self.prefix}/tells.so", *super().command]

    @property
    def decisions(self):
        return self.errors.count("crossgate_evaluate is called")


def test_what_a_worker_remembers(module, tmp_path):
    """Origins that somebody else can invent take no place of those that are listed."""
    many = [f"https://{n}.example" for n in range(10)]
    policies = {
        "main": MAIN,
        "any": {
            "allow_origins": "*",
            "expose_headers": ["X-Total"],
            "own_origins": ["https://own.example"],
        },
        "many": {"allow_origins": many},
        "null": {"allow_origins": ["https://a.example"], "allow_null_origin": True},
        "static": {"allow_origins": ["https://a.example"], "single_origin": "static"},
        "host": {"origin_predicate": True},
    }
    (port,) = free_ports(1)
    nginx = Telling(tmp_path, module)
    for name, policy in policies.items():
        nginx.write(f"{name}.json", policy)
    places = "".join(
        f"location /{name} {{ crossgate_policy {name}.json; return 200; }}" for name in policies
    )
    watched = (
        "location /watched { crossgate_policy any.json; crossgate_shadow main.json; return 200; }"
    )
    asked = "location /asked { crossgate_policy host.json; crossgate_verdict allow; return 200; }"
    nginx.configure(f"server {{ listen 127.0.0.1:{port}; {places} {watched} {asked} }}")
    with nginx.running(port), Connection(port) as connection:

        def decisions(path, *origins, method="GET", answer="same"):
            before = nginx.decisions
            cors = connection.ask(method, path, *(("Origin", origin) for origin in origins)).cors
            assert cors.get("access-control-allow-origin") == (
                origins[0] if answer == "same" else answer
            )
            return nginx.decisions - before

        # A place is taken by deciding a second time.
        for _ in range(2):
            for n in range(9):
                assert decisions("/main", f"https://x{n}.wild.example") == 1
                assert decisions("/asked", f"https://x{n}.example") == 1
        assert [decisions("/main", "https://a.example") for _ in range(3)] == [2, 0, 0]
        assert [decisions("/main", "https://x0.wild.example") for _ in range(2)] == [1, 1]
        assert [decisions("/main", "https://evil.example", answer=None) for _ in range(2)] == [1, 1]
        assert [decisions("/null", "null") for _ in range(2)] == [1, 1]
        for number, origin in enumerate(many):
            assert [decisions("/many", origin) for _ in range(2)] == (
                [2, 0] if number < 8 else [1, 1]
            )
        assert decisions("/many", many[0]) == 0
        # A constant origin, but what is told of the request differs.
        assert [decisions("/static", "https://a.example") for _ in range(2)] == [2, 0]
        assert [
            decisions("/static", "https://evil.example", answer="https://a.example")
            for _ in range(2)
        ] == [1, 1]
        # "*" is the same for everybody, and never takes long.
        for origins in (
            ["https://a.example"],
            ["null"],
            ["x, y"],
            ["https://own.example"],
            ["https://a.example"] * 2,
        ):
            assert decisions("/any", *origins, answer="*") == 0
            assert decisions("/any", *origins, answer="*", method="POST") == 0
            assert decisions("/any", *origins, answer="*", method="OPTIONS") == 1
        exposed = {"access-control-allow-origin": "*", "access-control-expose-headers": "X-Total"}
        assert connection.ask("GET", "/any", EVIL).cors == exposed
        assert decisions("/watched", "https://a.example", answer="*") == 2
        assert nginx.errors.count("shadow policy differs") == 1


@pytest.mark.parametrize(
    "value", ["\thttps://a.example", "https://a.example\t ", " \t https://a.example"]
)
def test_tabs_around_an_origin(site, value):
    assert site.ask("GET", "/a.txt", ("Origin", value)).cors == GRANTED


def test_any_case_of_names(site):
    assert site.ask("GET", "/a.txt", ("oRIGIN", "https://a.example")).cors == GRANTED
