"""The middleware, driven as a server drives it: message by message. What it restores, and what it leaves alone."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import zlib
from typing import Any

import pytest

from asgi_server import (
    EVENT,
    EVENTS,
    JSON,
    PAIRS,
    RESTORED,
    STREAM,
    WHOLE,
    Failed,
    Message,
    Server,
    body,
    saying,
    serve,
    start,
)
from holdback import DeanonymizationConfig, EncodedInput, HoldbackError, TrieMatcher
from holdback.integrations.asgi import RestoreMiddleware, by_path
from holdback.restorers.wire import WireRestorer
from wires import Recording, every, recordings, through

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
