"""FastAPI behind a real server, for test_asgi_servers.py.

asgi_server.py uvicorn|hypercorn install|add|wrap
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

from crossgate.asgi import CORSMiddleware, install
from fastapi import BackgroundTasks, FastAPI, HTTPException, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

OPTIONS: dict[str, Any] = {
    "allow_origins": ["https://a.example"],
    "allow_methods": ["GET", "PUT"],
    "allow_headers": ["X-Token"],
    "allow_credentials": True,
    "expose_headers": ["X-B"],
    "websocket": True,
}

app = FastAPI()
ran: list[str] = []


@app.get("/data")
@app.head("/data")
def data() -> dict[str, bool]:
    return {"ok": True}


@app.get("/own")
def own() -> PlainTextResponse:
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Vary": "Accept",
        "Access-Control-Expose-Headers": "X-Own",
    }
    return PlainTextResponse("own", headers=headers)


@app.get("/refused")
def refused() -> None:
    raise HTTPException(418, "refused")


@app.get("/crash")
def crash() -> None:
    raise ZeroDivisionError


@app.get("/stream")
def stream() -> StreamingResponse:
    return StreamingResponse(iter([b"a", b"b"]), media_type="text/plain")


@app.get("/background")
def background(tasks: BackgroundTasks) -> list[str]:
    tasks.add_task(ran.append, "yes")
    return ran


@app.websocket("/socket")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


async def public(request: Any) -> PlainTextResponse:
    return PlainTextResponse("public")


app.mount("/static", Starlette(routes=[Route("/file", public)]))
# Its own middleware, inside ours: ours has the last word.
app.mount(
    "/inner",
    Starlette(
        routes=[Route("/file", public)],
        middleware=[Middleware(CORSMiddleware, allow_origins=["*"])],
    ),
)

served: Any = app
if sys.argv[2] == "install":
    install(app, **OPTIONS)
elif sys.argv[2] == "add":
    app.add_middleware(CORSMiddleware, **OPTIONS)
else:
    served = CORSMiddleware(app, **OPTIONS)


async def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    if sys.argv[1] == "uvicorn":
        import uvicorn

        server = uvicorn.Server(uvicorn.Config(served, log_level="critical", lifespan="on"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
    else:
        from hypercorn.asyncio import serve
        from hypercorn.config import Config

        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.errorlog = None
        serving = asyncio.create_task(serve(served, config))
    print(port, flush=True)
    await serving


asyncio.run(main())
