"""What the HTTP integrations share: which responses may be answers, by their headers. Sans-IO, without a host.

A response is looked at if its content type says that it can hold an answer: an event stream, lines, or one JSON
document; or if it says nothing, or only that it is text, for then the bytes decide. Where only the bytes tell whether a
response is touched at all, a ``probe`` is fed before its headers go on; one that is not touched goes on as it came.
A restored body is no longer what some headers say: those in ``STALE`` leave with it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from holdback.bodies import BodyOptions, BodyProbe, BodyRestorer, decoder_of
from holdback.config import is_enabled
from holdback.formats import AUTO
from holdback.mapping import AnyMapping, Prepared, prepared_for, static_mapping
from holdback.sniffing import Claim, claim_of

STALE = ("content-length", "content-encoding", "content-md5", "digest", "content-digest", "repr-digest")
"""Headers that speak about the bytes that came, not about those that leave."""

Request = TypeVar("Request")


class Opening(NamedTuple):
    """A response that may be restored."""

    matcher: Prepared
    config: Any
    claim: Claim
    codings: str
    answers: bool
    options: BodyOptions

    @property
    def is_certain(self) -> bool:
        """Whether the headers alone say that the body goes through a restorer."""
        return self.claim.is_stream or (self.answers and self.claim is Claim.JSON)

    def begin(self) -> BodyRestorer:
        """What restores the body."""
        return BodyRestorer(self.matcher, self.config, **self._of_body())

    def probe(self) -> BodyProbe:
        """What is fed the first bytes to see whether the body is touched."""
        return BodyProbe(self.matcher, self.config, **self._of_body())

    def _of_body(self) -> dict[str, Any]:
        return {
            "claim": self.claim,
            "codings": self.codings,
            "answers": self.answers,
            "options": self.options,
        }


def opening(
    content_type: str,
    codings: str,
    mapping: AnyMapping | None,
    config: Any,
    *,
    answers: bool,
    options: BodyOptions,
) -> Opening | None:
    """How a response with these headers is restored; None if it is to be left alone. The mapping is read here.

    :param answers: whether whole JSON answers are restored too.
    :raises EncodedInput: it is said to be an answer and cannot be decoded, and ``options`` do not let it pass.
    """
    claim = claim_of(content_type)
    if claim is None or (config is not None and not is_enabled(config)):
        return None
    prepared = prepared_for(mapping, config)
    if prepared is None:
        return None
    found = Opening(prepared, config, claim, codings, answers, options)
    if not found.is_certain:  # it may be anything: nobody said that it can be decoded
        found = found._replace(options=replace(options, undecodable="pass"))
    return None if decoder_of(codings, found.options).undecoded else found


PATHS = (
    ("/chat/completions", "openai-chat"),
    ("/completions", "openai-text"),
    ("/responses", "openai-responses"),
    ("/messages", "anthropic"),
    (":generateContent", "gemini"),
    (":streamGenerateContent", "gemini"),
    ("/api/chat", "ollama"),
    ("/api/generate", "ollama"),
    ("/v2/chat", "cohere"),
    ("/converse", "bedrock"),
    ("/converse-stream", "bedrock"),
    ("/invoke-with-response-stream", "bedrock"),
)
"""How the paths of the providers end, and the wire formats of what is answered there."""


def protocol_of_path(path: str) -> str:
    """The wire format of the answers at a path of a provider; ``"auto"`` at a path that says nothing.

    >>> protocol_of_path("/v1/chat/completions"), protocol_of_path("/v1/models")
    ('openai-chat', 'auto')
    """
    return next((protocol for end, protocol in PATHS if path.rstrip("/").endswith(end)), AUTO)


def options_for(
    options: BodyOptions, protocol: str | Callable[[Request], str | None], request: Request
) -> BodyOptions:
    """The options with the protocol that a callable says for this request; None from it is ``"auto"``."""
    return replace(options, protocol=protocol(request) or AUTO) if callable(protocol) else options


def mapping_given(
    given: AnyMapping | Callable[[Request], AnyMapping | None] | None, config: Any = None
) -> AnyMapping | Callable[[Request], AnyMapping | None] | None:
    """What an integration is given as its mapping, checked when the integration is made, and compiled if it can be.

    :raises TypeError: it is neither a mapping nor an ordinary function, or a text of it is no ``str``.
    :raises MappingError: it cannot be compiled.
    """
    if not _is_function(given):
        return static_mapping(given, config)  # type: ignore[arg-type]
    if inspect.iscoroutinefunction(given) or inspect.iscoroutinefunction(getattr(given, "__call__", None)):  # noqa: B004
        raise TypeError(_NOT_ASYNC)
    return given


def mapping_for(
    given: AnyMapping | Callable[[Request], AnyMapping | None] | None, request: Request
) -> AnyMapping | None:
    """The mapping itself, or what a callable says for this request."""
    if not _is_function(given):
        return given  # type: ignore[return-value]
    found = given(request)  # type: ignore[misc, operator]
    if inspect.isawaitable(found):
        if inspect.iscoroutine(found):
            found.close()
        raise TypeError(_NOT_ASYNC)
    return found


_NOT_ASYNC = (
    "the callable given as mapping is async, and nothing here can wait for it: await the mapping before, leave it "
    "with the request (ASGI: scope['state'], httpx: request.extensions), and give an ordinary function that returns it"
)


def _is_function(given: object) -> bool:
    is_mapping = given is None or isinstance(given, Mapping) or hasattr(given, "get_all_fakes")
    return callable(given) and not is_mapping
