"""What clients make of a text: renderers of Markdown and HTML, and where a value ends up in what they make."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import cmarkgfm
import html5lib
import mistune
from cmarkgfm.cmark import Options
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt

ADDRESSES = frozenset(
    {
        "href",
        "src",
        "srcset",
        "imagesrcset",
        "action",
        "formaction",
        "cite",
        "background",
        "poster",
        "data",
        "ping",
    }
    | {
        "longdesc",
        "usemap",
        "classid",
        "codebase",
        "archive",
        "manifest",
        "icon",
        "profile",
        "dynsrc",
        "lowsrc",
    }
    | {"srcdoc", "itemid", "itemtype"}
)


def _linkified(text: str) -> str:
    """Plain text of which a client makes its addresses links."""
    found: Any = LinkifyIt().match(text) or []
    return "".join(f'<a href="{html.escape(match.url)}">x</a>' for match in found)


def _markdown_it(preset: str, **options: bool) -> Callable[[str], str]:
    render: Callable[[str], str] = MarkdownIt(preset, options).render
    return render


_MISTUNE = ["strikethrough", "footnotes", "table", "url", "task_lists", "def_list"]
_UNSAFE = Options.CMARK_OPT_UNSAFE

RENDERERS: dict[str, Callable[[str], str]] = {
    "html": lambda text: text,
    "links in plain text": _linkified,
    "markdown-it": _markdown_it("gfm-like", html=True, linkify=True),
    "markdown-it without HTML": _markdown_it("gfm-like", html=False, linkify=True),
    "markdown-it, CommonMark": _markdown_it("commonmark"),
    "cmark-gfm": lambda text: str(cmarkgfm.github_flavored_markdown_to_html(text, options=_UNSAFE)),
    "cmark-gfm, safe": lambda text: str(cmarkgfm.github_flavored_markdown_to_html(text)),
    "cmark-gfm with footnotes": lambda text: str(
        cmarkgfm.github_flavored_markdown_to_html(text, options=_UNSAFE | Options.CMARK_OPT_FOOTNOTES)
    ),
    "mistune": lambda text: str(mistune.create_markdown(escape=False, plugins=_MISTUNE)(text)),
    "mistune, escaped": lambda text: str(mistune.create_markdown(escape=True, plugins=_MISTUNE)(text)),
}


def addresses(page: str) -> Iterator[str]:
    """Everything in a page that names an address, or may: attributes, scripts, styles."""
    for element in html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False).iter():
        if not isinstance(element.tag, str):
            continue
        tag = element.tag.rpartition("}")[2].lower()
        if tag in {"script", "style"}:
            yield element.text or ""
        for name, value in element.attrib.items():
            attribute = str(name).rpartition("}")[2].rpartition(":")[2].lower()
            is_style = attribute == "style" and re.search(r"url|image|import", value, re.IGNORECASE)
            is_refresh = tag == "meta" and attribute == "content"
            if attribute in ADDRESSES or attribute.startswith("on") or is_style or is_refresh:
                yield value


def who_sees(text: str, value: str) -> list[str]:
    """The renderers that put ``value`` into an address. A mail address may be a link to itself."""
    return [name for name, render in RENDERERS.items() if _is_in(addresses(render(text)), value.lower())]


def _is_in(found: Iterator[str], value: str) -> bool:
    plain = (unquote(html.unescape(address)).strip().lower() for address in found)
    itself = f"mailto:{value}" if "@" in value else ""
    return any(value in address and address != itself for address in plain)
