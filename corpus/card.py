"""The card of a data set: a README whose front matter the Hugging Face hub and `datasets` read, filled from the run."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from corpus.croissant import summary
from corpus.fields import QUALITY, Field

_SIZES = (
    (1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"),
)  # fmt: skip
"""The hub's size categories: records below the bound."""

SHOWN = 15
"""Rows of a table of the card; the manifest has them all."""

_PII = {
    "mask": "Phone, ID card and bank card numbers in the texts are masked (first three and last two characters kept); "
    "contacts are masked.",
    "drop": "Phone, ID card and bank card numbers are taken out of the texts; contacts are left out.",
    "keep": "Personal identifiers in the texts are as published: handle them by the law that applies to you. "
    "Contacts are masked.",
}


def render(manifest: Mapping[str, Any], fields: tuple[Field, ...]) -> str:
    """Return the card of the data set that `manifest` describes, as Markdown with YAML front matter."""
    name = manifest["description"]["name"]
    about = manifest["description"]["description"] or summary(manifest)
    parts = [_front_matter(manifest, fields), f"# {cell(name)}", cell(about), _numbers(manifest)]
    parts += [_table(title, manifest["counts"].get(key, {})) for title, key in _TABLES]
    parts += [_fields(fields), _made(manifest), _limits(manifest)]
    return "\n\n".join(part for part in parts if part) + "\n"


_TABLES = (
    ("Topics", "topics"), ("Lenders", "lenders"), ("Sites", "sites"), ("Years of publication", "years"),
    ("Script", "scripts"),
)  # fmt: skip


def cell(text: object) -> str:
    """Return `text` as one line of Markdown that starts nothing: no table cell, link, tag or heading of its own."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>|#" else char for char in _line(text))


def _line(text: object) -> str:
    """Return `text` on one line, without what YAML forbids and a terminal obeys: controls, overrides, half pairs."""
    words = " ".join(str(text).split())
    return "".join(char for char in words if unicodedata.category(char) not in _UNSEEN)


_UNSEEN = ("Cc", "Cf", "Cs", "Cn", "Co")


def _front_matter(manifest: Mapping[str, Any], fields: tuple[Field, ...]) -> str:
    counts = manifest["counts"]
    size = next((name for bound, name in _SIZES if counts["records"] < bound), "n>1B")
    licence = manifest["description"]["license"]
    lines = ["---", "language:", "- zh", f"license: {_yaml(licence)}"]
    if licence == "other":
        lines.append("license_name: publishers-own")
    lines += [f"pretty_name: {_yaml(manifest['description']['name'])}", "size_categories:", f"- {size}"]
    lines += ["task_categories:", "- text-classification", "- text-generation", "tags:", "- web", "- deduplicated"]
    lines += ["configs:", "- config_name: default", "  data_files:"]
    suffix = manifest["question"]["format"]
    for split in sorted({entry["split"] for entry in manifest["files"]}):
        lines += [f"  - split: {split}", f"    path: data/{split}-*.{suffix}"]
    if not suffix.startswith("csv"):
        lines += ["dataset_info:", "  features:", *(line for field in fields for line in _feature(field))]
    return "\n".join([*lines, "---"])


_DTYPES = {"text": "string", "integer": "int64", "number": "float64", "boolean": "bool"}


def _feature(field: Field) -> list[str]:
    head = f"  - name: {field.name}"
    if field.kind in _DTYPES:
        return [head, f"    dtype: {_DTYPES[field.kind]}"]
    if field.kind == "texts":
        return [head, "    sequence: string"]
    inner = {"kind": "text", "value": "text"} if field.kind == "contacts" else QUALITY
    lines = [head, "    list:" if field.kind == "contacts" else "    struct:"]
    for name, kind in inner.items():
        lines += [f"    - name: {name}", f"      dtype: {_DTYPES[kind]}"]
    return lines


def _yaml(text: str) -> str:
    """Return `text` as a double-quoted YAML scalar: JSON strings are YAML."""
    return '"' + "".join(f"\\{char}" if char in '"\\' else char for char in _line(text)) + '"'


def _numbers(manifest: Mapping[str, Any]) -> str:
    counts = manifest["counts"]
    rows = [f"| {cell(split)} | {number} |" for split, number in counts.get("splits", {}).items()]
    return "\n".join(["| split | records |", "| --- | ---: |", *rows, f"| all | {counts['records']} |"])


def _table(title: str, counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    shown = list(counts.items())[:SHOWN]
    rows = [f"| {cell(name)} | {number} |" for name, number in shown]
    left = len(counts) - len(shown)
    more = [f"\nand {left} more, see `manifest.json`"] if left else []
    return "\n".join([f"## {title}", "", "| value | records |", "| --- | ---: |", *rows, *more])


def _fields(fields: tuple[Field, ...]) -> str:
    rows = [
        f"| `{field.name}` | {field.kind}{' or null' if field.nullable else ''} | {field.about} |"
        for field in fields
    ]
    return "\n".join(["## Fields", "", "| field | holds | says |", "| --- | --- | --- |", *rows])


def _made(manifest: Mapping[str, Any]) -> str:
    question = manifest["question"]
    filters = question["filters"]
    asked = "; ".join(f"{name}: {_words(value)}" for name, value in filters.items()) or "none: every document"
    newest = manifest["newest_page"] or "never"
    versions = ", ".join(f"{name} {number}" for name, number in manifest["versions"].items())
    one = (
        "every member of a cluster of duplicates"
        if filters.get("duplicates")
        else "one document of each cluster of duplicates"
    )
    return (
        f"## How it was made\n\nCollected, repaired, stripped and deduplicated by yuqi. It holds {one}; a cluster is "
        f"never split between splits. Filters: {cell(asked)}. The newest page was fetched {newest}. "
        f"Versions: {cell(versions)}.\n\nThe same corpus and the same question give the same bytes. `manifest.json` "
        "holds every file's SHA-256; `index.csv.gz` each record's id and digest, from which a later delta is made."
    )


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _limits(manifest: Mapping[str, Any]) -> str:
    return (
        "## Personal data and limits\n\n" + _PII[manifest["question"]["pii"]] + " Names of people are not masked. "
        "The articles come from content farms: many are spun, machine-written, advertising or wrong, and none is advice. "
        "The texts are their publishers'. Who wants a text out asks the maintainer of this data set; the next delta "
        "then lists it as `DEL`."
    )
