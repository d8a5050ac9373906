"""sqlite-utils, without the half second that it takes where pandas is installed.

It imports pandas, when it finds it, to name column types for frames, which nothing here stores. Every command and
every worker process would pay for that.
"""

from __future__ import annotations

import sys
from typing import cast

if "pandas" in sys.modules:
    from sqlite_utils import Database
else:
    # `None` makes the import fail, as where pandas is not installed; who wants it afterwards gets it.
    sys.modules["pandas"] = cast("object", None)  # type: ignore[assignment]
    try:
        from sqlite_utils import Database
    finally:
        del sys.modules["pandas"]

__all__ = ["Database"]
