"""crossgate_websocket: handshakes that the policy denies reach no upstream."""

import re

import pytest
from nginx_harness import Connection, Nginx, Upstream, free_ports
from nginx_site import EVIL, MAIN, POLICIES, A

HANDSHAKE = (("Connection", "Upgrade"), ("Upgrade", "websocket"))
PAGES = {
    "/socket": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\n\r\n",
    "/plain": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain",
}
HTTP = """
    map $http_origin $verdict { default deny; https://tenant.example allow; }
    server {
        listen 127.0.0.1:%(port)d;
        root html;
        crossgate_policy main.json;
        crossgate_websocket on;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;

        location / { proxy_pass http://127.0.0.1:%(upstream)d; }
        location /off/ { crossgate_websocket off; proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /no-policy/ { crossgate off; proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /any/ { crossgate_policy any.json; proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /public/ { crossgate_policy any.json; crossgate_websocket public;
            proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /own/ { crossgate_policy own.json; proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /host/ { crossgate_policy host.json; crossgate_verdict $verdict;
            proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /host-mute/ { crossgate_policy host.json;
            proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /tried/ { crossgate_websocket off; rewrite ^/tried(/.*) $1 break;
            try_files /none @socket; }
        location @socket { crossgate_websocket on; proxy_pass http://127.0.0.1:%(upstream)d; }
        location /secret/ { auth_basic x; auth_basic_user_file none;
            proxy_pass http://127.0.0.1:%(upstream)d/; }
    }
"""


@pytest.fixture(scope="module")
def server(module, tmp_path_factory):
    nginx = Nginx(tmp_path_factory.mktemp("websocket"), module)
    for name in ("main", "any", "host"):
        nginx.write(f"{name}.json", POLICIES[name])
    nginx.write("own.json", MAIN | {"own_origins": ["https://own.example"]})
    (port,) = free_ports(1)
    with Upstream(PAGES).running() as upstream:
        nginx.configure(HTTP % {"port": port, "upstream": upstream.port})
        with nginx.running(port):
            nginx.port, nginx.upstream = port, upstream
            yield nginx


def handshake(server, path, *headers):
    """The status, and whether the upstream was asked. A socket that is open echoes."""
    server.upstream.seen.clear()
    with Connection(server.port) as connection:
        status = connection.ask("GET", path, *headers).status
        if status == 101:
            connection.socket.sendall(b"\x81\x05hello")
            assert connection.exactly(7) == b"\x81\x05hello"
    return status, bool(server.upstream.seen)


OPEN, DENIED = (101, True), (403, False)


@pytest.mark.parametrize(
    ("path", "origin", "expected"),
    [
        ("/socket", A, OPEN),
        ("/socket", ("Origin", "https://b.wild.example"), OPEN),
        ("/socket", EVIL, DENIED),
        ("/socket", ("Origin", "null"), DENIED),
        ("/socket", ("Origin", ""), DENIED),
        ("/socket", None, OPEN),  # no browser
        ("/off/socket", EVIL, OPEN),
        ("/no-policy/socket", EVIL, OPEN),
        ("/any/socket", EVIL, DENIED),
        ("/public/socket", EVIL, OPEN),
        ("/own/socket", ("Origin", "https://own.example"), OPEN),
        ("/own/socket", EVIL, DENIED),
        ("/host/socket", ("Origin", "https://tenant.example"), OPEN),
        ("/host/socket", EVIL, DENIED),
        ("/host-mute/socket", ("Origin", "https://tenant.example"), DENIED),
        ("/tried/socket", A, OPEN),
        ("/tried/socket", EVIL, DENIED),
        ("/secret/socket", EVIL, DENIED),
    ],
)
def test_a_handshake(server, path, origin, expected):
    headers = (*HANDSHAKE, *([origin] if origin else []))
    assert handshake(server, path, *headers) == expected


@pytest.mark.parametrize(
    "upgrade", ["WebSocket", "h2c, websocket", " websocket", "websocket/13", "x-websocket"]
)
def test_whatever_an_upstream_could_take_for_one(server, upgrade):
    headers = (("Connection", "Upgrade"), ("Upgrade", upgrade))
    assert handshake(server, "/socket", EVIL, *headers) == DENIED
    assert handshake(server, "/socket", EVIL, ("Upgrade", "h2c"), *headers) == DENIED


def test_two_origins_are_none(server):
    assert handshake(server, "/socket", A, A, *HANDSHAKE) == DENIED


def test_other_requests_are_not_asked(server):
    for headers in ([EVIL], [EVIL, ("Upgrade", "h2c")]):
        assert handshake(server, "/plain", *headers) == (200, True)


def test_the_log_names_the_origin(server):
    before = server.errors.count("handshake denied")
    assert handshake(server, "/any/socket", EVIL, *HANDSHAKE) == DENIED
    lines = re.findall(r".*WebSocket handshake denied: (.*?), client", server.errors)[before:]
    assert lines == ["kind=actual reason=allowed_any action=forward origin=https://evil.example"]


def test_the_403_has_the_headers_of_the_policy(server):
    with Connection(server.port) as connection:
        response = connection.ask("GET", "/socket", EVIL, *HANDSHAKE)
    assert (response.status, response.cors) == (403, {"vary": "Origin"})
