"""The drawing of docs/design.md is what the real automaton looks like."""

from __future__ import annotations

import failure_pops
from holdback._pure.automaton import ROOT, Automaton
from holdback._pure.pattern import Patterns
from oracle import restore

PAIRS = {key: f"<{key}>" for key in failure_pops.KEYS}


def test_the_drawing_is_the_one_of_this_automaton() -> None:
    assert failure_pops.DRAWING.read_text(encoding="utf-8") == failure_pops.drawn(), (
        "run tools/failure_pops.py"
    )


def test_its_pops_are_right_for_every_path() -> None:
    """What the oracle makes of a path is what falling down to the root pops."""
    automaton = Automaton(Patterns(PAIRS))
    for settled in range(1, len(automaton.owner)):
        node, path, out = settled, automaton.path(settled), ""
        while node != ROOT:
            out += "".join(PAIRS.get(pop.text, pop.text) for pop in failure_pops.pops(automaton, node))
            node = automaton.fail[node]
        assert out == restore(PAIRS, path)


def test_it_has_a_key_a_failure_and_a_key_behind_another() -> None:
    """Else there would be nothing to see."""
    automaton = Automaton(Patterns(PAIRS))
    nodes = range(1, len(automaton.owner))
    assert any(automaton.fail[node] for node in nodes)
    assert any(sum(pop.is_key for pop in failure_pops.pops(automaton, node)) > 1 for node in nodes)
