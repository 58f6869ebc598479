"""Cases of the package itself: every name of ``holdback``, ``holdback.aio`` and ``holdback.sync``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import holdback
from holdback import (
    ChunkRestorer,
    DeanonymizationConfig,
    PIIMapping,
    Report,
    RestorePolicy,
    WireRestorer,
    _backend,
    aio,
    spellings,
    sync,
)
from holdback.engine.json_places import JsonPlaces
from holdback.engine.places import Places
from holdback.formats import FORMATS
from holdback.report import Counts
from secrecy.canaries import FAKE, HELD, ORIGINAL, OTHER, PAIRS, Watch
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
    shell,
)
from streams import text

# ---------------------------------------------------------------- the matcher and its streams


@covers("TrieMatcher", "TrieMatcher.replace", "TrieMatcher.stream", "TrieMatcher.longest", "MappingError")
def matcher(watch: Watch, _: Path) -> None:
    for wrong in WRONG_MAPPINGS:
        watch.fails(_backend.TrieMatcher, wrong)
    matcher = _backend.TrieMatcher(PAIRS)
    watch.object(matcher)
    assert ORIGINAL in matcher.replace(HELD)
    for wrong in (HELD.encode(), [HELD], None):
        watch.fails(matcher.replace, wrong)
        watch.fails(matcher.replace, wrong, json=True)
    watch.fails(setattr, matcher, "longest", ORIGINAL)


@covers("StreamBuffer", "StreamBuffer.feed", "StreamBuffer.flush", "StreamBuffer.pending")
def buffer(watch: Watch, _: Path) -> None:
    watch.fails(_backend.StreamBuffer, PAIRS)
    for is_json in (False, True):
        stream = _backend.TrieMatcher(PAIRS).stream(json=is_json)
        stream.feed('{"a": "' + HELD)
        assert stream.pending
        watch.object(stream)
        for wrong in (HELD.encode(), [HELD], None):
            watch.fails(stream.feed, wrong)
        watch.fails(setattr, stream, "pending", ORIGINAL)
        stream.flush()
        watch.object(stream)


@covers(
    "StreamingDeAnonymizer",
    *(f"StreamingDeAnonymizer.{name}" for name in ("feed", "flush", "buffer", "mapping", "report")),
)
def deanonymizer(watch: Watch, _: Path) -> None:
    for wrong in WRONG_MAPPINGS:
        watch.fails(holdback.StreamingDeAnonymizer, wrong)
    for mapping in (PAIRS, None):
        restorer = holdback.StreamingDeAnonymizer(mapping)
        restorer.feed(HELD)
        watch.shown(restorer)
        watch.fails(restorer.feed, HELD.encode())
        watch.fails(setattr, restorer, "buffer", HELD)
        restorer.flush()
        watch.object(restorer.report)


@covers(
    "PIIMapping",
    *(
        f"PIIMapping.{name}"
        for name in ("add", "count", "get_all_fakes", "get_entity_type", "get_fake", "get_original")
    ),
    "PIIMapping.is_empty",
    "PIIMapping.matcher",
)
def mapping(watch: Watch, _: Path) -> None:
    mapping = PIIMapping()
    mapping.add(ORIGINAL, FAKE, "PERSON")
    assert (mapping.get_original(FAKE), mapping.get_fake(ORIGINAL)) == (ORIGINAL, FAKE)
    assert mapping.get_all_fakes() == {FAKE: ORIGINAL}
    watch.object(mapping)
    watch.object(mapping.matcher())
    for wrong in ((OTHER, FAKE, "x"), (ORIGINAL, "", "x"), (b"kanarie", FAKE, "x"), (ORIGINAL, FAKE, 7)):
        watch.fails(mapping.add, *wrong)
    for name in ("get_fake", "get_original", "get_entity_type"):
        for other in (OTHER, OTHER.encode(), [FAKE]):
            watch.run(getattr(mapping, name), other)
    for name in ("count", "is_empty"):
        watch.fails(setattr, mapping, name, ORIGINAL)


# ---------------------------------------------------------------- chunks, bytes, answers


@covers(
    "ChunkRestorer",
    *(f"ChunkRestorer.{name}" for name in ("feed", "flush", "report")),
    "HoldbackError",
)
def chunk_restorer(watch: Watch, _: Path) -> None:
    for wrong in WRONG_MAPPINGS:
        watch.fails(ChunkRestorer, wrong)
    for wrong in WRONG_CONFIGS:
        watch.fails(ChunkRestorer, PAIRS, wrong)
    watch.fails(ChunkRestorer, PAIRS, protocol=ORIGINAL)
    watch.fails(ChunkRestorer, PAIRS, protocol=[FAKE])
    for protocol in (*FORMATS, "auto"):
        restorer = ChunkRestorer(PAIRS, protocol=protocol)
        for chunk in chunks():
            watch.run(restorer.feed, chunk)
        watch.object(restorer)
        watch.run(restorer.flush)
        watch.object(restorer.report)


@covers(
    "WireRestorer",
    *(f"WireRestorer.{name}" for name in ("feed", "flush", "protocol", "report", "understood")),
    "EncodedInput",
    "EventTooLarge",
    "StreamStateError",
)
def wire_restorer(watch: Watch, _: Path) -> None:
    for wrong in WRONG_MAPPINGS:
        watch.fails(WireRestorer, wrong)
    for wrong in WRONG_CONFIGS:
        watch.fails(WireRestorer, PAIRS, wrong)
    watch.fails(WireRestorer, PAIRS, protocol=ORIGINAL)
    watch.fails(WireRestorer, PAIRS, max_event_bytes=ORIGINAL)
    for protocol in (*FORMATS, "auto"):
        restorer = WireRestorer(PAIRS, protocol=protocol)
        for read in READS:
            watch.run(restorer.feed, read)
        watch.object(restorer)
        for wrong in (HELD, [HELD], None):
            watch.fails(restorer.feed, wrong)
        watch.run(restorer.flush)
        watch.fails(restorer.feed, HELD.encode())
        watch.fails(setattr, restorer, "protocol", ORIGINAL)
    watch.fails(WireRestorer(PAIRS).feed, COMPRESSED)
    small = WireRestorer(PAIRS, max_event_bytes=100, oversized="raise")
    watch.fails(small.feed, b"data: " + HELD.encode() * 10)
    watch.fails(small.feed, HELD.encode())
    watch.object(small)


@covers("restore_answer")
def whole_answer(watch: Watch, _: Path) -> None:
    answer = {"choices": [{"index": 0, "message": {"content": HELD}}]}
    assert ORIGINAL in str(holdback.restore_answer(answer, PAIRS))
    for wrong in WRONG_MAPPINGS:
        watch.fails(holdback.restore_answer, answer, wrong)
    for wrong in WRONG_CONFIGS:
        watch.fails(holdback.restore_answer, answer, PAIRS, wrong)
    watch.fails(holdback.restore_answer, answer, PAIRS, protocol=FAKE)
    for protocol in (*FORMATS, "auto"):
        for other in (HELD, HELD.encode(), b"{" + HELD.encode(), b"\xff" + HELD.encode(), *chunks()):
            watch.run(holdback.restore_answer, other, PAIRS, protocol=protocol)


@covers("create_chunk_dict", "create_delta_chunk", "format_sse_done", "format_sse_event")
def helpers(watch: Watch, _: Path) -> None:
    watch.run(holdback.create_chunk_dict, HELD)
    watch.run(holdback.create_delta_chunk, {"content": HELD})
    watch.run(holdback.format_sse_event, HELD)
    holdback.format_sse_done()


@covers(
    "DeanonymizationConfig",
    "DeanonymizationConfig.content",
    "DeanonymizationConfig.enabled",
    "DeanonymizationConfig.reasoning",
    "DeanonymizationConfig.spellings",
    "DeanonymizationConfig.words",
    "DeanonymizationConfig.unknown",
    "DeanonymizationConfig.policy",
)
def config(watch: Watch, _: Path) -> None:
    watch.fails(DeanonymizationConfig, enabled=ORIGINAL)
    watch.fails(DeanonymizationConfig, reasoning=[FAKE])
    watch.fails(DeanonymizationConfig, unknown=FAKE)
    watch.fails(DeanonymizationConfig, spellings=(FAKE,))
    watch.fails(DeanonymizationConfig, content=ORIGINAL)
    watch.fails(DeanonymizationConfig, words=[FAKE])


@covers("spellings")
def spelled(watch: Watch, _: Path) -> None:
    watch.fails(spellings, PAIRS, (FAKE,))
    watch.shown(spellings.left_out(PAIRS))
    watch.fails(DeanonymizationConfig, other=ORIGINAL)
    watch.fails(DeanonymizationConfig.model_validate, ORIGINAL)
    watch.fails(DeanonymizationConfig.model_validate_json, json.dumps(PAIRS)[:-1])
    watch.object(DeanonymizationConfig())


POLICY = (
    "addresses",
    "hosts",
    "entity_types",
    "tools",
    "channels",
    "enforce",
    "looks_at_places",
    "allowed_hosts",
)
DECISIONS = ("by_channel", "by_entity_type", "by_tool", "reason_to_keep")
MAKERS = ("from_toml", "from_toml_text", "model_validate", "model_validate_json", "model_post_init")


@covers("PolicyError", "RestorePolicy", *(f"RestorePolicy.{name}" for name in (*POLICY, *DECISIONS, *MAKERS)))
def policy(watch: Watch, folder: Path) -> None:
    wrong: list[Any] = [
        ORIGINAL,
        [ORIGINAL],
        {FAKE: ORIGINAL},
        {FAKE: "keep"},
        {"*": ORIGINAL},
        7,
        b"kanarie",
    ]
    for setting in (*POLICY[:6], FAKE):
        for value in wrong:
            if (setting, value) == ("channels", 7) or setting != "enforce" or value != 7:
                watch.fails(RestorePolicy, **{setting: value})
                watch.fails(RestorePolicy.model_validate, {setting: value})
                watch.fails(RestorePolicy.model_validate_json, json.dumps({setting: repr(value)}))
    watch.fails(RestorePolicy.model_validate, ORIGINAL)
    watch.fails(RestorePolicy.model_validate_json, json.dumps(PAIRS)[:-1])
    file = folder / "policy.toml"
    for wrong_text in (
        f"hosts = ['{FAKE}']",
        f"hosts = [{ORIGINAL}",
        f"'{FAKE}' = 1",
        f"[channels]\n'{FAKE}' = 'keep'",
    ):
        file.write_text(wrong_text, encoding="utf-8")
        watch.fails(RestorePolicy.from_toml, file)
        watch.fails(RestorePolicy.from_toml_text, wrong_text)
    watch.fails(RestorePolicy.from_toml_text, b"hosts = '\xff" + ORIGINAL.encode())
    policy = RestorePolicy(tools={"*": "keep"}, entity_types={"*": "keep"})
    assert policy.by_tool(ORIGINAL) == policy.by_entity_type(ORIGINAL) == "keep"
    assert policy.reason_to_keep("arguments", entity_type=ORIGINAL, tool=ORIGINAL) == "tool"
    watch.object(policy)


FIELDS = ("restored", "kept", "unknown", "cut", "oversized", "not_understood")


@covers(
    "Report",
    *(f"Report.{name}" for name in (*FIELDS, "is_empty", "merged", "as_dict", "as_json", "as_table")),
)
def report(watch: Watch, _: Path) -> None:
    counts = Counts(["PERSON"])
    counts.restored(ORIGINAL)
    counts.kept("address", FAKE)
    counts.unknown(ORIGINAL)
    counts.cut(FAKE)
    report = Report.merged([counts.report(), counts.report()])
    assert sum(report.restored.values()) == 2
    watch.object(report)
    watch.said += [report.as_json(), report.as_table(), str(report.as_dict())]
    watch.fails(lambda: report + ORIGINAL)
    for places in (Places(), JsonPlaces()):
        places.feed('"[a](https://' + HELD)
        assert places.in_address
        watch.object(places)
        watch.fails(places.feed, HELD.encode())


# ---------------------------------------------------------------- the shells

MESSAGES: list[Any] = [
    json.dumps({"type": "response.output_text.delta", "event_id": "e", "response_id": "r", "delta": HELD}),
    HELD,
    HELD.encode() + b"\xff",
    json.dumps({"type": "response.done", "event_id": ORIGINAL, "response": HELD})[:-1],
    {ORIGINAL: HELD},
]


@covers("aio.restore_bytes", "aio.restore_chunks", "aio.restore_messages")
def aio_shells(watch: Watch, _: Path) -> None:
    shell(watch, aio.restore_bytes, loop, [*READS, HELD])
    watch.fails(lambda: loop(aio.restore_bytes(Upstream([COMPRESSED]), PAIRS)))
    shell(watch, lambda *given: aio.restore_chunks(*given, protocol="auto"), loop, chunks())
    shell(watch, aio.restore_messages, loop, MESSAGES)
    watch.fails(lambda: loop(aio.restore_messages(Upstream(MESSAGES), PAIRS, protocol=ORIGINAL)))
    watch.fails(lambda: loop(aio.restore_chunks(Upstream([]), PAIRS, protocol=ORIGINAL)))
    watch.fails(lambda: loop(aio.restore_chunks(ORIGINAL, PAIRS, protocol="auto")))  # type: ignore[arg-type]


@covers("sync.restore_bytes", "sync.restore_chunks", "sync.restore_messages")
def sync_shells(watch: Watch, _: Path) -> None:
    shell(watch, sync.restore_bytes, list, [*READS, HELD])
    watch.fails(lambda: list(sync.restore_bytes([COMPRESSED], PAIRS)))
    shell(watch, lambda *given: sync.restore_chunks(*given, protocol="auto"), list, chunks())
    shell(watch, sync.restore_messages, list, MESSAGES)
    watch.fails(lambda: list(sync.restore_messages(MESSAGES, PAIRS, protocol=ORIGINAL)))
    watch.fails(lambda: list(sync.restore_chunks([], PAIRS, protocol=ORIGINAL)))


@covers("StreamingHandler", "StreamingHandler.stream_response", "StreamingHandler.stream_text_response")
def handler(watch: Watch, _: Path) -> None:
    for method in ("stream_response", "stream_text_response"):

        def open_stream(stream: Any, pairs: Any, config: Any = ON, method: str = method) -> Any:
            return getattr(holdback.StreamingHandler, method)(stream, pairs, config)

        shell(watch, open_stream, loop, [*chunks(), text(HELD)])
        watch.fails(lambda method=method: loop(open_stream(ORIGINAL, PAIRS, method=method)))
    assert any("holdback.handler" in line for line in watch.said), "the watch hears no log"
