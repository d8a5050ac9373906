"""What one served corpus needs beside its tables: where its archive is, and its facets."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from corpus.web.facets import Facets


def open_reader(path: Path, *, immutable: bool) -> sqlite3.Connection:
    """Return a connection that can't write: `immutable` for a file that nothing changes, in a folder without write access.

    Raises sqlite3.Error when the file can't be opened.
    """
    quoted = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    mode = "immutable=1" if immutable else "mode=ro"
    return sqlite3.connect(f"file:{quoted}?{mode}", uri=True, check_same_thread=False)


class Site:
    """One served corpus."""

    def __init__(self, path: Path, folder: Path, local_only: bool) -> None:
        self.path = path
        self.folder = folder
        self.local_only = local_only
        self.facets = Facets(path)
