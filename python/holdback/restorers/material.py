"""What a restorer restores with: the matcher, and the account of what it does, which has the policy."""

from __future__ import annotations

from typing import Any

from holdback._backend import TrieMatcher
from holdback.config import counts_unknown, policy_of
from holdback.engine.forms import forms_of
from holdback.engine.guard import Account
from holdback.mapping import AnyMapping, prepared_for


def material(mapping: AnyMapping | None, config: Any) -> tuple[TrieMatcher | None, Account]:
    """The matcher, None if there is nothing to restore, and a new account."""
    prepared = prepared_for(mapping, config)
    if prepared is None:
        return None, Account()
    account = Account(prepared, policy_of(config))
    if counts_unknown(config):
        account.forms = forms_of(prepared.matcher)
    return prepared.matcher, account
