"""WebSockets of an ASGI application: messages that it sends are restored, messages that clients send are masked.

The format is that of the Realtime API. A session goes on while its mapping grows: each event of the client may hold new
values. A response that has begun is restored by the mapping that there was then, since the model had not read more;
what begins later goes by what there is now. So no text that is held back is given up when the mapping changes.

An event that cannot be masked does not reach the application: the client gets an ``error`` event, and the session goes
on, as it does after the provider's own.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from holdback.errors import MaskingError, StoreError
from holdback.integrations.way_out import Session
from holdback.mapping import AnyMapping
from holdback.report import Report
from holdback.restorers.messages import REALTIME, MessageRestorer

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Begin = Callable[[AnyMapping | None], MessageRestorer]

MOST_OPEN = 1_000
"""How many responses may be open at once; of one more the oldest goes by what there is now."""


class Socket:
    """One connection: stands between the application and the server.

    :param begin: makes a restorer with a mapping.
    :param mapping: asked for the mapping when the first message is sent; with a session it is not.
    """

    __slots__ = ("_is_gone", "_mapping", "_receive", "_responses", "_send", "_session", "has_begun")

    def __init__(
        self,
        receive: Receive,
        send: Send,
        begin: Begin,
        *,
        mapping: Callable[[], AnyMapping | None],
        session: Session | None,
    ) -> None:
        self._receive = receive
        self._send = send
        self._session = session
        self._mapping = mapping
        self._responses = _Responses(begin)
        self._is_gone = False  # whether the client left
        self.has_begun = False  # whether the application sent anything

    async def receive(self) -> Message:
        """What the client says, masked."""
        while True:
            message = await self._receive()
            self._is_gone = self._is_gone or message["type"] == "websocket.disconnect"
            if self._session is None or message["type"] != "websocket.receive":
                return message
            said = message.get("text")
            data = said.encode("utf-8", "surrogatepass") if said is not None else message.get("bytes") or b""
            try:
                masked = await self._session.mask(data, REALTIME)
            except MaskingError as error:
                await self._refuse("invalid_request_error", str(error))
            except StoreError:
                await self._refuse("server_error", "what this conversation masked before cannot be told")
            else:
                if masked.added.count:
                    await self._leave(self._responses.change(self._session.mapping))
                if masked.request == data:
                    return message
                if said is None:
                    return {**message, "bytes": masked.request}
                return {**message, "text": masked.request.decode("utf-8", "surrogatepass")}

    async def send(self, message: Message) -> None:
        """What the application says, restored; more messages, or none, may leave for one."""
        if message["type"] == "websocket.send":
            self.has_begun = True
            is_text = message.get("text") is not None
            said = message["text"] if is_text else message.get("bytes")
            for one in self._begun().feed(said):
                await self._pass(message if one is said else {**message, "text" if is_text else "bytes": one})
            return
        if message["type"] == "websocket.close":
            await self.drain()
        await self._pass(message)

    async def drain(self) -> None:
        """The session has ended: what was held back leaves."""
        if not self._is_gone:
            await self._leave(self._responses.flush())

    @property
    def report(self) -> Report:
        """What was restored in this session; counts only."""
        return self._responses.report

    async def _leave(self, messages: list[Any]) -> None:
        for one in messages:
            await self._pass({"type": "websocket.send", "text" if isinstance(one, str) else "bytes": one})

    def _begun(self) -> _Responses:
        if not self._responses.has_begun:
            mapping = self._mapping() if self._session is None else self._session.mapping
            self._responses.change(mapping)
        return self._responses

    async def _pass(self, message: Message) -> None:
        try:
            await self._send(message)
        except Exception:
            self._is_gone = True
            raise

    async def _refuse(self, kind: str, reason: str) -> None:
        error = {"type": kind, "code": "holdback", "message": reason, "param": None, "event_id": None}
        said = json.dumps({"type": "error", "event_id": "holdback", "error": error})
        await self._pass({"type": "websocket.send", "text": said})


class _Responses:
    """The restorers of a session: the present one, and those of responses that began with another mapping."""

    __slots__ = ("_before", "_begin", "_earlier", "_open", "_present")

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._present: MessageRestorer | None = None
        self._open: dict[str, MessageRestorer] = {}  # response id -> by what it is restored
        self._earlier: list[MessageRestorer] = []  # earlier ones, while a response of theirs is open
        self._before = Report()  # of those that are done

    @property
    def has_begun(self) -> bool:
        return self._present is not None

    @property
    def report(self) -> Report:
        """What happened so far, whatever the mapping was; counts only."""
        going = [*self._earlier, *([] if self._present is None else [self._present])]
        return Report.merged([self._before, *(restorer.report for restorer in going)])

    def change(self, mapping: AnyMapping | None) -> list[Any]:
        """From now on what begins is restored by this mapping; returns what no open response will need any more."""
        before, self._present = self._present, self._begin(mapping)
        if before is None:
            return []
        if before in self._open.values():
            self._earlier.append(before)
            return []
        return self._ended(before)

    def feed(self, message: Any) -> list[Any]:
        """The message restored."""
        restorer = self._present
        if restorer is None:
            return [message]
        name, is_end = self._response_of(message)
        if name is not None:
            restorer = self._open.setdefault(name, restorer)
            if len(self._open) > MOST_OPEN:
                del self._open[next(iter(self._open))]
        leaving = restorer.feed(message)
        if name is not None and is_end:
            self._open.pop(name, None)
            for earlier in [earlier for earlier in self._earlier if earlier not in self._open.values()]:
                self._earlier.remove(earlier)
                leaving += self._ended(earlier)
        return leaving

    def flush(self) -> list[Any]:
        """The session has ended; its restorers are done."""
        left = [*self._earlier, *([] if self._present is None else [self._present])]
        self._earlier, self._present = [], None
        self._open.clear()
        return [message for restorer in left for message in self._ended(restorer)]

    def _ended(self, restorer: MessageRestorer) -> list[Any]:
        """What a restorer holds, which is not used again."""
        left = restorer.flush()
        self._before += restorer.report
        return left

    def _response_of(self, message: Any) -> tuple[str | None, bool]:
        """The response that a message belongs to, as far as that matters, and whether it ends there."""
        if isinstance(message, bytes):
            is_edge = b"response.created" in message or b"response.done" in message
        else:
            is_edge = isinstance(message, str) and (
                "response.created" in message or "response.done" in message
            )
        if not (is_edge or self._earlier):
            return None, False
        try:
            event = json.loads(message)
        except (TypeError, ValueError, RecursionError):
            return None, False
        if not isinstance(event, dict):
            return None, False
        response = event.get("response")
        found = event.get("response_id") or (response.get("id") if isinstance(response, dict) else None)
        return (found if isinstance(found, str) else None), event.get("type") == "response.done"
