"""The end of the line that runs a peer, in the peers' environment: one task a line in, one answer a line out, JSON.

    python -m benches.peers.worker ADAPTER

It imports the adapter and the standard library only. What a peer prints goes to standard error. A task that raises is
answered with the exception's name; one that hangs is ended by the runner.

Tasks: ``texts``, ``tolerances`` and ``chats`` restore and give what came out (for exactness), ``set_up``, ``feed`` and
``handle`` give seconds, and the last two also what came out, if they are asked to ``show`` it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

from benches.clock import once
from benches.peers.adapter import Adapter, Chat, Feed

Task = dict[str, Any]
Answer = dict[str, Any]

ENOUGH = 0.005  # seconds that are measured well


class Worker:
    """Answers tasks with one adapter. Vaults are kept by name: their pairs come once."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._vaults: dict[str, Any] = {}
        self._loop = asyncio.new_event_loop()

    def hello(self, task: Task) -> Answer:
        """What the peer can do."""
        del task
        return {
            "text": type(self._adapter).stream is not Adapter.stream,
            "json": self._adapter.json_stream is not None,
            "chats": list(self._adapter.chats),
        }

    def vault(self, task: Task) -> Answer:
        self._vaults[task["vault"]] = self._adapter.vault(task["pairs"])
        return {}

    # ---- exactness

    def texts(self, task: Task) -> Answer:
        """Each cutting of a text through a fresh stream; an error is an outcome too."""
        vault = self._adapter.vault(task["pairs"])
        start = self._adapter.json_stream if task["json"] else self._adapter.stream
        assert start is not None
        return {"outcomes": [outcome(lambda: "".join(start(vault)(pieces))) for pieces in task["cuttings"]]}  # noqa: B023

    def tolerances(self, task: Task) -> Answer:
        """Likewise, as tolerant as the peer goes."""
        pairs, group = task["pairs"], task["group"]
        return {
            "outcomes": [
                outcome(lambda: "".join(self._adapter.tolerant(pairs, group)(pieces)))  # noqa: B023
                for pieces in task["cuttings"]
            ]
        }

    def chats(self, task: Task) -> Answer:
        """Each cutting of a chat stream through a fresh handler."""
        vault, chat = self._adapter.vault(task["pairs"]), self._adapter.chats[task["form"]]
        return {
            "outcomes": [
                outcome(lambda: chat.read(self._handled(chat, vault, chat.take(chunks))))  # noqa: B023
                for chunks in task["cuttings"]
            ]
        }

    # ---- times

    def set_up(self, task: Task) -> Answer:
        """From a filled vault to its first stream, and to another one."""
        vault = self._adapter.vault(task["pairs"])

        def start() -> None:
            self._adapter.stream(vault)

        first, second = once(start), once(start)
        repeat = range(
            max(1, min(1_000, int(ENOUGH / second)))
        )  # one start alone may be less than the clock sees

        def starts() -> None:
            for _ in repeat:
                start()

        return {"seconds": first, "again": once(starts) / len(repeat)}

    def feed(self, task: Task) -> Answer:
        run: Feed = self._adapter.stream(self._vaults[task["vault"]])
        out: list[str] = []
        seconds = once(lambda: out.extend(run(task["pieces"])))
        return {"seconds": seconds, **({"out": "".join(out)} if task["show"] else {})}

    def handle(self, task: Task) -> Answer:
        """A whole chat stream; ``read`` is how many items it had read when its first text came out."""
        chat, vault = self._adapter.chats[task["form"]], self._vaults[task["vault"]]
        items = chat.take(task["chunks"])
        count, read = 0, 0

        async def source() -> AsyncIterator[Any]:
            nonlocal read
            for item in items:
                read += 1
                yield item

        async def consume() -> None:
            nonlocal count
            async for _ in chat.handle(vault, source()):
                count += 1

        seconds = once(lambda: self._loop.run_until_complete(consume()))
        answer: Answer = {"seconds": seconds, "in": len(items), "out": count}
        if task["show"]:
            items, read = chat.take(task["chunks"]), 0

            async def until_text() -> int:
                async for out in chat.handle(vault, source()):
                    if any(_says_something(chunk) for chunk in chat.read([out])):
                        return read
                return read

            answer["read"] = self._loop.run_until_complete(until_text())
            answer["chunks"] = chat.read(self._handled(chat, vault, chat.take(task["chunks"])))
        return answer

    def _handled(self, chat: Chat, vault: Any, items: list[Any]) -> list[Any]:
        async def source() -> AsyncIterator[Any]:
            for item in items:
                yield item

        async def collect() -> list[Any]:
            return [out async for out in chat.handle(vault, source())]

        return self._loop.run_until_complete(collect())


def outcome(work: Callable[[], Any]) -> Answer:
    try:
        return {"out": work()}
    except Exception as error:  # noqa: BLE001  a peer may raise whatever it likes
        return {"error": type(error).__name__}


def _says_something(chunk: Any) -> bool:
    return any((choice.get("delta") or {}).get("content") for choice in chunk.get("choices") or [])


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # a peer that prints does not disturb the line
    warnings.simplefilter("ignore")
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # its import asks the network otherwise
    loaded = outcome(lambda: importlib.import_module(f"benches.peers.adapters.{sys.argv[1]}").Peer())
    for line in sys.stdin:
        task = json.loads(line)
        if "error" in loaded:
            answer = loaded
        else:
            if task["do"] == "hello":
                worker = Worker(loaded["out"])
            done = outcome(lambda: getattr(worker, task["do"])(task))  # noqa: B023
            answer = done.get("out", done)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
