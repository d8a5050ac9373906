"""The built demo, shared by the tests of its parts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.server import DemoServer
from demo.site import Demo, build


@pytest.fixture(scope="session")
def demo() -> Demo:
    """The demo of the default seed, its slow page quick and its oversized page small."""
    return build(slow_seconds=0.05, oversized_bytes=100_000)


@pytest.fixture(scope="session")
def server(demo: Demo) -> Iterator[DemoServer]:
    """The demo being served on a free port."""
    with DemoServer(demo) as running:
        yield running
