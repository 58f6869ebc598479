"""The transports: on httpx and httpx2, sync and async alike, and under the real SDKs that sit on them."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest

from holdback import DeanonymizationConfig, HoldbackError, MappingError, PIIMapping, TrieMatcher
from holdback.errors import EncodedInput
from holdback.restorers.wire import WireRestorer as Wire
from provider import Provider
from streams import say
from wires import every, recordings, through

PAIRS = {"<PERSON_1>": 'Ada "Countess" Lovelace', "<EMAIL_1>": "ada@example.org"}
URL = "http://provider.invalid/v1/chat/completions"
EVENTS = {"content-type": "text/event-stream; charset=utf-8"}
SAID = "".join(f"data: {json.dumps(say(text))}\n\n" for text in ("Hi <PER", "SON_1>", " <EMA")).encode()


class Host(NamedTuple):
    """A library, and what restores under it, in one of two ways to call."""

    library: Any
    ours: Any
    is_async: bool


@pytest.fixture(params=["httpx-sync", "httpx-async", "httpx2-sync", "httpx2-async"])
def host(request: pytest.FixtureRequest) -> Host:
    name, _, mode = request.param.partition("-")
    library = pytest.importorskip(name)
    ours = importlib.import_module(f"holdback.integrations.{name}")
    return Host(library, ours, mode == "async")


class Lost(Exception):
    """What an upstream raises."""


class Body:
    """The body of an answer in pieces, both ways; counts what is asked of it."""

    def __init__(self, pieces: list[bytes], error: Exception | None = None) -> None:
        self.pieces = pieces
        self.error = error
        self.taken = self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
            yield piece
        if self.error is not None:
            raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            await asyncio.sleep(0)
            yield piece

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Inner:
    """A transport that gives one answer, whatever is asked; keeps the requests."""

    def __init__(self, host: Host, body: Body, headers: Any, status: int = 200) -> None:
        stream = type("Stream", (Body, host.library.SyncByteStream, host.library.AsyncByteStream), {})
        self.body = body
        body.__class__ = stream
        self.host, self.headers, self.status = host, headers, status
        self.requests: list[Any] = []
        self.entered = self.closed = 0

    def handle_request(self, request: Any) -> Any:
        self.requests.append(request)
        extensions = {"http_version": b"HTTP/2", "mine": 1}
        return self.host.library.Response(
            self.status, headers=self.headers, stream=self.body, extensions=extensions
        )

    async def handle_async_request(self, request: Any) -> Any:
        return self.handle_request(request)

    def __enter__(self) -> None:
        self.entered += 1

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> None:
        self.entered += 1

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Answer(NamedTuple):
    """What a client saw: the response, the pieces of its body, the error that ended it."""

    response: Any
    pieces: list[bytes]
    error: BaseException | None

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


def ask(
    host: Host,
    inner: Inner,
    mapping: Any,
    config: Any = None,
    *,
    method: str = "POST",
    content: Any = None,
    stop: int = -1,
    **options: Any,
) -> Answer:
    """One request through a client on our transport; it leaves after ``stop`` pieces."""
    pieces: list[bytes] = []
    error: BaseException | None = None

    def sync() -> Any:
        nonlocal error
        transport = host.ours.RestoreTransport(mapping, config, transport=inner, **options)
        with (
            host.library.Client(transport=transport) as client,
            client.stream(method, URL, content=content) as response,
        ):
            try:
                for piece in response.iter_raw():
                    pieces.append(piece)
                    if len(pieces) == stop:
                        break
            except Lost as lost:
                error = lost
        return response

    async def asynchronous() -> Any:
        nonlocal error
        transport = host.ours.AsyncRestoreTransport(mapping, config, transport=inner, **options)
        async with (
            host.library.AsyncClient(transport=transport) as client,
            client.stream(method, URL, content=content) as response,
        ):
            try:
                async for piece in response.aiter_raw():
                    pieces.append(piece)
                    if len(pieces) == stop:
                        break
            except Lost as lost:
                error = lost
        return response

    return Answer(asyncio.run(asynchronous()) if host.is_async else sync(), pieces, error)


# ---------------------------------------------------------------- what is restored


@pytest.mark.parametrize("recording", recordings(), ids=lambda recording: recording.name)
def test_a_stream_is_restored(host: Host, recording: Any, backend: str) -> None:
    kind = "application/x-ndjson" if recording.lines else "text/event-stream"
    inner = Inner(host, Body(every(recording.data, 37)), {"Content-Type": kind})
    answer = ask(host, inner, recording.pairs)
    assert answer.body == through(Wire(recording.pairs), [recording.data]).data
    assert answer.body != recording.data


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "Application/vnd.x+JSON"]
)
def test_a_whole_answer_is_restored(host: Host, kind: str, backend: str) -> None:
    whole = {"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "<PERSON_1>"}}]}
    source = json.dumps(whole).encode()
    inner = Inner(host, Body(every(source, 9)), {"content-type": kind, "content-length": str(len(source))})
    answer = ask(host, inner, PAIRS)
    assert json.loads(answer.body)["choices"][0]["message"]["content"] == PAIRS["<PERSON_1>"]
    assert len(answer.pieces) == 1
    assert "content-length" not in answer.response.headers


@pytest.mark.parametrize("mapping", [PAIRS, TrieMatcher(PAIRS)], ids=["dict", "matcher"])
@pytest.mark.parametrize("is_callable", [False, True])
def test_any_mapping_does_directly_or_from_the_request(
    host: Host, mapping: Any, *, is_callable: bool
) -> None:
    asked = []

    def find(request: Any) -> Any:
        asked.append(request)
        return mapping

    inner = Inner(host, Body([SAID]), EVENTS)
    answer = ask(host, inner, find if is_callable else mapping)
    assert b"Ada" in answer.body
    assert asked == (inner.requests if is_callable else [])


def test_a_mapping_that_grows_while_the_request_is_out_is_read_when_the_answer_begins(host: Host) -> None:
    mapping = PIIMapping()

    class Masking(Inner):
        def handle_request(self, request: Any) -> Any:
            mapping.add("Ada", "<PERSON_1>", "PERSON")
            return super().handle_request(request)

    assert b'"Ada"' in ask(host, Masking(host, Body([SAID]), EVENTS), mapping).body


def test_signed_reasoning_is_restored_on_demand(host: Host) -> None:
    thought = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "thinking_delta", "thinking": "<PERSON_1>"},
    }
    data = f"data: {json.dumps(thought)}\n\n".encode()
    for config, restored in ((None, False), (DeanonymizationConfig(reasoning=True), True)):
        answer = ask(host, Inner(host, Body([data]), EVENTS), PAIRS, config)
        assert (answer.body != data) == restored


# ---------------------------------------------------------------- coding and headers


DOCUMENT = b'data: {"choices":[{"index":0,"delta":{"content":"[\\"<PERSON_1>\\"]"}}]}\n\n'


def streamed(host: Host, data: bytes) -> Any:
    async def later() -> AsyncIterator[bytes]:
        yield data

    return later() if host.is_async else iter([data])


@pytest.mark.parametrize(
    ("asked", "config", "is_json"),
    [
        (b'{"response_format":{"type":"json_object"}}', None, True),
        (b'{"response_format":{"type":"text"}}', None, False),
        (b'{"response_format":{"type":"text"}}', DeanonymizationConfig(content="json"), True),
        (b'{"messages":[]}', None, True),  # its beginning tells
    ],
)
def test_content_is_what_the_request_asks_for(host: Host, asked: bytes, config: Any, is_json: bool) -> None:
    inner = Inner(host, Body([DOCUMENT]), EVENTS)
    out = ask(host, inner, PAIRS, config, content=asked)
    content = json.loads(out.body[6:])["choices"][0]["delta"]["content"]
    assert content == (json.dumps([PAIRS["<PERSON_1>"]]) if is_json else f'["{PAIRS["<PERSON_1>"]}"]')
    assert inner.requests[0].content == asked


def test_the_body_of_a_request_that_is_streamed_is_not_read(host: Host) -> None:
    inner = Inner(host, Body([DOCUMENT]), EVENTS)
    asked = streamed(host, b'{"response_format":{"type":"text"}}')
    out = ask(host, inner, PAIRS, content=asked)
    assert json.loads(json.loads(out.body[6:])["choices"][0]["delta"]["content"]) == [PAIRS["<PERSON_1>"]]
    with pytest.raises(host.library.RequestNotRead):
        _ = inner.requests[0].content


def test_it_asks_for_an_uncompressed_answer_only_if_there_is_a_mapping(host: Host) -> None:
    for mapping, accepted in ((PAIRS, "identity"), (None, None), (lambda _: None, None)):
        inner = Inner(host, Body([SAID]), EVENTS)
        ask(host, inner, mapping)
        coding = inner.requests[0].headers["accept-encoding"]
        assert (coding == "identity") == (accepted == "identity")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "GZIP"])
def test_a_compressed_answer_is_decoded(host: Host, coding: str) -> None:
    data = gzip.compress(SAID) if coding.lower() == "gzip" else zlib.compress(SAID)
    headers = {**EVENTS, "content-encoding": coding, "content-length": str(len(data)), "x-kept": "1"}
    answer = ask(host, Inner(host, Body(every(data, 5)), headers), PAIRS)
    assert answer.body == through(Wire(PAIRS), [SAID]).data
    assert dict(answer.response.headers) == {**EVENTS, "x-kept": "1"}


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", "text/plain", None])
def test_bytes_that_are_compressed_and_do_not_say_so_are_decoded(host: Host, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    answer = ask(host, Inner(host, Body(every(gzip.compress(SAID), 5)), headers), PAIRS)
    assert answer.body == through(Wire(PAIRS), [SAID]).data
    assert dict(answer.response.headers) == headers


@pytest.mark.parametrize("coding", ["compress", "gzip, compress"])
@pytest.mark.parametrize("kind", ["text/event-stream", "application/x-ndjson", "application/json"])
def test_an_answer_that_cannot_be_decoded_is_an_error_or_passes(host: Host, kind: str, coding: str) -> None:
    headers = {"content-type": kind, "content-encoding": coding, "content-length": str(len(SAID))}
    body = Body([SAID])
    with pytest.raises(EncodedInput):
        ask(host, Inner(host, body, headers), PAIRS)
    assert (body.taken, body.closed) == (0, 1)
    answer = ask(host, Inner(host, Body([SAID]), headers), PAIRS, undecodable="pass")
    assert answer.pieces == [SAID]
    assert dict(answer.response.headers) == headers


def test_every_other_header_and_the_extensions_stay(host: Host) -> None:
    headers = [
        ("content-type", "text/event-stream"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("digest", "x"),
    ]
    response = ask(host, Inner(host, Body([SAID]), headers, status=203), PAIRS).response
    assert response.headers.multi_items() == headers[:3]
    assert (response.status_code, response.http_version, response.extensions["mine"]) == (203, "HTTP/2", 1)


# ---------------------------------------------------------------- what is left alone


@pytest.mark.parametrize(
    ("headers", "mapping", "config", "method"),
    [
        ({"content-type": "text/html"}, PAIRS, None, "POST"),
        ({"content-type": "application/octet-stream"}, PAIRS, None, "POST"),
        (EVENTS, None, None, "POST"),
        (EVENTS, {}, None, "POST"),
        (EVENTS, lambda _: None, None, "POST"),
        (EVENTS, PAIRS, DeanonymizationConfig(enabled=False), "POST"),
        (EVENTS, PAIRS, None, "HEAD"),
        ({"content-type": "text/html", "content-encoding": "compress"}, PAIRS, None, "POST"),
        ({"content-encoding": "compress"}, PAIRS, None, "POST"),
    ],
    ids=["page", "bytes", "none", "empty", "none-found", "off", "head", "coding", "no-type-coding"],
)
def test_every_other_response_is_left_alone(
    host: Host, headers: dict[str, str], mapping: Any, config: Any, method: str
) -> None:
    sent = {**headers, "content-length": str(len(SAID))}
    answer = ask(host, Inner(host, Body(every(SAID, 50)), sent), mapping, config, method=method)
    assert answer.pieces == every(SAID, 50)
    assert dict(answer.response.headers) == sent


@pytest.mark.parametrize(
    "source", [b"", b"[1, 2]", b"<PERSON_1>", b'{"a": "<PERSON_1>"}', b'{"error": {"code": 1}}']
)
def test_json_that_is_no_answer_passes(host: Host, source: bytes) -> None:
    inner = Inner(host, Body([source]), {"content-type": "application/json"}, status=400)
    assert ask(host, inner, PAIRS).body == source


# ---------------------------------------------------------------- told by the first bytes

LINES = b"".join(data[6:] + b"\n" for data in SAID.split(b"\n\n") if data)
WRONG = pytest.mark.parametrize(
    "kind", [None, "text/plain; charset=utf-8", "application/json", "text/event-stream"]
)


def typed(kind: str | None, size: int) -> dict[str, str]:
    return {"content-length": str(size), **({} if kind is None else {"content-type": kind})}


@WRONG
@pytest.mark.parametrize("stream", [SAID, LINES, b"\n\n" + LINES], ids=["events", "lines", "blanks"])
def test_a_stream_is_restored_as_it_comes_whatever_it_is_called(
    host: Host, kind: str | None, stream: bytes, backend: str
) -> None:
    inner = Inner(host, Body(every(stream, 20)), typed(kind, len(stream)))
    answer = ask(host, inner, PAIRS)
    ahead = len(stream) - len(stream.lstrip())
    assert answer.body == stream[:ahead] + through(Wire(PAIRS), [stream[ahead:]]).data
    assert len(answer.pieces) >= 3
    assert "content-length" not in answer.response.headers


@WRONG
def test_a_whole_answer_is_restored_whatever_it_is_called(host: Host, kind: str | None) -> None:
    whole = {"choices": [{"index": 0, "message": {"content": "<PERSON_1>"}}]}
    source = json.dumps(whole, indent=1).encode()
    answer = ask(host, Inner(host, Body(every(source, 20)), typed(kind, len(source))), PAIRS)
    assert json.loads(answer.body)["choices"][0]["message"]["content"] == PAIRS["<PERSON_1>"]


OTHERS = {
    "text": b"Hi <PERSON_1>, [1] see",
    "list": b"[1, 2] <PERSON_1>",
    "archive": gzip.compress(b"Hi <PERSON_1>" * 50),
    "half": b"dat",
    "document": b'{"a": "<PERSON_1>"}',
    "long document": b'{\n"a": "<PERSON_1>"\n}\n',
    "nothing": b"",
}


@pytest.mark.parametrize("kind", [None, "text/plain"])
@pytest.mark.parametrize("coding", [None, "gzip"])
@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_answer_is_left_alone(host: Host, kind: str | None, coding: str | None, name: str) -> None:
    """Its reads and its headers too: what was decoded to look at it is not what goes on."""
    data = OTHERS[name]
    headers = typed(kind, len(data)) | ({} if coding is None else {"content-encoding": coding})
    body = Body(every(data, 9))
    answer = ask(host, Inner(host, body, headers), PAIRS)
    assert answer.pieces == every(data, 9)
    assert dict(answer.response.headers) == headers
    assert body.closed == 1


@pytest.mark.parametrize("data", [b"Hi there", SAID], ids=["text", "stream"])
def test_no_more_is_read_than_it_takes_to_tell(host: Host, data: bytes) -> None:
    body = Body(every(data, 3))
    taken = []

    inner = Inner(host, body, {})
    ours = host.ours
    if host.is_async:
        transport = ours.AsyncRestoreTransport(PAIRS, transport=inner)

        async def look() -> None:
            response = await transport.handle_async_request(host.library.Request("GET", URL))
            taken.append(body.taken)
            await response.aclose()

        asyncio.run(look())
    else:
        response = ours.RestoreTransport(PAIRS, transport=inner).handle_request(
            host.library.Request("GET", URL)
        )
        taken.append(body.taken)
        response.close()
    assert taken == [1 if data.startswith(b"Hi") else 2]
    assert body.closed == 1


@pytest.mark.parametrize("data", [b"", b"da", b"Hi", SAID, b'{"a": 1'])
def test_an_error_while_it_is_looked_at_is_raised_where_the_body_is_read(host: Host, data: bytes) -> None:
    lost, body = Lost(), Body(every(data, 4))
    body.error = lost
    answer = ask(host, Inner(host, body, {}), PAIRS)
    assert answer.error is lost
    assert answer.response.status_code == 200
    assert answer.body == through(Wire(PAIRS), [data]).data
    assert body.closed == 1


def test_the_options_are_passed_on(host: Host) -> None:
    assert ask(host, Inner(host, Body([SAID]), EVENTS), PAIRS, protocol="anthropic").body == SAID
    for path, name in (("/v1/chat/completions", "anthropic"), ("/v1/messages", None)):
        find = lambda request, path=path, name=name: name if request.url.path == path else "openai-chat"  # noqa: E731
        answer = ask(host, Inner(host, Body([SAID]), EVENTS), PAIRS, protocol=find)
        assert (answer.body == SAID) == (name == "anthropic")
    whole = b'{"choices": [{"message": {"content": "<PERSON_1>"}}]}'
    kind = {"content-type": "application/json"}
    assert ask(host, Inner(host, Body([whole]), kind), PAIRS, max_event_bytes=len(whole) - 1).body == whole
    for wrong in ({"protocol": "smtp"}, {"oversized": "drop"}, {"undecodable": "drop"}):
        with pytest.raises(HoldbackError):
            host.ours.RestoreTransport(PAIRS, **wrong)


# ---------------------------------------------------------------- life cycle


def test_an_error_comes_behind_the_tail_as_the_same_object(host: Host) -> None:
    lost = Lost("quotes <PERSON_1>")
    body = Body([SAID], lost)
    answer = ask(host, Inner(host, body, EVENTS), PAIRS)
    assert answer.error is lost
    assert b"<EMA" in answer.pieces[-1]
    assert body.closed == 1


def test_half_a_whole_answer_leaves_as_it_came(host: Host) -> None:
    answer = ask(
        host, Inner(host, Body([b'{"choices', b'":'], Lost()), {"content-type": "application/json"}), PAIRS
    )
    assert (answer.body, type(answer.error)) == (b'{"choices":', Lost)


def test_a_client_that_leaves_closes_the_answer_once_and_nothing_was_read_ahead(host: Host) -> None:
    body = Body(every(SAID, 40))
    answer = ask(host, Inner(host, body, EVENTS), PAIRS, stop=1)
    assert body.closed == 1
    restorer = Wire(PAIRS)
    assert len(answer.pieces) == 1
    assert body.taken == next(number for number, data in enumerate(body.pieces, 1) if restorer.feed(data))


def test_a_mapping_that_cannot_be_used_closes_the_answer(host: Host) -> None:
    body = Body([SAID])
    with pytest.raises(MappingError):
        ask(host, Inner(host, body, EVENTS), lambda _: {"": "x"})
    assert body.closed == 1


def transport_of(host: Host) -> Any:
    return host.ours.AsyncRestoreTransport if host.is_async else host.ours.RestoreTransport


@pytest.mark.parametrize(
    ("wrong", "error"), [({"": "x"}, MappingError), ({"<P>": 1}, TypeError), ([], TypeError)]
)
def test_a_mapping_that_cannot_be_used_is_an_error_when_the_transport_is_made(
    host: Host, wrong: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        transport_of(host)(wrong)


def test_a_static_mapping_that_changes_is_read_anew(host: Host) -> None:
    pairs = {"<PERSON_1>": "Ada"}
    for name in ("Ada", "Mira"):
        pairs["<PERSON_1>"] = name
        assert name.encode() in ask(host, Inner(host, Body([SAID]), EVENTS), pairs).body


def test_the_config_s_words_and_spellings_hold_for_a_plain_mapping(host: Host) -> None:
    said = f"data: {json.dumps(say('PERSON_1x PERSON_1.'))}\n\n".encode()
    inner = Inner(host, Body([said]), EVENTS)
    assert b"PERSON_1x Ada." in ask(host, inner, {"PERSON_1": "Ada"}, DeanonymizationConfig(words=True)).body


def test_an_async_callable_is_an_error_that_says_what_to_do(host: Host) -> None:
    async def find(_: Any) -> Any:
        return PAIRS

    with pytest.raises(TypeError, match="await the mapping before"):
        transport_of(host)(find)
    body = Body([SAID])
    with pytest.raises(TypeError, match="await the mapping before"):
        ask(host, Inner(host, body, EVENTS), lambda request: [find(request)].pop())
    assert body.taken == 0


def test_a_transport_of_the_other_library_is_an_error_that_names_the_right_one() -> None:
    libraries = {name: pytest.importorskip(name) for name in ("httpx", "httpx2")}
    for name, other in (("httpx", "httpx2"), ("httpx2", "httpx")):
        ours = importlib.import_module(f"holdback.integrations.{name}")
        theirs = libraries[other]
        for kind in (ours.RestoreTransport, ours.AsyncRestoreTransport):
            with pytest.raises(TypeError, match=rf"holdback\.integrations\.{other}$"):
                kind(PAIRS, transport=theirs.MockTransport(lambda _: None))
        mock = libraries[name].MockTransport(lambda _, name=name: libraries[name].Response(200))
        with (
            theirs.Client(transport=ours.RestoreTransport(PAIRS, transport=mock)) as client,
            pytest.raises(TypeError, match=rf"holdback\.integrations\.{other}$"),
        ):
            client.get(URL)


def test_a_transport_of_the_other_way_to_call_is_an_error(host: Host) -> None:
    wrong = host.library.HTTPTransport() if host.is_async else host.library.AsyncHTTPTransport()
    right = "RestoreTransport" if host.is_async else "AsyncRestoreTransport"
    with pytest.raises(TypeError, match=rf"take {right} of"):
        transport_of(host)(PAIRS, transport=wrong)
    with pytest.raises(TypeError, match="is a class"):
        transport_of(host)(
            PAIRS, transport=host.library.HTTPTransport if host.is_async else host.library.AsyncHTTPTransport
        )
    with pytest.raises(TypeError, match="not int"):
        transport_of(host)(PAIRS, transport=3)


def test_a_callable_that_fails_sends_nothing(host: Host) -> None:
    def find(_: Any) -> Any:
        raise Lost

    inner = Inner(host, Body([SAID]), EVENTS)
    with pytest.raises(Lost):
        ask(host, inner, find)
    assert not inner.requests


def test_the_wrapped_transport_is_entered_and_closed_with_it(host: Host) -> None:
    inner = Inner(host, Body([SAID]), EVENTS)
    ask(host, inner, PAIRS)
    assert (inner.entered, inner.closed) == (1, 1)


def test_without_a_transport_there_is_the_default_one(host: Host) -> None:
    ours = host.ours.RestoreTransport(PAIRS)
    assert type(ours._transport) is host.library.HTTPTransport
    ours.close()
    assert type(host.ours.AsyncRestoreTransport(PAIRS)._transport) is host.library.AsyncHTTPTransport


# ---------------------------------------------------------------- real clients, real sockets

TEXT = "Hi <PERSON_1>, <EMAIL_1>? [cut:7]"
RESTORED = f"You said: Hi {PAIRS['<PERSON_1>']}, {PAIRS['<EMAIL_1>']}? [cut:7]"
CHAT: Any = {"model": "m", "messages": [{"role": "user", "content": TEXT}]}
TOOL: Any = {"type": "function", "function": {"name": "mail", "parameters": {"type": "object"}}}


@pytest.mark.sdk
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_openai(provider: Provider, library: str) -> None:
    openai, host = pytest.importorskip("openai"), pytest.importorskip(library)
    transport = importlib.import_module(f"holdback.integrations.{library}").RestoreTransport(PAIRS)
    with (
        host.Client(transport=transport) as http_client,
        openai.OpenAI(api_key="k", base_url=provider.address + "/v1", http_client=http_client) as client,
    ):
        assert client.chat.completions.create(**CHAT).choices[0].message.content == RESTORED
        chunks = list(client.chat.completions.create(**CHAT, stream=True))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == RESTORED
        with client.chat.completions.stream(**CHAT, tools=[TOOL]) as stream:
            call = stream.get_final_completion().choices[0].message.tool_calls[0]
        assert json.loads(call.function.arguments) == {"to": RESTORED.removeprefix("You said: ")}
        with client.responses.stream(model="m", input=TEXT) as stream:
            assert stream.get_final_response().output_text == RESTORED
        assert (
            "".join(
                chunk.choices[0].text
                for chunk in client.completions.create(model="m", prompt=TEXT, stream=True)
            )
            == RESTORED
        )


@pytest.mark.sdk
async def test_openai_async(provider: Provider) -> None:
    openai, host = pytest.importorskip("openai"), pytest.importorskip("httpx2")
    transport = importlib.import_module("holdback.integrations.httpx2").AsyncRestoreTransport(PAIRS)
    async with (
        host.AsyncClient(transport=transport) as http_client,
        openai.AsyncOpenAI(api_key="k", base_url=provider.address + "/v1", http_client=http_client) as client,
    ):
        stream = await client.chat.completions.create(**CHAT, stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == RESTORED


@pytest.mark.sdk
def test_each_request_has_its_own_mapping(provider: Provider) -> None:
    openai, host = pytest.importorskip("openai"), pytest.importorskip("httpx2")
    ours = importlib.import_module("holdback.integrations.httpx2")
    tenants = {"a": {"<PERSON_1>": "Ada"}, "b": {"<PERSON_1>": "Bob"}}
    transport = ours.RestoreTransport(lambda request: tenants.get(request.headers["x-tenant"]))
    with (
        host.Client(transport=transport) as http_client,
        openai.OpenAI(api_key="k", base_url=provider.address, http_client=http_client) as client,
    ):
        said = {
            tenant: client.chat.completions.create(**CHAT, extra_headers={"x-tenant": tenant})
            for tenant in ("a", "b", "c")
        }
    heard = {tenant: answer.choices[0].message.content[10:21] for tenant, answer in said.items()}
    assert heard == {"a": "Hi Ada, <EM", "b": "Hi Bob, <EM", "c": "Hi <PERSON_"}


@pytest.mark.sdk
def test_anthropic(provider: Provider) -> None:
    anthropic = pytest.importorskip("anthropic")
    ours = importlib.import_module("holdback.integrations.httpx2")
    http_client = anthropic.DefaultHttpxClient(transport=ours.RestoreTransport(PAIRS))
    with anthropic.Anthropic(api_key="k", base_url=provider.address, http_client=http_client) as client:
        assert client.messages.create(**CHAT, max_tokens=9).content[0].text == RESTORED
        with client.messages.stream(**CHAT, max_tokens=9) as stream:
            assert "".join(stream.text_stream) == RESTORED
        tool: Any = {"name": "mail", "input_schema": {"type": "object"}}
        with client.messages.stream(**CHAT, max_tokens=9, tools=[tool]) as stream:
            (block,) = stream.get_final_message().content
        assert block.input == {"to": RESTORED.removeprefix("You said: ")}


@pytest.mark.sdk
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_google_genai(provider: Provider, library: str) -> None:
    genai, host = pytest.importorskip("google.genai"), pytest.importorskip(library)
    ours = importlib.import_module(f"holdback.integrations.{library}")
    with host.Client(transport=ours.RestoreTransport(PAIRS)) as http_client:
        options = {"base_url": provider.address, "httpx_client": http_client}
        client = genai.Client(api_key="k", http_options=options)
        assert client.models.generate_content(model="m", contents=TEXT).text == RESTORED
        chunks = client.models.generate_content_stream(model="m", contents=TEXT)
        assert "".join(chunk.text or "" for chunk in chunks) == RESTORED


@pytest.mark.sdk
def test_ollama() -> None:
    ollama = pytest.importorskip("ollama")
    ours = importlib.import_module("holdback.integrations.httpx")
    host = Host(pytest.importorskip("httpx"), ours, is_async=False)
    says = [
        {"model": "m", "message": {"role": "assistant", "content": text}, "done": not text}
        for text in ("Hi <PER", "SON_1>!", "")
    ]
    body = "".join(json.dumps(line) + "\n" for line in says).encode()
    inner = Inner(host, Body(every(body, 7)), {"content-type": "application/x-ndjson"})
    client = ollama.Client(transport=ours.RestoreTransport(PAIRS, transport=inner))
    told = "".join(part["message"]["content"] for part in client.chat("m", stream=True))
    assert told == f"Hi {PAIRS['<PERSON_1>']}!"
