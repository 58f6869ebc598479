"""``holdback bench``: what it shows, where, and on which backends. No time is judged."""

from __future__ import annotations

import io
import json
import random
import re
from typing import Any, Literal, cast

import pytest

from command_line import run
from holdback import _backend, _pure, bench
from holdback.cli import OK

NAMES = [measure.name for measure in bench.MEASURES]
FEW = {"FED": 400, "BULK": 2_000, "EVENTS": 20}
TIME = r"[\d.,]+ (?:s|ms|us|ns)"


class Terminal(io.StringIO):
    """Somebody looks."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in FEW.items():
        monkeypatch.setattr(bench, name, size)


def benched(columns: int, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    out, screen = Terminal(), Terminal()
    bench.run(out, screen, rounds=2)
    return out.getvalue(), screen.getvalue()


@pytest.fixture(params=["both", "pure"])
def twins(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """With both twins, and where only the pure one is."""
    if request.param == "pure":
        monkeypatch.setattr(_backend, "TWINS", {"pure": _backend.TWINS["pure"]})
    elif len(_backend.TWINS) < 2:
        pytest.skip("the extension holdback._native is not built here")
    return list(_backend.TWINS)


# ---------------------------------------------------------------- as a command


@pytest.mark.parametrize("backend", ["native", "pure"])
def test_the_command_measures_the_twins_that_are_here(backend: Literal["native", "pure"]) -> None:
    if backend not in _backend.TWINS:
        pytest.skip("the extension holdback._native is not built here")
    code, out, err = run("bench", "--rounds", "1", "--json", backend=backend)
    assert (code, err) == (OK, ""), "no progress where nobody looks"
    data = json.loads(out)
    assert data["twins"] == (["native", "pure"] if backend == "native" else ["pure"])
    assert data["rounds"] == 1
    assert [row["name"] for row in data["seconds"]] == NAMES
    for row in data["seconds"]:
        for twin in data["twins"]:
            assert 0 < row[twin]["low"] <= row[twin]["median"] <= row[twin]["high"]
        ratio = row["pure"]["median"] / row["native"]["median"] if backend == "native" else None
        assert row["native_is_faster"] == ratio


def test_the_command_writes_a_table() -> None:
    code, out, err = run("bench", "--rounds", "1")
    assert (code, err) == (OK, "")
    lines = out.decode().splitlines()
    assert lines[0].startswith("holdback ")
    assert "pure Python only" in lines[1]
    assert [re.sub(rf" +{TIME}$", "", line) for line in lines[4:]] == NAMES


# ---------------------------------------------------------------- what is shown


@pytest.mark.usefixtures("_small")
def test_a_row_has_a_time_of_every_twin(twins: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shown, _ = benched(80, monkeypatch)
    head, *rows = shown.split("\n\n")[1].splitlines()
    both = len(twins) == 2
    assert head.split() == [*twins, *(["native", "is"] if both else [])]
    assert ("pure Python only" in shown) != both
    assert [row for row in rows if not row.startswith(tuple(NAMES))] == []
    for row in rows:
        assert len(re.findall(TIME, row[30:])) == len(twins)
        assert bool(re.search(r" [\d.]+x as fast$", row)) == both


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("columns", [20, 40, 48])
def test_a_narrow_terminal_gets_one_figure_a_line(
    columns: int, twins: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, screen = benched(columns, monkeypatch)
    table = shown.split("\n\n")[1].splitlines()
    if table[0] in NAMES:
        assert [line for line in table if not line.startswith("  ")] == NAMES
        assert sum(line.startswith("  ") for line in table) == len(NAMES) * len(
            twins + ["native is"] * (len(twins) - 1)
        )
    else:
        assert all(len(line) <= columns for line in table)
    assert all(len(line) < columns for line in screen.split("\r"))


@pytest.mark.usefixtures("_small")
def test_progress_goes_on_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    _, screen = benched(80, monkeypatch)
    lines = screen.split("\r")
    assert [name for name in NAMES if any(line.rstrip().endswith(name) for line in lines)] == NAMES
    filled = [line.count("#") for line in lines if line.startswith("[")]
    assert filled == sorted(filled)
    assert (screen[-1], lines[-2].strip()) == ("\r", ""), "the line is cleared"


def test_an_interrupt_clears_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(matcher: Any, rng: random.Random) -> tuple[bench.Work, float]:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "MEASURES", [bench.Measure("x", interrupted)])
    out, screen = io.StringIO(), Terminal()
    with pytest.raises(KeyboardInterrupt):
        bench.run(out, screen)
    assert screen.getvalue().endswith("\r")
    assert screen.getvalue().split("\r")[-2].strip() == ""
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (1234.5, "1,234 s"),
        (1.5, "1.5 s"),
        (0.0123, "12.3 ms"),
        (0.00099999, "1 ms"),
        (0.00044, "440 us"),
        (7.6e-8, "76 ns"),
    ],
)
def test_a_time_has_three_digits_and_a_unit(seconds: float, shown: str) -> None:
    assert bench._time(seconds) == shown


# ---------------------------------------------------------------- what is measured


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("measure", bench.MEASURES, ids=NAMES)
def test_the_work_is_restoring(measure: bench.Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be quick for a wrong reason."""
    monkeypatch.setattr(bench, "EVERY", 20)
    fed: list[str] = []

    class Spy:
        def __init__(self, pairs: dict[str, str]) -> None:
            self.matcher = _pure.TrieMatcher(pairs)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.matcher, name)

        def __len__(self) -> int:
            return len(self.matcher)

        def stream(self, *, json: bool = False) -> Any:
            stream = self.matcher.stream(json=json)

            class Fed:
                def feed(self, text: str) -> str:
                    fed.append(stream.feed(text))
                    return fed[-1]

                def __getattr__(self, name: str) -> Any:
                    return getattr(stream, name)

            return Fed()

    monkeypatch.setattr(_backend, "MATCHER_TYPES", (*_backend.MATCHER_TYPES, Spy))
    work, units = measure.prepare(cast(Any, Spy(bench.PAIRS)), random.Random(1))
    work()
    assert units >= 1
    if "set-up" not in measure.name:
        assert "Original " in "".join(fed)
