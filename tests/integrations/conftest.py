"""What the tests with real hosts and clients share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provider import Provider, serving


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """A provider on loopback, for the tests of one file."""
    pytest.importorskip("uvicorn")
    with serving() as provider:
        yield provider
