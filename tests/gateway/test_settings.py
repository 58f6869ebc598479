"""Settings: where they come from, which go before which, and what is refused, without a word of what was given."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from gateways import KEY, needs_gateway

needs_gateway()

from holdback.errors import HoldbackError, MappingError  # noqa: E402
from holdback.gateway.parts import parts_of, values_in  # noqa: E402
from holdback.gateway.settings import PREFIX, Settings, SettingsError, load  # noqa: E402

SECRET = "kanarie-7Q9Z"  # what was given must not show
UPSTREAM = "https://api.example.com"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


@pytest.fixture
def values(tmp_path: Path) -> Path:
    path = tmp_path / "values.json"
    path.write_text('{"PERSON": ["Ada"]}')
    path.chmod(0o600)
    return path


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(text)
    return path


def said_by(settings: Settings) -> list[str]:
    said: list[str] = []
    parts_of(settings, said.append)
    return said


def test_options_go_before_environment_before_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: Path
) -> None:
    file = toml(
        tmp_path,
        f'upstream = "{UPSTREAM}"\nvalues = "values.json"\nport = 1\nhost = "h"\nworkers = 1\nttl = 5\n'
        "[timeouts]\nread = 1\nwrite = 2\n[limits]\nrequests = 3\n",
    )
    monkeypatch.setenv(f"{PREFIX}PORT", "2")
    monkeypatch.setenv(f"{PREFIX}HOST", "g")
    monkeypatch.setenv(f"{PREFIX}TIMEOUTS__READ", "9")
    monkeypatch.setenv(f"{PREFIX}KEY", KEY)
    settings = load(file, port=3)
    assert (settings.port, settings.host, settings.ttl) == (3, "g", 5)
    assert (settings.timeouts.read, settings.timeouts.write, settings.limits.requests) == (9, 2, 3)
    assert settings.values == values
    assert KEY not in repr(settings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"ports = 1\n{SECRET} = 1", "is no setting of the gateway"),
        ('port = "kanarie-7Q9Z"', "port: "),
        ("port = 70000", "port: "),
        ("workers = 0", "workers: "),
        ('fail = "kanarie-7Q9Z"', "fail: "),
        ("[scope]\nby = 'kanarie-7Q9Z'", "scope.by: "),
        ("[limits]\nrequests = 0", "limits.requests: "),
        ("[timeouts]\nread = -1", "timeouts.read: "),
        ("allow = ['kanarie-7Q9Z']", "allow: each is a path"),
        ("[patterns.CARD]\nexpression = '4'\ncheck = 'kanarie-7Q9Z'", "patterns.CARD"),
        ("upstream = 'ftp://kanarie-7Q9Z'", "upstream: is not the address"),
        ("upstream = 'https://kanarie-7Q9Z:pw@host'", "upstream: is not the address"),
        ("upstream = 'https://[kanarie-7Q9Z'", "upstream: is not the address"),
        ("x = kanarie-7Q9Z", "is no TOML (at line 1, column"),
        (f'key = "{KEY}"\nkey_file = "k"', "key and key_file exclude each other"),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted(tmp_path: Path, values: Path, text: str, message: str) -> None:
    options: dict[str, Any] = {} if "upstream" in text else {"upstream": UPSTREAM}
    with pytest.raises(SettingsError) as caught:
        load(toml(tmp_path, text), values=str(values), **options)
    assert message in str(caught.value)
    if f"{SECRET} =" not in text:
        assert "kanarie" not in str(caught.value).replace(str(tmp_path), "")
    assert caught.value.__context__ is None


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="upstream is missing"):
        load(values="v")
    with pytest.raises(SettingsError, match="nothing would be masked"):
        load(upstream=UPSTREAM)
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load(tmp_path / "nothing.toml")
    (tmp_path / "latin.toml").write_bytes(b"x = '\xff'")
    with pytest.raises(SettingsError, match="no UTF-8 at byte 5"):
        load(tmp_path / "latin.toml")
    monkeypatch.setenv(f"{PREFIX}UPSTEAM", UPSTREAM)
    with pytest.raises(SettingsError, match=f"{PREFIX}UPSTEAM is no setting"):
        load()
    monkeypatch.delenv(f"{PREFIX}UPSTEAM")
    monkeypatch.setenv(f"{PREFIX}PATTERNS", SECRET)
    with pytest.raises(SettingsError, match="no JSON where a table is wanted"):
        load(upstream=UPSTREAM)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"upstream": "http://provider.example"}, "without encryption"),
        ({"workers": 2}, "several workers need one key"),
        ({"workers": 2, "key": KEY}, "several workers need a store that they share"),
        ({"store": "redis://h/0"}, "needs a key that lasts"),
        ({"key": "ab" * 31}, "at least 32 random bytes"),
        ({"key": SECRET}, "key is no key"),
        ({"old_keys": [SECRET]}, "old_keys is no key"),
        ({"store": SECRET}, "store is none, memory:"),
        ({"store": "memory:x"}, "store is none, memory:"),
        ({"key_file": "/nowhere/key"}, "key_file cannot be read"),
        ({"values": "/nowhere/values"}, "values cannot be read"),
        ({"state": "/proc/nowhere"}, "state cannot be used"),
    ],
)
def test_what_is_not_safe_or_not_there_is_refused(
    values: Path, options: dict[str, Any], message: str
) -> None:
    given = {"upstream": UPSTREAM, "values": str(values), **options}
    with pytest.raises(HoldbackError) as caught:
        said_by(load(**given))
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)


def test_loopback_and_what_is_said_to_be_safe(values: Path) -> None:
    for upstream in ("http://localhost:1", "http://127.0.0.1:11434/v1/", "http://[::1]:1", UPSTREAM):
        assert load(upstream=upstream, values=values).upstream == upstream.rstrip("/")
    assert load(upstream="http://ollama", insecure_upstream=True, values=values).upstream == "http://ollama"
    assert load(upstream=UPSTREAM, values=values).allows_anonymous
    assert not load(upstream=UPSTREAM, values=values, host="0.0.0.0").allows_anonymous
    assert load(upstream=UPSTREAM, values=values, host="::", scope={"anonymous": True}).allows_anonymous


def test_the_embedded_default_says_what_it_keeps(values: Path, tmp_path: Path) -> None:
    said = said_by(load(upstream=UPSTREAM, values=values))
    assert [line.partition(";")[0] for line in said] == [
        "key: made for this run, in memory",
        "store: in the memory of this process",
    ]
    values.chmod(0o644)
    assert "warning: other users can read" in said_by(load(upstream=UPSTREAM, values=values))[-1]


@pytest.mark.stores
def test_a_state_folder_keeps_the_key(values: Path, tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    settings = load(upstream=UPSTREAM, values=values, state=tmp_path / "state" / "deep")
    assert settings.store_address == f"sqlite:{tmp_path / 'state' / 'deep' / 'masked.db'}"
    first = said_by(settings)
    assert first[0].startswith("key: made and kept in ")
    path = tmp_path / "state" / "deep" / "key"
    kept = path.read_text()
    assert len(bytes.fromhex(kept)) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert said_by(settings) == first[1:]
    assert path.read_text() == kept
    path.write_text(SECRET)
    with pytest.raises(SettingsError, match="is no key") as caught:
        said_by(settings)
    assert SECRET not in str(caught.value)


def test_a_file_of_values() -> None:
    both = b'{"PERSON": ["Ada", "Bo"], "CITY": ["Bath", "Ada"]}'
    assert values_in(both, "f") == {"Ada": "PERSON", "Bo": "PERSON", "Bath": "CITY"}
    mapping = b'{"<PERSON_1>": "Ada", "[CREDIT_CARD_12]": "4111", "<x>": "Bo", "<EMAIL_7k2qm4xc3t>": "a@b"}'
    assert values_in(mapping, "f") == {"Ada": "PERSON", "4111": "CREDIT_CARD", "Bo": "VALUE", "a@b": "EMAIL"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b'{"kanarie": "PERSON"}', "entry 1 of the file is neither a type with a list"),
        (b'{"A": ["x"], "B": ["x", 7]}', "entry 2 of the file is a list of texts"),
        (b'{"A": [" "]}', "entry 1 of the file is a list of texts"),
        (b'{"A": {"kanarie": 1}}', "entry 1 of the file is neither"),
        (b'["kanarie"]', "the file must be a JSON object {entity type"),
        (b"kanarie", "the file is not JSON: line 1, column 1"),
        (b"\xff", "the file is not UTF-8"),
    ],
)
def test_a_file_of_values_that_cannot_be_used(source: bytes, message: str) -> None:
    with pytest.raises(MappingError) as caught:
        values_in(source, "the file")
    assert message in str(caught.value)
    assert "kanarie" not in str(caught.value)
