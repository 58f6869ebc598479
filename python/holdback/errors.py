"""The errors of holdback: one base, and never a value inside.

Every message names the *place* (an argument, a limit, an offset, a position in the stream) and the
*type* of what was wrong. None holds a placeholder, an original or a piece of the text: errors end up in
logs, and logs are read by people who must not see them.
"""

from __future__ import annotations


class HoldbackError(Exception):
    """Base of every error that holdback raises on its own account.

    A wrong argument type is a ``TypeError`` instead, and an error of the upstream goes through as the same object.

    >>> from holdback import ChunkRestorer
    >>> try:
    ...     ChunkRestorer({"<PERSON_1>": "Ada"}, protocol="smtp")
    ... except HoldbackError as error:
    ...     print(str(error).partition(";")[0])
    unknown protocol
    """


class MappingError(HoldbackError, ValueError):
    """The mapping cannot be used: an empty placeholder, or one placeholder with two originals.

    >>> from holdback import TrieMatcher
    >>> TrieMatcher({"": "Ada"})
    Traceback (most recent call last):
    holdback.errors.MappingError: a placeholder must not be empty
    """


class StreamStateError(HoldbackError, RuntimeError):
    """A stream was used in a state that does not allow it, such as ``feed`` after the end.

    >>> from holdback import WireRestorer
    >>> restorer = WireRestorer({"<PERSON_1>": "Ada"})
    >>> restorer.flush()
    b''
    >>> restorer.feed(b"")
    Traceback (most recent call last):
    holdback.errors.StreamStateError: feed() after flush()
    """


class EventTooLarge(HoldbackError, ValueError):
    """One event of a byte stream is larger than ``max_event_bytes``, and ``oversized`` says ``"raise"``.

    ``flush`` returns its bytes, once.

    The offset is that of the event's first byte in the stream.

    >>> from holdback import WireRestorer
    >>> WireRestorer({"<PERSON_1>": "Ada"}, max_event_bytes=4, oversized="raise").feed(b"data: {}")
    Traceback (most recent call last):
    holdback.errors.EventTooLarge: the event at offset 0 is larger than max_event_bytes=4
    """


class EncodedInput(HoldbackError, ValueError):
    """The bytes are compressed (gzip, zstd, br): restoring needs the decoded stream.

    >>> from holdback import WireRestorer
    >>> WireRestorer({"<PERSON_1>": "Ada"}).feed(bytes.fromhex("1f8b0800"))
    Traceback (most recent call last):
    holdback.errors.EncodedInput: the stream is compressed (gzip): restoring needs the decoded bytes
    """


class MaskingError(HoldbackError, ValueError):
    """A request cannot be masked, and so must not be sent: it cannot be read, or masking it would be unsafe.

    The message names the place as the tables of the formats do, and what is wrong there.

    >>> from holdback.masking import KnownValues, Masker, Placeholders
    >>> masker = Masker(KnownValues({"Ada": "PERSON"}), Placeholders(bytes(32)))
    >>> masker.mask(b"{", scope="a conversation")
    Traceback (most recent call last):
    holdback.errors.MaskingError: the request is no JSON: it cannot be read beyond character 1
    """


class StoreError(HoldbackError):
    """A store could not do what was asked: it cannot be reached, or what it holds cannot be opened.

    Where ``load`` fails, what the conversation masked before is not known, so the request counts as one that cannot be
    masked. Where ``merge`` fails, the answer to this request can still be restored by the mapping at hand.
    """


class KeyTooShort(HoldbackError, ValueError):
    """A master key has fewer than 32 bytes.

    >>> from holdback.masking import Placeholders
    >>> Placeholders(b"short")
    Traceback (most recent call last):
    holdback.errors.KeyTooShort: a key must have at least 32 random bytes, such as those of secrets.token_bytes(32)
    """


class PolicyError(HoldbackError, ValueError):
    """A restore policy cannot be made: an unknown channel, a table without ``"*"``, a host that is none.

    >>> from holdback import RestorePolicy
    >>> RestorePolicy(tools={"send_mail": "restore"})
    Traceback (most recent call last):
    holdback.errors.PolicyError: tools needs a rule for "*", which is every tool that is not named
    """
