"""CrossgateWebSocket: handshakes that the policy denies reach no upstream."""

import re

import pytest
from httpd_server import Connection
from httpd_site import DENIED as DENIED_HEADERS
from httpd_site import EVIL, A

HANDSHAKE = (("Connection", "Upgrade"), ("Upgrade", "websocket"))
OPEN, DENIED = (101, True), (403, False)


def handshake(server, path, *headers):
    """The status, and whether the upstream was asked. A socket that is open echoes."""
    server.upstream.seen.clear()
    with Connection(server.port) as connection:
        connection.send("GET", path, headers)
        answer = connection.head()
        if answer.status == 101:
            assert answer.cors == {}
            connection.socket.sendall(b"\x81\x05world")
            assert connection.file.read(12) == b"hello\x81\x05world"
        else:
            assert answer.cors in (DENIED_HEADERS, {"access-control-allow-origin": "*"})
    return answer.status, bool(server.upstream.seen)


@pytest.mark.parametrize(
    ("path", "origin", "expected"),
    [
        ("/ws/x", A, OPEN),
        ("/ws/x", EVIL, DENIED),
        ("/ws/x", ("Origin", "null"), DENIED),
        ("/ws/x", ("Origin", ""), DENIED),
        ("/ws/x", None, OPEN),  # no browser
        ("/ws/off/x", EVIL, OPEN),
        ("/ws/no-policy/x", EVIL, OPEN),
        ("/ws/any/x", EVIL, DENIED),
        ("/ws/public/x", EVIL, OPEN),
        ("/ws/own/x", ("Origin", "https://server.example"), OPEN),
        ("/ws/own/x", EVIL, DENIED),
        ("/ws/host/x", ("Origin", "https://tenant.example"), OPEN),
        ("/ws/host/x", EVIL, DENIED),
        ("/ws/host-mute/x", ("Origin", "https://tenant.example"), DENIED),
        ("/ws/auth/x", EVIL, DENIED),
    ],
)
def test_a_handshake(server, path, origin, expected):
    headers = (*HANDSHAKE, *([origin] if origin else []))
    assert handshake(server, path, *headers) == expected


@pytest.mark.parametrize("upgrade", ["WebSocket", "h2c, websocket", "websocket/13", "x-websocket"])
def test_whatever_an_upstream_could_take_for_one(server, upgrade):
    headers = (("Connection", "Upgrade"), ("Upgrade", upgrade))
    assert handshake(server, "/ws/x", EVIL, *headers) == DENIED


def test_two_origins_are_none(server):
    assert handshake(server, "/ws/x", A, A, *HANDSHAKE) == DENIED


def test_the_log_names_the_origin(server):
    before = server.log().count("denied a WebSocket")
    assert handshake(server, "/ws/any/x", EVIL, *HANDSHAKE) == DENIED
    server.wait_log("denied a WebSocket handshake: kind=actual reason=allowed_any")
    lines = re.findall(r"denied a WebSocket handshake: (.*)", server.log())[before:]
    assert lines == ["kind=actual reason=allowed_any action=forward origin=https://evil.example"]
