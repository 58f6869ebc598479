"""Rules: what a policy says of the keys of a matcher, for native guards.

They hold one answer for each key where a policy asks for types. They are compiled once for each matcher and policy, and
live as long as the matcher does, if the types are those that the mapping had when the matcher was compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

from holdback import _backend
from holdback.policy import RestorePolicy

MOST_POLICIES: Final = 16
"""Of so many policies the rules of one matcher are kept; of more they are compiled for each stream."""

_KNOWN: WeakKeyDictionary[_backend.TrieMatcher, dict[Hashable, _backend.Rules]] = WeakKeyDictionary()
_LOCK: Final = Lock()

Types = Callable[[], Iterable[str | None]]
"""Gives the types of the keys, in their order."""


def rules_for(
    policy: RestorePolicy,
    types: Types,
    matcher: _backend.TrieMatcher,
    has_its_types: Callable[[], bool],
) -> _backend.Rules:
    """The rules of a policy for the keys of a matcher; ``has_its_types`` is asked after the types were read."""
    if policy.entity_types is None:
        return _compiled(policy, types)
    said = (
        policy.allowed_hosts,
        policy.looks_at_places,
        policy.enforce,
        frozenset(policy.entity_types.items()),
    )
    with _LOCK:
        known = _KNOWN.get(matcher, {}).get(said)
    if known is None:
        known = _compiled(policy, types)
        if has_its_types():
            with _LOCK:
                of_matcher = _KNOWN.setdefault(matcher, {})
                if len(of_matcher) < MOST_POLICIES:
                    of_matcher[said] = known
    return known


def _compiled(policy: RestorePolicy, types: Types) -> _backend.Rules:
    return _backend.Rules(
        policy.allowed_hosts,
        looks_at_places=policy.looks_at_places,
        kept_types=[]
        if policy.entity_types is None
        else [policy.by_entity_type(one) == "keep" for one in types()],
        enforces=policy.enforce,
    )
