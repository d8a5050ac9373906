"""Croissant metadata (MLCommons' JSON-LD for data sets) of an exported data set, made from its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpus.fields import QUALITY, Field

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The vocabulary of Croissant 1.0, as its specification gives it."""

_FORMATS = {"jsonl": "application/jsonlines", "csv": "text/csv", "parquet": "application/x-parquet"}
_TYPES = {
    "text": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "texts": "sc:Text",
}


def metadata(manifest: Mapping[str, Any], fields: tuple[Field, ...]) -> dict[str, Any]:
    """Return the metadata of the data set that `manifest` describes: its files with digests, its fields by split."""
    described = manifest["description"]
    suffix = manifest["question"]["format"]
    kind = _FORMATS[suffix.partition(".")[0]]
    splits = sorted({entry["split"] for entry in manifest["files"]})
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": described["name"],
        "description": described["description"] or summary(manifest),
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": described["license"],
        **({"url": described["url"]} if described["url"] else {}),
        **({"datePublished": manifest["newest_page"][:10]} if manifest["newest_page"] else {}),
        "version": "1.0.0",
        "inLanguage": "zh",
        "distribution": [
            *(_file(entry, kind) for entry in manifest["files"]),
            *(
                {
                    "@type": "cr:FileSet",
                    "@id": f"{split}-shards",
                    "name": f"{split}-shards",
                    "encodingFormat": kind,
                    "includes": f"data/{split}-*.{suffix}",
                }
                for split in splits
            ),
        ],
        "recordSet": [_record_set(split, fields) for split in splits],
    }


def summary(manifest: Mapping[str, Any]) -> str:
    """Return one sentence on what a data set holds."""
    counts = manifest["counts"]
    return (
        f"{counts['records']} Chinese articles on overdue loans and debt collection from {len(counts.get('sites', {}))} "
        "sites, repaired, stripped of spam and boilerplate, deduplicated and in Simplified Chinese."
    )


def _file(entry: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": entry["path"],
        "name": entry["path"].rpartition("/")[2],
        "contentUrl": entry["path"],
        "contentSize": f"{entry['bytes']} B",
        "encodingFormat": kind,
        "sha256": entry["sha256"],
    }


def _record_set(split: str, fields: tuple[Field, ...]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "key": {"@id": f"{split}/id"},
        "field": [_field(split, field) for field in fields],
    }


def _field(split: str, field: Field) -> dict[str, Any]:
    source = {"fileSet": {"@id": f"{split}-shards"}, "extract": {"column": field.name}}
    found: dict[str, Any] = {
        "@type": "cr:Field", "@id": f"{split}/{field.name}", "name": field.name, "description": field.about,
    }  # fmt: skip
    if field.kind in _TYPES:
        found |= {"dataType": _TYPES[field.kind], "source": source}
    else:
        found |= {"source": source, "subField": [_part(split, field, *part) for part in _parts(field)]}
    if field.kind in ("texts", "contacts"):
        found["repeated"] = True
    return found


def _parts(field: Field) -> list[tuple[str, str]]:
    if field.kind == "contacts":
        return [("kind", "text"), ("value", "text")]
    return list(QUALITY.items())


def _part(split: str, field: Field, name: str, kind: str) -> dict[str, Any]:
    extract = {"column": field.name}
    return {
        "@type": "cr:Field",
        "@id": f"{split}/{field.name}/{name}",
        "name": f"{field.name}_{name}",
        "dataType": _TYPES[kind],
        "source": {
            "fileSet": {"@id": f"{split}-shards"}, "extract": extract, "transform": {"jsonPath": name},
        },
    }  # fmt: skip
