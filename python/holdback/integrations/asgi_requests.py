"""Requests that ASGI middleware masks: the body is read, masked, and given to the application as one message.

A request that cannot be masked does not reach the application. The client is told why, in a JSON object with the
member ``error``; no message repeats anything of the request.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from holdback.errors import MaskingError, StoreError
from holdback.integrations.way_out import STALE, WayOut, mapping_to_restore
from holdback.mapping import PIIMapping

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_STALE = frozenset(name.encode() for name in STALE)


class MaskedRequest:
    """A request whose body is masked: its scope, its messages, and the mapping for its answer."""

    __slots__ = ("_body", "_receive", "mapping", "scope")

    def __init__(self, scope: Scope, body: bytes, mapping: PIIMapping | None, receive: Receive) -> None:
        self.scope = scope
        self.mapping = mapping
        self._body: bytes | None = body
        self._receive = receive

    async def receive(self) -> Message:
        """The body, then what the server says: that the client left."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def masked_request(
    way_out: WayOut, conversation: str, scope: Scope, receive: Receive, send: Send, *, most: int
) -> MaskedRequest | None:
    """The masked request; None if the client has left, or was told that its request cannot be masked.

    :param most: the most bytes of a body.
    """
    try:
        body = await read_body(receive, most)
    except ClientLeft:
        return None
    if body is None:
        await _refuse(send, 413, "the request is larger than is read")
        return None
    try:
        masked = await way_out.mask(body, conversation)
    except MaskingError as error:
        status, reason = 400, str(error)
    except StoreError:
        status, reason = 503, "what this conversation masked before cannot be told; try again"
    else:
        if masked.request != body:
            headers = [(bytes(name), bytes(value)) for name, value in scope.get("headers", ())]
            headers = [header for header in headers if header[0].lower() not in _STALE]
            headers.append((b"content-length", str(len(masked.request)).encode()))
            scope = {**scope, "headers": headers}
        return MaskedRequest(scope, masked.request, mapping_to_restore(masked), receive)
    await _refuse(send, status, reason)
    return None


class ClientLeft(Exception):
    """The client left before its request was complete."""


async def read_body(receive: Receive, most: int) -> bytes | None:
    """The body of a request; None if it is larger than ``most`` bytes.

    :raises ClientLeft: the client left in the middle of it.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = json.dumps(
        {"error": {"message": reason, "type": "holdback", "param": None, "code": None}}
    ).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
