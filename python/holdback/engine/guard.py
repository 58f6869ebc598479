"""Guard: whether a placeholder of one text may be replaced, and the account of what was.

A buffer that has a guard tells it what leaves and asks it at each match. The answer depends on what the client was sent
before, on the channel, the tool and the type of the value, and on nothing else; so it is the same in any cutting, and
nothing is held for it.

A text channel begins in the place where the last one of the same name in that choice stopped. While that one is still
open, a value stays if either place keeps it. In JSON source each string begins anew.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from holdback import _backend
from holdback._backend import StreamBuffer
from holdback.engine.forms import MatcherForms
from holdback.engine.json_places import JsonPlaces
from holdback.engine.places import Places
from holdback.engine.rules import rules_for
from holdback.mapping import Prepared
from holdback.policy import NO_POLICY, UNREAD, Reason, RestorePolicy
from holdback.report import Counts, Report

_T = TypeVar("_T")
_NOTHING: Final[Mapping[Any, int]] = MappingProxyType({})

Kept = list[tuple[Reason, int]]
AnyPlaces = Places | JsonPlaces
AnyPlain = Places | _backend.Places


class Tally:
    """What was counted, by the places of the keys in their order."""

    __slots__ = ("cut", "kept", "not_understood", "oversized", "restored", "unknown")

    def __init__(self) -> None:
        self.restored: Mapping[int, int] = _NOTHING
        self.kept: Mapping[tuple[Reason, int], int] = _NOTHING
        self.cut: Mapping[str, int] = _NOTHING
        self.unknown: Mapping[int, int] = _NOTHING  # by the numbers of names
        self.oversized = 0
        self.not_understood = 0


class Account:
    """What one restorer restores with, and what it counted; types are looked up when they are needed.

    :param keys: None if there is nothing to restore.
    :param policy: what it keeps. Of one that keeps nothing only the channels remain that are not read.
    """

    __slots__ = (
        "_mapping",
        "_pairs",
        "_rules",
        "_tally",
        "_types",
        "forms",
        "matcher",
        "policy",
        "unread",
    )

    def __init__(self, keys: Prepared | None = None, policy: RestorePolicy = NO_POLICY) -> None:
        self.unread, self.policy = UNREAD, None
        if policy is not NO_POLICY:  # most streams have none
            unread = frozenset(channel for channel in UNREAD if policy.by_channel(channel) == "keep")
            self.unread = UNREAD if unread == UNREAD else unread  # most share one set
            self.policy = policy if _may_keep(policy) else None
        self.forms: MatcherForms | None = None  # if unknown ones are asked for
        self.matcher = None if keys is None else keys.matcher
        self._mapping = None if keys is None else keys.mapping
        self._tally: Tally | None = None  # once there is something to count
        self._pairs: list[tuple[str, str]] | None = None
        self._types: Mapping[str, str] | None = None
        self._rules: _backend.Rules | None = None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The keys with their originals, read once."""
        if self._pairs is None:
            self._pairs = [] if self.matcher is None else self.matcher._pairs()
        return self._pairs

    @property
    def types(self) -> Mapping[str, str]:
        """The types of the originals, read once."""
        if self._types is None:
            self._types = {} if self.matcher is None else self._keys(self.matcher).types()
        return self._types

    @property
    def rules(self) -> _backend.Rules | None:
        """What the policy says, for native guards; None for those of the pure twin."""
        matcher, policy = self.matcher, self.policy
        if self._rules is None and policy is not None and matcher is not None and _backend.is_native(matcher):
            self._rules = rules_for(
                policy,
                lambda: map(self.type_of, range(len(self.pairs))),
                matcher,
                self._keys(matcher).has_its_types,
            )
        return self._rules

    def _keys(self, matcher: _backend.TrieMatcher) -> Prepared:
        return Prepared(self._mapping, matcher)

    @property
    def tally(self) -> Tally:
        """What was counted so far."""
        if self._tally is None:
            self._tally = Tally()
        return self._tally

    def type_of(self, key: int) -> str | None:
        return self.types.get(self.pairs[key][1])

    def watch(self, buffer: StreamBuffer) -> StreamBuffer:
        """Let a buffer count what is unknown, if that is asked for."""
        if self.forms is not None:
            buffer._look_for(self.forms.compiled)
        return buffer

    def take(self, buffer: StreamBuffer, guard: AnyGuard | None = None) -> None:
        """Count what a buffer replaced and found, and its guard kept, since that was asked last."""
        if restored := buffer._take_counts():
            self.tally.restored = _with(self.tally.restored, restored)
        if self.forms is not None and (unknown := buffer._take_unknown()):
            self.tally.unknown = _with(self.tally.unknown, unknown)
        if guard is not None and (kept := guard.take_kept()):
            self.tally.kept = _with(self.tally.kept, kept)

    def tail(self, buffer: StreamBuffer, end: Callable[[], str]) -> str:
        """What ``end`` gives, which ends the text of a buffer; counted if it is the beginning of a key."""
        pending = buffer.pending
        tail = end()
        if tail and tail == pending:
            self.tally.cut = _with(self.tally.cut, {tail: 1})
        return tail

    def report(self, *, oversized: int = 0, broken: int = 0) -> Report:
        """What was counted so far, here and by what cuts the stream: what was too large, and what was no message."""
        tally = self.tally
        has_any = tally.restored or tally.kept or tally.cut or tally.unknown
        counts = Counts(self.types.values() if has_any else ())
        for key, count in tally.restored.items():
            counts.restored(self.type_of(key), count)
        for (reason, key), count in tally.kept.items():
            counts.kept(reason, self.type_of(key), count)
        for beginning, count in tally.cut.items():
            self._count_cut(counts, beginning, count)
        for number, count in tally.unknown.items():
            counts.unknown(self._type_of_name(number), count)
        counts.oversized(tally.oversized + oversized)
        counts.not_understood(tally.not_understood + broken)
        return counts.report()

    def _type_of_name(self, number: int) -> str | None:
        """The type that all placeholders of a name have, by its number; None for a name that no placeholder has."""
        by_name = [] if self.forms is None else self.forms.by_name
        types = {self.type_of(key) for key in by_name[number]} if number < len(by_name) else set()
        return types.pop() if len(types) == 1 else None

    def _count_cut(self, counts: Counts, beginning: str, count: int) -> None:
        """A text ended with the beginning of some keys; their type is told if they have one in common."""
        at = bisect_left(self.pairs, (beginning, ""))
        types: set[str | None] = set()
        while at < len(self.pairs) and self.pairs[at][0].startswith(beginning) and len(types) < 2:
            if self.pairs[at][0] == beginning:
                return  # a whole key that a policy kept
            types.add(self.type_of(at))
            at += 1
        if types:
            counts.cut(types.pop() if len(types) == 1 else None, count)

    def __repr__(self) -> str:
        return "Account()"


def _with(counts: Mapping[_T, int], more: Iterable[_T] | Mapping[_T, int]) -> Mapping[_T, int]:
    """``counts`` with more of them, in a dict that is then kept."""
    counter = counts if isinstance(counts, dict) else {}
    for one, count in (more if isinstance(more, dict) else Counter(more)).items():
        counter[one] = counter.get(one, 0) + count
    return counter


def _may_keep(policy: RestorePolicy) -> bool:
    """Whether a policy may keep a placeholder of a channel that is read, so that it has to be asked."""
    if policy.looks_at_places or policy.tools is not None or policy.entity_types is not None:
        return True
    return any(rule == "keep" for channel, rule in policy.channels.items() if channel not in UNREAD)


class Tool:
    """The tool that a call names, as far as it is known."""

    __slots__ = ("_told", "is_provider", "name")

    def __init__(self) -> None:
        self.name: str | None = None
        self.is_provider = False
        self._told: list[tuple[_backend.Guard, RestorePolicy]] = []

    def is_kept_by(self, policy: RestorePolicy) -> bool:
        return policy.by_tool(self.name, is_provider=self.is_provider) == "keep"

    def tell(self, guard: AnyGuard, policy: RestorePolicy) -> None:
        """Tell a native guard, which does not know the tool, whenever more of the name is known."""
        if not isinstance(guard, Guard):
            self._told.append((guard, policy))

    def join(self, piece: str, *, is_provider: bool) -> None:
        """One more piece of the name, or all of it once more."""
        name = self.name or ""
        self.name = piece if piece.startswith(name) else name + piece
        self.is_provider = self.is_provider or is_provider
        for guard, policy in self._told:
            guard.keep_tool(self.is_kept_by(policy))


NO_TOOL = Tool()


class Guard:
    """The decisions for one text. ``places`` are all asked, and any of them keeps.

    ``rust/core/src/guard.rs`` is the twin, which streams of the native twin ask.
    """

    __slots__ = ("_account", "_before", "_channel", "_kept", "_text", "_tool", "is_open", "places")

    def __init__(
        self,
        account: Account,
        channel: Any,
        places: list[AnyPlaces],
        *,
        tool: Tool = NO_TOOL,
        before: Guard | None = None,
    ) -> None:
        self._account = account
        self._channel = channel
        self._tool = tool
        self._before = before
        self._kept: Kept = []
        self.places = places
        # Of JSON source, which may turn out to be plain text: what counts then.
        policy, is_source = (
            account.policy,
            bool(places) and not any(isinstance(one, Places) for one in places),
        )
        self._text = Places(policy.allowed_hosts) if is_source and policy is not None else None
        self.is_open = True

    def passed(self, text: str) -> None:
        """The client is sent this."""
        for places in self.places:
            places.feed(text)
        if self._text is not None:
            self._text.feed(text)

    def keeps(self, key: int) -> bool:
        """Whether the placeholder that comes next stays."""
        account = self._account
        policy = account.policy
        if policy is None:
            return False
        before = self._before
        if before is not None and not before.is_open:
            before = self._before = None
        value = account.pairs[key][1]
        in_address = any(places.keeps(value) for places in self.places) or (
            before is not None and any(places.keeps(value) for places in before.places)
        )
        reason = policy.reason_to_keep(
            self._channel,
            entity_type=account.type_of(key),
            tool=self._tool.name,
            is_provider=self._tool.is_provider,
            in_address=in_address,
        )
        if reason is None:
            return False
        self._kept.append((reason, key))
        return policy.enforce

    def is_plain(self) -> None:
        """The text turned out to be no JSON source, or is none any more."""
        if self._text is not None:
            self.places, self._text = [self._text], None
        else:
            self.places = [places for places in self.places if isinstance(places, Places)]

    def close(self) -> None:
        """The text is complete."""
        self.is_open = False

    def plain_places(self) -> Places | None:
        """A copy of the places of a plain text; None of another."""
        return next((places.copy() for places in self.places if isinstance(places, Places)), None)

    def take_kept(self) -> Kept:
        """What was kept since this was asked last."""
        kept, self._kept = self._kept, []
        return kept

    def snapshot(self) -> tuple[list[AnyPlaces], Places | None, int]:
        text = None if self._text is None else self._text.copy()
        return [places.copy() for places in self.places], text, len(self._kept)

    def restore(self, snapshot: tuple[list[AnyPlaces], Places | None, int]) -> None:
        """Be as then; a snapshot serves once."""
        self.places, self._text, count = snapshot
        del self._kept[count:]

    def __repr__(self) -> str:
        return "Guard()"


AnyGuard = Guard | _backend.Guard
"""Of the twin whose streams ask it."""


def guard_for(
    account: Account,
    channel: Any,
    *,
    json: Any,
    start: Any = None,
    tool: Tool = NO_TOOL,
    before: Any = None,
) -> Any:
    """The guard of a text that begins, of the twin that the account is for; None without a policy."""
    policy, rules = account.policy, account.rules
    if policy is None:
        return None
    if rules is None:
        return Guard(account, channel, places_for(policy, json=json, start=start), tool=tool, before=before)
    guard = _backend.Guard(rules, json=json, start=start)
    guard.keep_channel(policy.by_channel(channel) == "keep")
    guard.keep_tool(channel == "arguments" and tool.is_kept_by(policy))
    if before is not None:
        guard.follow(before)
    return guard


def places_for(policy: RestorePolicy, *, json: Any, start: Any = None) -> list[AnyPlaces]:
    """The places of a text that begins: of plain text, of JSON source, or, for ``"auto"``, of both."""
    if not policy.looks_at_places:
        return []
    hosts = policy.allowed_hosts
    if json is True:
        return [JsonPlaces(hosts)]
    plain = Places(hosts) if start is None else start.copy()
    return [plain, JsonPlaces(hosts)] if json else [plain]


def fresh_places(account: Account) -> AnyPlain:
    """The places of a plain text that begins."""
    hosts = NO_POLICY.allowed_hosts if account.policy is None else account.policy.allowed_hosts
    return Places(hosts) if account.rules is None else _backend.Places(hosts)
