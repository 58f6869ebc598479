"""A provider for the tests of one file, and a gateway in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateways import needs_gateway
from provider import Provider, serving


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    needs_gateway()
    with serving() as provider:
        yield provider
