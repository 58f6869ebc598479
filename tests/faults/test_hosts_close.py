"""An answer that cannot even be begun is closed too, and an error of closing it hides nothing."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import pytest

from faults.plan import Lost, Plan, Source, drive
from holdback import MappingError

pytestmark = pytest.mark.usefixtures("hosted")


def wrong(_: Any) -> Any:
    return {"": "an empty placeholder"}


@pytest.mark.parametrize("closing_error", [None, Lost()], ids=["closes", "closing fails"])
@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_response_whose_mapping_is_wrong(
    library: str, is_async: bool, closing_error: Exception | None
) -> None:
    host = importlib.import_module(library)
    ours = importlib.import_module(f"holdback.integrations.{library}")
    source = Source([], Plan({} if closing_error is None else {0: closing_error}))
    kinds = (host.SyncByteStream, host.AsyncByteStream)
    body = type("Body", kinds, {"close": lambda _: source.close(), "aclose": lambda _: source.aclose()})()
    response = host.Response(200, headers={"content-type": "text/event-stream"}, stream=body)
    request = host.Request("POST", "http://host")

    async def answered(_: Any) -> Any:
        return response

    inner = SimpleNamespace(handle_request=lambda _: response, handle_async_request=answered)
    with pytest.raises(MappingError) as caught:  # noqa: PT012 - either way
        if is_async:
            drive(ours.AsyncRestoreTransport(wrong, transport=inner).handle_async_request(request))
        else:
            ours.RestoreTransport(wrong, transport=inner).handle_request(request)
    assert caught.value.__context__ is None
    assert source.closed == ["source"]


@pytest.mark.litellm
def test_an_attached_mapping_that_breaks_closes_the_stream() -> None:
    from holdback.integrations.litellm import HoldbackGuardrail, attach_mapping

    class Breaking:
        asked = 0

        def get_all_fakes(self) -> dict[str, str]:
            self.asked += 1
            if self.asked > 1:
                raise Lost
            return {"<PERSON_1>": "Ada"}

    class Logging:
        """What keeps a request's mapping alive."""

    data: dict[str, Any] = {"litellm_logging_obj": Logging()}
    attach_mapping(data, Breaking())
    guardrail = HoldbackGuardrail(guardrail_name="holdback", event_hook=["pre_call", "post_call"])
    source = Source([], Plan())
    stream = guardrail.async_post_call_streaming_iterator_hook(None, source, data)
    with pytest.raises(Lost):
        drive(anext(stream))
    assert (source.taken, source.closed) == (0, ["source"])
