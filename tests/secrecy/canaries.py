"""Canaries: originals and placeholders that occur nowhere else, and a watch over every place where one could show.

Watched are log records of every logger and level with their arguments, warnings, errors that nobody could raise, the
text of an exception and of all that hangs on it, its traceback, and the ``repr`` of every object of ours in it. What
``capture_locals`` would show of a frame is its plain text too, where it works on some: that is the caller's choice,
and stands in docs/guarantees.md.
"""

from __future__ import annotations

import copy
import logging
import pickle
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Self

WORD = "kanarie"
FAKE, ORIGINAL = "<KANARIE_1>", 'Kanarie "Vogel" 7Q9Z'
OTHER = "Kanarie Glax"
PAIRS = {FAKE: ORIGINAL, OTHER: "kanarie@vogel.example", "<KANARIE_10>": "kanarie\nzwei"}
HELD = f"to {FAKE} and <KANARIE_1"
"""Text with a placeholder and the beginning of two."""


class Host(Exception):
    """What an upstream, an application or a client raises: it quotes the text, as they do, and is not ours."""

    def __init__(self) -> None:
        super().__init__(ORIGINAL, FAKE)


def shows(text: object) -> bool:
    """Whether a canary is in some text."""
    return WORD in str(text).casefold()


class Watch(logging.Handler):
    """Everything that was said while it was on; what hosts log of their own is theirs."""

    def __init__(self, *hosts: str) -> None:
        super().__init__(logging.NOTSET)
        self._hosts = hosts
        self.said: list[str] = []
        self.errors = 0

    def __enter__(self) -> Self:
        root = logging.getLogger()
        self._level, self._hook = root.level, sys.unraisablehook
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        sys.unraisablehook = self._unraisable
        self._warnings = warnings.catch_warnings(record=True)
        self._warned = self._warnings.__enter__()
        warnings.simplefilter("always")
        return self

    def __exit__(self, *_: object) -> None:
        self._warnings.__exit__(None, None, None)
        logging.getLogger().removeHandler(self)
        logging.getLogger().setLevel(self._level)
        sys.unraisablehook = self._hook
        self.said += [f"{warning.category.__name__}: {warning.message}" for warning in self._warned or ()]
        shown = [line for line in self.said if shows(line)]
        assert not shown, f"a canary shows in {shown}"

    def _unraisable(self, error: Any) -> None:
        self.said.append(f"{error.object!r} {'' if isinstance(error.exc_value, Host) else error.exc_value!r}")

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.lower().startswith(self._hosts or ("\0",)):
            self.said.append(f"{logging.Formatter().format(record)} {vars(record)!r}")

    # ---------------------------------------------------------------- what is done under the watch

    def run(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Do something that may raise, which must then be silent; returns what came of it, or the error."""
        try:
            return work(*arguments, **named)
        except BaseException as error:  # noqa: BLE001 - whatever comes is looked at
            self.check(error)
            return error

    def fails(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        """The same of something that must raise."""
        result = self.run(work, *arguments, **named)
        assert isinstance(result, BaseException), f"it did not raise but returned a {type(result).__name__}"

    def check(self, error: BaseException) -> None:
        """An exception and everything that hangs on it. A host's own is its own, but not its traceback."""
        self.errors += 1
        for link in chain(error):
            for frame, _ in traceback.walk_tb(link.__traceback__):
                if frame.f_globals.get("__name__", "").startswith("holdback"):
                    for value in list(frame.f_locals.values()):
                        self.shown(value)
            if isinstance(link, Host):
                continue
            said = [str(link), repr(link), repr(link.args), repr(getattr(link, "__notes__", ""))]
            said += [repr(vars(link)), repr(getattr(link, "object", "")), repr(getattr(link, "doc", ""))]
            said += traceback.TracebackException(type(link), link, link.__traceback__).format(chain=False)
            self.said += [f"{type(link).__name__}: {line}" for line in said]

    def shown(self, value: Any) -> None:
        """An object of ours as a debugger, a log line or an error reporter shows it."""
        if type(value).__module__.partition(".")[0] == "holdback" or type(value).__name__ in OURS:
            for way in (repr, str, format):
                try:
                    self.said.append(way(value))
                except Exception as error:  # noqa: BLE001 - one half made, in a frame of its constructor
                    self.said.append(f"{error!r}")

    def object(self, value: Any) -> None:
        """An object of ours, shown, copied, and pickled if it lets itself be."""
        assert type(value).__module__.partition(".")[0] == "holdback"
        self.shown(value)
        for work in (copy.copy, copy.deepcopy, pickle.dumps):
            self.run(work, value)


OURS = ("TrieMatcher", "StreamBuffer")


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, its causes and contexts, and what is in groups."""
    seen: list[BaseException] = []
    ahead = [error]
    while ahead:
        link = ahead.pop()
        if link is None or any(link is other for other in seen):
            continue
        seen.append(link)
        yield link
        ahead += [link.__cause__, link.__context__]
        if isinstance(link, BaseExceptionGroup):
            ahead += link.exceptions
