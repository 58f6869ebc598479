"""Canaries through every public name and all its error paths: none may show, wherever one looks.

A case names what it covers. A public name without a case fails ``test_every_public_name_has_a_case``.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from secrecy.canaries import Watch
from secrecy.material import CASES, COVERED
from secrecy.surface import public

for module in ("core", "hosts", "way_out"):  # which register their cases
    importlib.import_module(f"secrecy.{module}")

HOSTED = {"langchain": "frameworks", "litellm": "litellm", "privaite": "privaite"}
"""The markers of cases that need a host."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=getattr(pytest.mark, HOSTED[name]) if name in HOSTED else ())
        for name in CASES
    ],
)
def test_no_canary_shows(
    name: str, backend: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], hosted: None
) -> None:
    with Watch("litellm", "privaite") as watch:
        CASES[name](watch, tmp_path)
        watch.said += capfd.readouterr().err.splitlines()  # on stdout are answers


def test_every_public_name_has_a_case() -> None:
    assert set(COVERED) == public()
