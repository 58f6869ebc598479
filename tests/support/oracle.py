"""A naive restorer, too simple to be wrong. Every property compares with it.

``restore`` is leftmost-longest by definition: at each position the longest key that stands there, else one
literal code point. Adjacent surrogate halves are first joined into their character.
"""

from __future__ import annotations

from collections.abc import Mapping


def join_halves(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def restore(pairs: Mapping[str, str], text: str) -> str:
    originals = {join_halves(key): join_halves(original) for key, original in pairs.items()}
    longest_first = sorted(originals, key=len, reverse=True)
    text = join_halves(text)
    out = []
    at = 0
    while at < len(text):
        key = next((key for key in longest_first if text.startswith(key, at)), None)
        out.append(text[at] if key is None else originals[key])
        at += 1 if key is None else len(key)
    return "".join(out)


def can_become_a_key(pairs: Mapping[str, str], pending: str) -> bool:
    """Whether ``pending`` may be held: empty or a proper prefix of a key, then maybe a waiting high half."""
    keys = [join_halves(key) for key in pairs]

    def is_prefix(text: str) -> bool:
        return not text or any(key.startswith(text) and key != text for key in keys)

    waiting = bool(pending) and "\ud800" <= pending[-1] <= "\udbff"
    return is_prefix(pending) or (waiting and is_prefix(pending[:-1]))
