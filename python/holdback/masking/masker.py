"""The masker: every value that is found anywhere in a request becomes its placeholder everywhere in it.

Three steps. The request is walked once and its texts collected; the detectors look at each; every value found, and
every value that the conversation is known to hold, gets its placeholder. Then one matcher of all values, the longest
first, goes over every text in a second walk. So a value that a detector saw in one message and missed in another is
masked in both, and what was restored in the last turn is masked again.

A placeholder that comes back, in a text that was kept masked, *is* the placeholder of its value: it stays, and nothing
inside it is looked for. Sans-IO: what a store knows is given as ``known``, and what is new comes out as ``added``.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, NoReturn, TypeVar

from holdback._pure.pattern import plain
from holdback.config import policy_of
from holdback.errors import MaskingError
from holdback.mapping import PIIMapping
from holdback.masking import _source
from holdback.masking.known import KnownValues
from holdback.masking.marks import marks_of, outside
from holdback.masking.placeholders import FORM, Placeholders, Style, label
from holdback.masking.plain import Plain
from holdback.masking.plain import plain as plain_request
from holdback.masking.readers import Collector, Read, Writer
from holdback.masking.requests import AUTO, REQUESTS
from holdback.masking.spans import Detector, Detectors, Span, settled, spans_of
from holdback.masking.values import standing
from holdback.masking.walk import Walk

Request = TypeVar("Request", bound="bytes | dict[str, Any]")


@dataclass(frozen=True, slots=True)
class MaskingReport:
    """What was masked in one request, in numbers: no value, no placeholder.

    >>> from holdback.masking import KnownValues, Masker, Placeholders
    >>> masker = Masker(KnownValues({"Ada": "PERSON"}), Placeholders(bytes(32)))
    >>> report = masker.mask({"user": "Ada", "instructions": "To Ada and Bo."}, scope="a conversation").report
    >>> dict(report.found), report.texts, report.masked
    ({'PERSON': 1}, 2, 2)
    """

    found: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """How many different values the detectors found, by entity type."""

    texts: int = 0
    """How many texts were looked at: messages, parts, strings in documents."""

    masked: int = 0
    """How many of them were changed."""

    is_stored: bool = True
    """False if a store was to keep what is new and could not; this answer is restored all the same."""


@dataclass(frozen=True, slots=True, repr=False)
class Masked(Generic[Request]):
    """A request that may be sent, and what is needed to restore its answer.

    >>> from holdback.masking import KnownValues, Masker, Placeholders
    >>> masked = Masker(KnownValues({"Ada": "PERSON"}), Placeholders(bytes(32))).mask(
    ...     {"messages": [{"role": "user", "content": "I am Ada."}]}, scope="a conversation")
    >>> masked
    Masked(values=1, texts=1, masked=1)
    """

    request: Request
    """The request as it came if nothing was masked; else a new one, which shares what did not change."""

    mapping: PIIMapping
    """Every placeholder of the conversation, as far as it is known: what was given as ``known``, and what is new."""

    report: MaskingReport
    """What was masked, in numbers."""

    added: PIIMapping
    """What of the mapping was not in ``known``: what a store has to learn."""

    def __repr__(self) -> str:
        report = self.report
        return f"Masked(values={self.mapping.count}, texts={report.texts}, masked={report.masked})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Masked holds personal data and is not pickled")


class Masker:
    """Masks requests: what its detector finds becomes placeholders.

    :param detector: what finds values; a list of detectors is one; None finds nothing, so that only what is ``known``
        is masked.
    :param placeholders: what makes the placeholders; None if the detector is None.

    It holds no state of a request, so threads may share it.

    >>> from holdback.masking import KnownValues, Masker, Placeholders
    >>> masker = Masker(KnownValues({"Ada": "PERSON"}), Placeholders(bytes(range(32))))
    >>> masked = masker.mask(b'{"messages": [{"role": "user", "content": "I am Ada."}]}', scope="a conversation")
    >>> masked.request
    b'{"messages": [{"role": "user", "content": "I am <PERSON_uzo4xzutl5>."}]}'
    >>> masked.mapping.get_original("<PERSON_uzo4xzutl5>")
    'Ada'
    """

    __slots__ = ("_detectors", "_placeholders")

    def __init__(
        self, detector: Detector | Sequence[Detector] | None, placeholders: Placeholders | None = None
    ) -> None:
        given = () if detector is None else detector if isinstance(detector, (list, tuple)) else (detector,)
        self._detectors = Detectors(given).detectors
        if placeholders is not None and not isinstance(placeholders, Placeholders):
            raise TypeError(f"placeholders must be Placeholders, not {type(placeholders).__name__}")
        if placeholders is None and self._detectors:
            raise MaskingError("a detector needs placeholders for what it finds")
        self._placeholders = placeholders

    @property
    def style(self) -> Style:
        """The style of its placeholders, ``"keyed"`` or ``"numbered"``; ``"keyed"`` if it makes none."""
        return "keyed" if self._placeholders is None else self._placeholders.style

    def mask(
        self,
        request: Request,
        *,
        scope: str,
        known: PIIMapping | Mapping[str, str] | None = None,
        protocol: str = "auto",
    ) -> Masked[Request]:
        """Mask a request, a dict or the bytes of its JSON; the caller's objects are not changed.

        :param scope: what shares placeholders: the conversation, at most the tenant. Within it, the provider can see
            that two requests speak of the same value.
        :param known: what the conversation masked before, such as a store holds: all its values are masked, by the
            placeholders that they have there.
        :param protocol: the request's format, ``"openai-chat"``, ``"openai-text"``, ``"openai-responses"``,
            ``"anthropic"``, ``"gemini"``, ``"ollama"``, ``"cohere"``, ``"bedrock"`` (Converse) or
            ``"openai-realtime"`` (an event of the client); ``"auto"`` takes the fields of all of them.
        :raises TypeError: an argument is of a wrong type.
        :raises MaskingError: the request cannot be read, or masking it would be unsafe; it must not be sent.
        """
        if not isinstance(scope, str):
            raise TypeError(f"scope must be str, not {type(scope).__name__}")
        if not scope:
            raise MaskingError("the scope must not be empty: conversations would share their placeholders")
        shape = AUTO if protocol == "auto" else REQUESTS.get(protocol)
        if shape is None:
            raise MaskingError(f"unknown protocol; known are: {', '.join(sorted([*REQUESTS, 'auto']))}")
        if isinstance(request, bytes):
            if (quick := self._mask_standing(request, protocol, scope, known)) is not None:
                return quick
            if (read := plain_request(request, protocol)) is not None:
                done = self._mask_plain(request, read, scope, known)
                if done is not None:
                    return done
        if isinstance(request, (bytes, bytearray, memoryview)):
            bom, source, tree = _source.read_request(bytes(request))
        elif isinstance(request, dict):
            bom, source, tree = b"", "", request
        else:
            raise TypeError(f"a request is a dict or bytes, not {type(request).__name__}")

        _refuse_token_ids(tree)
        documents: dict[str, Any] = {}
        collector = Collector()
        walk = Walk(collector, documents)
        walk.request(tree, shape)
        texts = collector.read()
        self._check_style(known, walk.earlier)
        mapping, added, found = self._allotted(texts, scope, known)
        report = MaskingReport(MappingProxyType(dict(Counter(found.values()))), texts.read)
        if mapping.is_empty:
            return Masked(request, mapping, report, added)
        writer = Writer(mapping, texts)
        new = Walk(writer, documents).request(tree, shape)
        report = MaskingReport(report.found, report.texts, writer.masked)
        if new is tree:
            return Masked(request, mapping, report, added)
        masked: Any = new
        if not isinstance(request, dict):
            masked = bom + _source.write(source, tree, new).encode()
        return Masked(masked, mapping, report, added)

    def _mask_standing(
        self, request: bytes, protocol: str, scope: str, known: PIIMapping | Mapping[str, str] | None
    ) -> Masked[Any] | None:
        """The masked request, if known values are all there is to look for in it."""
        if len(self._detectors) != 1 or type(detector := self._detectors[0]) is not KnownValues:
            return None
        before, placeholders = _mapping_of(known), self._placeholders
        if placeholders is None or placeholders.style != "keyed":
            return None
        fakes = before.get_all_fakes()
        if (read := standing(request, protocol, detector, fakes)) is None:
            return None
        if not (found := read.found):
            return Masked(request, before, MaskingReport(texts=read.texts), PIIMapping())
        new = {value: kind for value, kind in found.items() if value not in before._fakes} if fakes else found
        added = PIIMapping._of(placeholders._keyed(new, scope, fakes.keys()), new)
        mapping = _joined(before, added)
        report = MaskingReport(MappingProxyType(dict(Counter(found.values()))), read.texts, read.masked)
        return Masked(read.replaced(mapping._fakes), mapping, report, added)

    def _mask_plain(
        self, request: bytes, plain: Plain, scope: str, known: PIIMapping | Mapping[str, str] | None
    ) -> Masked[Any] | None:
        """The masked request; None if more than texts is to change in it."""
        read = plain.read
        self._check_style(known, "")
        mapping, added, found = self._allotted(read, scope, known)
        counts = MappingProxyType(dict(Counter(found.values())))
        if mapping.is_empty:
            return Masked(request, mapping, MaskingReport(counts, read.read), added)
        writer = Writer(mapping, read)
        masked = plain.masked(writer)
        if masked is None:
            return None
        return Masked(masked, mapping, MaskingReport(counts, read.read, writer.masked), added)

    @staticmethod
    def check_config(config: object) -> None:
        """Refuse a config that restores signed text: sent back, its values would reach the provider unmasked.

        :raises MaskingError: it does.
        """
        if config is not None and policy_of(config).by_channel("signed") == "restore":
            raise MaskingError("signed text must stay masked beside a masker: it is sent back as it is")

    def _check_style(self, known: object, earlier: str) -> None:
        if self.style == "keyed":
            return
        if known is not None:
            raise MaskingError(
                "numbered placeholders mean something in one request alone: no store can keep them"
            )
        if earlier:
            raise MaskingError(
                f"numbered placeholders mean something in one request alone, but {earlier} names an earlier one"
            )

    # ---------------------------------------------------------------- values and their placeholders

    def _allotted(
        self, read: Read, scope: str, known: PIIMapping | Mapping[str, str] | None
    ) -> tuple[PIIMapping, PIIMapping, dict[str, str]]:
        """The mapping of the conversation, what is new in it, and the values that were found with their types."""
        before = _mapping_of(known)
        fakes = before.get_all_fakes()
        texts = list(read.found)
        found = self._found(read, fakes)
        added = PIIMapping()
        if (placeholders := self._placeholders) is None:
            return before, added, found
        if placeholders.style == "keyed":
            for value, entity_type, placeholder in self._returned(texts, scope, fakes):
                added.add(value, placeholder, entity_type)
        new = {value: entity_type for value, entity_type in found.items() if before.get_fake(value) is None}
        allotted = placeholders.allot(new, scope=scope, taken=fakes, texts=texts)
        added._add_all(zip(new, allotted, new.values(), strict=True))
        return _joined(before, added), added, found

    def _found(self, read: Read, fakes: Mapping[str, str]) -> dict[str, str]:
        """What the detectors find, ``{value: entity type}``, in the order of its first appearance."""
        found: dict[str, str] = {}
        if len(self._detectors) == 1 and type(known := self._detectors[0]) is KnownValues:
            hits: set[int] = set()
            is_sure = known._finds_spellings and not fakes
            for number, text in enumerate((*read.found, *read.names)):
                for value, entity_type in known._values_in(text):
                    bare = value.strip()
                    is_sure = is_sure and bare == value  # else a part of it may stand where it does not
                    found.setdefault(bare, entity_type)
                    hits.add(number)
            if is_sure:
                read.hits = hits
            self._add_numbers(found, read)
            return {value: entity_type for value, entity_type in found.items() if value not in fakes}
        exact = [detector for detector in self._detectors if hasattr(detector, "value_of")]
        guessing = [detector for detector in self._detectors if detector not in exact]
        ours = marks_of(fakes)
        for text in read.found:
            spans = [span for detector in exact for span in spans_of(detector, text)]
            for detector in guessing:
                if guesses := spans_of(detector, text):
                    spans += outside(guesses, ours(text))
            if spans:
                self._add(found, text, spans)
        for name in read.names:
            self._add(found, name, [span for detector in exact for span in spans_of(detector, name)])
        self._add_numbers(found, read)
        return {value: entity_type for value, entity_type in found.items() if value not in fakes}

    def _add_numbers(self, found: dict[str, str], read: Read) -> None:
        for number in read.numbers:
            spans = [span for detector in self._detectors for span in spans_of(detector, number)]
            self._add(found, number, [span for span in spans if span.end - span.start == len(number)])

    def _add(self, found: dict[str, str], text: str, spans: Sequence[Span]) -> None:
        for start, end, entity_type in settled(spans):
            if value := text[start:end].strip():
                if "\\" in value:
                    for detector in self._detectors:
                        value = getattr(detector, "value_of", plain)(value)
                found.setdefault(value, entity_type)

    def _returned(
        self, texts: Iterable[str], scope: str, fakes: Mapping[str, str]
    ) -> Iterator[tuple[str, str, str]]:
        """Placeholders of known values that stand in the request though their values may not.

        Costs an HMAC for each known value of such a type, and nothing if no text has the form of a placeholder.
        """
        standing = {mark for text in texts if "<" in text for mark in FORM.findall(text)} - fakes.keys()
        if not standing or self._placeholders is None:
            return
        labels = {mark[1:].rpartition("_")[0] for mark in standing}
        lengths = {len(mark.rpartition("_")[2]) - 1 for mark in standing}
        for detector in self._detectors:
            by_type: dict[str, list[str]] = {}
            for value, entity_type in getattr(detector, "values", tuple)():
                if label(entity_type) in labels:
                    by_type.setdefault(entity_type, []).append(value)
            for entity_type, values in by_type.items():
                for digits in lengths:
                    made = self._placeholders._of_all(values, entity_type, scope=scope, digits=digits)
                    for value, placeholder in zip(values, made, strict=True):
                        if placeholder in standing:
                            yield value, entity_type, placeholder

    def __repr__(self) -> str:
        return f"Masker(detectors={len(self._detectors)}, placeholders={self._placeholders!r})"


def _joined(before: PIIMapping, added: PIIMapping) -> PIIMapping:
    """What was known and what is new; what was known itself if nothing is new."""
    if added.is_empty:
        return before
    if before.is_empty:
        return copy.copy(added)
    mapping = copy.copy(before)
    mapping._add_all(
        (value, placeholder, added.get_entity_type(value) or "")
        for placeholder, value in added.get_all_fakes().items()
    )
    return mapping


def _mapping_of(known: PIIMapping | Mapping[str, str] | None) -> PIIMapping:
    if isinstance(known, PIIMapping):
        return known
    mapping = PIIMapping()
    if known is None:
        return mapping
    if not isinstance(known, Mapping):
        raise TypeError(f"known must be a PIIMapping or a mapping, not {type(known).__name__}")
    for placeholder, value in reversed(
        list(known.items())
    ):  # of several placeholders the first is the one to use
        mapping.add(value, placeholder, "")
    return mapping


def _refuse_token_ids(tree: Any) -> None:
    """Text may come as the numbers of its tokens, in which nothing can be found."""
    for name, value in tree if isinstance(tree, _source.Members) else tree.items():
        if (
            name in ("prompt", "input")
            and isinstance(value, (list, tuple))
            and type(value) is not _source.Members
        ):
            inner = [item for part in value for item in (part if type(part) in (list, tuple) else (part,))]
            if any(isinstance(item, (_source.Number, int, float)) for item in inner):
                raise MaskingError(f"{name} holds token ids: the text in them cannot be masked")
