"""Write the table of word characters for both twins: ``python tools/word_table.py``.

A word character is a letter, a mark, a digit, a letter-like number or ``_``, of a script that is written with
spaces between its words. Characters of the scripts below join nothing: a name stands in their text without spaces
around it. Variation selectors and the keycap belong to signs, so they join nothing either.

Python's own ``unicodedata`` is the source. The table is that of one version of Unicode, and regenerating it with
another one is refused, so that both twins and every Python agree.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path

ROOT = Path(__file__).parent.parent
UNICODE = "14.0.0"
WITHOUT_SPACES = {
    *("HANGUL", "HIRAGANA", "HENTAIGANA", "KATAKANA", "KANA", "CJK", "IDEOGRAPHIC", "HANGZHOU"),
    *("THAI", "LAO", "KHMER", "MYANMAR"),
}
OF_SIGNS = re.compile(r"VARIATION SELECTOR-\d+|COMBINING ENCLOSING KEYCAP")
CATEGORIES = ("L", "M", "Nd", "Nl")


def is_word(code: int) -> bool:
    """Whether the code point joins the words on its two sides."""
    unit = chr(code)
    if unit == "_":
        return True
    if not unicodedata.category(unit).startswith(CATEGORIES):
        return False
    name = unicodedata.name(unit, "")
    return not (WITHOUT_SPACES & set(re.split("[ -]", name)) or OF_SIGNS.fullmatch(name))


def ranges() -> list[tuple[int, int]]:
    """First and last code point of each run of word characters, ascending."""
    runs: list[tuple[int, int]] = []
    for code in filter(is_word, range(sys.maxunicode + 1)):
        if runs and runs[-1][1] == code - 1:
            runs[-1] = runs[-1][0], code
        else:
            runs.append((code, code))
    return runs


def rows(cells: list[str], width: int, indent: str) -> str:
    """``cells`` in lines that are not wider."""
    lines = [indent]
    for cell in cells:
        if len(lines[-1]) + len(cell) + 1 > width:
            lines.append(indent)
        lines[-1] += cell + " "
    return "\n".join(line.rstrip() for line in lines)


def files() -> dict[Path, str]:
    """What each of the two files must hold."""
    note = f"word characters of Unicode {UNICODE}: runs of code points, first and last. Made by"
    runs = ranges()
    python = rows(
        [f"{first:x}-{last:x}" if last > first else f"{first:x}" for first, last in runs], 108, "    "
    )
    rust = rows([f"(0x{first:x}, 0x{last:x})," for first, last in runs], 108, "    ")
    table = f"pub(crate) const RUNS: [(u32, u32); {len(runs)}] = [\n{rust}\n];\n"
    return {
        ROOT / "python/holdback/_pure/word_table.py": (
            f'"""The {note} tools/word_table.py."""\n\nRUNS = """\n{python}\n"""\n'
        ),
        ROOT
        / "rust/core/src/word_table.rs": f"//! The {note} `tools/word_table.py`.\n\n#[rustfmt::skip]\n{table}",
    }


def main() -> None:
    """Write both files."""
    if unicodedata.unidata_version != UNICODE:
        sys.exit(f"this Python knows Unicode {unicodedata.unidata_version}, the table is of {UNICODE}")
    for path, text in files().items():
        path.write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
