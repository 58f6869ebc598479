"""The pages that people read, their fenced blocks, and the tests that run the blocks which need a host.

Blocks of some languages are tested wherever they stand, by ``test_readme.py`` and ``test_page_commands.py``. Every
other one is run where its host is, by the test that ``HOSTED`` names; one that no test runs is a failure.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    ROOT / "examples" / "README.md",
    ROOT / "fuzz" / "README.md",
    ROOT / "rust" / "core" / "README.md",
    ROOT / "tools" / "mutants" / "survivors.md",
])  # fmt: skip
FENCE = re.compile(r"^( *)(```+|~~~+)([^\n]*)\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)


class Host(NamedTuple):
    """The test that runs blocks, and how many there are."""

    test: str
    blocks: int


HOSTED = {
    ("docs/fleet.md", "yaml"): Host("tests/gateway/test_pages.py", 1),
    ("docs/front-ends.md", "py"): Host("tests/gateway/test_front_ends.py", 1),
    ("docs/front-ends.md", "toml"): Host("tests/gateway/test_front_ends.py", 1),
    ("docs/gateway.md", "py"): Host("tests/gateway/test_pages.py", 1),
    ("docs/gateway.md", "toml"): Host("tests/gateway/test_pages.py", 1),
    ("docs/frameworks.md", "py"): Host("tests/integrations/test_frameworks.py", 10),
    ("docs/httpx.md", "py"): Host("tests/integrations/test_pages.py", 1),
    ("docs/langchain.md", "py"): Host("tests/integrations/test_langchain.py", 2),
    ("docs/litellm.md", "json"): Host("tests/support/proxy_host.py", 1),
    ("docs/litellm.md", "py"): Host("tests/support/proxy_host.py", 1),
    ("docs/litellm.md", "yaml"): Host("tests/support/proxy_host.py", 5),
    ("docs/openwebui.md", "py"): Host("tests/integrations/test_openwebui.py", 1),
    ("docs/privaite.md", "py"): Host("tests/integrations/test_privaite.py", 2),
    ("rust/core/README.md", "rust"): Host("rust/core/src/lib.rs", 1),
}
"""By page and language."""


class Block(NamedTuple):
    """A fenced block; ``shown`` is the text block right after it, which is its output."""

    page: str
    line: int
    language: str
    source: str
    shown: str

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


def every_block() -> list[Block]:
    """All of them; a language is whatever stands behind the opening fence."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fences = list(FENCE.finditer(text))
        for number, fence in enumerate(fences):
            line = text.count("\n", 0, fence.start()) + 1
            output = fences[number + 1] if number + 1 < len(fences) else None
            shown = (
                output is not None and output[3] == "text" and not text[fence.end() : output.start()].strip()
            )
            found.append(
                Block(
                    page.relative_to(ROOT).as_posix(),
                    line,
                    language=fence[3].strip(),
                    source=fence[4],
                    shown=output[4] if output is not None and shown else "",
                )
            )
    return found


def blocks(language: str) -> list[Block]:
    return [block for block in every_block() if block.language == language]


def hosted(page: str, language: str) -> list[str]:
    """The sources of the blocks that ``HOSTED`` gives to a test, for that test to run."""
    found = [block.source for block in blocks(language) if block.page == page]
    assert len(found) == HOSTED[page, language].blocks
    return found
