"""A Redis server of our own on a free loopback port, which can be killed and started again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

SERVER = next((found for name in ("redis-server", "valkey-server") if (found := shutil.which(name))), None)

needs_server = pytest.mark.skipif(SERVER is None, reason="no redis-server or valkey-server on this machine")

PATIENCE = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """`redis-server` in a folder; what it has acknowledged survives `kill`, unless it was told to keep nothing."""

    def __init__(self, folder: Path, *options: str, keeps: bool = True, port: int | None = None) -> None:
        self.port = port or free_port()
        kept = ("--appendonly", "yes", "--appendfsync", "always") if keeps else ("--appendonly", "no")
        assert SERVER is not None
        self._command = [
            SERVER, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *kept, *options,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError("the Redis server does not answer")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
