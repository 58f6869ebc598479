"""The transports: on httpx and httpx2, sync and async alike. What they restore, and what they leave alone."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from holdback import DeanonymizationConfig, HoldbackError, PIIMapping, TrieMatcher
from holdback.errors import EncodedInput
from holdback.restorers.wire import WireRestorer as Wire
from transport_hosts import EVENTS, PAIRS, SAID, URL, Body, Host, Inner, Lost, ask
from wires import every, recordings, through

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
