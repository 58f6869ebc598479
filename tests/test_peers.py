"""The machinery of `benches/peers`: a peer that crashes or hangs is an outcome, and everybody has an adapter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "benches" / "peers").is_dir():
    pytest.skip("the benches are not part of the sdist", allow_module_level=True)
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from benches.peers import charts, page  # noqa: E402
from benches.peers.link import Failed, Link  # noqa: E402
from benches.peers.roster import OURS, PEERS, PURE, Peer, pins  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAYED = """
import os, time
from benches.peers.adapter import Adapter, pushing

class Peer(Adapter):
    def vault(self, pairs):
        return dict(pairs)

    def stream(self, vault):
        def feed(text):
            print("noise")
            if text == "crash":
                os._exit(3)
            if text == "hang":
                time.sleep(600)
            if text == "raise":
                raise LookupError("secret")
            return vault.get(text, text)
        return pushing(feed, str)
"""


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Callable[[float], Link]]:
    """A link to a peer that does what it is fed."""
    folder = tmp_path / "benches" / "peers" / "adapters"
    folder.mkdir(parents=True)
    (folder / "played.py").write_text(PLAYED)
    links = []

    def link(limit: float) -> Link:
        peer = Peer("played", (), "played", environment={"PYTHONPATH": str(tmp_path)})
        links.append(Link(peer, Path(sys.executable), limit))
        return links[-1]

    yield link
    for one in links:
        one.close()


def fed(link: Link, *pieces: str) -> object:
    return link.ask("feed", vault="v", pieces=pieces, show=True)["out"]


def test_a_peer_answers_and_its_prints_do_no_harm(played: Callable[[float], Link]) -> None:
    link = played(60)
    assert link.ask("hello") == {"text": True, "json": False, "chats": []}
    link.vault("v", {"a": "1"})
    assert fed(link, "a", "b", "a") == "1b1"
    answer = link.ask("texts", pairs={"a": "\ud83d"}, json=False, cuttings=[["a"], ["raise"]])
    assert answer == {"outcomes": [{"out": "\ud83d"}, {"error": "LookupError"}]}


@pytest.mark.parametrize(("piece", "words"), [("crash", "crashed"), ("raise", "LookupError")])
def test_what_a_peer_fails_with_is_told_and_the_next_task_goes_on(
    piece: str, words: str, played: Callable[[float], Link]
) -> None:
    link = played(60)
    link.vault("v", {"a": "1"})
    with pytest.raises(Failed, match=words):
        fed(link, piece)
    assert fed(link, "a") == "1"


def test_a_peer_that_hangs_is_ended(played: Callable[[float], Link]) -> None:
    link = played(60)
    link.vault("v", {})
    assert fed(link, "a") == "a"
    link._limit = 0.2
    with pytest.raises(Failed, match=r"over 0\.2 s"):
        fed(link, "hang")
    link._limit = 60
    assert fed(link, "a") == "a"


def test_a_peer_that_is_not_installed_is_told(tmp_path: Path) -> None:
    link = Link(Peer("nobody", (), "nobody"), Path(sys.executable), 60)
    with pytest.raises(Failed, match="ModuleNotFoundError"):
        link.ask("hello")
    link.close()


def test_our_own_worker_restores() -> None:
    [pure] = [peer for peer in OURS if peer.name == PURE]
    link = Link(pure, Path(sys.executable), 60)
    link.vault("v", {"<1>": "Ada"})
    assert fed(link, "a <", "1> <") == "a Ada <"
    link.close()


def test_every_peer_has_a_pin_and_an_adapter() -> None:
    assert len(pins()) == len(set(pins()))
    assert all("==" in pin for pin in pins())
    folder = ROOT / "benches" / "peers" / "adapters"
    assert {path.stem for path in folder.glob("*.py")} == {peer.adapter for peer in (*OURS, *PEERS)}
    assert all(peer.packages for peer in PEERS)
    for peer in PEERS:
        assert len({peer.placeholder(n) for n in range(1000)}) == 1000, peer.name


def test_a_page_is_written_from_figures(tmp_path: Path) -> None:
    times = {"holdback native": [2.0, 1.0, 3.0], "holdback pure": [20.0], "privaite": [5.0, 5.0]}
    measure = {
        "name": "bulk",
        "title": "One piece",
        "unit": "ms",
        "times": times,
        "failed": {"gheim": "over 30 s"},
        "notes": {"privaite": "text wrong"},
    }
    figures = {
        "machine": dict.fromkeys(
            ("date", "processor", "cores", "load", "system", "python", "holdback"), "0 x"
        ),
        "quick": True,
        "missing": {"apii": "crashed"},
        "cases": [["plain", "a"], ["chat: ends", "b"]],
        "exactness": {
            "holdback native": [[3, 3, "", "", 0], None],
            "privaite": [[1, 3, "in `x`", "out", 2], None],
        },
        "measures": [measure],
    }
    page.write(figures, tmp_path)
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert "- One piece, than holdback pure: privaite (4.0x)" in text
    assert "| **holdback native** | 2 | (1.5 to 2.5) | 1 | 0.1 |" in text
    assert "| privaite | 5 | (5 to 5) | 2.5 | 0.25 | text wrong |" in text
    assert "| gheim | – | | – | – | over 30 s |" in text
    assert "| privaite | 0/1 | – |" in text
    assert "right in 1 of 3 cuttings\n  `` in `x` ``\n  → `out`" in text
    assert "- privaite: 1 (plain, a)" in text
    assert "could not be run here: crashed" in text
    for image in ("exactness", "bulk"):
        assert f"(charts/{image}.svg)" in text
        assert (tmp_path / "charts" / f"{image}.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_bars_are_as_long_as_they_are_many_powers_of_ten() -> None:
    rows = [charts.Bar("a & b", 2.0, "2", ours=True), charts.Bar("c", 200.0, "200", ours=False)]
    svg = charts.bars("Title", "ms", rows, {"d": "over 30 s"})
    assert "a &amp; b" in svg
    assert ">over 30 s</text>" in svg
    assert '<rect class="ground"' in svg, "the page may be of the other scheme"
    assert all(f">{tick}</text>" in svg for tick in ("1", "10", "100", "1,000"))
