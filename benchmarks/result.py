"""What a benchmark found, as rows that can be printed, kept as JSON and put into one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import orjson


class Row(NamedTuple):
    """One engine in one part: its rate (the larger the better) and, where the part has one, its quality 0 to 1."""

    part: str
    engine: str
    rate: float
    unit: str
    quality: float | None = None
    measure: str = ""
    megabytes: float | None = None
    versions: str = ""


def save(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as JSON."""
    path.write_bytes(orjson.dumps([row._asdict() for row in rows], option=orjson.OPT_INDENT_2))


def load(path: Path) -> list[Row]:
    """Return the rows that `save` wrote."""
    return [Row(**row) for row in orjson.loads(path.read_bytes())]


def table(rows: Sequence[Row], ours: str) -> str:
    """Return rows as lines of text, each rate with ours as a multiple of it."""
    base = {row.part: row.rate for row in rows if row.engine == ours}
    lines = [f"{'engine':<36}{'rate':>12}  {'unit':<9}{'ours is':>9}  {'quality':<14}{'MB':>6}"]
    for row in rows:
        ratio = f"{base[row.part] / row.rate:8.2f}x" if row.part in base else ""
        quality = f"{row.measure} {row.quality:.4f}" if row.quality is not None else ""
        memory = f"{row.megabytes:6.0f}" if row.megabytes is not None else ""
        lines.append(
            f"{row.engine:<36}{row.rate:12,.1f}  {row.unit:<9}{ratio:>9}  {quality:<14}{memory:>6}".rstrip()
        )
    return "\n".join(lines)
