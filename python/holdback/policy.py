"""RestorePolicy: where a value may go. None in a config restores everywhere, as without it.

A placeholder stays where any rule says so. The rules ask different things: the channel, the tool that is called, the
type of the value, and the place in the text, which :mod:`holdback.engine.places` tells.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, Self, get_args

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, field_validator

from .engine.addresses import AllowedHost, parse_host
from .errors import PolicyError

if TYPE_CHECKING:
    from os import PathLike

Rule = Literal["keep", "restore"]
Channel = Literal["content", "reasoning", "signed", "refusal", "arguments"]
Reason = Literal["channel", "tool", "entity_type", "address"]
"""Why a placeholder was kept. Of several reasons the first in this order is counted."""

CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
PROVIDER: Final = "provider"
"""In ``tools``: all tools that the provider runs."""
EVERY: Final = "*"
UNREAD: Final[frozenset[Channel]] = frozenset({"signed"})
"""Channels that are not even read unless a rule restores them: the provider wants their text back to the byte."""

_ONE_OF_TWO: Final = '"keep" or "restore"'
_DECODE_ERROR: Final = re.compile(r"\((at [a-z0-9, ]+)\)\Z")


class RestorePolicy(BaseModel):
    """Where values may go; frozen. Anything that cannot be understood is a :class:`PolicyError` when it is made.

    :param addresses: ``"keep"``, by default: a placeholder inside an address (a link, an image, an HTML tag) stays.
    :param hosts: addresses in which values are restored all the same: ``"example.org"``, ``"*.example.org"`` (every
        host below it), or ``"example.com/wiki/"`` (below a path).
    :param entity_types: a rule for each type of value, and for ``"*"``, the others. Values without a type are kept.
    :param tools: a rule for each tool by its name, for ``"provider"``, the tools that the provider runs, and for
        ``"*"``, the others.
    :param channels: a rule for some of ``content``, ``reasoning``, ``signed``, ``refusal`` and ``arguments``. Without
        one, ``signed`` is kept and the others are restored.
    :param enforce: ``False`` restores everything, and counts what would have been kept.

    >>> policy = RestorePolicy(hosts=["wiki.example.org"], tools={"http_get": "keep", "*": "restore"})
    >>> policy.addresses, policy.by_tool("http_get"), policy.by_tool("send_mail")
    ('keep', 'keep', 'restore')
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    addresses: Rule = "keep"
    hosts: Sequence[str] = ()
    entity_types: Mapping[str, Rule] | None = None
    tools: Mapping[str, Rule] | None = None
    channels: Mapping[Channel, Rule] = {}
    enforce: bool = True

    _allowed: tuple[AllowedHost, ...] = PrivateAttr(default=())
    _entity_types: dict[str, Rule] | None = PrivateAttr(default=None)
    _tools: dict[str, Rule] | None = PrivateAttr(default=None)
    _channels: dict[Channel, Rule] = PrivateAttr(default_factory=dict)

    if not TYPE_CHECKING:  # the fields are the signature

        def __init__(self, /, **settings: object) -> None:
            try:
                super().__init__(**settings)
            except ValidationError as error:
                message = _message(error)
            else:
                return
            raise PolicyError(
                message
            )  # outside: pydantic's error, which holds the input, is no context of ours

    def model_post_init(self, _context: object, /) -> None:
        hosts = (parse_host(host) for host in self.hosts)
        self._allowed = tuple(host for host in hosts if host is not None)
        # Copies, so that a table which its owner changes is no way to change a policy.
        self._entity_types = None if self.entity_types is None else dict(self.entity_types)
        self._tools = None if self.tools is None else dict(self.tools)
        self._channels = {"signed": "keep"}
        self._channels.update(self.channels)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """As pydantic's, but the error is a :class:`PolicyError`."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            message = _message(error)
        raise PolicyError(message)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """As pydantic's, but the error is a :class:`PolicyError`."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            message = _message(error)
        raise PolicyError(message)

    @classmethod
    def from_toml(cls, path: str | PathLike[str]) -> Self:
        """Read a policy from a file.

        :raises OSError: the file cannot be read.
        :raises PolicyError: it is no TOML, or no policy.
        """
        return cls.from_toml_text(Path(path).read_bytes())

    @classmethod
    def from_toml_text(cls, text: str | bytes) -> Self:
        '''Read a policy from TOML: the settings by their names, tables for those that are by name.

        >>> RestorePolicy.from_toml_text("""
        ... hosts = ["*.example.org"]
        ... [tools]
        ... "*" = "keep"
        ... """).by_tool("send_mail")
        'keep'
        '''
        try:
            settings = tomllib.loads(text if isinstance(text, str) else text.decode("utf-8-sig"))
        except tomllib.TOMLDecodeError as error:
            place = _DECODE_ERROR.search(str(error))
            message = "the policy is no TOML" + (f": {place[1]}" if place else "")
        except UnicodeDecodeError as error:
            message = f"the policy is no TOML: no UTF-8 at byte {error.start}"
        else:
            return cls(**settings)
        raise PolicyError(message)

    # ---------------------------------------------------------------- decisions

    @property
    def looks_at_places(self) -> bool:
        """Whether the place in the text matters."""
        return self.addresses == "keep"

    @property
    def allowed_hosts(self) -> tuple[AllowedHost, ...]:
        """``hosts``, read: what ``Places`` takes."""
        return self._allowed

    def by_channel(self, channel: Channel) -> Rule:
        return self._channels.get(channel, "restore")

    def by_entity_type(self, entity_type: str | None) -> Rule:
        """The rule for values of that type; None or an empty one is a value without a type."""
        if self._entity_types is None:
            return "restore"
        if not entity_type:
            return "keep"
        return self._entity_types.get(entity_type, self._entity_types[EVERY])

    def by_tool(self, name: str | None, *, is_provider: bool = False) -> Rule:
        """The rule for the arguments of a call, by its name as far as it is known; ``is_provider``: who runs it.

        Some providers send a name in pieces. A name that begins listed names may become one of them, so the strictest
        rule of all counts. Before any of the name has come, the arguments are kept.
        """
        rules = self._tools
        if rules is None:
            return "restore"
        if is_provider:
            return rules.get(PROVIDER, rules[EVERY])
        if not name:
            return "keep"
        own = rules[EVERY] if name in {EVERY, PROVIDER} else rules.get(name, rules[EVERY])
        if own == "restore" and any(
            rule == "keep" for listed, rule in rules.items() if listed != EVERY and listed.startswith(name)
        ):
            return "keep"
        return own

    def reason_to_keep(
        self,
        channel: Channel,
        *,
        entity_type: str | None,
        tool: str | None = None,
        is_provider: bool = False,
        in_address: bool = False,
    ) -> Reason | None:
        """Why a placeholder has to stay, or None; what ``enforce`` says is the caller's to mind.

        ``tool`` and ``is_provider`` count in the channel ``arguments`` only. ``in_address`` is what ``Places.keeps``
        says of the value.
        """
        if self.by_channel(channel) == "keep":
            return "channel"
        if channel == "arguments" and self.by_tool(tool, is_provider=is_provider) == "keep":
            return "tool"
        if self.by_entity_type(entity_type) == "keep":
            return "entity_type"
        if in_address and self.looks_at_places:
            return "address"
        return None

    # ---------------------------------------------------------------- validation

    @field_validator("addresses", mode="before")
    @classmethod
    def _check_addresses(cls, rule: object) -> object:
        if rule not in get_args(Rule):
            _refuse(f"addresses is {_ONE_OF_TWO}")
        return rule

    @field_validator("enforce", mode="before")
    @classmethod
    def _check_enforce(cls, enforce: object) -> object:
        if not isinstance(enforce, bool):
            _refuse(f"enforce is true or false, not {type(enforce).__name__}")
        return enforce

    @field_validator("hosts", mode="before")
    @classmethod
    def _check_hosts(cls, hosts: object) -> object:
        if isinstance(hosts, (str, bytes, Mapping)) or not isinstance(hosts, Iterable):
            _refuse(f"hosts is a list of hosts, not {type(hosts).__name__}")
        hosts = tuple(hosts)
        for place, host in enumerate(hosts):
            if not isinstance(host, str):
                _refuse(f"hosts[{place}] is a text, not {type(host).__name__}")
            if parse_host(host) is None:
                _refuse(
                    f'hosts[{place}] is none: write "example.org", "*.example.org" or "example.org/path/"'
                )
        return hosts

    @field_validator("entity_types", mode="before")
    @classmethod
    def _check_entity_types(cls, table: object) -> object:
        return None if table is None else _table("entity_types", table, every="type")

    @field_validator("tools", mode="before")
    @classmethod
    def _check_tools(cls, table: object) -> object:
        return None if table is None else _table("tools", table, every="tool")

    @field_validator("channels", mode="before")
    @classmethod
    def _check_channels(cls, table: object) -> object:
        table = _table("channels", table)
        if not all(name in CHANNELS for name in table):
            _refuse(f"channels names one that is unknown; known are: {', '.join(CHANNELS)}")
        return table


def _table(setting: str, table: object, *, every: str = "") -> dict[str, Any]:
    """A table of rules, as a copy; with ``every``, one that needs a rule for all that are not named."""
    if not isinstance(table, Mapping):
        _refuse(f"{setting} is a table of rules by name, not {type(table).__name__}")
    for name, rule in table.items():
        if not isinstance(name, str) or not name:
            _refuse(f"a name in {setting} is a text that is not empty")
        if rule not in get_args(Rule):
            _refuse(f"every rule in {setting} is {_ONE_OF_TWO}")
    if every and EVERY not in table:
        _refuse(f'{setting} needs a rule for "*", which is every {every} that is not named')
    return dict(table)


def _refuse(message: str) -> NoReturn:
    raise PolicyError(message)


def _message(error: ValidationError) -> str:
    """What is wrong first, in our words; pydantic's own would quote what it was given."""
    first = error.errors(include_url=False, include_input=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, PolicyError):
        return str(cause)
    if first["type"] == "extra_forbidden":
        return f"a policy has no such setting; known are: {', '.join(sorted(RestorePolicy.model_fields))}"
    return "a policy is a table of settings"


NO_POLICY: Final = RestorePolicy(addresses="restore")
"""What holds without a policy."""
NO_POLICY_BUT_SIGNED: Final = RestorePolicy(addresses="restore", channels={"signed": "restore"})
"""Likewise where signed text is restored."""
