"""The way out of LiteLLM's guardrail: its settings ``detector``, ``key``, ``store`` and ``ttl``, and one request.

A request as LiteLLM hands it to hooks holds more than goes to the provider: objects of the proxy, what it knows of the
client, a copy of what came. Only what the client's call takes is masked, and the rest is not looked at.

A conversation is what the client's session is called (``litellm_session_id``, or the header that LiteLLM takes it
from), under the client's key: nobody can name another's. Without a session, the client's key alone is the scope.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from holdback._keys import key_in, message
from holdback.errors import HoldbackError, MaskingError
from holdback.mapping import PIIMapping
from holdback.masking import Detector, Masked, Masker, Pattern, Patterns, Placeholders, RoundTrip
from holdback.policy import RestorePolicy
from holdback.stores.addresses import store_at
from holdback.stores.base import Store

LABEL = "holdback: scope in LiteLLM, version 1"
ENVIRONMENT = "os.environ/"

INTERNAL = frozenset((
    *("proxy_server_request", "secret_fields", "standard_logging_object"),
    *("model", "stream", "timeout", "api_key", "api_base", "api_version", "base_url", "headers", "extra_headers"),
    *("guardrails", "guardrail_config", "cache", "caching", "num_retries", "fallbacks", "tags", "model_info"),
    *("user_api_key", "specific_deployment", "deployment_id", "mock_response", "no-log"),
))  # fmt: skip
"""Members of the request that are LiteLLM's own, besides those that begin with ``litellm_``."""


class WayOut:
    """Masks the requests of a guardrail."""

    __slots__ = ("_trip", "_without_store")

    def __init__(self, trip: RoundTrip, without_store: RoundTrip) -> None:
        self._trip = trip
        self._without_store = without_store

    async def mask(self, data: dict[str, Any], client: Any, protocol: str) -> Masked[dict[str, Any]]:
        """Mask what of ``data`` goes to the provider, in place; returns what its answer is restored by.

        :raises HoldbackError: it cannot be masked, and must not be sent.
        """
        session = data.get("litellm_session_id")
        sent = {
            name: value
            for name, value in data.items()
            if isinstance(value, (str, list, tuple, dict)) and _is_sent(name, value)
        }
        trip = self._trip if session or protocol == "openai-responses" else self._without_store
        masked = await trip.mask(sent, scope_of(client, session), protocol=protocol)
        if masked.request is not sent:
            data.update(masked.request)
        return masked


def _is_sent(name: str, value: Any) -> bool:
    """Whether a member may go to the provider: ``metadata`` is the client's where LiteLLM keeps its own elsewhere."""
    if name == "metadata":
        return not any(str(key).startswith("user_api_key") for key in value)
    return name not in INTERNAL and not name.startswith("litellm_")


def scope_of(client: Any, session: object) -> str:
    """The scope of a request: its session under the client's key."""
    credential = str(getattr(client, "api_key", None) or "")
    name = session if isinstance(session, str) else ""
    said = message((LABEL, name))
    return hmac.digest(
        hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest(), said, "sha256"
    ).hex()


def way_out(
    detector: Any,
    key: str | bytes | None,
    store: str | Store | None,
    ttl: float | None,
    known: PIIMapping,
) -> WayOut | None:
    """What masks by these settings; None if none of them is given.

    :raises HoldbackError: one cannot be used; the message names it.
    """
    if detector is None and key is None and store is None:
        return None
    if key is None:
        raise HoldbackError("detector and store need a key: of 32 random bytes, such as key: os.environ/NAME")
    secret = key if isinstance(key, bytes) else key_in(from_environment(key, "key"), "key")
    masker = Masker(_detectors(detector), Placeholders(secret))
    kept = store_at(from_environment(store, "store"), secret, ttl=ttl) if isinstance(store, str) else store
    own = None if known.is_empty else known
    without = RoundTrip(masker, known=own)
    trip = without if kept is None else RoundTrip(masker, kept, ttl=ttl, known=own)
    return WayOut(trip, without)


def policy_in(
    given: RestorePolicy | Mapping[str, Any] | str | os.PathLike[str] | None,
) -> RestorePolicy | None:
    """A policy, its settings as a table, or the path of a TOML file that holds them.

    :raises PolicyError: it is no policy.
    :raises OSError: the file cannot be read.
    """
    if given is None or isinstance(given, RestorePolicy):
        return given
    if isinstance(given, Mapping):
        return RestorePolicy(**given)
    return RestorePolicy.from_toml(given)


def from_environment(text: str, setting: str) -> str:
    """The text, or the environment variable that ``os.environ/NAME`` names, as LiteLLM writes it.

    :raises HoldbackError: it is not set.
    """
    if not text.startswith(ENVIRONMENT):
        return text
    value = os.environ.get(text.removeprefix(ENVIRONMENT))
    if value is None:
        raise HoldbackError(f"{setting} names an environment variable that is not set")
    return value


def _detectors(given: Any) -> list[Detector]:
    """A detector, the dotted path of one, a table of patterns, or a list of these."""
    if given is None:
        return []
    if isinstance(given, str):
        return _detectors(_at(given))
    if isinstance(given, Mapping):
        table = {
            kind: Pattern(**pattern) if isinstance(pattern, Mapping) else pattern
            for kind, pattern in given.items()
        }
        return [Patterns(table)]
    if isinstance(given, Sequence):
        return [detector for each in given for detector in _detectors(each)]
    if not callable(given):
        raise MaskingError(f"detector is a callable, a dotted path or a table, not {type(given).__name__}")
    return [given]


def _at(path: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        kind = type(error).__name__
    raise HoldbackError(f"the detector cannot be imported: {kind}")
