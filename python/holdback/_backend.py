"""Which twin runs: the Rust extension where it is installed, else pure Python.

The only file that knows there are two. Everything above uses ``_backend.TrieMatcher`` and
``_backend.StreamBuffer`` at call time, so that a test can run it on either twin.

Environment, read once at import:

- ``HOLDBACK_PURE=1`` takes the pure twin though the extension is there;
- ``HOLDBACK_REQUIRE_NATIVE=1`` makes a missing extension an error instead of falling back.

Only the *absence* of the extension leads to the pure twin. An extension that is there and fails to
load is a broken installation, and its own error comes through.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Literal

from holdback import _pure

__all__ = [
    "BACKEND",
    "MATCHER_TYPES",
    "TWINS",
    "Forms",
    "Guard",
    "Lane",
    "Places",
    "Rules",
    "Shapes",
    "StreamBuffer",
    "TrieMatcher",
    "is_native",
    "keyed_placeholders",
]


def _wanted(name: str) -> bool:
    return os.environ.get(name, "") not in ("", "0")


def _native_is_there() -> bool:
    """Import the extension; False only if it is not installed at all."""
    try:
        importlib.import_module("holdback._native")
    except ModuleNotFoundError as error:
        if error.name != "holdback._native":
            raise
        return False
    return True


BACKEND: Literal["native", "pure"]
"""``"native"`` or ``"pure"``: which twin this process runs."""

_forced_pure = _wanted("HOLDBACK_PURE")
_require_native = _wanted("HOLDBACK_REQUIRE_NATIVE")
if _forced_pure and _require_native:
    raise ImportError("HOLDBACK_PURE and HOLDBACK_REQUIRE_NATIVE are both set: choose one")

if TYPE_CHECKING or (not _forced_pure and _native_is_there()):
    from holdback._native import (
        Forms,
        Guard,
        Lane,
        Places,
        Rules,
        Shapes,
        StreamBuffer,
        TrieMatcher,
        keyed_placeholders,
    )

    BACKEND = "native"
    TWINS: dict[str, type[TrieMatcher]]
    TWINS = {"native": TrieMatcher, "pure": _pure.TrieMatcher}  # type: ignore[dict-item]  # it is a twin
else:
    if _require_native:
        raise ImportError(
            "HOLDBACK_REQUIRE_NATIVE is set, but the extension holdback._native is not installed"
        )
    from holdback._pure import Forms, StreamBuffer, TrieMatcher, keyed_placeholders

    BACKEND = "pure"
    TWINS = {"pure": TrieMatcher}
    Guard = Lane = Places = Rules = Shapes = None

MATCHER_TYPES: tuple[type, ...] = tuple(TWINS.values())
"""What counts as a matcher, whichever twin made it."""


def is_native(matcher: object) -> bool:
    """Whether a matcher is of the native twin, so that what it restores can be walked natively as well."""
    return type(matcher) is TWINS.get("native")
