"""What users import, and the one version number that stands in several places."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import holdback
from holdback import _backend

ROOT = Path(__file__).resolve().parent.parent

# The public names. Adding one is a decision, removing one is a breaking change.
PUBLIC = {
    "BACKEND",
    "ChunkRestorer",
    "DeanonymizationConfig",
    "EncodedInput",
    "EventTooLarge",
    "HoldbackError",
    "MappingError",
    "PIIMapping",
    "PolicyError",
    "Report",
    "RestorePolicy",
    "StreamBuffer",
    "StreamStateError",
    "StreamingDeAnonymizer",
    "StreamingHandler",
    "TrieMatcher",
    "WireRestorer",
    "__version__",
    "aio",
    "create_chunk_dict",
    "create_delta_chunk",
    "format_sse_done",
    "format_sse_event",
    "restore_answer",
    "spellings",
    "sync",
}


def toml(path: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / path).read_text(encoding="utf-8"))


def test_all_is_the_public_names() -> None:
    assert sorted(holdback.__all__) == sorted(PUBLIC)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(holdback, name) is not None


def test_backend_is_one_of_the_twins() -> None:
    assert holdback.BACKEND in {"native", "pure"}


def test_versions_are_equal_everywhere() -> None:
    version = holdback.__version__
    assert toml("pyproject.toml")["project"]["version"] == version
    assert toml("Cargo.toml")["workspace"]["package"]["version"] == version
    locked = {package["name"]: package["version"] for package in toml("Cargo.lock")["package"]}
    assert locked["holdback-core"] == locked["holdback-py"] == version


@pytest.mark.parametrize("crate", ["core", "py"])
def test_a_crate_takes_the_version_of_the_workspace(crate: str) -> None:
    assert toml(f"rust/{crate}/Cargo.toml")["package"]["version"] == {"workspace": True}


def test_the_changelog_knows_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(holdback.__version__)}\]", changelog, re.MULTILINE)


def test_importing_holdback_imports_no_host() -> None:
    """Integrations import their hosts; nothing else does, so an optional extra stays optional."""
    hosts = {"httpx", "litellm", "openai", "privaite", "starlette"}
    code = f"import holdback, sys; print(*{hosts} & set(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
        env={"PYTHONPATH": str(ROOT / "python")},
    )
    assert run.stdout.strip() == ""


def test_the_package_says_it_is_typed() -> None:
    assert (Path(holdback.__file__).parent / "py.typed").is_file()


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("name", ["TrieMatcher", "StreamBuffer"])
def test_help_leads_to_the_stub_on_both_twins(name: str) -> None:
    assert "_native.pyi" in (getattr(_backend, name).__doc__ or "")
