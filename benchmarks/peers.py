"""One table of yuqi beside its peers: same inputs, same run, medians. `make bench` writes it to `docs/benchmarks.md`.

    python -m benchmarks.peers [--rounds 5] [--only extraction,charset] [--out docs/benchmarks.md]

Every part is a benchmark of its own that can be run alone; this runs them one after the other, in processes of their
own, and puts what they found into one page: our rate, the peers', the ratio, quality beside speed, losses too. Peers that
are not installed are left out and named; `make bench` installs them (the extra `bench`, an environment for OpenCC in C++).
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from benchmarks.result import Row, load

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"


class Part(NamedTuple):
    """One benchmark: how it is run, which engine is ours, and what its figures mean."""

    name: str
    command: tuple[str, ...]
    ours: str
    about: str


PARTS = (
    Part(
        "extraction", ("extract", "--rounds", "{rounds}"), "yuqi",
        "26 real pages, HTML to the article's text; F1 of character 4-grams against what a person took from them.",
    ),
    Part(
        "chain", ("chain", "--rounds", "{rounds}"), "yuqi",
        "300 generated pages, bytes to stored, searchable, deduplicated documents. Ours archives the bytes and keeps every "
        "finding as well. `best of peers` is chardet, trafilatura, ftfy, OpenCC in C++, rensa and sqlite-utils; `naive` is "
        "chardet, BeautifulSoup, ftfy, opencc-python-reimplemented, datasketch and sqlite-utils.",
    ),
    Part(
        "script", ("script", "--rounds", "{rounds}"), "to_simplified, Traditional",
        "Traditional to Simplified. Ours also mends what the dictionaries get wrong; without that it gives the library's "
        "own output.",
    ),
    Part(
        "charset", ("charset", "--rounds", "{rounds}"), "yuqi",
        "26 real pages in UTF-8, GB18030 and Big5, declarations taken out, whole and as pieces of 8, 40 and 400 "
        "characters; right means the very text.",
    ),
    Part(
        "dedup", ("dedup", "--only", "speed", "--documents", "20000", "--speed-rounds", "{rounds}"), "yuqi, masked",
        "20,000 generated texts to candidate pairs. `masked` takes lender, city, number and date names out as well, by "
        "which swapped copies are found.",
    ),
    Part(
        "export", ("export", "--rounds", "{rounds}"), "yuqi export, masked",
        "20,000 stored documents to JSON Lines. The bare loops neither mask, nor count, nor hold contacts and cluster "
        "sizes, nor write a file that is whole or not there.",
    ),
    Part(
        "crawl", ("crawl", "--rounds", "{rounds}"), "yuqi crawl, everything",
        "A site of 2,000 pages of 30 KB on loopback. The bare spider fetches and forgets; ours archives, cleans, "
        "deduplicates and stores, and comes back after kill -9.",
    ),
)  # fmt: skip


def run(part: Part, rounds: int) -> list[Row]:
    """Run one part in a process of its own and return its rows. Raises SystemExit when it fails."""
    module, *rest = part.command
    with tempfile.TemporaryDirectory() as name:
        found = Path(name) / "rows.json"
        arguments = [argument.format(rounds=rounds) for argument in rest]
        command = [sys.executable, "-m", f"benchmarks.{module}", *arguments, "--json", str(found)]
        done = subprocess.run(command, cwd=ROOT, check=False)
        if done.returncode or not found.exists():
            raise SystemExit(f"{part.name}: the benchmark failed (exit {done.returncode})")
        return load(found)


def page(results: Sequence[tuple[Part, list[Row]]], rounds: int, load_before: float) -> str:
    """Return the page: what it was measured on, and a table for every part."""
    when = datetime.now(UTC).date().isoformat()
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; run it to have your own. Absolute figures are of the machine, ratios travel.",
        "",
        f"{when}, Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors, load before "
        f"{load_before:.1f}; processor time unless said otherwise, medians of {rounds} rounds in which engines take turns.",
        "",
    ]
    for part, rows in results:
        lines += [f"## {part.name.capitalize()}", "", part.about, "", *_table(part, rows), ""]
    lines += ["## Versions", "", *_versions(row for _, rows in results for row in rows), ""]
    return "\n".join(lines)


def _table(part: Part, rows: Sequence[Row]) -> Iterator[str]:
    ours = next(row for row in rows if row.engine == part.ours)
    measured = any(row.quality is not None for row in rows)
    weighed = any(row.megabytes is not None for row in rows)
    heads = ["engine", rows[0].unit, "ours against it"]
    heads += [next(row.measure for row in rows if row.measure)] if measured else []
    heads += ["peak MB"] if weighed else []
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'---:|' * (len(heads) - 1)}"
    for row in rows:
        name = f"**{row.engine}**" if row is ours else row.engine
        cells = [name, f"{row.rate:,.1f}", f"{ours.rate / row.rate:.2f}×"]
        cells += ["" if row.quality is None else f"{row.quality:.4f}"] if measured else []
        cells += ["" if row.megabytes is None else f"{row.megabytes:.0f}"] if weighed else []
        yield f"| {' | '.join(cells)} |"


_PACKAGES = (
    "trafilatura", "readability-lxml", "newspaper4k", "gne", "resiliparse", "beautifulsoup4", "selectolax", "chardet",
    "charset-normalizer", "ftfy", "opencc-python-reimplemented", "datasketch", "rensa", "scrapy", "sqlite-utils", "orjson",
)  # fmt: skip


def _versions(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the versions of what stood beside us."""
    found: list[str] = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    apart = sorted({row.versions for row in rows if row.versions})
    yield f"{', '.join(found)}."
    yield from (f"\nIn the peers' own environment: {versions}." for versions in apart)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="some of: " + ",".join(part.name for part in PARTS))
    parser.add_argument("--out", type=Path, default=PAGE)
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [part.name for part in PARTS]
    if unknown := set(wanted) - {part.name for part in PARTS}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    before = os.getloadavg()[0]
    results: list[tuple[Part, list[Row]]] = []
    for part in PARTS:
        if part.name in wanted:
            print(
                f"\n# {part.name}: python -m benchmarks.{' '.join(part.command).format(rounds=options.rounds)}",
                flush=True,
            )
            results.append((part, run(part, options.rounds)))
            # After each part, so that a run that is stopped leaves what it found.
            options.out.write_text(page(results, options.rounds, before), encoding="utf-8")
    print(f"\nwritten: {options.out}")


if __name__ == "__main__":
    main()
