"""The servers, a process each: those that restore, and the same ones without that."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benches.e2e.load import PAIRS, SIDES

from processes import free_port, litellm_environment

ROOT = Path(__file__).resolve().parents[2]

NO_OP = """
from litellm.integrations.custom_guardrail import CustomGuardrail


class NoOp(CustomGuardrail):
    async def async_post_call_streaming_iterator_hook(self, user_api_key_dict, response, request_data):
        async for item in response:
            yield item
"""


class Server(NamedTuple):
    port: int
    pid: int
    key: str = "none"
    restores: bool = True
    masks: bool = False
    """Whether requests mention values; what is restored then is what they mention."""

    def cpu(self) -> float:
        """Seconds of processor time it has had; 0 where that cannot be asked."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


@contextlib.contextmanager
def running(
    command: Sequence[str], folder: Path, log: Path, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    path = os.pathsep.join(map(str, (ROOT, ROOT / "python", ROOT / "tests" / "support")))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path} | environment,
            stdout=subprocess.PIPE if "benches.e2e.provider" in command else output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 100
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("a server did not start:\n" + log.read_text(errors="replace")[-2000:])
        time.sleep(0.1)


def plain_gateway() -> Any:
    """What forwards in the gateway, alone: what passing through costs."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from holdback.gateway.forwarding import Forwarding, provider
    from holdback.gateway.metrics import Account
    from holdback.gateway.settings import load

    settings = load(upstream=os.environ["UPSTREAM"], values=os.environ["VALUES"])
    clients: list[Any] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        async with provider(settings) as client:
            clients.append(client)
            yield

    class Passing:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            body = await Request(scope, receive).body()
            headers = {"content-type": "application/json", "accept-encoding": "identity"}
            address = settings.upstream + scope["path"]
            request = clients[0].build_request(scope["method"], address, headers=headers, content=body)
            await Forwarding(clients[0], request, Account())(scope, receive, send)

    alive = Route("/alive", lambda _: Response())
    return Starlette(routes=[alive, Route("/{path:path}", Passing())], lifespan=lifespan)


def restoring_gateway() -> Any:
    """The same behind the middleware that restores."""
    from holdback import TrieMatcher
    from holdback.integrations.asgi import RestoreMiddleware, by_path

    app = plain_gateway()
    values = TrieMatcher(json.loads(Path(os.environ["VALUES"]).read_text(encoding="utf-8")))
    app.add_middleware(RestoreMiddleware, mapping=values, answers=True, protocol=by_path)
    return app


@contextlib.contextmanager
def gateways(upstream: str, folder: Path) -> Iterator[dict[str, Server]]:
    """One of each side."""
    with contextlib.ExitStack() as stack:
        servers = {}
        for side, factory in zip(SIDES, ("plain_gateway", "restoring_gateway"), strict=True):
            (folder / f"{side}.json").write_text(json.dumps(PAIRS), encoding="utf-8")
            port, log = free_port(), folder / f"{side}.log"
            command = ["-m", "uvicorn", "--factory", f"benches.e2e.servers:{factory}", "--port", str(port)]
            command += ["--no-access-log", "--log-level", "warning", "--backlog", "2048"]
            knobs = {"UPSTREAM": upstream, "VALUES": str(folder / f"{side}.json")}
            process = stack.enter_context(running(command, folder, log, **knobs))
            wait_for(f"http://127.0.0.1:{port}/alive", process, log)
            servers[side] = Server(port, process.pid, restores=side == "on")
        yield servers


@contextlib.contextmanager
def proxies(upstream: str, folder: Path) -> Iterator[dict[str, Server]]:
    """LiteLLM with a guardrail that does nothing, and with ours."""
    (folder / "noop.py").write_text(NO_OP, encoding="utf-8")
    (folder / "known.json").write_text(json.dumps(PAIRS), encoding="utf-8")
    key = f"sk-{secrets.token_hex(16)}"
    environment = {**litellm_environment(key), "LITELLM_LOG": "ERROR"}
    ours = {"guardrail": "holdback.integrations.litellm.HoldbackGuardrail", "known_values": "known.json"}
    guardrails = {"off": {"guardrail": "noop.NoOp"}, "on": ours}
    target = {"model": "openai/m", "api_base": f"{upstream}/v1", "api_key": "k"}
    with contextlib.ExitStack() as stack:
        waiting = []
        for side, guardrail in guardrails.items():
            parameters = {**guardrail, "mode": ["pre_call", "post_call"], "default_on": True}
            config = {
                "guardrails": [{"guardrail_name": side, "litellm_params": parameters}],
                "model_list": [{"model_name": "m", "litellm_params": target}],
                "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
                "router_settings": {"num_retries": 0, "disable_cooldowns": True},
            }
            (folder / f"{side}.yaml").write_text(json.dumps(config), encoding="utf-8")
            port, log = free_port(), folder / f"proxy-{side}.log"
            command = [str(Path(sys.executable).with_name("litellm")), "--config", f"{side}.yaml"]
            command += ["--host", "127.0.0.1", "--port", str(port)]
            process = stack.enter_context(running(command, folder, log, **environment))
            waiting.append((side, port, process, log))
        servers = {}
        for side, port, process, log in waiting:
            wait_for(f"http://127.0.0.1:{port}/health/liveliness", process, log)
            servers[side] = Server(port, process.pid, key, restores=side == "on")
        yield servers
