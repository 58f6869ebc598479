"""The provider of the soak: every format, faults on demand, and an eye on what it is shown.

The words ``[dies]`` and ``[fails]`` in a request's last text are its faults: the connection is dropped in the middle
of the answer, or the answer is an error. It keeps the conversations of the Responses API, since that is where
placeholders come back whose values only the store has.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import OrderedDict
from typing import Any

import agent_provider
import provider

MARK = re.compile(r"<(?:PERSON|EMAIL|ACCOUNT)_[a-z2-7]{10,}>")
VALUE = re.compile(rb"antongeren|DE\d{20}", re.IGNORECASE)
"""What every value of every conversation holds."""

_OWNER = re.compile(r"conversation (\d+)")
_KEPT = 20_000
"""How many conversations, and how many placeholders, are remembered: the provider must not grow either."""
_PIECES = 300
"""In how many pieces an answer comes, at most."""

FORMATS = {
    **provider.FORMATS,
    "/api/chat": (agent_provider.ollama, "messages"),
    "/v2/chat": (agent_provider.cohere, "messages"),
}


class Upstream:
    """The application, an ASGI one, and what it saw."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._said: OrderedDict[str, list[str]] = OrderedDict()
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._ids = 0
        self.requests = 0
        self.values_seen = 0
        """Requests in which a value stood."""
        self.shared = 0
        """Placeholders that came from two conversations."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        source = await provider.received(receive)
        self._look_at(repr(scope["headers"]).encode() + scope["raw_path"] + scope["query_string"] + source)
        body, path = json.loads(source), scope["path"]
        write, field = next(found for name, found in FORMATS.items() if name in path)
        text = provider.said(body[field])
        if "[fails]" in text:
            answer: Any = {"error": {"message": "overloaded", "type": "overloaded_error"}}
            await self._send(receive, send, 529, b"application/json", [json.dumps(answer).encode()])
            return
        name = ""
        if write is provider.response:
            name, text = self._keep(body, text)
        events, whole = write(body, text)
        if not (body.get("stream") or "stream" in path):
            pieces, kind = (
                [json.dumps({**whole, **({"id": name} if name else {})}).encode()],
                b"application/json",
            )
        else:
            data = b"".join(events).replace(b'"resp_1"', f'"{name}"'.encode())
            size = max(self._random.choice([7, 61, 700, 3000]), len(data) // _PIECES)
            pieces = [data[at : at + size] for at in range(0, len(data), size)]
            kind = b"application/x-ndjson" if write is agent_provider.ollama else b"text/event-stream"
        dies = "[dies]" in text
        sent = pieces[: len(pieces) // 2] if dies else pieces
        if await self._send(receive, send, 200, kind, sent, is_whole=not dies) and dies:
            raise ConnectionResetError  # the server drops the connection: the chunked body has no end

    async def _send(
        self, receive: Any, send: Any, status: int, kind: bytes, pieces: list[bytes], *, is_whole: bool = True
    ) -> bool:
        """Send an answer, unless the gateway leaves; whether it stayed."""
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        left = asyncio.create_task(receive())  # the next message of a client that said all is that it left
        pause = max(1, len(pieces) // 3)
        try:
            for number, piece in enumerate(pieces):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                if number % pause == 0:
                    await asyncio.wait([left], timeout=0.01)
                if left.done():
                    return False
        finally:
            left.cancel()
        if is_whole:
            await send({"type": "http.response.body", "body": b""})
        return True

    def _keep(self, body: Any, text: str) -> tuple[str, str]:
        """The id of the new answer, and all that was said in its conversation."""
        self._ids += 1
        name = f"resp_{self._ids:09d}"
        said = [*self._said.get(body.get("previous_response_id", ""), []), text]
        self._said[name] = said
        if len(self._said) > _KEPT:
            self._said.popitem(last=False)
        return name, " | ".join(said)

    def _look_at(self, data: bytes) -> None:
        self.requests += 1
        self.values_seen += VALUE.search(data) is not None
        text = data.decode("utf-8", "replace")
        owners = set(_OWNER.findall(text))
        if len(owners) == 1:
            (owner,) = owners
            for mark in MARK.findall(text):
                self.shared += self._owners.setdefault(mark, owner) != owner
            while len(self._owners) > _KEPT:
                self._owners.popitem(last=False)
