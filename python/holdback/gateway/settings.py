"""What an operator may say: options of the command before environment before a TOML file before defaults.

An error names the setting and what is wrong with it, never what it was given: it may be a key.
"""

from __future__ import annotations

import ipaddress
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from holdback.errors import HoldbackError

PREFIX = "HOLDBACK_GATEWAY_"
"""What the environment variables begin with; two low lines stand between a table and its setting."""

ARGUMENTS = "HOLDBACK_GATEWAY_ARGUMENTS"
"""The variable by which the command hands its options to its workers, as JSON."""

CONFIG = "HOLDBACK_GATEWAY_CONFIG"
"""The variable that names the TOML file."""

Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SettingsError(HoldbackError, ValueError):
    """The settings of the gateway cannot be used; the message names the setting."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


class PatternSettings(_Table):
    """An expression of ``patterns``, with a check."""

    expression: str
    check: Literal["luhn", "iban", "phone"] | None = None


class PresidioSettings(_Table):
    """Presidio's analyzer as a detector; it loads its default language models unless ``config`` says otherwise."""

    language: str = "en"
    config: Path | None = None
    entities: list[str] | None = None
    score_threshold: float | None = None


class ScopeSettings(_Table):
    """What a conversation is; always bound to the client's credential."""

    by: Literal["header", "path", "credential"] = "header"
    header: str = "x-conversation"
    anonymous: bool | None = None

    @field_validator("header")
    @classmethod
    def _lower(cls, header: str) -> str:
        if not header.strip() or not header.isascii():
            raise ValueError("is the name of a header")
        return header.strip().lower()


class Limits(_Table):
    """How much at once; ``oversized`` says what becomes of a larger answer, or event of a stream."""

    request_bytes: Positive = 32 << 20
    answer_bytes: Positive = 64 << 20
    oversized: Literal["pass", "raise"] = "pass"
    requests: Positive = 1000


class Timeouts(_Table):
    """Seconds. ``read`` is the longest silence of the provider, ``shutdown`` what running streams may take."""

    connect: Seconds = 10
    read: Seconds = 600
    write: Seconds = 60
    store: Seconds = 2
    shutdown: Seconds = 300


class Settings(BaseSettings):
    """Everything; see ``docs/gateway.md``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        hide_input_in_errors=True,
        frozen=True,
    )

    upstream: str
    insecure_upstream: bool = False
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Positive = 1

    values: Path | None = None
    patterns: dict[str, str | PatternSettings] = {}
    presidio: PresidioSettings | None = None

    key: SecretStr | None = None
    key_file: Path | None = None
    other_keys: list[SecretStr] = []
    state: Path | None = None
    store: SecretStr | None = None
    ttl: Seconds = 86_400

    scope: ScopeSettings = ScopeSettings()
    policy: dict[str, Any] | None = None
    spellings: bool = False
    words: bool = False
    unknown: bool = False
    fail: Literal["closed", "open"] = "closed"
    allow: list[str] = []
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    access_log: bool = True

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The options, the environment, and the file, which ``load`` hands over among the options."""
        del dotenv_settings, file_secret_settings
        assert isinstance(init_settings, InitSettingsSource)  # noqa: S101 - it is pydantic's own
        given = dict(init_settings.init_kwargs)
        table = given.pop("file", {})
        return (
            InitSettingsSource(settings_cls, init_kwargs=given),
            env_settings,
            InitSettingsSource(settings_cls, init_kwargs=table),
        )

    @field_validator("upstream")
    @classmethod
    def _is_address(cls, address: str) -> str:
        try:
            parts = urlsplit(address)
            is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            is_plain = not (parts.username or parts.query or parts.fragment)
        except ValueError:
            is_one = is_plain = False
        if not (is_one and is_plain):
            raise ValueError("is not the address of a provider, such as https://api.openai.com")
        return address.rstrip("/")

    @field_validator("allow")
    @classmethod
    def _are_paths(cls, paths: list[str]) -> list[str]:
        if not all(path.startswith("/") for path in paths):
            raise ValueError("each is a path that begins with /; * stands for anything")
        return paths

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        """Refuse what would look as if it worked."""
        address = urlsplit(self.upstream)
        if (
            address.scheme == "http"
            and not self.insecure_upstream
            and not is_loopback(address.hostname or "")
        ):
            raise ValueError(
                "upstream is reached without encryption, credentials and all: use https, or set insecure_upstream"
            )
        if self.key is not None and self.key_file is not None:
            raise ValueError("key and key_file exclude each other")
        if self.values is None and not self.patterns and self.presidio is None:
            raise ValueError("nothing would be masked: name values, patterns or presidio")
        if self.workers > 1:
            if self.key is None and self.key_file is None and self.state is None:
                raise ValueError(
                    "several workers need one key: set key_file, or state for a folder that holds it"
                )
            if self.store_address == "memory:":
                raise ValueError(
                    "several workers need a store that they share: set state, or store = redis://…"
                )
        return self

    @property
    def store_address(self) -> str:
        """``none``, ``memory:``, ``sqlite:PATH`` or what redis-py takes."""
        if self.store is not None:
            return self.store.get_secret_value()
        return "memory:" if self.state is None else f"sqlite:{self.state / 'masked.db'}"

    @property
    def allows_anonymous(self) -> bool:
        """Whether a client without a credential is served: by default only on this machine."""
        return is_loopback(self.host) if self.scope.anonymous is None else self.scope.anonymous


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load(config: Path | None = None, **options: Any) -> Settings:
    """The settings.

    :raises SettingsError: one is wrong, missing or unknown, or the file cannot be read.
    """
    known = {name.upper() for name in Settings.model_fields}
    for name in os.environ:
        setting = name.removeprefix(PREFIX)
        if setting != name and name not in (ARGUMENTS, CONFIG) and setting.partition("__")[0] not in known:
            raise SettingsError(f"{name} is no setting of the gateway")
    table = {} if config is None else _table(config)
    try:
        return Settings(file=table, **options)  # type: ignore[call-arg]
    except ValidationError as error:
        message = _message(error)
    except ValueError:  # pydantic-settings': a table in the environment is JSON
        message = "an environment variable holds no JSON where a table is wanted"
    raise SettingsError(message)


def load_for_worker() -> Settings:
    """The settings by what the command left in the environment, or by the environment alone."""
    options: dict[str, Any] = json.loads(os.environ.get(ARGUMENTS, "{}"))
    config = os.environ.get(CONFIG)
    return load(Path(config) if config else None, **options)


def _table(config: Path) -> Mapping[str, Any]:
    """The TOML file. Its paths are relative to it."""
    try:
        table = tomllib.loads(config.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        problem = f"is no UTF-8 at byte {error.start}"
    except tomllib.TOMLDecodeError as error:
        place = str(error).rpartition("(")[2].rstrip(")")  # what stands before it may quote the file
        problem = f"is no TOML ({place})" if place.startswith("at ") else "is no TOML"
    else:
        for name in ("values", "key_file", "state"):
            if isinstance(table.get(name), str):
                table[name] = str(config.parent / table[name])
        return table
    raise SettingsError(f"the settings {config} {problem}")


def _message(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{place} is no setting of the gateway"
    if first["type"] == "missing":
        return f"{place} is missing"
    said = first["msg"].removeprefix("Value error, ")
    return f"{place}: {said}" if place else said
