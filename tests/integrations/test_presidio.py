"""The adapter to Presidio: overlaps and mappings on results made up, and everything on the real engines."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import MappingError, TrieMatcher
from holdback.integrations.presidio import PresidioDetector, mapping_of
from holdback.masking import KnownValues, Masker, MaskingError, Placeholders, Span

KEY = bytes(range(32))


def result(start: int, end: int, score: float = 0.5, entity_type: str = "A") -> Any:
    return SimpleNamespace(start=start, end=end, score=score, entity_type=entity_type)


class Analyzer:
    def __init__(self, *results: Any) -> None:
        self.results = list(results)
        self.asked: list[dict[str, Any]] = []

    def analyze(self, **given: Any) -> list[Any]:
        self.asked.append(given)
        return self.results


# ---------------------------------------------------------------- overlaps


@pytest.mark.parametrize(
    ("results", "spans"),
    [
        ([result(0, 3, 0.5, "A"), result(0, 9, 0.4, "B")], [(0, 9, "A")]),
        ([result(0, 3, 0.5, "A"), result(0, 9, 0.5, "B")], [(0, 9, "B")]),
        ([result(4, 9, 0.9, "A"), result(0, 6, 0.5, "B")], [(0, 9, "A")]),
        (
            [result(0, 3, 0.9, "A"), result(5, 9, 0.8, "C"), result(2, 6, 0.5, "B")],
            [(0, 5, "A"), (5, 9, "C")],
        ),
        ([result(5, 9, 0.8, "C"), result(0, 3, 0.9, "A")], [(0, 3, "A"), (5, 9, "C")]),
        ([], []),
    ],
)
def test_overlaps(results: list[Any], spans: list[Any]) -> None:
    assert PresidioDetector(Analyzer(*results))("x" * 9) == spans


RESULTS = st.lists(
    st.builds(
        lambda start, length, score: result(start, start + length, score),
        st.integers(0, 12),
        st.integers(1, 8),
        st.sampled_from([0.1, 0.5, 0.9]),
    ),
    max_size=8,
)


@given(RESULTS)
def test_all_that_was_found_is_covered_once(results: list[Any]) -> None:
    spans = PresidioDetector(Analyzer(*results))("x" * 20)
    places = [at for span in spans for at in range(span.start, span.end)]
    assert len(places) == len(set(places))
    assert set(places) == {at for found in results for at in range(found.start, found.end)}


def test_options_and_language_go_to_the_analyzer() -> None:
    analyzer = Analyzer()
    PresidioDetector(analyzer, language="de", entities=["PERSON"], score_threshold=0.4)("\ud800 é")
    assert analyzer.asked == [
        {"text": "\ufffd é", "language": "de", "entities": ["PERSON"], "score_threshold": 0.4}
    ]
    with pytest.raises(TypeError, match="a method analyze"):
        PresidioDetector(object())


def test_an_analyzer_that_fails_is_silent() -> None:
    class Broken:
        def analyze(self, *, text: str, language: str) -> list[Any]:
            raise RuntimeError(text)

    masker = Masker(PresidioDetector(Broken()), Placeholders(KEY))
    with pytest.raises(MaskingError, match=r"PresidioDetector raised RuntimeError$") as caught:
        masker.mask({"user": "kanarie"}, scope="s")
    assert caught.value.__context__ is None


# ---------------------------------------------------------------- mappings


@st.composite
def anonymized(draw: st.DrawFn) -> tuple[str, list[Any], Any, dict[str, str]]:
    """A text of gaps and values over two letters, what was found in it and more, and what was put in."""
    pieces = st.text(st.sampled_from("ab"), max_size=3)
    text, changed, results, items, pairs = "", "", [], [], {}
    for number in range(draw(st.integers(0, 5))):
        gap, value = draw(pieces), draw(pieces.filter(bool))
        start, new_start, fake = len(text + gap), len(changed + gap), f"<P_{number}>"
        text, changed = text + gap + value, changed + gap + fake
        results.append(result(start, len(text), 0.9, "P"))
        items.append(
            SimpleNamespace(start=new_start, end=len(changed), text=fake, entity_type="P", operator="custom")
        )
        pairs[fake] = value
    end = draw(pieces)
    text, changed = text + end, changed + end
    if draw(st.booleans()) and text:  # another result, which lost
        results.append(result(0, draw(st.integers(1, len(text))), 0.1, "Q"))
    return text, results, SimpleNamespace(text=changed, items=items[::-1]), pairs


@given(anonymized())
def test_a_mapping_restores_what_was_anonymized(made: Any) -> None:
    text, results, changed, pairs = made
    mapping = mapping_of(text, results, changed)
    assert mapping.get_all_fakes().keys() == pairs.keys()
    assert TrieMatcher(mapping.get_all_fakes()).replace(changed.text) == text


def test_replacements_that_are_no_placeholders() -> None:
    item = SimpleNamespace(start=3, end=9, text="<P>", entity_type="P", operator="replace")
    changed = SimpleNamespace(text="Hi <P>", items=[SimpleNamespace(**{**vars(item), "end": 6})])
    assert mapping_of("Hi Ada", [result(3, 6)], changed).get_all_fakes() == {"<P>": "Ada"}
    changed.items[0].operator = "hash"
    assert mapping_of("Hi Ada", [result(3, 6)], changed).is_empty
    assert mapping_of("Hi Ada", [result(3, 6)], changed, operators=["hash"]).count == 1
    for text, results in (("Ho Ada", [result(3, 6)]), ("Hi Ada", []), ("Hi Ada!", [result(3, 6)])):
        with pytest.raises(MappingError, match="do not belong together"):
            mapping_of(text, results, changed)
    twice = SimpleNamespace(
        text="<P> <P>",
        items=[
            SimpleNamespace(start=at, end=at + 3, text="<P>", entity_type="P", operator="replace")
            for at in (0, 4)
        ],
    )
    with pytest.raises(MappingError, match="two originals"):
        mapping_of("Ada Bo", [result(0, 3), result(4, 6)], twice)


# ---------------------------------------------------------------- Presidio itself


@pytest.fixture(scope="module")
def analyzer() -> Any:
    """The real engine on a blank pipeline: tokens, no model; what finds is patterns and checks."""
    spacy = pytest.importorskip("spacy")
    presidio = pytest.importorskip("presidio_analyzer")
    base: Any = pytest.importorskip("presidio_analyzer.nlp_engine").SpacyNlpEngine
    recognizers = pytest.importorskip("presidio_analyzer.predefined_recognizers")

    class Blank(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
            self.nlp = {"en": spacy.blank("en")}

        def load(self) -> None:
            """Nothing is to be fetched."""

    registry = presidio.RecognizerRegistry(supported_languages=["en"])
    for recognizer in (
        recognizers.CreditCardRecognizer,
        recognizers.IbanRecognizer,
        recognizers.PhoneRecognizer,
    ):
        registry.add_recognizer(recognizer())
    registry.add_recognizer(presidio.PatternRecognizer("PERSON", deny_list=["Ada Lovelace", "Bo"]))
    pattern = presidio.Pattern("number", r"\d{4}", 0.3)
    registry.add_recognizer(presidio.PatternRecognizer("NUMBER", patterns=[pattern]))
    return presidio.AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])


TEXT = (
    "Ada Lovelace 😀 paid Bo by 4111 1111 1111 1111, DE89 3704 0044 0532 0130 00, call +1 650-253-0000. Bo!"
)


@pytest.mark.presidio
def test_the_real_analyzer(analyzer: Any) -> None:
    spans = PresidioDetector(analyzer)(TEXT)
    found = {(TEXT[start:end], kind) for start, end, kind in spans}
    assert {
        ("Ada Lovelace", "PERSON"),
        ("Bo", "PERSON"),
        ("4111 1111 1111 1111", "CREDIT_CARD"),
        ("DE89 3704 0044 0532 0130 00", "IBAN_CODE"),
    } <= found
    assert any("253-0000" in value for value, kind in found if kind == "PHONE_NUMBER")
    assert not {value for value, kind in found if kind == "NUMBER"} & {"4111", "1111"}
    people = PresidioDetector(analyzer, entities=["PERSON"])(TEXT)
    assert {kind for _, _, kind in people} == {"PERSON"}


@pytest.mark.presidio
def test_a_request_is_masked_by_the_real_analyzer(analyzer: Any) -> None:
    masker = Masker([PresidioDetector(analyzer), KnownValues({"Zoe": "PERSON"})], Placeholders(KEY))
    request = {"messages": [{"role": "user", "content": f"{TEXT} Zoe \ud800"}]}
    masked = masker.mask(request, scope="s")
    said = str(masked.request)
    assert not any(value in said for value in ("Ada", "Bo", "4111", "DE89", "253-0000", "Zoe"))
    restored = masked.mapping.matcher().replace(masked.request["messages"][0]["content"])
    assert restored == request["messages"][0]["content"]
    again = masker.mask(masked.request, scope="s", known=masked.mapping)
    assert again.request is masked.request


@pytest.mark.presidio
def test_a_mapping_of_the_real_anonymizer(analyzer: Any) -> None:
    anonymizer = pytest.importorskip("presidio_anonymizer")
    operator = pytest.importorskip("presidio_anonymizer.entities").OperatorConfig
    seen: dict[str, str] = {}

    def number(value: str) -> str:
        return seen.setdefault(value, f"<V_{len(seen) + 1}>")

    results = analyzer.analyze(text=TEXT, language="en")
    changed = anonymizer.AnonymizerEngine().anonymize(
        text=TEXT, analyzer_results=results, operators={"DEFAULT": operator("custom", {"lambda": number})}
    )
    assert "Ada" not in changed.text
    mapping = mapping_of(TEXT, results, changed)
    assert mapping.matcher().replace(changed.text) == TEXT
    assert mapping.get_entity_type("Ada Lovelace") == "PERSON"
    hidden = anonymizer.AnonymizerEngine().anonymize(
        text=TEXT, analyzer_results=results, operators={"DEFAULT": operator("redact")}
    )
    assert mapping_of(TEXT, results, hidden).is_empty


@pytest.mark.presidio
def test_spans_of_the_real_analyzer_are_spans(analyzer: Any) -> None:
    assert all(type(span) is Span for span in PresidioDetector(analyzer)(TEXT))
