"""Cases of the way out: masking, stores, and the adapter to Presidio."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from holdback import DeanonymizationConfig, HoldbackError, PIIMapping
from holdback.integrations.presidio import PresidioDetector, mapping_of
from holdback.masking import Detectors, KnownValues, Masker, Pattern, Patterns, Placeholders, RoundTrip, Span
from holdback.stores import MemoryStore, RedisStore, SqliteStore
from secrecy.canaries import FAKE, HELD, ORIGINAL, OTHER, PAIRS, Host, Watch
from secrecy.material import Upstream, covers

KEY = bytes(range(32))
VALUES = dict.fromkeys(PAIRS.values(), "THING")
BODIES: list[Any] = [
    {"messages": [{"role": "user", "name": ORIGINAL, "content": HELD + ORIGINAL}], ORIGINAL: {ORIGINAL: 7}},
    {"messages": [{"role": "user", "content": {ORIGINAL: object()}}]},
    {"messages": [{"role": "user", "content": json.dumps({ORIGINAL: [ORIGINAL]}) + ORIGINAL}]},
    {"input": {"type": "x", "arguments": {ORIGINAL: {ORIGINAL}}}},
    json.dumps({"user": ORIGINAL}).encode(),
    json.dumps({"user": ORIGINAL}).encode()[:-1],
    json.dumps([ORIGINAL]).encode(),
    ORIGINAL.encode() + b"\xff",
    b'{"kanarie": ' + b"[" * 300 + b"]" * 300 + b"}",
    b"\x1f\x8b" + ORIGINAL.encode(),
    ORIGINAL,
    [ORIGINAL],
    None,
]


def mapping() -> PIIMapping:
    made = PIIMapping()
    for placeholder, value in PAIRS.items():
        made.add(value, placeholder, "KANARIE")
    return made


@covers(
    "masking.Masker",
    *(f"masking.Masker.{name}" for name in ("mask", "check_config", "style")),
    "masking.Masked",
    *(f"masking.Masked.{name}" for name in ("request", "mapping", "added", "report")),
    "masking.MaskingError",
    "masking.MaskingReport",
    *(f"masking.MaskingReport.{name}" for name in ("found", "texts", "masked", "is_stored")),
)
def masker(watch: Watch, _: Path) -> None:
    keyed = Masker([KnownValues(VALUES), Patterns({"WORD": "[a-z]*arie"}, engine="re")], Placeholders(KEY))
    numbered = Masker(KnownValues(VALUES), Placeholders(style="numbered"))
    for masks in (keyed, numbered, Masker(None)):
        watch.object(masks)
        for body in BODIES:
            for known in (None, mapping(), PAIRS, ORIGINAL, {"": ORIGINAL}, {FAKE: 7}):
                masked = watch.run(masks.mask, body, scope=f"the {ORIGINAL}", known=known)
                if not isinstance(masked, BaseException):
                    watch.object(masked)
                    watch.shown(masked.report)
    for scope in ("", ORIGINAL.encode(), None):
        watch.fails(keyed.mask, {}, scope=scope)
    watch.fails(keyed.mask, {}, scope="s", protocol=ORIGINAL)
    watch.fails(keyed.mask, {"previous_response_id": {ORIGINAL: {ORIGINAL}}}, scope="s")
    watch.fails(numbered.mask, {"previous_response_id": ORIGINAL}, scope="s")
    watch.fails(Masker, ORIGINAL)
    watch.fails(Masker, KnownValues(VALUES), ORIGINAL)
    watch.fails(Masker.check_config, DeanonymizationConfig(reasoning=True))


@covers(
    "masking.Detector",
    "masking.Detectors",
    "masking.Detectors.detectors",
    "masking.KnownValues",
    *(f"masking.KnownValues.{name}" for name in ("value_of", "values")),
    "masking.Pattern",
    *(f"masking.Pattern.{name}" for name in ("expression", "check")),
    "masking.Patterns",
    "masking.Patterns.engine",
    "masking.Span",
    *(f"masking.Span.{name}" for name in ("start", "end", "entity_type")),
)
def detectors(watch: Watch, _: Path) -> None:
    wrong: Any
    for wrong in (ORIGINAL, [ORIGINAL], {ORIGINAL: 7}, {7: ORIGINAL}, {" ": ORIGINAL}):
        watch.fails(KnownValues, wrong)
    known = KnownValues(VALUES)
    watch.object(known)
    assert list(known(ORIGINAL)) == [Span(0, len(ORIGINAL), "THING")]
    assert known.value_of(ORIGINAL) in dict(known.values())
    for wrong in (ORIGINAL.encode(), None):
        watch.fails(known, wrong)
    for wrong in (ORIGINAL, {"THING": "(kanarie"}, {"THING": Pattern("a", ORIGINAL)}, {"THING": 7}):
        watch.fails(Patterns, wrong)
    watch.fails(Patterns, {}, engine=ORIGINAL)
    watch.object(Patterns({"THING": "kanarie"}, engine="re"))
    watch.object(Pattern("kanarie", "luhn"))
    watch.object(Pattern("kanarie", str.isdigit))
    watch.fails(Detectors, [ORIGINAL])

    def quotes(text: str) -> list[Span]:
        raise Host

    def lies(text: str) -> Any:
        return [(0, 1, 7), (text, text, text)]

    for broken in (quotes, lies, lambda text: [text], lambda text: [Span(0, 10_000, text)]):
        watch.object(Detectors([known]))
        for body in BODIES[:3]:
            watch.run(Masker([known, broken], Placeholders(KEY)).mask, body, scope="s")


@covers(
    "masking.Placeholders",
    *(f"masking.Placeholders.{name}" for name in ("of", "allot", "style")),
)
def placeholders(watch: Watch, _: Path) -> None:
    wrong: Any
    for wrong in (ORIGINAL, ORIGINAL.encode(), None):
        watch.fails(Placeholders, wrong)
    watch.fails(Placeholders, KEY, ORIGINAL)
    made = Placeholders(KEY)
    watch.object(made)
    for wrong in (ORIGINAL.encode(), None):
        watch.fails(made.of, wrong, "THING", scope="s")
    watch.fails(Placeholders(KEY, "numbered").of, ORIGINAL, "THING", scope="s")
    assert list(made.allot({ORIGINAL: "THING"}, scope=ORIGINAL, taken=PAIRS, texts=[ORIGINAL]))


@covers(
    *(
        f"stores.{store}.{name}" if name else f"stores.{store}"
        for store in ("Store", "MemoryStore", "SqliteStore", "RedisStore")
        for name in ("", "merge", "load", "forget", "aclose")
    ),
    "stores.StoreError",
)
def stores(watch: Watch, folder: Path) -> None:
    (folder / "text.db").write_text(ORIGINAL * 100)
    address = f"redis://:{FAKE[1:-1]}@127.0.0.1:1/0"
    makers: list[Callable[[], Any]] = [
        MemoryStore,
        lambda: SqliteStore(folder / "a.db", KEY),
        lambda: SqliteStore(folder / "text.db", KEY),
        lambda: SqliteStore(folder / "nowhere" / ORIGINAL / "a.db", KEY),
        lambda: RedisStore(address, KEY, timeout=5),
    ]
    watch.fails(SqliteStore, folder / "b.db", ORIGINAL.encode()[:9])
    watch.fails(RedisStore, f"http://{ORIGINAL}", KEY)
    watch.fails(MemoryStore, ttl=-1)
    for make in makers:
        store = watch.run(make)
        if isinstance(store, HoldbackError) and not all(
            map(importlib.util.find_spec, ("cryptography", "redis"))
        ):
            continue
        watch.object(store)

        async def use(store: Any = store) -> None:
            scope = f"the {ORIGINAL}"
            for call in (
                lambda: store.merge(scope, mapping()),
                lambda: store.load(scope),
                lambda: store.merge(scope, PAIRS),
                lambda: store.merge(scope, mapping(), ttl=ORIGINAL),
                lambda: store.load(ORIGINAL.encode()),
                lambda: store.forget(scope),
                store.aclose,
            ):
                try:
                    watch.shown(await call())
                except Exception as error:  # noqa: BLE001 - whatever comes is looked at
                    watch.check(error)

        asyncio.run(use())


@covers(
    "masking.RoundTrip",
    *(f"masking.RoundTrip.{name}" for name in ("mask", "mask_now", "masker", "aclose")),
)
def round_trip(watch: Watch, _: Path) -> None:
    class Broken(MemoryStore):
        __slots__ = ()

        async def load(self, scope: str) -> PIIMapping:
            raise Host

        merge = load  # type: ignore[assignment]

    class Forgetting(MemoryStore):
        __slots__ = ()

        async def merge(self, scope: str, mapping: PIIMapping, ttl: float | None = None) -> None:
            raise Host

    masks = Masker(KnownValues(VALUES), Placeholders(KEY))
    wrong: Any = ORIGINAL
    watch.fails(RoundTrip, wrong)
    watch.fails(RoundTrip, masks, wrong)
    watch.fails(RoundTrip(masks, MemoryStore()).mask_now, {"user": ORIGINAL}, "s")
    for store in (None, MemoryStore(), Broken(), Forgetting()):
        trip = RoundTrip(masks, store)
        watch.shown(trip)

        async def use(trip: RoundTrip = trip) -> None:
            for body in BODIES:
                try:
                    masked: Any = await trip.mask(body, f"the {ORIGINAL}")
                    watch.shown(masked)
                    watch.shown(masked.report)
                except Exception as error:  # noqa: BLE001 - whatever comes is looked at
                    watch.check(error)
            await trip.aclose()

        asyncio.run(use())


@covers("presidio.PresidioDetector", "presidio.PresidioDetector.__call__", "presidio.mapping_of")
def presidio(watch: Watch, _: Path) -> None:
    def found(**given: Any) -> list[Any]:
        return [SimpleNamespace(start=0, end=len(given["text"]), score=1.0, entity_type="THING")]

    def fails(**_: Any) -> list[Any]:
        raise Host

    for analyze in (found, fails, lambda **_: [ORIGINAL], lambda **_: Upstream([ORIGINAL])):
        detector = PresidioDetector(SimpleNamespace(analyze=analyze))
        watch.object(detector)
        watch.run(Masker(detector, Placeholders(KEY)).mask, {"user": ORIGINAL}, scope="s")
    watch.fails(PresidioDetector, ORIGINAL)
    results = found(text=ORIGINAL)
    item = SimpleNamespace(start=0, end=len(FAKE), text=FAKE, entity_type="THING", operator="custom")
    changed = SimpleNamespace(text=FAKE, items=[item])
    assert mapping_of(ORIGINAL, results, changed).get_original(FAKE) == ORIGINAL
    watch.fails(mapping_of, OTHER, results, changed)
    item.operator, item.text = "custom", 7
    watch.fails(mapping_of, ORIGINAL, results, changed)
