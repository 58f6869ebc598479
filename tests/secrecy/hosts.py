"""Cases of the command and of the integrations; some need their host, and bear the name of its marker."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from holdback import PIIMapping, cli
from holdback.integrations.asgi import RestoreMiddleware, by_path
from holdback.integrations.masking import mask_request, reversed_matcher
from holdback.integrations.openwebui import RestoreFilter, conversation_of
from holdback.masking import KnownValues, Masker, Placeholders
from holdback.stores import MemoryStore
from secrecy.canaries import FAKE, HELD, ORIGINAL, OTHER, PAIRS, Host, Watch
from secrecy.material import (
    COMPRESSED,
    ON,
    READS,
    WRONG_CONFIGS,
    WRONG_MAPPINGS,
    Upstream,
    chunks,
    covers,
    loop,
)
from secrecy.way_out import BODIES, KEY, VALUES
from streams import STOP, say, text

MASKS = Masker(KnownValues(VALUES), Placeholders(KEY))
WRONG_MASKING: list[dict[str, Any]] = [
    {"masker": VALUES, "scope": ORIGINAL},
    {"masker": MASKS, "scope": ORIGINAL.encode()},
    {"masker": MASKS, "scope": ORIGINAL, "mapping": PAIRS},
    {"masker": MASKS, "scope": ORIGINAL, "store": ORIGINAL},
    {"masker": MASKS, "scope": ORIGINAL, "ttl": ORIGINAL},
    {"scope": ORIGINAL},
]

# ---------------------------------------------------------------- reports


@covers("prometheus.PrometheusReports", "prometheus.PrometheusReports.__call__")
def prometheus(watch: Watch, _: Path) -> None:
    client = pytest.importorskip("prometheus_client", reason="prometheus-client is not installed")
    from holdback.integrations.prometheus import PrometheusReports

    on_report = PrometheusReports(client.CollectorRegistry())
    watch.object(on_report)
    watch.fails(on_report, ORIGINAL)
    watch.fails(on_report, {FAKE: ORIGINAL})


# ---------------------------------------------------------------- the command


@covers("cli.restore", "cli.demo", "cli.bench", "cli.info", "cli.check")
def command(watch: Watch, folder: Path) -> None:
    maps: dict[str, bytes] = {
        "good": json.dumps(PAIRS).encode(),
        "half": json.dumps({FAKE + "\ud800": ORIGINAL}).encode(),
        "no json": json.dumps(PAIRS).encode()[:-1],
        "no utf-8": json.dumps(PAIRS).encode() + b"\xff",
        "list": json.dumps([PAIRS]).encode(),
        "deep": b"[" * 100_000 + FAKE.encode(),
        "long": b'{"' + FAKE.encode() + b'": ' + b"9" * 5000 + b"}",
        "no string": json.dumps({FAKE: {"a": ORIGINAL}}).encode(),
        "empty": json.dumps({"": ORIGINAL}).encode(),
        "twice": b'{"%s": "kanarie", "%s": "kanarie 2"}' % (FAKE.encode(), FAKE.encode()),
    }
    answers = {"good": b"".join(READS), "compressed": COMPRESSED, "huge": b"data: " + b"kanarie" * (3 << 20)}
    for name, data in {**maps, **{f"answer {name}": data for name, data in answers.items()}}.items():
        (folder / name).write_bytes(data)
    for name in maps:
        watch.run(cli.read_map, str(folder / name))
        for protocol in (cli.PLAIN, "auto"):
            arguments = ["--map", str(folder / name), "--protocol", protocol, str(folder / "answer good")]
            watch.run(cli.main, ["restore", *arguments])
    for answer in answers:
        watch.run(cli.main, ["restore", "--map", str(folder / "good"), str(folder / f"answer {answer}")])
    watch.fails(cli.read_map, str(folder / "nowhere"))
    watch.run(cli.main, ["restore", "--map", str(folder / "good"), str(folder / "nowhere")])
    watch.run(cli.main, ["demo", "--speed", "0"])
    watch.run(cli.main, ["bench", "--rounds", "1", "--json"])
    watch.run(cli.main, ["info"])
    for url in (f"ftp://{ORIGINAL}", "http://127.0.0.1:1"):
        watch.run(cli.main, ["check", url, "--provider-port", "0", "--model", FAKE])
    watch.run(cli.main, ["check", "http://x", "--model", f"{ORIGINAL}={FAKE}"])


# ---------------------------------------------------------------- the integrations


@covers("masking.mask_request", "masking.reversed_matcher")
def masking(watch: Watch, _: Path) -> None:
    masks = reversed_matcher(PAIRS)
    assert masks is not None
    watch.object(masks)
    for said in (ORIGINAL, {"content": ORIGINAL, "odd": object()}, [{ORIGINAL: "\ud800"}], 7, None):
        watch.run(mask_request, {"messages": said, "input": {"arguments": {ORIGINAL: {ORIGINAL}}}}, masks)
        watch.run(mask_request, said, masks)
    for wrong in WRONG_MAPPINGS:
        watch.run(reversed_matcher, wrong)
    watch.fails(reversed_matcher, {FAKE: 7})
    watch.fails(mask_request, {"messages": ORIGINAL}, ORIGINAL)


@covers("asgi.RestoreMiddleware", "asgi.RestoreMiddleware.__call__", "asgi.by_path")
def asgi(watch: Watch, _: Path) -> None:
    def serve(bodies: list[Any], mapping: Any = PAIRS, config: Any = None, *, gone: bool = False) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            kind = scope.get("kind", b"text/event-stream")
            await send({"type": "http.response.start", "headers": [(b"content-type", kind)]})
            for data in bodies:
                if data is None:
                    raise Host
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

        async def send(message: Any) -> None:
            if gone and message["type"] == "http.response.body":
                raise Host

        middleware = RestoreMiddleware(app, mapping, config, answers=True)
        watch.shown(middleware)
        for kind in (b"text/event-stream", b"application/json", b"application/x-ndjson"):
            asyncio.run(middleware({"type": "http", "kind": kind}, None, send))  # type: ignore[arg-type]

    watch.run(by_path, {"path": HELD})
    watch.fails(RestoreMiddleware, serve, PAIRS, protocol=FAKE)
    watch.fails(RestoreMiddleware, serve, PAIRS, oversized=FAKE)
    watch.fails(RestoreMiddleware, serve, PAIRS, undecodable=FAKE)
    watch.run(serve, READS)
    watch.fails(serve, [*READS, None])
    watch.fails(serve, [*READS, None], gone=True)
    watch.fails(serve, [COMPRESSED])
    watch.fails(serve, [*READS, HELD])
    for wrong in WRONG_MAPPINGS:
        watch.fails(serve, READS, wrong)
        watch.fails(serve, READS, lambda _, wrong=wrong: wrong)
    for wrong in WRONG_CONFIGS:
        watch.fails(serve, READS, PAIRS, wrong)

    async def reads(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise Host

    async def masked(body: bytes, **options: Any) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            assert ORIGINAL.encode() not in message.get("body", b"")

        middleware = RestoreMiddleware(reads, **options)
        watch.shown(middleware)
        await middleware({"type": "http", "headers": []}, receive, send)

    for body in (body for body in BODIES if isinstance(body, bytes)):
        for store in (None, MemoryStore()):
            options = {"masker": MASKS, "scope": ORIGINAL, "store": store}
            watch.run(lambda body=body, options=options: asyncio.run(masked(body, **options)))
    for options in WRONG_MASKING:
        watch.fails(RestoreMiddleware, reads, **options)

    async def socket(said: list[Any], **options: Any) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            for _ in said:
                await send({"type": "websocket.send", "text": (await receive()).get("text") or HELD})
            raise Host

        async def receive() -> Any:
            return {"type": "websocket.receive", **said.pop(0)} if said else {"type": "websocket.disconnect"}

        async def send(message: Any) -> None:
            assert '"error"' not in message["text"] or ORIGINAL not in message["text"]

        await RestoreMiddleware(app, **options)({"type": "websocket"}, receive, send)

    bodies = [body for body in BODIES if isinstance(body, bytes)]
    kinds: list[dict[str, Any]] = [{"mapping": PAIRS}, {"masker": MASKS, "scope": ORIGINAL}]
    for options in kinds:
        said = [{"bytes": body} for body in bodies] + [{"text": ORIGINAL}, {"text": HELD}]
        watch.fails(lambda said=said, options=options: asyncio.run(socket(said, **options)))


def transports(watch: Watch, library: str) -> None:
    host = importlib.import_module(library)
    ours = importlib.import_module(f"holdback.integrations.{library}")
    kinds = (host.SyncByteStream, host.AsyncByteStream)

    def ask(reads: list[Any], mapping: Any = PAIRS, config: Any = None, *, is_async: bool, kind: str) -> Any:
        body = type("Body", (Upstream, *kinds), {})(reads)
        response = host.Response(200, headers={"content-type": kind}, stream=body)
        inner = host.MockTransport(lambda _: response)
        request = host.Request("POST", "http://host")
        if not is_async:
            transport = ours.RestoreTransport(mapping, config, transport=inner)
            watch.shown(transport)
            answer = transport.handle_request(request)
            watch.shown(answer.stream)
            return list(answer.iter_raw())

        async def read() -> Any:
            transport = ours.AsyncRestoreTransport(mapping, config, transport=inner)
            watch.shown(transport)
            answer = await transport.handle_async_request(request)
            watch.shown(answer.stream)
            return [data async for data in answer.aiter_raw()]

        return asyncio.run(read())

    for is_async in (False, True):
        for kind in ("text/event-stream", "application/json"):
            how: dict[str, Any] = {"is_async": is_async, "kind": kind}
            watch.fails(ask, READS, **how)
            watch.run(ask, [COMPRESSED], **how)
            for wrong in WRONG_MAPPINGS:
                watch.fails(ask, READS, wrong, **how)
                watch.fails(ask, READS, lambda _, wrong=wrong: wrong, **how)
            for wrong in WRONG_CONFIGS:
                watch.fails(ask, READS, PAIRS, wrong, **how)

    inside = host.MockTransport(lambda _: host.Response(200, json=HELD))
    for body in (body for body in BODIES if isinstance(body, bytes)):
        request = host.Request("POST", "http://host", content=body)
        transport = ours.RestoreTransport(transport=inside, masker=MASKS, scope=ORIGINAL)
        watch.shown(transport)
        watch.run(transport.handle_request, request)
        waits = ours.AsyncRestoreTransport(
            transport=inside, masker=MASKS, scope=ORIGINAL, store=MemoryStore()
        )
        watch.shown(waits)
        watch.run(lambda waits=waits, request=request: asyncio.run(waits.handle_async_request(request)))
    for options in WRONG_MASKING:
        watch.fails(ours.RestoreTransport, **options)
        watch.fails(ours.AsyncRestoreTransport, **options)


@covers("httpx.RestoreTransport", "httpx.AsyncRestoreTransport")
def httpx(watch: Watch, _: Path) -> None:
    transports(watch, "httpx")


@covers("httpx2.RestoreTransport", "httpx2.AsyncRestoreTransport")
def httpx2(watch: Watch, _: Path) -> None:
    transports(watch, "httpx2")


@covers(
    "litellm.attach_mapping",
    "litellm.HoldbackGuardrail",
    *(
        f"litellm.HoldbackGuardrail.async_{hook}_hook"
        for hook in ("pre_call", "post_call_success", "post_call_streaming_iterator")
    ),
)
def litellm(watch: Watch, folder: Path) -> None:
    ours = importlib.import_module("holdback.integrations.litellm")

    def guardrail(known: Any = None) -> Any:
        modes = ["pre_call", "post_call"]
        return ours.HoldbackGuardrail(guardrail_name="holdback", event_hook=modes, known_values=known)

    class Logging:
        """What keeps a request's mapping."""

    for number, source in enumerate(('{"<KANARIE_1>": 7}', '["<KANARIE_1>"]', '{"<KANARIE_1>', "\xff")):
        path = folder / str(number)
        path.write_text(f"{source}", encoding="latin-1")
        watch.fails(guardrail, path)
    for wrong in WRONG_MAPPINGS[2:6]:
        watch.fails(guardrail, wrong)
    holdback_ = guardrail(PAIRS)
    watch.shown(holdback_)
    watch.said.append(repr(vars(holdback_)))
    data: dict[str, Any] = {
        "litellm_logging_obj": Logging(),
        "messages": [{"role": "user", "content": ORIGINAL}],
    }
    watch.fails(ours.attach_mapping, {}, PAIRS)
    watch.fails(ours.attach_mapping, data, ORIGINAL)
    ours.attach_mapping(data, {FAKE: OTHER})
    watch.fails(lambda: asyncio.run(holdback_.async_pre_call_hook(None, None, data, "acompletion")))
    data["litellm_logging_obj"] = Logging()
    data["metadata"] = {"pii_tokens": {OTHER: ORIGINAL}}
    watch.run(lambda: asyncio.run(holdback_.async_pre_call_hook(None, None, data, "acompletion")))
    hook = holdback_.async_post_call_streaming_iterator_hook
    for answer in (*chunks(), HELD.encode()):
        watch.run(
            lambda answer=answer: asyncio.run(holdback_.async_post_call_success_hook(data, None, answer))
        )
        items = [answer]
        watch.run(lambda items=items: loop(hook(None, Upstream(items), data)))
    ours.attach_mapping(data, SimpleNamespace(get_all_fakes=lambda: {"": ORIGINAL}))
    watch.fails(lambda: loop(hook(None, Upstream([]), data)))


@covers(
    "langchain.HoldbackMiddleware",
    "langchain.HoldbackMiddleware.wrap_model_call",
    "langchain.HoldbackMiddleware.awrap_model_call",
    "langchain.RestoreChatModel",
    *(f"langchain.RestoreChatModel.{name}" for name in ("around", "bind_tools", "model_name")),
    "langchain.RestoreChatModel.get_num_tokens_from_messages",
)
def langchain(watch: Watch, _: Path) -> None:
    ours = importlib.import_module("holdback.integrations.langchain")
    fakes: Any = importlib.import_module("langchain_core.language_models.fake_chat_models")
    fake: Any = fakes.FakeListChatModel

    class Quiet(fake):  # type: ignore[misc]
        def __repr__(self) -> str:
            return "Quiet()"

        def get_num_tokens_from_messages(self, *_: Any) -> int:
            raise Host

    class Broken(Quiet):
        def _call(self, *_: Any, **__: Any) -> str:
            raise Host

        _stream = bind_tools = _call

    middleware = ours.HoldbackMiddleware(MASKS, scope=ORIGINAL)
    watch.shown(middleware)
    request = SimpleNamespace(model=Broken(responses=[FAKE]), override=lambda model: model)
    quiet: Any = Quiet(responses=[HELD])
    watch.fails(ours.RestoreChatModel.around(quiet, MASKS, scope="s").get_num_tokens_from_messages, [])
    for model in (quiet, request.model):
        wrapped = ours.RestoreChatModel.around(model, MASKS, scope=ORIGINAL)
        watch.shown(wrapped)
        watch.shown(wrapped.model_name)
        for asked in (ORIGINAL, [("system", ORIGINAL), ("tool", ORIGINAL)], [ORIGINAL.encode()]):
            watch.run(wrapped.invoke, asked)
            watch.run(lambda asked=asked, wrapped=wrapped: list(wrapped.stream(asked)))
        watch.fails(wrapped.bind_tools, [ORIGINAL])
    watch.fails(lambda: middleware.wrap_model_call(request, lambda model: model.invoke(ORIGINAL)))
    watch.fails(
        lambda: asyncio.run(middleware.awrap_model_call(request, lambda model: model.ainvoke(ORIGINAL)))
    )
    for options in WRONG_MASKING[1:]:
        given = {"scope": ORIGINAL.encode(), **options}
        masker = given.pop("masker", None)
        watch.fails(ours.HoldbackMiddleware, masker, **given)
        watch.fails(ours.RestoreChatModel.around, quiet, masker, **given)


@covers(
    *(f"openwebui.RestoreFilter{name}" for name in ("", ".request", ".stream", ".outlet")),
    "openwebui.conversation_of",
)
def openwebui(watch: Watch, _: Path) -> None:
    watch.fails(conversation_of, {"chat_id": [ORIGINAL]}, {"id": {ORIGINAL: ORIGINAL}})
    for options in WRONG_MASKING[1:]:
        given = {"scope": ORIGINAL, **options}
        masker = given.pop("masker", None)
        watch.fails(RestoreFilter, masker, **given)
    ours = RestoreFilter(MASKS)
    watch.shown(ours)
    of = {"chat_id": ORIGINAL, "message_id": ORIGINAL}
    for body in (body for body in BODIES if isinstance(body, dict)):
        watch.run(lambda body=body: asyncio.run(ours.request(body, of)))
        for event in (*chunks(), {"choices": ORIGINAL}, {"choices": [{"delta": ORIGINAL}]}, ORIGINAL, None):
            watch.run(ours.stream, event, of)
        for messages in (ORIGINAL, [ORIGINAL], [{"content": HELD}]):
            watch.run(ours.outlet, {"messages": messages}, of)


@covers("privaite.install", "privaite.uninstall", "privaite.create_app")
def privaite(watch: Watch, _: Path) -> None:
    ours = importlib.import_module("holdback.integrations.privaite")
    theirs = importlib.import_module("privaite.streaming.handler")
    mapping = PIIMapping()
    for fake, original in PAIRS.items():
        mapping.add(original, fake, "PERSON")
    for method in ("stream_response", "stream_text_response"):
        for items in (chunks(), [say(HELD), STOP], [text(HELD)], []):
            stream = getattr(theirs.StreamingHandler, method)(Upstream(items), mapping, ON)
            watch.fails(loop, stream)
        for wrong in WRONG_MAPPINGS:
            watch.fails(loop, getattr(theirs.StreamingHandler, method)(Upstream([]), wrong, ON))
    watch.object(ours.StreamingDeAnonymizer(mapping))
    watch.run(ours.create_app)
    ours.uninstall()
    ours.install()
