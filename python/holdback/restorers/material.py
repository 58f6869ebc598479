"""What a restorer restores with: the matcher, and the account of what it does, which has the policy."""

from __future__ import annotations

from typing import Any

from holdback._backend import TrieMatcher
from holdback.config import counts_unknown, policy_of
from holdback.engine.forms import forms_of
from holdback.engine.guard import Account
from holdback.mapping import AnyMapping, prepared_for


def material(mapping: AnyMapping | None, config: Any) -> tuple[TrieMatcher | None, Account]:
    """The matcher, None if there is nothing to restore, and a new account.

    With a policy that may keep something the matcher is the pure one, whose streams ask at each match.
    """
    prepared = prepared_for(mapping, config)
    if prepared is None:
        return None, Account(list, dict)
    account = Account(prepared.pairs, prepared.types, policy_of(config))
    matcher = prepared.matcher if account.policy is None else prepared.guarded
    if counts_unknown(config):
        account.forms = forms_of(matcher)
    return matcher, account
