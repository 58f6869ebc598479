"""Into every client that sits on httpx2: transports that restore the answers on their way in::

    OpenAI(http_client=httpx2.Client(transport=RestoreTransport(mapping)))

A client takes only the transports of its own library: SDKs on httpx take those of
``holdback.integrations.httpx``, which are the same otherwise.
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import httpx2

from holdback.integrations import transports

__all__ = ["AsyncRestoreTransport", "RestoreTransport"]


class _Body(transports.Body, httpx2.SyncByteStream):
    pass


class _AsyncBody(transports.AsyncBody, httpx2.AsyncByteStream):
    pass


class RestoreTransport(transports.Transport, httpx2.BaseTransport):
    """A transport of ``httpx2.Client`` that restores answers.

    :param mapping: any kind of mapping, or a callable ``httpx2.Request -> mapping or None``.
    :param config: None means on.
    :param transport: what does the work; an ``httpx2.HTTPTransport`` of the defaults if there is none. It is entered
        and closed with this one.

    A mapping is read when the response begins. Errors of the wrapped transport, in a stream too, are raised as the
    same objects, in a stream behind the text that was held back.

    >>> def provider(request):
    ...     return httpx2.Response(200, json={"choices": [{"index": 0, "message": {"content": "Hi <PERSON_1>!"}}]})
    >>> transport = RestoreTransport({"<PERSON_1>": "Ada"}, transport=httpx2.MockTransport(provider))
    >>> with httpx2.Client(transport=transport) as client:
    ...     client.get("https://provider.invalid").json()["choices"][0]["message"]["content"]
    'Hi Ada!'
    """

    host: ClassVar[ModuleType] = httpx2
    body: ClassVar[type[_Body]] = _Body


class AsyncRestoreTransport(transports.AsyncTransport, httpx2.AsyncBaseTransport):
    r"""A transport of ``httpx2.AsyncClient`` that restores answers.

    Parameters and errors are those of ``RestoreTransport``, with an ``httpx2.AsyncHTTPTransport`` inside by default.

    >>> import asyncio
    >>> def provider(request):
    ...     said = 'data: {"choices":[{"index":0,"delta":{"content":"Hi <PERSON_1>!"}}]}\n\n'
    ...     return httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=said)
    >>> transport = AsyncRestoreTransport({"<PERSON_1>": "Ada"}, transport=httpx2.MockTransport(provider))
    >>> async def read():
    ...     async with httpx2.AsyncClient(transport=transport) as client:
    ...         async with client.stream("POST", "https://provider.invalid") as response:
    ...             async for line in response.aiter_lines():
    ...                 print(line)
    >>> asyncio.run(read())
    data: {"choices":[{"index":0,"delta":{"content":"Hi Ada!"}}]}
    <BLANKLINE>
    """

    host: ClassVar[ModuleType] = httpx2
    body: ClassVar[type[_AsyncBody]] = _AsyncBody
