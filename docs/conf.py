"""The settings of Sphinx; `make docs` builds the site into build/docs/html, and every warning is an error."""

from __future__ import annotations
import __future__

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

os.environ["HOLDBACK_PURE"] = "1"  # the pages must come out the same without Rust

from sphinx.errors import ExtensionError

import holdback

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ("benches/RESULTS.md", "benches/SCALE.md")

project = "holdback"
author = "holdback developers"
copyright = author  # noqa: A001 - Sphinx's name for it
version = release = holdback.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
myst_links_external_new_tab = True

html_theme = "furo"
html_title = "holdback"
html_static_path = ["_static"]
html_css_files = ["holdback.css"]
html_copy_source = False
pygments_style = "tango"
pygments_dark_style = "monokai"

# ---------------------------------------------------------------- reference

autodoc_mock_imports = ["langchain", "langchain_core", "litellm"]  # a gigabyte for the sake of base classes
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"AnyMapping": "AnyMapping", "MappingOrCallable": "MappingOrCallable"}
python_maximum_signature_line_length = 88
python_display_short_literal_types = True
add_module_names = False

nitpicky = True  # a name of ours that leads nowhere is an error; those of others have no pages here
nitpick_ignore_regex = [
    (r"py:.*", r"(?!holdback\b).*"),
    (r"py:.*", r"holdback\._.*"),
    (
        r"py:class",
        r"holdback\.(masking\.(masker|round_trip)\.Request|integrations\.presidio\.Found)",
    ),  # names in signatures
]


def document_the_twins() -> None:
    """Put the classes of the stub in the place of the twin that was imported: it documents both."""
    path = Path(holdback.__file__).with_name("_native.pyi")
    names: dict[str, object] = {"__name__": "holdback"}
    source = path.read_text(encoding="utf-8")
    exec(compile(source, path.name, "exec", flags=__future__.annotations.compiler_flag), names)  # noqa: S102
    for name in ("TrieMatcher", "StreamBuffer"):
        setattr(holdback, name, names[name])


document_the_twins()

# ---------------------------------------------------------------- sources


def with_results(_: Sphinx, page: str, source: list[str]) -> None:
    """Show what the benchmarks found in the place of the links to it."""
    if page == "performance":
        for measured in MEASURED:
            options = ":heading-offset: 1\n:relative-images:\n:relative-docs: ."
            include = f"```{{include}} ../{measured}\n{options}\n```"
            source[0] = source[0].replace(f"\n[{measured}](../{measured})\n", f"\n{include}\n")


def without_last_blank_lines(_: Sphinx, __: str, source: list[str]) -> None:
    """A session ends with a blank line, so that doctest reads it in the page; a reader needs none."""
    source[0] = source[0].replace("\n\n```\n", "\n```\n")


def no_dead_links(app: Sphinx, error: Exception | None) -> None:
    """MyST makes plain words of a link to a page outside of these, without a warning."""
    dead = [page.name for page in app.outdir.glob("*.html") if 'class="xref myst"' in page.read_text("utf-8")]
    if dead and error is None:
        raise ExtensionError(f"links that lead nowhere: {', '.join(dead)}")


def with_plain_aliases(*what: object) -> tuple[str | None, str | None]:
    """A signature in which an alias is its name; Sphinx shows its own object for one in a union."""
    signature, returns = what[-2:]
    return _plain(signature), _plain(returns)


def _plain(annotation: object) -> str | None:
    return (
        re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", annotation) if isinstance(annotation, str) else None
    )


def setup(app: Sphinx) -> None:
    """What Sphinx calls."""
    app.connect("autodoc-process-signature", with_plain_aliases)
    app.connect("build-finished", no_dead_links)
    app.connect("source-read", with_results)
    app.connect("source-read", without_last_blank_lines)
