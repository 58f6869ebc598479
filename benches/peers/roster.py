"""Who is compared: each peer, its version, and the placeholders it knows.

    python -m benches.peers.roster      what pip is to install, one a line

A peer takes any key, or placeholders of one grammar only; then it is measured on these, and the tables say so.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Peer:
    """One contender. ``packages`` are the pins that make it up, ``adapter`` the module in ``adapters/``."""

    name: str
    packages: tuple[str, ...]
    adapter: str
    any_key: bool = True
    placeholder: Callable[[int], str] = "<PERSON_{}>".format
    note: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    tolerates: tuple[str, ...] = ()
    """The groups of `tests/support/tolerance.py` that it means to get right."""

    @property
    def version(self) -> str:
        return self.packages[0].partition("==")[2] if self.packages else ""


def _hexadecimal(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _base32(number: int) -> str:
    return base64.b32encode(hashlib.sha256(str(number).encode()).digest()).decode()[:8]


MANGLED, WORDS = "mangled", "whole words"
NATIVE, PURE = "holdback native", "holdback pure"

OURS = [
    Peer(NATIVE, (), "holdback", environment={"HOLDBACK_REQUIRE_NATIVE": "1"}, tolerates=(MANGLED, WORDS)),
    Peer(PURE, (), "holdback", environment={"HOLDBACK_PURE": "1"}, tolerates=(MANGLED, WORDS)),
]

PEERS = [
    Peer("privaite", ("privaite==0.7.3",), "privaite"),
    Peer(
        "veil-pii",
        ("veil-pii==0.4.4",),
        "veil",
        tolerates=(MANGLED, WORDS),
        note="tolerant on whole texts only, which is how it is asked for that",
    ),
    Peer(
        "maskflow",
        ("maskflow-sdk==0.9.2", "maskflow-litellm==0.1.1"),
        "maskflow",
        note="promises `<TYPE_N>` only, takes any key; its LiteLLM guardrail is maskflow-litellm 0.1.1",
    ),
    Peer("stream-replace", ("stream-replace==0.1.0",), "stream_replace", note="a general text replacer"),
    Peer("tokflow", ("tokflow==1.3.1",), "tokflow", note="a general text replacer"),
    Peer("fastguard", ("fastguard==1.1.0",), "fastguard", note="always holds 20 characters or more"),
    Peer("shadow-vault", ("shadow-vault==0.4.0",), "shadow_vault"),
    Peer(
        "llm-shield-proxy",
        ("llm-shield-proxy==1.7.0",),
        "llm_shield",
        tolerates=(WORDS,),
        note="means to restore whole words only; refuses a piece over 64 Ki characters",
    ),
    Peer(
        "anonproxy",
        ("anonproxy==0.2.1",),
        "anonproxy",
        tolerates=(MANGLED,),
        note="tolerant: case, zero-width, markdown, hyphens, spaces; always holds the longest key and 16 more",
    ),
    Peer(
        "litellm presidio",
        ("litellm==1.110.2",),
        "litellm_presidio",
        note="the guardrail's restoring (`output_parse_pii`); chat streams only",
    ),
    Peer("gheim", ("gheim==0.1.11",), "gheim", any_key=False),
    Peer(
        "code-airlock",
        ("code-airlock==0.1.0",),
        "code_airlock",
        any_key=False,
        note="placeholders of up to 32 characters",
    ),
    Peer(
        "sether",
        ("sether==0.4.1",),
        "sether",
        any_key=False,
        placeholder=lambda number: f"<PERSON_{_hexadecimal(number)[:8]}>",
        note="its event stream restores event by event",
    ),
    Peer(
        "llm-redact-proxy",
        ("llm-redact-proxy==1.12.1",),
        "llm_redact",
        any_key=False,
        placeholder="«PERSON_{:03d}»".format,
        tolerates=(MANGLED,),
        note="tolerant, as by default: case, hyphens, padding",
    ),
    Peer(
        "cloakllm",
        ("cloakllm==0.12.7",),
        "cloakllm",
        any_key=False,
        placeholder="[PERSON_{}]".format,
        tolerates=(MANGLED,),
        note="tolerant: case",
    ),
    Peer(
        "kavach-pii",
        ("kavach-pii==0.2.0",),
        "kavach",
        any_key=False,
        placeholder="[EMAIL_{}]".format,
        tolerates=(MANGLED,),
        note="tolerant: case, spaces",
    ),
    Peer(
        "maskrelay",
        ("maskrelay==0.1.0",),
        "maskrelay",
        any_key=False,
        placeholder="[PERSON_{}]".format,
        tolerates=(MANGLED,),
        note="tolerant: case, bare, doubled brackets, possessive, padding",
    ),
    Peer(
        "lexvault",
        ("lexvault==0.1.0",),
        "lexvault",
        any_key=False,
        placeholder=lambda number: f"[LEX-{_base32(number)}]",
        note="always holds 19 characters; raises, by design, on an unfinished placeholder at the end of a chat stream",
    ),
    Peer(
        "piighost",
        ("piighost==2.1.1",),
        "piighost",
        any_key=False,
        placeholder="<<PERSON:{}>>".format,
    ),
    Peer(
        "apii",
        ("apii==0.1.3",),
        "apii",
        any_key=False,
        placeholder=lambda number: f"PERSON_{_hexadecimal(number)[:10].upper()}",
        tolerates=(MANGLED,),
        note="tolerant: two characters of a token may differ",
    ),
]

# Parts of a peer that are packages of their own, without what they need in turn.
PARTS = ("maskflow-core==0.8.3", "maskflow-pack-india==0.6.1", "maskflow-pack-intl==0.3.2")


def pins() -> list[str]:
    return [*PARTS, *(pin for peer in PEERS for pin in peer.packages)]


if __name__ == "__main__":
    print("\n".join(pins()))
