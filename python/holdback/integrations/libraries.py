"""Which library is which: httpx, and httpx2, its fork, have the same names, and share no class.

What is built of both fails far from its cause, so each mixture is a ``TypeError`` that says what to take instead.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

OTHER = {"httpx": "httpx2", "httpx2": "httpx"}


def check_transport(host: ModuleType, transport: Any, calls: str) -> None:
    """Whether a transport of ``host`` can be put around this one; ``calls`` is the method that it will call.

    :raises TypeError: it is one of the other library, or of the other way to call.
    """
    ours, other = host.__name__, OTHER[host.__name__]
    if {ours, other} & _libraries(transport) == {other}:
        raise TypeError(
            f"transport= is one of {other}: give one of {ours}, or take the transport of holdback.integrations.{other}"
        )
    if not callable(getattr(transport, calls, None)):
        is_async = calls == "handle_async_request"
        kind, better = (
            ("a synchronous", "RestoreTransport")
            if is_async
            else ("an asynchronous", "AsyncRestoreTransport")
        )
        if isinstance(transport, type):
            raise TypeError("transport= is a class: give an object of it")
        if not callable(getattr(transport, "handle_request" if is_async else "handle_async_request", None)):
            raise TypeError(f"transport= must be a transport of {ours}, not {type(transport).__name__}")
        raise TypeError(f"transport= is {kind} one: take {better} of holdback.integrations.{ours}")


def check_request(host: ModuleType, request: Any) -> None:
    """Whether a request comes from a client of ``host``.

    :raises TypeError: it comes from one of the other library.
    """
    if not isinstance(request, host.Request) and OTHER[host.__name__] in _libraries(request):
        other = OTHER[host.__name__]
        raise TypeError(
            f"a client of {other} has a transport of {host.__name__}: take that of holdback.integrations.{other}"
        )


def _libraries(thing: object) -> set[str]:
    """The packages that the classes of an object come from."""
    return {base.__module__.partition(".")[0] for base in type(thing).__mro__}
