"""The fuzzer's own tests: its seeds hold, its targets can fail, and it runs without its engine.

What the fuzzer found lies among the seeds (``fuzz/seeds``), so it is run again here.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from fuzz import __main__ as fuzzer
from fuzz import cases, guided
from fuzz.cases import Case

from holdback import ChunkRestorer, _backend
from holdback._pure.stream import StreamBuffer
from holdback.engine import places
from holdback.engine.guard import Guard
from thorough import some, thorough

TARGETS = {name: guided.load(name) for name in sorted(set(fuzzer.TARGETS.values()))}
EVERY = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


def files(target: ModuleType) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for path in sorted((fuzzer.SEEDS / target.INPUTS).iterdir())]


@thorough
@EVERY
def test_every_seed_holds(target: ModuleType) -> None:
    """Those in files; of the vectors, which have tests of their own, a share in a quick run."""
    vectors = list(target.seeds())
    assert len(vectors) > 100
    for name, data in [*files(target), *some(vectors, 8)]:
        try:
            target.check(data)
        except AssertionError as error:
            raise AssertionError(f"the seed {name}") from error


BROKEN = {
    "wire": (ChunkRestorer, "flush", lambda _: []),
    "places": (places, "TAIL", 1),
    "twins": (StreamBuffer, "flush", lambda _: ""),
}


@EVERY
def test_a_target_sees_what_is_broken(target: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*BROKEN[target.__name__.rpartition(".")[2]])

    def fails(data: bytes) -> bool:
        try:
            target.check(data)
        except AssertionError:
            return True
        return False

    assert any(fails(data) for _, data in [*files(target), *target.seeds()])


@EVERY
def test_a_target_runs_without_its_engine_and_keeps_what_it_finds(
    target: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = target.__name__.rpartition(".")[2]
    seeds = fuzzer.SEEDS / target.INPUTS
    guided.unguided(name, ["-max_total_time=0", "-seed=1", str(seeds)])
    assert int(fuzzer.summary(capsys.readouterr().out).split()[0]) > len(list(seeds.iterdir()))

    def fail(data: bytes) -> None:
        raise AssertionError

    monkeypatch.setattr(target, "check", fail)
    with pytest.raises(AssertionError):
        guided.unguided(name, [f"-artifact_prefix={tmp_path}/{name}-", str(seeds)])
    (found,) = tmp_path.iterdir()
    assert found.read_bytes() in {path.read_bytes()[: target.LONGEST] for path in seeds.iterdir()}
    assert str(found) in capsys.readouterr().out


def test_the_wire_target_sees_a_guard_that_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    if _backend.BACKEND != "native":
        pytest.skip("the twins are compared")
    monkeypatch.setattr(Guard, "keeps", lambda *_: False)
    with pytest.raises(AssertionError):
        check_all(TARGETS["wire"], list(TARGETS["wire"].in_places()))


def check_all(target: ModuleType, found: list[tuple[str, bytes]]) -> None:
    for _, data in found:
        target.check(data)


def test_a_case_is_what_its_bytes_say() -> None:
    case = Case([("<P>", 'a"b'), ("é\ud83d", "")], ["x" * 300, "<", "P>"], json=True)
    assert cases.read(cases.write(case)) == case._replace(pieces=["x" * 254, "x" * 46, "<", "P>"])
    for _, data in cases.from_vectors():
        assert cases.read(cases.write(cases.read(data))) == cases.read(data)
