"""DeanonymizationConfig: whether and how a restorer restores."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from holdback.errors import HoldbackError
from holdback.policy import NO_POLICY, NO_POLICY_BUT_SIGNED, RestorePolicy
from holdback.spellings import USUAL, checked_forms


def _forms(forms: bool | tuple[str, ...]) -> bool | tuple[str, ...]:  # noqa: FBT001 - pydantic calls it
    return forms if isinstance(forms, bool) else checked_forms(forms)


class DeanonymizationConfig(BaseModel):
    """Whether answers are restored (``enabled``, by default yes), and how much of them.

    ``reasoning``, by default off, restores also what a provider wants back as it came: Anthropic's thinking and
    compaction, the reasoning of the Responses API. For display only: signed text must go back unmodified. It is the
    rule ``channels={"signed": "restore"}`` of a policy; where a policy has a rule for ``signed``, that one counts.

    ``spellings``, by default off, restores placeholders that the model rewrote (``<person_1>``, ``&lt;PERSON_1&gt;``):
    ``True`` for the usual forms, or the names of forms; see :func:`spellings`. ``words``, by default off, matches
    placeholders as whole words only; the form ``bare`` turns it on. A ``TrieMatcher`` as mapping is used as it is.

    ``content`` says whether the text that the model writes for the user is JSON: ``"json"``, where the request asked
    for a document, ``"text"``, or ``"auto"``, the default: it is if it begins like a document, ``{"`` or ``[{`` behind
    at most one code-fence line. In JSON originals are escaped, and escaped placeholders are found. Reasoning is text
    and arguments are JSON whatever it says.

    ``unknown``, by default off, also counts text of the form of the mapping's placeholders that is none of them, in
    ``report.unknown``: ``<PERSON_7>``, where the mapping has ``<PERSON_1>``. It costs a second look at each text.

    ``policy``, by default None, says where values may go; see :class:`RestorePolicy`.

    Wherever a config is taken, any object with an ``enabled`` attribute does; this class is for callers who
    have none of their own. A setting it does not know is an error, pydantic's: nothing is ignored silently.

    >>> DeanonymizationConfig().enabled
    True
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    enabled: bool = True
    reasoning: bool = False
    content: Literal["auto", "text", "json"] = "auto"
    spellings: Annotated[bool | tuple[str, ...], AfterValidator(_forms)] = False
    words: bool = False
    unknown: bool = False
    policy: RestorePolicy | None = None


_CONTENT: dict[Literal["auto", "text", "json"], bool | Literal["auto"]] = {
    "auto": "auto",
    "text": False,
    "json": True,
}


def is_enabled(config: object) -> bool:
    """Whether ``config``, which is not None, switches restoring on."""
    try:
        enabled = config.enabled  # type: ignore[attr-defined]
    except AttributeError:
        pass
    else:
        return bool(enabled)
    raise TypeError(f"a config is an object with an `enabled` attribute, not {type(config).__name__}")


def policy_of(config: object) -> RestorePolicy:
    """The policy of ``config``, or one without rules. ``reasoning`` is the rule for ``signed`` of one that has none."""
    policy = getattr(config, "policy", None)
    restores_signed = bool(getattr(config, "reasoning", False))
    if policy is None:
        return NO_POLICY_BUT_SIGNED if restores_signed else NO_POLICY
    if not isinstance(policy, RestorePolicy):
        raise TypeError(f"a policy is a RestorePolicy, not {type(policy).__name__}")
    if restores_signed and "signed" not in policy.channels:
        settings = {name: getattr(policy, name) for name in RestorePolicy.model_fields}
        return RestorePolicy(**{**settings, "channels": {**policy.channels, "signed": "restore"}})
    return policy


def content_of(config: object) -> bool | Literal["auto"]:
    """Whether content is JSON source, by what ``config``, or None, says.

    :raises HoldbackError: it says something else.
    """
    return _CONTENT[checked_content(getattr(config, "content", "auto"))]


def checked_content(content: object) -> Literal["auto", "text", "json"]:
    """What content may be said to be.

    :raises HoldbackError: it is something else.
    """
    for name in _CONTENT:
        if isinstance(content, str) and content == name:
            return name
    raise HoldbackError('content must be "auto", "text" or "json"')


def with_content(config: Any, content: Literal["auto", "text", "json"]) -> Any:
    """``config``, or None, with what a request says of its content; what a config says itself counts more."""
    if content_of(config) != "auto" or content == "auto":
        return config
    if config is None:
        return DeanonymizationConfig(content=content)
    if isinstance(config, DeanonymizationConfig):
        return config.model_copy(update={"content": content})
    return _Told(config, content)


class _Told:
    """A config of somebody else's, whose content is known."""

    __slots__ = ("_config", "content")

    def __init__(self, config: Any, content: str) -> None:
        self._config = config
        self.content = content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config, name)


def spellings_of(config: object) -> tuple[str, ...]:
    """The names of the forms of spelling that ``config``, or None, asks for."""
    asked = getattr(config, "spellings", False)
    if isinstance(asked, bool) or asked is None:
        return USUAL if asked else ()
    return checked_forms(asked)


def counts_unknown(config: object) -> bool:
    """Whether ``config``, or None, asks for unknown placeholders to be counted."""
    return bool(getattr(config, "unknown", False))


def matches_words(config: object) -> bool:
    """Whether ``config``, or None, asks for whole words."""
    return bool(getattr(config, "words", False)) or "bare" in spellings_of(config)
