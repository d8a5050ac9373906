"""Compiled twins of the innermost loops, in Cython; each has a twin in Python that gives the same and is slower.

They are compiled when the package is installed, where there is a C compiler; without one, or with `YUQI_PURE=1` in the
environment, everything works on the Python twins. Callers ask `available` once, at import.
"""

from __future__ import annotations

import importlib
import os
from importlib import resources
from types import ModuleType

PURE = os.environ.get("YUQI_PURE", "") not in ("", "0")
"""Whether the user wants the Python twins: to look for a fault, or to measure."""


def available(name: str) -> ModuleType | None:
    """Return the compiled module `cleaning.native.NAME`, None where it was not built or is not wanted."""
    if PURE:
        return None
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ImportError:
        return None


def twins() -> dict[str, bool]:
    """Return each twin's name and whether its compiled form is used."""
    sources = (source.name for source in resources.files(__name__).iterdir())
    names = sorted(name.removesuffix(".pyx") for name in sources if name.endswith(".pyx"))
    return {name: available(name) is not None for name in names}
