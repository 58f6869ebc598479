"""What tools/release.py makes of versions and the changelog."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

TOOL = Path(__file__).resolve().parent.parent / "tools" / "release.py"


@pytest.fixture(scope="module")
def release() -> Any:
    spec = importlib.util.spec_from_file_location("release", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_this_tree_names_one_version(release: Any) -> None:
    places = release.versions()
    assert len(places) == 5
    assert not list(release.wrong_versions(places))


def test_a_version_that_differs_is_named_with_its_place(release: Any) -> None:
    (sentence,) = release.wrong_versions({"pyproject.toml": "1.0", "Cargo.toml": "1.1"})
    assert "Cargo.toml says 1.1" in sentence


READY = "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-11-24\n\n- Something.\n"


@pytest.mark.parametrize(
    ("changelog", "tag", "to_do"),
    [
        (READY, None, ""),
        (READY, "v1.0.0", ""),
        (READY, "v1.0.1", "the tag is v1.0.1"),
        (READY.replace(" - 2026-11-24", ""), None, "no date"),
        (READY.replace("1.0.0", "0.9.0"), None, "no entry for 1.0.0"),
        (
            READY.replace("[Unreleased]", "[Unreleased]\n\n- New.\n- More."),
            None,
            "2 entries under Unreleased",
        ),
    ],
)
def test_what_is_left_to_do(release: Any, changelog: str, tag: str | None, to_do: str) -> None:
    sentences = "\n".join(release.left_to_do(changelog, "1.0.0", tag))
    assert to_do in sentences
    assert bool(to_do) == bool(sentences)
