"""What tools/sbom.py refuses, and what it takes out."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

TOOL = Path(__file__).resolve().parent.parent / "tools" / "sbom.py"


@pytest.fixture(scope="module")
def sbom() -> Any:
    spec = importlib.util.spec_from_file_location("sbom", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_folders_of_this_machine_are_taken_out(sbom: Any) -> None:
    document = {
        "bomFormat": "CycloneDX",
        "components": [{"bom-ref": f"path+{TOOL.parents[1].as_uri()}/rust/py#0.2.0"}],
    }
    assert list(sbom.problems(document, json.dumps(document)))
    shown = sbom.without_folders(json.dumps(document))
    assert shown == json.dumps(document).replace(TOOL.parents[1].as_uri(), "file:///holdback")
    assert not list(sbom.problems(json.loads(shown), shown))


@pytest.mark.parametrize("document", [{}, {"bomFormat": "CycloneDX", "components": []}, {"components": [1]}])
def test_a_document_that_says_nothing_is_refused(sbom: Any, document: Any) -> None:
    assert list(sbom.problems(document, json.dumps(document)))
