"""The middleware, driven as a server drives it: message by message, and every way a response can end."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import inspect
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from holdback import DeanonymizationConfig, EncodedInput, HoldbackError, MappingError, TrieMatcher
from holdback.integrations.asgi import RestoreMiddleware, by_path
from holdback.integrations.opening import mapping_for, mapping_given
from holdback.mapping import matcher_of
from holdback.restorers.wire import WireRestorer
from streams import say
from wires import Recording, every, recordings, through

Message = dict[str, Any]
Scope = dict[str, Any]

PAIRS = {"<PERSON_1>": 'Ada "Countess" Lovelace'}
EVENTS = b"text/event-stream"
JSON = b"application/json"
EVENT = {text: f"data: {json.dumps(say(text))}\n\n".encode() for text in ("Hi <PER", "SON_1>!", "bye <PER")}
WHOLE = json.dumps({"choices": [{"index": 0, "message": {"content": "<PERSON_1>"}}]}).encode()
RESTORED = json.dumps({"choices": [{"index": 0, "message": {"content": PAIRS["<PERSON_1>"]}}]}).encode()


class Gone(OSError):
    """What a server's ``send`` raises when the client has left."""


class Failed(Exception):
    """What an application raises; it quotes the text."""


class Server:
    """The other side: keeps what is sent, and fails from a message on if told to."""

    def __init__(self, received: list[Message] | None = None, gone_at: int = -1) -> None:
        self.received = received or [{"type": "http.request", "body": b"", "more_body": False}]
        self.sent: list[Message] = []
        self.gone_at = gone_at
        self.asked = 0  # how often it was to send something

    async def receive(self) -> Message:
        return self.received.pop(0) if self.received else {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.asked += 1
        if len(self.sent) == self.gone_at:
            raise Gone
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent if message["type"] == "http.response.body")

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return list(self.sent[0]["headers"])


def start(kind: bytes, *more: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [(b"Content-Type", kind), *more]}


def body(data: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


def saying(*messages: Message | BaseException) -> Any:
    """An application that says this, whatever it is asked."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            if isinstance(message, BaseException):
                raise message
            await send(message)

    return app


def serve(
    app: Any,
    mapping: Any = lambda scope: PAIRS,
    config: Any = None,
    *,
    server: Server | None = None,
    scope: Scope | None = None,
    **options: Any,
) -> Server:
    server = server or Server()
    connection = scope or {"type": "http", "method": "POST", "headers": []}
    asyncio.run(RestoreMiddleware(app, mapping, config, **options)(connection, server.receive, server.send))
    return server


# ---------------------------------------------------------------- what is restored


@pytest.mark.parametrize("size", [1, 37, 1 << 20])
@pytest.mark.parametrize("recording", recordings(), ids=lambda recording: recording.name)
def test_a_stream_is_restored(recording: Recording, size: int, backend: str) -> None:
    kind = b"application/x-ndjson" if recording.lines else b"text/event-stream; charset=utf-8"
    app = saying(start(kind), *(body(data) for data in every(recording.data, size)), body(b"", more=False))
    server = serve(app, lambda _: recording.pairs)
    assert server.body == through(WireRestorer(recording.pairs), [recording.data]).data
    assert [message.get("more_body") for message in server.sent] == [
        None,
        *[True] * (len(server.sent) - 2),
        False,
    ]


@pytest.mark.parametrize("answers", [True, False])
def test_a_whole_answer_is_restored_if_an_option_says_so(*, answers: bool, backend: str) -> None:
    length = (b"content-length", str(len(WHOLE)).encode())
    app = saying(start(JSON, length), *(body(data) for data in every(WHOLE, 20)), body(b"", more=False))
    server = serve(app, answers=answers)
    assert server.body == (RESTORED if answers else WHOLE)
    assert (length in server.headers) != answers


PROSE = b'data: {"choices":[{"index":0,"delta":{"content":"[\\"<PERSON_1>\\"]"}}]}\n\n'


@pytest.mark.parametrize(
    ("asked", "config", "is_json"),
    [
        (b'{"response_format":{"type":"json_object"}}', None, True),
        (b'{"response_format":{"type":"text"}}', None, False),
        (b'{"response_format":{"type":"text"}}', DeanonymizationConfig(content="json"), True),
        (b'{"response_format":{"type":"json_object"}}', DeanonymizationConfig(content="text"), False),
        (b'{"messages":[]}', None, True),  # its beginning tells
        (b"\xff{", None, True),
    ],
)
def test_content_is_what_the_request_asks_for(asked: bytes, config: Any, is_json: bool) -> None:
    """In pieces, and the application gets them as they came."""
    received: list[Message] = [
        {"type": "http.request", "body": data, "more_body": True} for data in every(asked, 7)
    ]
    taken: list[Message] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        taken.extend([await receive() for _ in received[:]])
        await saying(start(EVENTS), body(PROSE, more=False))(scope, receive, send)

    server = serve(app, config=config, server=Server(received[:]))
    assert taken == received
    content = json.loads(server.body[6:])["choices"][0]["delta"]["content"]
    assert content == (json.dumps(list(PAIRS.values())) if is_json else f'["{PAIRS["<PERSON_1>"]}"]')


def test_a_request_that_the_application_has_not_read_says_nothing() -> None:
    app = saying(start(EVENTS), body(PROSE, more=False))
    asked: Message = {
        "type": "http.request",
        "body": b'{"response_format":{"type":"text"}}',
        "more_body": False,
    }
    server = serve(app, server=Server([asked]))
    assert server.received == [asked]
    assert b'\\\\"Countess' in server.body


def test_a_body_in_one_message_without_more_body() -> None:
    server = serve(saying(start(EVENTS), {"type": "http.response.body", "body": b"".join(EVENT.values())}))
    assert server.body == through(WireRestorer(PAIRS), list(EVENT.values())).data


def test_the_endpoint_can_provide_the_mapping() -> None:
    async def endpoint(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["mapping"] = TrieMatcher(PAIRS)
        await saying(start(EVENTS), body(b"".join(EVENT.values()), more=False))(scope, receive, send)

    scope = {"type": "http", "method": "POST", "headers": [], "state": {}}
    assert b"Ada" in serve(endpoint, lambda scope: scope["state"]["mapping"], scope=scope).body


def test_headers_that_speak_of_the_old_bytes_leave() -> None:
    kept = [(b"set-cookie", b"a"), (b"set-cookie", b"b"), (b"x", b"\xe9")]
    stale = [(b"Content-Length", b"9"), (b"DIGEST", b"x"), (b"content-encoding", b"identity")]
    server = serve(saying(start(EVENTS, *kept, *stale), body(b"", more=False)))
    assert server.headers == [(b"Content-Type", EVENTS), *kept]


def test_the_application_s_messages_are_not_changed() -> None:
    messages = [start(EVENTS, (b"content-length", b"1")), body(EVENT["Hi <PER"]), body(b"", more=False)]
    copies = [{**message} for message in messages]
    serve(saying(*messages))
    assert messages == copies


# ---------------------------------------------------------------- what is left alone


@pytest.mark.parametrize(
    ("head", "mapping", "config"),
    [
        (start(b"text/html"), PAIRS, None),
        (start(b"application/json"), PAIRS, None),
        ({"type": "http.response.start", "status": 200}, PAIRS, None),
        (start(EVENTS), None, None),
        (start(EVENTS), lambda _: None, None),
        (start(EVENTS), lambda _: {}, None),
        (start(EVENTS), PAIRS, DeanonymizationConfig(enabled=False)),
    ],
    ids=["html", "json", "no-headers", "none", "found-none", "empty", "off"],
)
def test_every_other_response_is_left_alone(head: Message, mapping: Any, config: Any) -> None:
    messages = [head, body(WHOLE), body(gzip.compress(b"x"), more=False)]
    server = serve(saying(*messages), mapping, config)
    assert all(sent is said for sent, said in zip(server.sent, messages, strict=True))


TEXT = b"text/plain"
UNTYPED: Message = {"type": "http.response.start", "status": 200, "headers": [(b"x-kept", b"1")]}
STREAM = b"".join(EVENT.values())
LINES = b"".join(data[6:-1] for data in EVENT.values())


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize(
    "head", [UNTYPED, start(TEXT), start(JSON), start(EVENTS)], ids=["none", "text", "json", "events"]
)
@pytest.mark.parametrize("stream", [STREAM, LINES], ids=["events", "lines"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_stream_is_restored_as_it_comes_whatever_it_is_called(
    head: Message, stream: bytes, backend: str, *, answers: bool, is_packed: bool
) -> None:
    """Packed as well, and not labelled so."""
    data = gzip.compress(stream) if is_packed else stream
    length = (b"Content-Length", str(len(data)).encode())
    head = {**head, "headers": [*head["headers"], length]}
    server = serve(saying(head, *map(body, every(data, 20)), body(b"", more=False)), answers=answers)
    assert server.body == through(WireRestorer(PAIRS), [stream]).data
    assert length not in server.headers
    assert len(server.sent) > (2 if is_packed else 4)


@pytest.mark.parametrize("coding", [b"gzip", b"GZIP", b"deflate", b"gzip, deflate"])
def test_a_compressed_answer_is_decoded_as_it_comes_and_goes_on_decoded(coding: bytes, backend: str) -> None:
    encoded = {b"gzip": gzip.compress(STREAM), b"deflate": zlib.compress(STREAM)}.get(coding.lower())
    data = zlib.compress(gzip.compress(STREAM)) if encoded is None else encoded
    head = start(EVENTS, (b"Content-Encoding", coding), (b"x-kept", b"1"))
    server = serve(saying(head, *map(body, every(data, 7)), body(b"", more=False)))
    assert server.body == through(WireRestorer(PAIRS), [STREAM]).data
    assert server.headers == [(b"Content-Type", EVENTS), (b"x-kept", b"1")]


def test_a_compressed_stream_leaves_event_by_event() -> None:
    encoder = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    reads = [encoder.compress(event) + encoder.flush(zlib.Z_SYNC_FLUSH) for event in EVENT.values()]
    server = serve(
        saying(start(EVENTS, (b"content-encoding", b"gzip")), *map(body, reads), body(b"", more=False))
    )
    restorer = WireRestorer(PAIRS)
    assert [message["body"] for message in server.sent[1:-1]] == [
        restorer.feed(event) for event in EVENT.values()
    ]


def test_an_answer_that_cannot_be_decoded_is_an_error_before_anything_is_sent_or_passes() -> None:
    messages = [start(EVENTS, (b"content-encoding", b"compress")), body(b"\x1f\x9d", more=False)]
    server = Server()
    with pytest.raises(EncodedInput):
        serve(saying(*messages), server=server)
    assert server.sent == []
    server = serve(saying(*messages), undecodable="pass")
    assert all(sent is said for sent, said in zip(server.sent, messages, strict=True))


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("head", [UNTYPED, start(TEXT)], ids=["none", "text"])
def test_a_whole_answer_is_restored_only_if_an_option_says_so_whatever_it_is_called(
    head: Message, *, answers: bool
) -> None:
    messages = [head, *map(body, every(WHOLE, 20)), body(b"", more=False)]
    server = serve(saying(*messages), answers=answers)
    assert server.body == (RESTORED if answers else WHOLE)
    if not answers:
        assert all(sent is said for sent, said in zip(server.sent, messages, strict=True))


@pytest.mark.parametrize("head", [UNTYPED, start(TEXT), start(TEXT, (b"content-encoding", b"gzip"))])
@pytest.mark.parametrize(
    "data",
    [
        b"Hi <PERSON_1>",
        b"[1, 2]",
        b'{"a": "<PERSON_1>"}',
        b'{\n"a": 1}\n',
        gzip.compress(b"Hi <PERSON_1>", mtime=0),
        b"da",
        b"",
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_what_is_no_answer_goes_on_as_the_same_messages(head: Message, data: bytes, size: int) -> None:
    messages = [head, *map(body, every(data, size)), body(b"", more=False)]
    server = serve(saying(*messages), answers=True)
    assert all(sent is said for sent, said in zip(server.sent, messages, strict=True))


def test_a_start_waits_no_longer_than_it_takes_to_tell() -> None:
    sent: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in (UNTYPED, body(b"d"), body(b"ear"), body(b" all"), body(b"", more=False)):
            await send(message)
            sent.append(len(server.sent))

    server = Server()
    serve(app, server=server)
    assert sent == [0, 0, 3, 4, 5]


@pytest.mark.parametrize("ending", [None, Failed()], ids=["return", "error"])
@pytest.mark.parametrize("said", [(), (b"dat",), (b"data: ",)], ids=["nothing", "half", "some"])
def test_what_waits_is_sent_when_the_application_is_through(
    ending: Exception | None, said: tuple[bytes, ...]
) -> None:
    messages = [UNTYPED, *map(body, said)]
    server = Server()
    with contextlib.nullcontext() if ending is None else pytest.raises(Failed):
        serve(saying(*messages, *([] if ending is None else [ending])), server=server)
    assert server.sent[0] == UNTYPED
    assert server.body == b"".join(said)


def test_what_waits_is_not_sent_to_a_client_that_is_gone() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(UNTYPED)
        await send(body(b"dat"))
        while (await receive())["type"] != "http.disconnect":
            pass

    assert serve(app).sent == []


def test_a_file_behind_a_start_that_waits() -> None:
    path: Message = {"type": "http.response.pathsend", "path": "/x"}
    server = serve(saying(UNTYPED, path))
    assert server.sent == [UNTYPED, path]


@pytest.mark.parametrize(
    ("path", "protocol"),
    [
        ("/v1/chat/completions", "openai-chat"),
        ("/openai/deployments/x/chat/completions/", "openai-chat"),
        ("/v1/completions", "openai-text"),
        ("/v1/responses", "openai-responses"),
        ("/v1/messages", "anthropic"),
        ("/v1beta/models/gemini-x:streamGenerateContent", "gemini"),
        ("/v1beta/models/gemini-x:generateContent", "gemini"),
        ("/api/chat", "ollama"),
        ("/api/generate", "ollama"),
        ("/v2/chat", "cohere"),
        ("/model/m/converse", "bedrock"),
        ("/model/m/invoke-with-response-stream", "bedrock"),
        ("/v1/models", "auto"),
        ("/messages/9", "auto"),
        ("", "auto"),
    ],
)
def test_the_format_by_the_path(path: str, protocol: str) -> None:
    assert by_path({"type": "http", "path": path}) == protocol


def test_the_options_are_passed_on() -> None:
    assert serve(saying(start(EVENTS), body(STREAM, more=False)), protocol="anthropic").body == STREAM
    said = saying(start(JSON), body(WHOLE, more=False))
    assert serve(said, answers=True, max_event_bytes=len(WHOLE) - 1).body == WHOLE
    asked = []

    def find(scope: Any) -> str | None:
        asked.append(scope["path"])
        return "anthropic" if "messages" in scope["path"] else None

    for path in ("/v1/messages", "/other"):
        scope = {"type": "http", "path": path}
        out = serve(saying(start(EVENTS), body(STREAM, more=False)), scope=scope, protocol=find).body
        assert (out == STREAM) == (path == "/v1/messages")
    assert asked == ["/v1/messages", "/other"]
    wrong: Any
    for wrong in ({"protocol": "smtp"}, {"oversized": "drop"}, {"undecodable": "drop"}):
        with pytest.raises(HoldbackError):
            RestoreMiddleware(said, PAIRS, **wrong)


@pytest.mark.parametrize(("kind", "mapping"), [("lifespan", PAIRS), ("websocket", None)])
def test_other_scopes_are_the_application_s_alone(kind: str, mapping: Any) -> None:
    seen: list[Any] = []

    async def app(*args: Any) -> None:
        seen.extend(args)

    server, scope = Server(), {"type": kind}
    middleware = RestoreMiddleware(app, mapping)
    receive, send = server.receive, server.send
    asyncio.run(middleware(scope, receive, send))
    assert (seen[0], seen[1], seen[2]) == (scope, receive, send)


@pytest.mark.parametrize("kind", [EVENTS, JSON])
def test_head_has_the_headers_of_get_and_no_body(kind: bytes) -> None:
    """The length of what GET would send is not known, so HEAD does not tell one."""
    scope = {"type": "http", "method": "HEAD", "headers": []}
    app = saying(start(kind, (b"content-length", b"99")), body(b"", more=False))
    server = serve(app, scope=scope, answers=True)
    assert server.headers == [(b"Content-Type", kind)]
    assert server.sent[1:] == [body(b"", more=False)]


def test_messages_it_does_not_know_go_through() -> None:
    others: list[Message] = [
        {"type": "http.response.pathsend", "path": "/x"},
        {"type": "http.response.trailers", "headers": []},
    ]
    server = serve(saying(start(EVENTS), *others))
    assert server.sent[1:] == others


# ---------------------------------------------------------------- life cycle


def test_nothing_is_read_ahead_and_each_message_waits_until_it_is_sent() -> None:
    """A chunk leaves in the call in which it can; the application goes on when the server has taken it."""
    steps: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for number, message in enumerate([start(EVENTS), *map(body, EVENT.values()), body(b"", more=False)]):
            steps.append(f"says {number}")
            await send(message)

    class Slow(Server):
        async def send(self, message: Any) -> None:
            for _ in range(3):
                await asyncio.sleep(0)
            await super().send(message)
            steps.append(f"sent {len(self.sent) - 1}")

    serve(app, server=Slow())
    assert steps == [f"{what} {number}" for number in range(5) for what in ("says", "sent")]


def test_a_chunk_that_is_all_withheld_sends_nothing() -> None:
    server = serve(
        saying(start(EVENTS), body(EVENT["Hi <PER"][:20]), body(EVENT["Hi <PER"][20:]), body(b"", more=False))
    )
    assert [len(message["body"]) > 0 for message in server.sent[1:]] == [True, True]


def test_an_error_after_the_first_byte_comes_behind_the_tail() -> None:
    error, server = Failed("<PERSON_1>"), Server()
    with pytest.raises(Failed) as caught:
        serve(saying(start(EVENTS), body(EVENT["Hi <PER"]), error), server=server)
    assert caught.value is error
    assert server.sent[-1]["more_body"]
    assert server.body == through(WireRestorer(PAIRS), [EVENT["Hi <PER"]]).data


def test_half_a_whole_answer_leaves_as_it_came_before_an_error() -> None:
    server = Server()
    with pytest.raises(Failed):
        serve(saying(start(JSON), body(WHOLE[:30]), Failed()), server=server, answers=True)
    assert server.body == WHOLE[:30]


def test_an_error_before_the_first_byte_sends_nothing() -> None:
    server = Server()
    with pytest.raises(Failed):
        serve(saying(Failed()), server=server)
    assert server.sent == []


def test_an_error_after_the_end_sends_nothing() -> None:
    server = Server()
    with pytest.raises(Failed):
        serve(saying(start(EVENTS), body(EVENT["Hi <PER"], more=False), Failed()), server=server)
    assert len(server.sent) == 2


def test_an_application_that_stops_without_an_end_loses_nothing() -> None:
    server = serve(saying(start(EVENTS), body(EVENT["Hi <PER"])))
    assert server.body == through(WireRestorer(PAIRS), [EVENT["Hi <PER"]]).data


@pytest.mark.parametrize("ending", [None, Failed()], ids=["return", "error"])
def test_after_a_disconnect_nothing_more_is_emitted(ending: Exception | None) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(EVENTS))
        await send(body(EVENT["Hi <PER"]))
        while (await receive())["type"] != "http.disconnect":
            pass
        if ending is not None:
            raise ending

    server = Server()
    try:
        serve(app, server=server)
    except Failed:
        assert ending is not None
    assert len(server.sent) == 2


def test_what_is_received_is_what_the_server_said() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"<PERSON_1>", "more_body": True},
        {"type": "http.disconnect"},
    ]
    got: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.extend([await receive(), await receive()])

    serve(app, server=Server(list(messages)))
    assert all(one is other for one, other in zip(got, messages, strict=True))


def test_once_sending_failed_nothing_more_is_sent() -> None:
    server = Server(gone_at=2)
    with pytest.raises(Gone):
        serve(saying(start(EVENTS), body(EVENT["Hi <PER"]), body(EVENT["bye <PER"])), server=server)
    assert (len(server.sent), server.asked) == (2, 3)


@pytest.mark.parametrize("kind", [EVENTS, b"text/html"])
def test_what_changes_nothing_is_handed_on_as_it_is(kind: bytes, backend: str) -> None:
    quiet = body(EVENT["Hi <PER"].replace(b"<PER", b"you"))
    server = serve(saying(start(kind), quiet, quiet, body(b"", more=False)))
    assert server.sent[2] is quiet  # the first one of a stream is read


@pytest.mark.parametrize("gone_at", [0, 1, 2])
def test_once_any_message_failed_nothing_that_is_held_back_is_sent(gone_at: int, backend: str) -> None:
    """Also where the application does not mind: it goes on, and ends as if nothing was."""
    quiet = body(EVENT["Hi <PER"].replace(b"<PER", b"you"))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in (start(EVENTS), quiet, quiet):
            with contextlib.suppress(Gone):
                await send(message)
        await send(body(EVENT["Hi <PER"].replace(b"Hi ", b"")))

    server = Server(gone_at=gone_at)
    serve(app, server=server)
    assert server.asked == 3


def test_the_send_of_an_application_is_a_coroutine_function() -> None:
    """Adapters of synchronous applications ask."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert inspect.iscoroutinefunction(send)
        assert inspect.iscoroutinefunction(receive)

    serve(app)


def test_behind_the_end_nothing_is_restored(backend: str) -> None:
    """It is for the server to say that this is wrong."""
    quiet = body(EVENT["Hi <PER"].replace(b"<PER", b"you"), more=False)
    server = serve(saying(start(EVENTS), quiet, body(EVENT["Hi <PER"])))
    assert server.sent[-1] == body(EVENT["Hi <PER"])


def test_a_cancelled_application_sends_nothing_more() -> None:
    server = Server()

    async def cancel() -> None:
        said = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send(start(EVENTS))
            await send(body(EVENT["Hi <PER"]))
            said.set()
            await asyncio.Event().wait()

        middleware = RestoreMiddleware(app, PAIRS)
        task = asyncio.ensure_future(middleware({"type": "http"}, server.receive, server.send))
        await said.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert len(server.sent) == 2


def test_a_mapping_that_cannot_be_used_is_an_error_before_the_response() -> None:
    server = Server()
    with pytest.raises(MappingError):
        serve(saying(start(EVENTS)), lambda _: {"": "x"}, server=server)
    assert server.sent == []


@pytest.mark.parametrize(
    ("wrong", "error"), [({"": "x"}, MappingError), ({"<P>": 1}, TypeError), ([], TypeError)]
)
def test_a_mapping_that_cannot_be_used_is_an_error_when_the_middleware_is_made(
    wrong: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        RestoreMiddleware(saying(), wrong)


def test_a_static_mapping_is_compiled_once_and_again_after_a_change() -> None:
    pairs = {"<PERSON_1>": "Ada"}
    kept: Any = mapping_given(pairs)
    first, second = (matcher_of(mapping_for(kept, None)) for _ in range(2))
    assert first is second is not None
    pairs["<PERSON_1>"] = "Mira"
    third = matcher_of(mapping_for(kept, None))
    assert third is not first
    assert third is not None
    assert third.replace("<PERSON_1>") == "Mira"


def test_an_async_callable_is_an_error_that_says_what_to_do() -> None:
    class Finder:
        async def __call__(self, scope: Any) -> Any:
            return PAIRS

    async def find(scope: Any) -> Any:
        return PAIRS

    for wrong in (find, Finder()):
        with pytest.raises(TypeError, match="await the mapping before"):
            RestoreMiddleware(saying(), wrong)  # type: ignore[arg-type]
    server = Server()
    with pytest.raises(TypeError, match="await the mapping before"):
        serve(saying(start(EVENTS)), lambda scope: [find(scope)].pop(), server=server)
    assert server.sent == []


def test_the_state_of_a_scope_is_there_under_every_server() -> None:
    """ASGI leaves it out where there is no lifespan."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["pii"] = PAIRS
        await saying(start(EVENTS), body(STREAM, more=False))(scope, receive, send)

    out = serve(app, lambda scope: scope["state"].get("pii"), scope={"type": "http", "path": "/"}).body
    assert out != STREAM
    other = serve(
        saying(start(EVENTS), body(STREAM, more=False)), lambda scope: scope["state"].get("pii")
    ).body
    assert other == STREAM


def test_concurrent_responses_do_not_mix() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(EVENTS))
        for data in (EVENT["Hi <PER"], EVENT["SON_1>!"]):
            await asyncio.sleep(0)
            await send(body(data))
        await send(body(b"", more=False))

    async def all_at_once() -> list[Server]:
        middleware = RestoreMiddleware(app, lambda scope: {"<PERSON_1>": scope["name"]})
        servers = [Server() for _ in range(200)]
        calls: list[Awaitable[None]] = [
            middleware({"type": "http", "name": f"Name {number}."}, server.receive, server.send)
            for number, server in enumerate(servers)
        ]
        await asyncio.gather(*calls)
        return servers

    for number, server in enumerate(asyncio.run(all_at_once())):
        assert f"Name {number}.!".encode() in server.body


def test_under_starlette() -> None:
    """The real thing: middleware of an application, an endpoint that sets the mapping, a client."""
    pytest.importorskip("starlette")
    pytest.importorskip("httpx")
    from httpx import ASGITransport, AsyncClient
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.gzip import GZipMiddleware
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route

    async def chat(request: Request) -> Response:
        request.state.pii = PAIRS
        if "whole" in request.query_params:
            return JSONResponse(json.loads(WHOLE))
        return StreamingResponse(iter(EVENT.values()), media_type="text/event-stream")

    find: Callable[[Any], Any] = lambda scope: scope.get("state", {}).get("pii")  # noqa: E731
    app = Starlette(
        routes=[Route("/chat", chat, methods=["GET", "POST"])],
        middleware=[
            Middleware(GZipMiddleware, minimum_size=1),
            Middleware(RestoreMiddleware, find, answers=True),
        ],
    )

    async def ask() -> None:
        async with AsyncClient(transport=ASGITransport(app), base_url="http://app") as client:
            assert (await client.post("/chat")).content == through(
                WireRestorer(PAIRS), list(EVENT.values())
            ).data
            whole = await client.post("/chat?whole")
            assert whole.json() == json.loads(RESTORED)
            assert whole.headers["content-encoding"] == "gzip"
            assert (await client.head("/chat?whole")).status_code == 200

    asyncio.run(ask())
