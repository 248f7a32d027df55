"""crossgate.aiohttp on aiohttp's own server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from crossgate import Counters, Policy, PolicyError, SharedPolicy
from crossgate.aiohttp import setup

A, EVIL = "https://a.example", "https://evil.example"
ACAO = "Access-Control-Allow-Origin"
ACRM = "Access-Control-Request-Method"


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello", headers={"Vary": "Accept"})


async def own(request: web.Request) -> web.Response:
    return web.Response(text="own", headers={ACAO: "*", "Access-Control-Expose-Headers": "X-Own"})


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"a")
    await response.write_eof(b"b")
    return response


async def refused(request: web.Request) -> web.Response:
    raise web.HTTPGone


async def crash(request: web.Request) -> web.Response:
    raise ZeroDivisionError


async def socket(request: web.Request) -> web.WebSocketResponse:
    response = web.WebSocketResponse()
    await response.prepare(request)
    await response.send_str("hello")
    await response.close()
    return response


def application() -> web.Application:
    app = web.Application()
    routes = {
        "/": hello,
        "/own": own,
        "/stream": stream,
        "/refused": refused,
        "/crash": crash,
        "/socket": socket,
    }
    for path, handler in routes.items():
        app.router.add_get(path, handler)
    sub = web.Application()
    sub.router.add_get("/hello", hello)
    app.add_subapp("/sub", sub)
    return app


Ask = Callable[..., Awaitable[aiohttp.ClientResponse]]


def serve(app: web.Application, client: Callable[[Ask], Awaitable[None]]) -> None:
    """Runs a client against a server on a free port."""

    async def main() -> None:
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

            async def ask(
                path: str, origin: str | None = A, method: str = "GET", **headers: str
            ) -> Any:
                sent = {key.replace("_", "-"): value for key, value in headers.items()}
                if origin is not None:
                    sent["Origin"] = origin
                async with session.request(method, path, headers=sent) as response:
                    await response.read()
                    return response

            await asyncio.wait_for(client(ask), 30)
        await runner.cleanup()

    asyncio.run(main())


OPTIONS: dict[str, Any] = {
    "allow_origins": [A],
    "allow_methods": ["PUT"],
    "expose_headers": ["X-B"],
}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/stream", 200),
        ("/refused", 410),
        ("/crash", 500),
        ("/none", 404),
        ("/sub/hello", 200),
        ("/sub/none", 404),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_every_response(path: str, status: int) -> None:
    app = application()
    setup(app, **OPTIONS)

    async def client(ask: Ask) -> None:
        for origin in (A, EVIL, None):
            response = await ask(path, origin)
            assert response.status == status
            assert response.headers.getall(ACAO, []) == ([A] if origin == A else [])
            assert "Origin" in response.headers["Vary"]
        if path != "/stream":  # whose handler writes a body that HEAD has not
            assert (await ask(path, method="HEAD")).headers.getall(ACAO) == [A]

    serve(app, client)


def test_preflights() -> None:
    app = application()
    setup(app, **OPTIONS)

    async def client(ask: Ask) -> None:
        for path in ("/", "/none", "/sub/hello"):
            allowed = await ask(path, method="OPTIONS", Access_Control_Request_Method="PUT")
            assert (allowed.status, allowed.headers["Access-Control-Allow-Methods"]) == (204, "PUT")
            denied = await ask(path, EVIL, method="OPTIONS", Access_Control_Request_Method="PUT")
            assert (
                denied.status,
                denied.headers.get(ACAO),
                denied.headers.get("Content-Type"),
            ) == (403, None, None)
        plain = await ask("/", method="OPTIONS")
        assert (plain.status, plain.headers[ACAO]) == (405, A)

    serve(app, client)


def test_what_the_handler_set() -> None:
    app, counters = application(), Counters()
    setup(app, counters=counters, **OPTIONS)

    async def client(ask: Ask) -> None:
        response = await ask("/own")
        assert response.headers.getall(ACAO) == [A]
        assert response.headers["Access-Control-Expose-Headers"] == "X-Own, X-B"
        assert ACAO not in (await ask("/own", EVIL)).headers
        assert (await ask("/")).headers["Vary"] == "Accept, Origin"

    serve(app, client)
    assert (counters.overwrote_upstream, counters.as_dict()["allowed"]) == (2, 2)


def test_a_sub_application_with_its_own() -> None:
    app, sub = web.Application(), web.Application()
    sub.router.add_get("/hello", hello)
    setup(sub, allow_origins="*")
    app.add_subapp("/sub", sub)
    setup(app, **OPTIONS)

    async def client(ask: Ask) -> None:
        assert (await ask("/sub/hello", EVIL)).headers.getall(ACAO) == ["*"]
        assert ACAO not in (await ask("/none", EVIL)).headers

    serve(app, client)


@pytest.mark.parametrize("websocket", [False, True])
def test_websockets(websocket: bool) -> None:
    app = application()
    setup(app, websocket=websocket, **OPTIONS)

    async def main() -> None:
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/socket"
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(url, origin=A) as connected:
                assert (await connected.receive_str()) == "hello"
                assert ACAO not in connected._response.headers
            if websocket:
                with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                    await session.ws_connect(url, origin=EVIL)
                assert caught.value.status == 403
            else:
                async with session.ws_connect(url, origin=EVIL) as connected:
                    assert (await connected.receive_str()) == "hello"
        await runner.cleanup()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_predicates_and_rejection() -> None:
    async def predicate(origin: str) -> bool:
        await asyncio.sleep(0)
        return origin == A

    app = application()
    setup(
        app,
        origin_predicate=predicate,
        denied_actual="reject",
        own_origins=["https://own.example"],
    )

    async def client(ask: Ask) -> None:
        assert (await ask("/")).headers[ACAO] == A
        assert (await ask("/none")).headers[ACAO] == A
        rejected = await ask("/", EVIL)
        assert (rejected.status, rejected.headers.get(ACAO), rejected.headers["Vary"]) == (
            403,
            None,
            "Origin",
        )

    serve(app, client)


@pytest.mark.parametrize(
    ("answer", "plain", "handshake", "failed"),
    [
        (True, A, True, 0),
        (A, A, True, 0),
        ([A], A, True, 0),
        ("*", A, False, 1),
        (None, None, False, 0),
        (1, None, False, 2),
        (asyncio.CancelledError(), None, False, 2),
    ],
)
def test_answers(answer: Any, plain: str | None, handshake: bool, failed: int) -> None:
    async def predicate(origin: str) -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    app, counters = application(), Counters()
    setup(app, origin_predicate=predicate, websocket=True, counters=counters)

    async def client(ask: Ask) -> None:
        assert (await ask("/")).headers.get(ACAO) == plain
        upgrade = {
            "Connection": "upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        response = await ask("/socket", A, **upgrade)
        assert response.status == (101 if handshake else 403)

    serve(app, client)
    assert counters.predicate_failed == failed


@pytest.mark.parametrize("origin", [None, "", " "])
def test_an_origin_of_defaults_that_is_not_set(origin: Any) -> None:
    with pytest.raises(PolicyError, match="option_unset at defaults"):
        setup(web.Application(), defaults={origin: {}, A: {}})


def test_shared_policies() -> None:
    app, shared = application(), SharedPolicy(Policy(allow_origins=[EVIL]))
    differences: list[str] = []
    setup(app, policy=shared)

    async def client(ask: Ask) -> None:
        assert ACAO not in (await ask("/")).headers
        shared.replace(Policy(allow_origins=[A]))
        shared.set_shadow(
            Policy(allow_origins=[EVIL]),
            lambda difference, _: differences.append(difference.shadow.reason),
        )
        assert (await ask("/")).headers[ACAO] == A

    serve(app, client)
    assert differences == ["origin_not_listed"]


def test_defaults_of_aiohttp_cors() -> None:
    app = application()
    own = {"allow_headers": ["X-B"], "allow_methods": {"PUT", "DELETE"}, "max_age": 5}
    setup(app, defaults={A: own, "https://*.sub.example": own, "null": own}, expose_headers=["X-C"])

    async def client(ask: Ask) -> None:
        for origin in (A, "https://x.sub.example", "null"):
            assert (await ask("/", origin)).headers[ACAO] == origin
            answer = await ask("/", origin, method="OPTIONS", Access_Control_Request_Method="PUT")
            assert (answer.status, answer.headers["Access-Control-Allow-Methods"]) == (
                200,
                "DELETE, PUT",
            )
        assert ACAO not in (await ask("/", EVIL)).headers
        assert (await ask("/")).headers["Access-Control-Expose-Headers"] == "X-C"

    serve(app, client)


def test_mistakes() -> None:
    with pytest.raises(PolicyError):
        setup(web.Application(), allow_origins=A)
    with pytest.raises(PolicyError, match="allow_origin_"):
        setup(web.Application(), allow_origin_=[A])
    with pytest.raises(TypeError, match="not dict"):
        setup({}, allow_origins=[A])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="max_age cannot be given beside it"):
        setup(web.Application(), policy=Policy(allow_origins=[A]), max_age=5)
    with pytest.raises(TypeError, match=r"allow_headers, .* cannot be given beside it"):
        setup(web.Application(), policy=Policy(allow_origins=[A]), defaults={A: {}})
    with pytest.raises(
        PolicyError, match=r"option_type at defaults = list: must be a dict of .*, not list"
    ):
        setup(web.Application(), defaults=[A])  # type: ignore[arg-type]
    with pytest.raises(
        PolicyError,
        match=r"option_type at defaults\['https://a.example'\] = x: must be .*, not str",
    ):
        setup(web.Application(), defaults={A: "x"})
    with pytest.raises(
        PolicyError, match=r"unknown_option at defaults\['https://a.example'\].allow_origin = "
    ):
        setup(web.Application(), defaults={A: {"allow_origin": "*"}})
    with pytest.raises(PolicyError, match="one set of options for all its origins"):
        setup(web.Application(), defaults={A: {}, EVIL: {"max_age": 5}})
    with pytest.raises(ValueError, match="this policy never calls origin_predicate"):
        setup(web.Application(), policy=Policy(allow_origins=[A]), origin_predicate=bool)


def test_wrong_types_hide_nothing() -> None:
    def errors(**options: Any) -> list[tuple[str, str]]:
        with pytest.raises(PolicyError) as raised:
            setup(web.Application(), **options)
        return sorted((p.code, p.path) for p in raised.value.problems if p.severity == "error")

    assert errors(allow_origins=5, allow_methods=[1], allow_credentials="yes", max_age="x") == [
        ("max_age_invalid", "max_age"),
        ("option_type", "allow_credentials"),
        ("option_type", "allow_methods[0]"),
        ("option_type", "allow_origins"),
    ]
    own = {
        "allow_methods": {1, "PUT"},
        "allow_credentials": "yes",
        "max_age": "x",
        "expose_headers": 7,
        "origin": A,
    }
    assert errors(
        defaults={f"{A}/": own, EVIL: 3, 5: own, "null": {**own, "max_age": 9}}, expose_headers=8
    ) == [
        ("duplicate_option", "defaults['null'].max_age"),
        ("max_age_invalid", f"defaults['{A}/'].max_age"),
        ("option_type", f"defaults['{A}/'].allow_credentials"),
        ("option_type", f"defaults['{A}/'].allow_methods[0]"),
        ("option_type", f"defaults['{EVIL}']"),
        ("option_type", "defaults[5]"),
        ("option_type", "expose_headers"),
        ("origin_has_path", f"defaults['{A}/']"),
        ("unknown_option", f"defaults['{A}/'].origin"),
        ("unknown_option", "defaults['null'].origin"),
        ("unknown_option", "defaults[5].origin"),
    ]


def handshake_status(app: web.Application, origin: str) -> int:
    """The status of a handshake's answer, from the application's own server."""

    async def main() -> int:
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/socket"
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(url, origin=origin),
            ):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status
        finally:
            await runner.cleanup()

    return asyncio.run(asyncio.wait_for(main(), 120))


@pytest.mark.parametrize(
    ("origins", "websocket", "origin", "status"),
    [
        ("*", "public", EVIL, 101),
        ("*", True, EVIL, 403),
        ([A], "public", A, 101),
        ([A], "public", EVIL, 403),
    ],
)
def test_public_sockets(origins: Any, websocket: Any, origin: str, status: int) -> None:
    app = application()
    setup(app, websocket=websocket, allow_origins=origins)
    assert handshake_status(app, origin) == status


def test_other_values_of_websocket_are_refused() -> None:
    for websocket in ("yes", "", None, 2, []):
        with pytest.raises(ValueError, match="websocket must be False, True or"):
            setup(application(), websocket=websocket, allow_origins=[A])  # type: ignore[arg-type]


def test_a_refused_handshake_asks_once() -> None:
    asked: list[str] = []

    def predicate(origin: str) -> bool:
        asked.append(origin)
        return False

    app = application()
    setup(app, origin_predicate=predicate, websocket=True)
    assert handshake_status(app, EVIL) == 403
    assert asked == [EVIL]
