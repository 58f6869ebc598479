"""AWS's own readers of what leaves: botocore's buffer at every cut, and a real boto3 client over the loopback."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from answering import Server, answering
from aws_messages import Event, inner, read, stream
from holdback import ChunkRestorer, WireRestorer, restore_answer, sync
from recorded import MAP, STREAMS, through

pytestmark = [pytest.mark.sdk, pytest.mark.filterwarnings("default::DeprecationWarning")]

RECORDINGS = {
    "converse_stream": (STREAMS / "bedrock-converse.eventstream").read_bytes(),
    "invoke_model_with_response_stream": (STREAMS / "anthropic-bedrock.eventstream").read_bytes(),
}
SHORT = stream(
    [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "Hi <PERSO"}, "p": "abc"}},
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "N_10>! <PERS"}}},
        {"messageStop": {"stopReason": "end_turn"}},
    ]
)


def test_botocores_buffer_reads_what_leaves_at_every_cut() -> None:
    buffer_of = pytest.importorskip("botocore.eventstream").EventStreamBuffer
    for cut in range(len(SHORT)):
        restorer = WireRestorer(MAP)
        buffer = buffer_of()
        for data in (restorer.feed(SHORT[:cut]), restorer.feed(SHORT[cut:]), restorer.flush()):
            buffer.add_data(data)
        found = [one.to_response_dict() for one in buffer]
        assert {one["status_code"] for one in found} == {200}
        said = [json.loads(one["body"]).get("delta", {}).get("text", "") for one in found]
        assert said == ["", "Hi ", "Grace! ", "<PERS", ""]
        assert buffer._data == b"", "bytes are left over"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with answering() as server:
        yield server


def client(server: Server) -> Any:
    pytest.importorskip("boto3")
    return importlib.import_module("boto3").client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=server.url,
        aws_access_key_id="none",
        aws_secret_access_key="none",
    )


def asked(server: Server, operation: str, data: bytes, size: int) -> list[Event]:
    """The events that a real client reads of these bytes."""
    server.kind = "application/vnd.amazon.eventstream"
    server.body = [data[at : at + size] for at in range(0, len(data), size)]
    if operation == "converse_stream":
        answer = client(server).converse_stream(
            modelId="m", messages=[{"role": "user", "content": [{"text": "?"}]}]
        )["stream"]
    else:
        answer = client(server).invoke_model_with_response_stream(modelId="m", body=b"{}")["body"]
    return list(answer)


@pytest.mark.parametrize("size", [7, 64, 1 << 20])
@pytest.mark.parametrize("operation", RECORDINGS)
def test_a_real_client_reads_a_restored_stream(server: Server, operation: str, size: int) -> None:
    data = RECORDINGS[operation]
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    restored = asked(server, operation, b"".join(sync.restore_bytes(pieces, MAP)), size)
    came = asked(server, operation, data, size)
    assert inner(restored) == inner(through("auto", came))
    assert len(read(data)) == len(came)


@pytest.mark.parametrize("operation", RECORDINGS)
def test_the_events_of_a_real_client_are_restored(server: Server, operation: str) -> None:
    came = asked(server, operation, RECORDINGS[operation], 100)
    restorer = ChunkRestorer(MAP, protocol="bedrock")
    out = [leaving for event in came for leaving in restorer.feed(event)] + restorer.flush()
    assert "Ada" in str(out)
    assert "<EMAIL_1>" not in str([one for one in inner(out) if "tool" not in str(one)])


def test_a_whole_answer(server: Server) -> None:
    content = [
        {"text": "Hi <PERSON_10>"},
        {"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": "<PERSON_1>"}}},
    ]
    server.kind = "application/json"
    server.body = [json.dumps({"output": {"message": {"role": "assistant", "content": content}}}).encode()]
    answer = client(server).converse(modelId="m", messages=[{"role": "user", "content": [{"text": "?"}]}])
    said = restore_answer(answer, MAP)["output"]["message"]["content"]
    assert said[0] == {"text": "Hi Grace"}
    assert said[1]["toolUse"]["input"] == {"a": MAP["<PERSON_1>"]}
