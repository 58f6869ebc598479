"""The case of the gateway: what cannot be started, and requests to one that is."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
from pathlib import Path
from typing import Any

from holdback import cli
from secrecy.canaries import ORIGINAL, Watch
from secrecy.material import covers


@covers("cli.gateway")
def gateway(watch: Watch, folder: Path) -> None:
    """What cannot be started, and requests to one that is: its lines on stderr are read by the test."""
    sources = {
        "good": {"PERSON": [ORIGINAL]},
        "types": {ORIGINAL: "PERSON"},
        "numbers": {"PERSON": [ORIGINAL, 7]},
        "list": [ORIGINAL],
    }
    for name, source in sources.items():
        (folder / f"{name}.json").write_text(json.dumps(source))
    tomls = {
        "a": f"key = '{ORIGINAL}'",
        "b": f"store = '{ORIGINAL}'",
        "c": f"x = {ORIGINAL}",
        "d": f"fail = '{ORIGINAL}'",
    }
    address = ["--upstream", "http://127.0.0.1:1"]
    good = [*address, "--values", str(folder / "good.json")]
    for name, toml in tomls.items():
        (folder / name).write_text(toml)
        watch.run(cli.main, ["gateway", *good, "--config", str(folder / name)])
    for name in ("types", "numbers", "list", "nowhere"):
        watch.run(cli.main, ["gateway", *address, "--values", str(folder / f"{name}.json")])
    if not all(map(importlib.util.find_spec, ("starlette", "uvicorn", "httpx", "pydantic_settings"))):
        return
    app = importlib.import_module("holdback.gateway.app")
    settings = importlib.import_module("holdback.gateway.settings")

    async def ask(served: Any, path: str, body: bytes) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                watch.said.append(message["body"].decode())

        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": ORIGINAL.encode(),
            "headers": [(b"authorization", ORIGINAL.encode())],
        }
        await served(scope, receive, send)

    async def asked(served: Any) -> None:
        bodies = [
            ORIGINAL.encode(),
            json.dumps({"user": ORIGINAL}).encode()[:-1],
            b"\x1f\x8b" + ORIGINAL.encode(),
        ]
        for path in ("/v1/messages", f"/{ORIGINAL}", f"/v1/responses/{ORIGINAL}"):
            for body in (*bodies, json.dumps({"user": ORIGINAL}).encode()):
                await ask(served, path, body)

    loaded = settings.load(upstream="http://127.0.0.1:1", values=str(folder / "good.json"))
    watch.shown(loaded)
    served = app.Gateway(loaded, app.parts_of(loaded, watch.said.append))
    watch.object(served)
    asyncio.run(asked(served))  # without its lifespan: what is not refused is a fault inside
