"""Serving the application with uvicorn, which comes with Datasette."""

from __future__ import annotations

import asyncio
from pathlib import Path

import uvicorn

from corpus.store import CorpusError
from corpus.terminal import say
from corpus.web.app import application


def run(path: Path, host: str, port: int, *, immutable: bool, local_only: bool) -> None:
    """Serve the corpus at `path` until interrupted. Raises CorpusError when the address can't be had."""
    served = application(path, immutable=immutable, local_only=local_only)

    served.site.facets.refresh()  # so that the first page needn't wait as long

    async def main() -> None:
        await served.invoke_startup()
        config = uvicorn.Config(
            served.app(), host, port, log_level="critical", lifespan="off", server_header=False
        )
        try:
            listener = config.bind_socket()
        except SystemExit as stopped:
            raise CorpusError(
                f"{host} port {port} can't be listened on; choose another --port or --host"
            ) from stopped
        shown = f"[{host}]" if ":" in host else host
        say(f"http://{shown}:{listener.getsockname()[1]}/  (Ctrl-C ends it)")
        await uvicorn.Server(config).serve([listener])

    asyncio.run(main())
