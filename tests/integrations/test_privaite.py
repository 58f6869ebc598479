"""The real PrivAiTe 0.7.3 with our parts in it, beside itself: `make test-privaite`.

Its documented behaviours are the cases: each runs through its own handler and through ours, with its mapping and its
config, and a client must see the same. Where ours is better the case says what comes out.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from command_line import environment
from holdback import HoldbackError, Report, sse
from pages import hosted
from privaite_host import NAMES, PAIRS, streamed, theirs

pytestmark = [
    pytest.mark.privaite,
    pytest.mark.usefixtures("privaite"),
    pytest.mark.filterwarnings("default::DeprecationWarning"),
]


def test_a_report_at_the_end_of_each_stream(ours: Any) -> None:
    found: list[Report] = []
    ours.install(on_report=found.append)
    fake, original = next(iter(PAIRS.items()))
    chunk = {"choices": [{"index": 0, "delta": {"content": f"Hi {fake}!"}}]}
    assert streamed([chunk])[0]["choices"][0]["delta"]["content"] == f"Hi {original}!"
    text = {"choices": [{"index": 0, "text": f"Hi {fake}!"}]}
    streamed([text], method="stream_text_response")
    assert found == [Report(restored={"PERSON": 1})] * 2
    ours.install()
    streamed([chunk])
    assert len(found) == 2


# ---------------------------------------------------------------- the swap


def test_it_is_everywhere_and_goes_again(ours: Any) -> None:
    mine = {name: part for _, name, part in ours._SWAPPED}
    places = [(module, name) for module, names in NAMES.items() for name in names]
    assert all(theirs(*place) is mine[place[1]] for place in places)
    ours.install()
    assert all(theirs(*place) is mine[place[1]] for place in places)
    ours.uninstall()
    assert not any(theirs(*place) is mine[place[1]] for place in places)
    assert {theirs(*place).__module__.partition(".")[0] for place in places} == {"privaite"}
    assert all(getattr(ours, name) is part for name, part in mine.items()), "ours stay what they are"
    ours.uninstall()


def test_a_module_that_took_ours_gets_theirs_back_and_one_that_took_theirs_gets_ours(
    ours: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = ModuleType("late")
    monkeypatch.setitem(sys.modules, "late", late)
    late.__dict__["Handler"] = theirs("privaite.streaming.handler", "StreamingHandler")
    late.__dict__["event"] = sse.format_sse_event
    ours.uninstall()
    assert late.__dict__["Handler"].__module__ == "privaite.streaming.handler"
    assert late.__dict__["event"] is sse.format_sse_event, "holdback's own are left alone"
    ours.install()
    assert late.__dict__["Handler"] is ours.StreamingHandler


def test_a_version_that_calls_it_differently_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = importlib.import_module("holdback.integrations.privaite")
    module = importlib.import_module("privaite.streaming.sse")

    def create_delta_chunk(delta: Any, model: str = "") -> Any: ...

    monkeypatch.setattr(module, "create_delta_chunk", create_delta_chunk)
    with pytest.raises(HoldbackError, match=r"^PrivAiTe 0\.7\.3 has no create_delta_chunk of the kind"):
        ours.install()
    handler = theirs("privaite.streaming.handler", "StreamingHandler")
    assert handler.__module__ == "privaite.streaming.handler", "nothing was swapped"


def test_it_explains_itself() -> None:
    command = [sys.executable, "-m", "holdback.integrations.privaite"]
    run = subprocess.run(
        command, env=environment(), capture_output=True, encoding="utf-8", timeout=60, check=True
    )
    assert "install()" in run.stdout
    assert run.stdout.endswith("Here: PrivAiTe 0.7.3.\n")


def test_what_its_page_shows_works() -> None:
    install, uninstall = hosted("docs/privaite.md", "py")
    for source, package in ((install, "holdback"), (uninstall, "privaite")):
        exec(compile(source, "docs/privaite.md", "exec"), {})
        handler = theirs("privaite.streaming.handler", "StreamingHandler")
        assert handler.__module__.partition(".")[0] == package


def test_its_application_can_be_made_with_ours_in_it(
    ours: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours.uninstall()
    config = tmp_path / "privaite.yaml"
    config.write_text("pii: {enabled: false}\n", encoding="utf-8")
    monkeypatch.setenv("PRIVAITE_CONFIG_PATH", str(config))
    assert type(ours.create_app()).__name__ == "FastAPI"
    assert theirs("privaite.streaming.handler", "StreamingHandler") is ours.StreamingHandler
