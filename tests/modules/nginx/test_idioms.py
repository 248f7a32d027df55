"""What the usual nginx snippets get wrong, beside the module with a policy that says the same."""

import pytest
from nginx_harness import Connection, Nginx, Upstream, free_ports

A = ("Origin", "https://a.example")
EVIL = ("Origin", "https://evil.example")
PUT = ("Access-Control-Request-Method", "PUT")
ACAO = "access-control-allow-origin"

POLICY = {
    "allow_origins": ["https://a.example", "https://*.example.com"],
    "allow_methods": ["PUT"],
    "allow_credentials": True,
}

# As they are found in answers and blogs.
IDIOMS = r"""
    map $http_origin $listed { default ""; https://a.example $http_origin;
        "~*example\.com" $http_origin; }

    server {
        listen 127.0.0.1:%(idiom)d;
        root html;

        location /options/ {
            if ($request_method = OPTIONS) {
                add_header Access-Control-Allow-Origin https://a.example;
                add_header Access-Control-Allow-Methods "GET, PUT, OPTIONS";
                return 204;
            }
            add_header Access-Control-Allow-Origin https://a.example;
            proxy_pass http://127.0.0.1:%(upstream)d/;
        }
        location /map/ {
            add_header Access-Control-Allow-Origin $listed always;
            add_header Access-Control-Allow-Credentials true always;
            alias html/;

            location /map/nested/ { add_header Cache-Control no-store; alias html/; }
        }
        location /map-auth/ {
            add_header Access-Control-Allow-Origin $listed always;
            auth_basic "x"; auth_basic_user_file users;
        }
        location /reflect/ {
            add_header Access-Control-Allow-Origin $http_origin always;
            add_header Access-Control-Allow-Credentials true always;
            alias html/;
        }
        location /if/ {
            add_header X-Frame-Options DENY always;
            if ($http_origin ~* (https?://.*\.example\.com)) {
                add_header Access-Control-Allow-Origin $http_origin always;
            }
            alias html/;
        }
        location /proxy/ {
            add_header Access-Control-Allow-Origin $listed always;
            proxy_pass http://127.0.0.1:%(upstream)d/;
        }
    }
    server {
        listen 127.0.0.1:%(module)d;
        root html;
        crossgate_policy cors.json;

        location /options/ { proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /map/ { alias html/; location /map/nested/ { add_header Cache-Control no-store;
            alias html/; } }
        location /map-auth/ { auth_basic "x"; auth_basic_user_file users; }
        location /reflect/ { alias html/; }
        location /if/ { add_header X-Frame-Options DENY always; alias html/; }
        location /proxy/ { proxy_pass http://127.0.0.1:%(upstream)d/; }
    }
"""


@pytest.fixture(scope="module")
def ask(module, tmp_path_factory):
    """Both answers, (the idiom's, the module's), to one request."""
    nginx = Nginx(tmp_path_factory.mktemp("idioms"), module)
    nginx.write("cors.json", POLICY)
    nginx.write("users", "user:{PLAIN}word\n")
    nginx.write("html/a.txt", "a")
    idiom, with_module = free_ports(2)
    page = (
        b"HTTP/1.0 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAllow: GET, PUT\r\n"
        b"Content-Length: 2\r\n\r\nup"
    )
    with Upstream({"/star": page}).running() as upstream:
        nginx.configure(IDIOMS % {"idiom": idiom, "module": with_module, "upstream": upstream.port})

        def both(method, path, *headers):
            answers = []
            for port in (idiom, with_module):
                with Connection(port) as connection:
                    answers.append(connection.ask(method, path, *headers))
            return answers

        with nginx.running(with_module):
            yield both


def test_errors_lose_headers_without_always(ask):
    idiom, module = ask("GET", "/options/none", A)
    assert (idiom.status, idiom.one(ACAO)) == (404, None)
    assert (module.status, module.one(ACAO)) == (404, "https://a.example")


def test_every_options_is_swallowed(ask):
    idiom, module = ask("OPTIONS", "/options/star")
    assert (idiom.status, idiom.one("allow")) == (204, None)
    assert (module.status, module.one("allow")) == (200, "GET, PUT")


def test_a_preflight_is_answered_without_a_look_at_it(ask):
    idiom, module = ask("OPTIONS", "/options/star", EVIL, PUT)
    assert (idiom.status, idiom.one(ACAO)) == (204, "https://a.example")
    assert (module.status, module.one(ACAO)) == (403, None)


def test_vary_is_missing(ask):
    for origin in (A, EVIL):
        idiom, module = ask("GET", "/map/a.txt", origin)
        assert (idiom.status, idiom.one("vary")) == (200, None)
        assert (module.status, module.one("vary")) == (200, "Origin")


def test_credentials_are_offered_to_everybody(ask):
    idiom, module = ask("GET", "/map/a.txt", EVIL)
    assert idiom.one("access-control-allow-credentials") == "true"
    assert module.one("access-control-allow-credentials") is None


def test_a_preflight_of_a_file_is_refused(ask):
    idiom, module = ask("OPTIONS", "/map/a.txt", A, PUT)
    assert idiom.status == 405
    assert (module.status, module.one("access-control-allow-methods")) == (204, "PUT")


def test_a_preflight_is_asked_for_a_password(ask):
    idiom, module = ask("OPTIONS", "/map-auth/a.txt", A, PUT)
    assert idiom.status == 401
    assert (module.status, module.one(ACAO)) == (204, "https://a.example")


def test_add_header_in_a_nested_location_drops_the_inherited_ones(ask):
    idiom, module = ask("GET", "/map/nested/a.txt", A)
    assert (idiom.one("cache-control"), idiom.one(ACAO)) == ("no-store", None)
    assert (module.one("cache-control"), module.one(ACAO)) == ("no-store", "https://a.example")


@pytest.mark.parametrize(
    "origin",
    ["https://example.com.evil.example", "https://notexample.com", "http://www.example.com"],
)
def test_a_regex_without_anchors(ask, origin):
    idiom, module = ask("GET", "/map/a.txt", ("Origin", origin))
    assert idiom.one(ACAO) == origin
    assert module.one(ACAO) is None
    both = ask("GET", "/map/a.txt", ("Origin", "https://www.example.com"))
    assert [answer.one(ACAO) for answer in both] == ["https://www.example.com"] * 2


def test_a_regex_in_if(ask):
    origin = "https://www.example.com.evil.example"
    idiom, module = ask("GET", "/if/a.txt", ("Origin", origin))
    assert idiom.one(ACAO) == origin
    assert module.one(ACAO) is None
    # And the location's other headers are gone where the if holds.
    idiom, module = ask("GET", "/if/a.txt", ("Origin", "https://www.example.com"))
    assert (idiom.one(ACAO), idiom.one("x-frame-options")) == ("https://www.example.com", None)
    assert (module.one(ACAO), module.one("x-frame-options")) == ("https://www.example.com", "DENY")


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_reflection_trusts_everybody(ask, origin):
    idiom, module = ask("GET", "/reflect/a.txt", ("Origin", origin))
    assert (idiom.one(ACAO), idiom.one("access-control-allow-credentials")) == (origin, "true")
    assert module.one(ACAO) is None


def test_two_lines_with_an_upstream_that_has_its_own(ask):
    idiom, module = ask("GET", "/proxy/star", A)
    assert idiom.all(ACAO) == ["*", "https://a.example"]
    assert module.all(ACAO) == ["https://a.example"]
    idiom, module = ask("GET", "/proxy/star", EVIL)
    assert idiom.all(ACAO) == ["*"]
    assert module.all(ACAO) == []
