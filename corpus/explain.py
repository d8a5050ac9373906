"""Why a document reads as it does: every line of the page as fetched, as repaired, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cleaning.findings import STAGES, Finding, replay, undo


def stage_texts(document: Mapping[str, Any], findings: Sequence[Finding]) -> dict[str, str]:
    """Return each text stage's input by its name, worked back from `text_source`; `text_source` itself under `script`.

    Raises ValueError when the findings don't lead there, which a corpus made by this version never does.
    """
    texts = {"script": str(document["text_source"])}
    text = texts["script"]
    for stage in reversed([stage for stage in STAGES if stage != "script"]):
        text = undo(text, [finding for finding in findings if finding.stage == stage])
        texts[stage] = text
    return texts


def explain(document: Mapping[str, Any], findings: Sequence[Finding]) -> dict[str, Any]:
    """Return a document's account: its texts stage by stage, its findings in context, and the proof that they fit."""
    texts = stage_texts(document, findings)
    page = texts["repair"]
    text = page
    for stage in ("repair", "strip", "normalize"):
        text = replay(text, [finding for finding in findings if finding.stage == stage])
    return {
        "id": document["id"],
        "url": document["url"],
        "title": document["title"],
        "encoding": document["encoding"],
        "encoding_evidence": document["encoding_evidence"],
        "page_text": page,
        "text_source": document["text_source"],
        "text": document["text"],
        "replayed": text == document["text_source"],
        "findings": [_in_context(finding, texts[finding.stage]) for finding in findings],
    }


CONTEXT_CHARS = 12


def _in_context(finding: Finding, text: str) -> dict[str, Any]:
    left = text[max(0, finding.start - CONTEXT_CHARS) : finding.start].rpartition("\n")[2]
    right = text[finding.end : finding.end + CONTEXT_CHARS].partition("\n")[0]
    return {**finding._asdict(), "left": left, "right": right}
