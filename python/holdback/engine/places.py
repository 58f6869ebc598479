r"""Places: whether the next character of a text stands inside an address, judged on what was sent before it.

The client may render the text as Markdown, as HTML, or as plain text with links; which of them is not known. So each
of them has a small machine, all machines read every character, and the text is inside an address while any of them
says so:

* **url** since the last ASCII blank there was `://`, a scheme without slashes (`mailto:`), `//` or `www.` behind
  anything but an ASCII letter or digit, or `host.tld` and one of `/ ? # :`;
* **target** since `](`, until the parenthesis that closes it, or a blank line;
* **definition** since `[label]:` at the start of a line, until the line ends on which its target stands. Behind
  `[^label]:`, which is a footnote as well, until the first blank behind a target;
* **tag** since `<` and a letter, `/`, `!` or `?`, until a `>` outside quotes;
* **body** of `script` and `style`, until they close;
* **css** since `url(`, until `)`, or a blank line.

Tags are told in `tags.py`: there every `<` begins one, so `_tags` is a set of states.

**The address so far** is kept for the rules of `addresses.py`, as long as it is certain where it began: it begins with
the first machine that goes on, or with the value of an attribute. A machine that goes on or off later makes it
unknown, and so do more than `LONGEST` characters.

Invariants: no character is held or looked ahead at; the state after a text is the same for every cutting of it; memory
is bounded by `TAIL` and `LONGEST`; time is O(1) a character. Text in which no machine is on is searched for the next
character that could switch one on. `rust/core/src/wire/places.rs` is the twin, `tests/vectors/places/` is
read by both.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from .addresses import AllowedHost, may_stand
from .behind import ADDRESS, BODY_BEGINS, BODY_ENDS, URL_FUNCTION, begins_url
from .tags import (
    BEFORE_VALUE,
    BOGUS,
    CLASSES,
    DOUBLE,
    IN_VALUE,
    LAPSED,
    NAME_OF_TAG,
    OTHER,
    OUTSIDE,
    QUOTED,
    SINGLE,
    after,
    end_paragraph,
)

TAIL: Final = 80
"""How much of the text before is kept, to be looked back at."""
LONGEST: Final = 1024
"""How much of an address is kept: a longer one is unknown."""

_BLANKS: Final = " \t\n\v\f\r"
_SWITCHES: Final = re.compile(r"[\n\r./:\\?#<(]")
_SWITCHES_IN_LAPSED: Final = re.compile(r"[\n\r./:\\?#<(=>]")
_ENDS_OF_RUNS: Final = re.compile(r"[ \t\n\v\f\r<>()\\]")
_MARKS: Final = frozenset(">-+*.)0123456789")  # before a definition: quotes, bullets, numbers
_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

# The bodies.
SCRIPT: Final = 1
STYLE: Final = 2

# What may be on.
URL: Final = 1
TARGET: Final = 2
DEFINITION: Final = 4
TAG: Final = 8
CSS: Final = 16
BODY: Final = 32

# A label in brackets at the start of a line.
NO_LABEL, OPENED, INSIDE, CLOSED, CLOSED_BY_ESCAPED = range(5)
# A definition.
NO_DEFINITION, WAITS, HAS_TARGET = range(3)


class Places:
    """The places of one text: `feed` it what is sent, and ask `keeps` before a value is placed.

    >>> from holdback.engine.places import Places
    >>> places = Places()
    >>> places.feed("See ![chart](https://collect.example/?q=")
    >>> places.keeps("Ada")
    True
    >>> places.feed("<PERSON_1>) by ")
    >>> places.keeps("Ada")
    False
    """

    __slots__ = (
        "_address",
        "_angle",
        "_blank_so_far",
        "_body",
        "_css",
        "_definition",
        "_definition_angle",
        "_depth",
        "_double_escaped",
        "_escaped",
        "_escaped_body",
        "_is_beginning",
        "_is_note",
        "_label",
        "_label_is_note",
        "_less",
        "_line_start",
        "_on",
        "_opens",
        "_tags",
        "_tail",
        "_url",
        "hosts",
    )

    def __init__(self, hosts: tuple[AllowedHost, ...] = ()) -> None:
        self.hosts = hosts
        self.reset()

    def reset(self) -> None:
        """Begin a text of its own, such as the next string of a tool's arguments."""
        self._tail = ""
        self._address: str | None = None
        self._on = 0  # the machines that are on
        self._url = False
        self._less = False  # the last character was `<`
        self._tags = 0
        self._opens = 0  # the bodies that a tag which may be open begins: 1 script, 2 style
        self._body = 0  # the bodies that are open
        self._escaped_body = False  # in a script: behind `<!--`
        self._double_escaped = False  # and behind `<script` in that, of which the end ends no body
        self._depth = 0  # the parentheses that are open in a target
        self._is_beginning = False  # of the target: nothing but blanks so far
        self._angle = False  # a target in angle brackets
        self._css = False
        self._escaped = False  # an odd number of backslashes stands before; kept in labels and targets
        self._line_start = True  # nothing but marks so far
        self._blank_so_far = True  # the line
        self._label = NO_LABEL
        self._label_is_note = False
        self._definition = NO_DEFINITION
        self._definition_angle = False
        self._is_note = False  # the definition may be a footnote

    def copy(self) -> Places:
        """Another text that begins where this one stands."""
        other = Places.__new__(Places)
        for name in Places.__slots__:
            setattr(other, name, getattr(self, name))
        return other

    def __reduce__(self) -> NoReturn:
        raise TypeError("Places holds text and is not pickled")

    @property
    def in_address(self) -> bool:
        """Whether the next character stands inside an address."""
        return self._on != 0

    @property
    def address(self) -> str | None:
        """The address so far; None outside one, and where its beginning is not known."""
        return self._address

    def keeps(self, value: str) -> bool:
        """Whether a placeholder of ``value`` that came next would have to stay."""
        return self._on != 0 and not may_stand(self._address, value, self.hosts)

    def feed(self, text: str) -> None:
        """Move over ``text``, which the client has been sent."""
        position = len(self._tail)
        source = self._tail + text
        end = len(source)
        while position < end:
            if not self._on and not (self._less or self._line_start or self._label):
                found = (_SWITCHES_IN_LAPSED if self._tags else _SWITCHES).search(source, position)
                if found is None:
                    break
                position = found.start()
                # The two that are frequent in prose and seldom do anything.
                previous = source[position - 1 : position]
                if (found[0] == "." and previous not in "wW") or (found[0] == "(" and previous not in "]lL"):
                    position += 1
                    continue
            elif self._on in {URL, URL | TARGET} and not (
                self._less or self._label or self._tags or self._is_beginning
            ):
                found = _ENDS_OF_RUNS.search(source, position)
                start, position = position, end if found is None else found.start()
                if start < position:
                    self._run(source[start:position])
                    continue
            self._step(source, position)
            position += 1
        self._tail = source[-TAIL:]

    def _run(self, text: str) -> None:
        """Read characters of an address that can neither end it nor begin anything."""
        self._escaped = False
        if self._address is not None:
            self._address = self._address + text if len(self._address) + len(text) <= LONGEST else None

    def _step(self, source: str, at: int) -> None:
        """Read one character: each machine of which the state is not empty, or which it may switch on."""
        character = source[at]
        previous = source[at - 1] if at else ""
        before, tags_before = self._on, self._tags
        angles_before = self._angle, self._definition_angle
        if self._line_start or self._label or self._definition or character in "\n\r":
            self._step_line(character, previous)
        if self._tags or self._body or self._less or character == "<":
            self._step_tags(source, at, character)
        if self._depth or character == "(":
            self._step_target(character, previous)
        if self._css or character == "(":
            self._step_css(source, at, character, previous)
        if self._url:
            self._url = character not in _BLANKS
        elif character in "/\\?#:.":
            self._url = begins_url(source, at)
        self._escaped = character == "\\" and not self._escaped
        self._on = (
            (URL if self._url else 0)
            | (TARGET if self._depth else 0)
            | (DEFINITION if self._definition else 0)
            | (TAG if self._tags & ~LAPSED else 0)
            | (CSS if self._css else 0)
            | (BODY if self._body else 0)
        )
        if before or self._on:
            opens_angle = (self._angle, self._definition_angle) > angles_before
            self._step_address(source, at, before, tags_before, opens_angle=opens_angle)

    def _step_line(self, character: str, previous: str) -> None:
        label = self._label
        if character in "\n\r":
            if character == "\r" or previous != "\r":
                if self._blank_so_far:
                    self._end_paragraph()
                self._line_start = self._blank_so_far = True
        elif character not in " \t":
            self._blank_so_far = False
            if self._line_start and character not in _MARKS:
                self._line_start = False
                if character == "[":
                    self._label = OPENED
        if self._definition:
            self._step_definition(character)
        if label:
            self._step_label(label, character)

    def _end_paragraph(self) -> None:
        if self._tags & OUTSIDE:
            self._body |= self._opens  # what the renderer writes behind the paragraph ends the tag
        self._tags = end_paragraph(self._tags)
        self._depth = 0
        self._angle = self._definition_angle = self._css = self._is_beginning = False
        self._label, self._definition = NO_LABEL, NO_DEFINITION

    def _step_definition(self, character: str) -> None:
        if self._definition == WAITS:
            if character not in _BLANKS:
                self._definition = HAS_TARGET
                self._definition_angle = character == "<"
        elif character in "\n\r" or (self._is_note and character in _BLANKS and not self._definition_angle):
            self._definition = NO_DEFINITION
            self._definition_angle = False
        elif character == ">" and not self._escaped:
            self._definition_angle = False

    def _step_label(self, label: int, character: str) -> None:
        if label == OPENED:
            self._label, self._label_is_note = INSIDE, character == "^"
        elif label in {CLOSED, CLOSED_BY_ESCAPED}:
            if character == ":":
                self._label, self._definition = NO_LABEL, WAITS
                self._is_note = self._label_is_note
                self._definition_angle = False
                self._line_start = self._is_note  # what stands in a note may be a definition
                return
            self._label = INSIDE if label == CLOSED_BY_ESCAPED else NO_LABEL
        if character == "]" and self._label == INSIDE:
            self._label = CLOSED_BY_ESCAPED if self._escaped else CLOSED

    def _step_target(self, character: str, previous: str) -> None:
        if character == "(":
            if self._depth and self._escaped:
                return
            self._is_beginning = previous == "]"
            if self._depth or self._is_beginning:
                self._depth += 1
            return
        if not self._depth:
            return
        if character == ")":
            # Behind any backslash it may be escaped: renderers differ. In angle brackets it ends nothing.
            if previous != "\\":
                self._depth = max(self._depth - 1, int(self._angle))
        elif character == "<" and self._is_beginning:
            self._angle = True
        elif character in "\n\r" or (character == ">" and not self._escaped):
            self._angle = False
        if character not in _BLANKS:
            self._is_beginning = False

    def _step_tags(self, source: str, at: int, character: str) -> None:
        kind = CLASSES.get(character, OTHER)
        tags = after(self._tags, kind)
        if kind <= 2 and (self._tags or self._body):
            self._step_bodies(source, at, ends=character == ">" and bool(self._tags & ~QUOTED))
        if self._body & SCRIPT and character == "-" and source[max(at - 3, 0) : at] == "<!-":
            self._escaped_body = True
        if self._less:
            if character in _LETTERS or character == "/":
                tags |= NAME_OF_TAG
            elif character in "!?":
                tags |= BOGUS
        self._less = character == "<"
        self._tags = tags
        if not tags:
            self._opens = 0

    def _step_bodies(self, source: str, at: int, *, ends: bool) -> None:
        """A blank, `/` or `>` came, which may end the name of a tag; `ends`: a tag."""
        begins = BODY_BEGINS.search(source, max(at - 7, 0), at)
        if begins is not None:
            body = SCRIPT if begins[1] else STYLE
            self._opens |= body
            self._double_escaped = self._double_escaped or (self._escaped_body and body == SCRIPT)
        if source[at] == ">":
            if source[max(at - 2, 0) : at] == "--":
                self._escaped_body = self._double_escaped = False
            end = BODY_ENDS.search(source[max(at - 26, 0) : at])
            if end is not None:
                self._end_body(SCRIPT if end[1] else STYLE)
        if ends:
            self._body |= self._opens

    def _end_body(self, body: int) -> None:
        if body == SCRIPT and self._double_escaped:
            self._double_escaped = False
        else:
            self._body &= ~body
            self._escaped_body = self._escaped_body and body != SCRIPT

    def _step_css(self, source: str, at: int, character: str, previous: str) -> None:
        if character == "(" and not self._css:
            self._css = URL_FUNCTION.search(source[max(at - 4, 0) : at]) is not None
        elif character == ")" and previous != "\\":
            self._css = False

    def _step_address(
        self, source: str, at: int, before: int, tags_before: int, *, opens_angle: bool
    ) -> None:
        character, now, tags, address = source[at], self._on, self._tags, self._address
        if now == TAG and (
            tags == BEFORE_VALUE or (tags_before == BEFORE_VALUE and tags in {DOUBLE, SINGLE})
        ):
            self._address = ""
        elif not before:
            self._address = _beginning(source, at, now)
        elif not now or address is None or (tags_before & IN_VALUE and not tags & IN_VALUE):
            self._address = None
        elif not address and (
            opens_angle or (character in _BLANKS and (self._is_beginning or self._definition == WAITS))
        ):
            pass
        elif len(address) < LONGEST and (
            now in {before, before | URL}
            or (now == before | TAG and not address and (self._angle or self._definition_angle))
        ):
            self._address = address + character
        else:
            self._address = None


def _beginning(source: str, at: int, on: int) -> str | None:
    """The address of which the machine that just went on has seen the beginning."""
    if on in {TARGET, DEFINITION}:
        return ""
    if on == TAG:
        return source[at]
    if on == URL:
        scheme = ADDRESS.search(source[max(at - 12, 0) : at + 1])
        return None if scheme is None else scheme[1]
    return None
