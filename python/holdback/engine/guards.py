"""Guards: those of all texts of one answer: where each begins, and which tool's arguments it is.

A text goes on in the place where the last one of its name in that choice stopped; a whole value that repeats a text
begins where that one did. What is remembered for that is bounded by ``MOST``; a text whose beginning was forgotten
begins anew.
"""

from __future__ import annotations

from typing import Any, Protocol

from holdback.engine.guard import NO_TOOL, Account, AnyGuard, AnyPlain, Tool, fresh_places, guard_for
from holdback.engine.steps import Feed, Key, Named, Whole
from holdback.policy import RestorePolicy

MOST = 10_000

Began = tuple[str, AnyPlain]
"""The channel of a text, and the place in which it began."""


class Choices(Protocol):
    """What a format says of how texts belong together."""

    @property
    def IS_ONE(self) -> bool:  # noqa: N802 - a constant of a format
        """Whether an answer has no choices, so that its groups follow each other in one text."""

    def tool_of(self, key: Key) -> Any:
        """What the tool goes by of which a channel has the arguments."""


class Guards:
    """The guards of one answer. Without a policy there are none."""

    __slots__ = ("_account", "_begun", "_format", "_last", "_policy", "_tools")

    def __init__(self, account: Account, policy: RestorePolicy, format_: Choices) -> None:
        self._account = account
        self._policy = policy
        self._format = format_
        self._tools: dict[Any, Tool] = {}
        self._last: dict[tuple[Any, str], AnyGuard] = {}  # of the last text of that choice and name
        self._begun: dict[Any, dict[tuple[str, Any], Began]] = {}  # where texts began, by group

    def opened(self, step: Feed, json: Any) -> Any:
        """The guard of a text that begins."""
        account, policy = self._account, self._policy
        group, kind, own = step.key
        name = step.mark[0].channel
        if name == "arguments":
            tool = self._tool(self._format.tool_of(step.key))
            guard = guard_for(account, name, json=json, tool=tool)
            tool.tell(guard, policy)
            return guard
        choice = 0 if self._format.IS_ONE else group, name
        before = self._last.get(choice)
        start = None if before is None else before.plain_places()
        guard = self._last[choice] = guard_for(
            account, name, json=json and "auto", start=start, before=before
        )
        if policy.looks_at_places:
            if len(self._begun) >= MOST:
                del self._begun[next(iter(self._begun))]
            begun = self._begun.setdefault(group, {})
            if len(begun) < MOST:
                begun[kind, own] = name, fresh_places(account) if start is None else start
        return guard

    def closed(self, key: Key, guard: AnyGuard | None) -> None:
        """A text is complete, and its call with it."""
        if guard is not None:
            guard.close()
            self._tools.pop(self._format.tool_of(key), None)

    def named(self, step: Named) -> None:
        """More of a tool's name is known."""
        if step.begins:
            self._tools.pop(step.tool, None)
        self._tool(step.tool).join(step.name, is_provider=step.is_provider)

    def clear(self) -> None:
        """The answer is over."""
        self._last.clear()
        self._begun.clear()
        self._tools.clear()

    def choice_of(self, at: tuple[int, ...]) -> Any:
        """What the choice of a whole value goes by, inside its event."""
        return () if self._format.IS_ONE else at[:1]

    def start(self, step: Whole) -> AnyPlain | None:
        """Where the text began that a whole value repeats; that of no channel stands behind the last one."""
        name = step.mark[0].channel
        if not step.mark[0].joins:
            return None
        for group, kinds, own in step.begins:
            for (kind, index), (channel, places) in self._begun.get(group, {}).items():
                if channel == name and (kinds is None or kind in kinds) and (own is None or index in own):
                    return places
        if not (step.begins and self._format.IS_ONE):
            return None
        last = self._last.get((0, name))
        return None if last is None else last.plain_places()

    def tool(self, step: Whole) -> Tool:
        """The tool of which a whole value repeats the arguments."""
        tool = NO_TOOL
        for group, kinds, own in step.begins:
            for one in own or (None,) if kinds is not None else ():
                tool = self._tools.get(self._format.tool_of((group, "", one)), tool)
        return tool

    def _tool(self, key: Any) -> Tool:
        found = self._tools.get(key)
        if found is None:
            found = Tool()
            if len(self._tools) < MOST:
                self._tools[key] = found
        return found
