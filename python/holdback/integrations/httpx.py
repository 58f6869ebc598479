"""Into every client that sits on httpx: transports that restore the answers on their way in::

    OpenAI(http_client=httpx.Client(transport=RestoreTransport(mapping)))

A client takes only the transports of its own library: SDKs on httpx2 take those of
``holdback.integrations.httpx2``, which are the same otherwise.
"""

from __future__ import annotations

import httpx

from holdback.integrations import transports

__all__ = ["AsyncRestoreTransport", "RestoreTransport"]


class RestoreTransport(transports.Transport, httpx.BaseTransport, host=httpx):
    """A transport of ``httpx.Client`` that restores answers.

    >>> def provider(request):
    ...     return httpx.Response(200, json={"choices": [{"index": 0, "message": {"content": "Hi <PERSON_1>!"}}]})
    >>> transport = RestoreTransport({"<PERSON_1>": "Ada"}, transport=httpx.MockTransport(provider))
    >>> with httpx.Client(transport=transport) as client:
    ...     client.get("https://provider.invalid").json()["choices"][0]["message"]["content"]
    'Hi Ada!'
    """


class AsyncRestoreTransport(transports.AsyncTransport, httpx.AsyncBaseTransport, host=httpx):
    r"""A transport of ``httpx.AsyncClient`` that restores answers.

    >>> import asyncio
    >>> def provider(request):
    ...     said = 'data: {"choices":[{"index":0,"delta":{"content":"Hi <PERSON_1>!"}}]}\n\n'
    ...     return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=said)
    >>> transport = AsyncRestoreTransport({"<PERSON_1>": "Ada"}, transport=httpx.MockTransport(provider))
    >>> async def read():
    ...     async with httpx.AsyncClient(transport=transport) as client:
    ...         async with client.stream("POST", "https://provider.invalid") as response:
    ...             async for line in response.aiter_lines():
    ...                 print(line)
    >>> asyncio.run(read())
    data: {"choices":[{"index":0,"delta":{"content":"Hi Ada!"}}]}
    <BLANKLINE>
    """
