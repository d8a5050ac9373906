"""Serve the demo's sites on loopback until standard input ends.

A process of its own, so that the one that forks has no threads.
"""

from __future__ import annotations

import json
import sys

from demo.server import DemoServer
from demo.site import build

if __name__ == "__main__":
    with DemoServer(build(slow_seconds=0.0, oversized_bytes=200_000)) as server:
        print(json.dumps(server.hosts), flush=True)
        sys.stdin.read()
