"""The fields of an exported record: one list that the writers, the data set's card and its metadata all read."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["text", "integer", "number", "texts", "quality", "contacts"]


class Field(NamedTuple):
    """A field of a record: its name, what it holds, whether it may be null, and what it says."""

    name: str
    kind: Kind
    nullable: bool
    about: str

    @property
    def packed(self) -> bool:
        """Whether the tables hold it as JSON text."""
        return self.kind in ("texts", "quality", "contacts")


FIELDS = (
    Field("id", "text", False, "128-bit hash of URL and body, 32 hex digits"),
    Field("url", "text", False, "where the page stood"),
    Field("site", "text", False, "host without www, or local"),
    Field("title", "text", True, "the article's title"),
    Field("author", "text", True, "as the byline says"),
    Field("published", "text", True, "ISO 8601, as exact as the page says"),
    Field("category", "text", True, "the site's own section"),
    Field("source", "text", True, "where the page says it has the article from"),
    Field("text", "text", False, "repaired, stripped, Simplified; one block a line, without the title"),
    Field("text_source", "text", False, "the same before simplification"),
    Field("script", "text", False, "hans, hant or mixed: of text_source"),
    Field(
        "lenders", "texts", False, "banks, consumer-finance companies and loan apps named, most prominent first"
    ),
    Field("topics", "texts", False, "topic ids, most prominent first"),
    Field("relevance", "number", False, "0 to 1: how much it is about overdue loans"),
    Field("quality", "quality", False, "quality attributes; shares are 0 to 1"),
    Field("chars", "integer", False, "characters of text"),
    Field("first_seen", "text", False, "ISO 8601, UTC: when it was fetched"),
    Field("cluster_id", "text", True, "equal for duplicates; null while nothing else is like it"),
    Field("cluster_size", "integer", False, "documents of the corpus in its cluster, 1 or more"),
    Field("template_cluster_id", "text", True, "equal once lender, city, number and date names are masked"),
    Field("duplicate_of", "text", True, "id of the document that it duplicates"),
    Field("duplicate_kind", "text", True, "exact, near, template or contains"),
    Field("similarity", "number", True, "Jaccard of character 5-grams with duplicate_of, 0 to 1"),
    Field("contacts", "contacts", False, "contacts on the page, masked"),
)
"""In the order that a record holds them; `record.schema.json` says the same to a validator."""

QUALITY = {
    "chars": "integer", "complete": "boolean", "damage_share": "number", "digit_share": "number",
    "duplicate_line_share": "number", "han_share": "number", "lines": "integer", "mean_line_chars": "number",
    "punctuation_share": "number", "repeated_ngram_share": "number", "residue_marks": "integer",
    "spun_words": "integer", "top_ngram_share": "number",
}  # fmt: skip
"""The quality attributes (see `cleaning.quality.quality`) and the JSON type of each."""

NAMES = tuple(field.name for field in FIELDS)


def chosen(names: tuple[str, ...] | None) -> tuple[Field, ...]:
    """Return the fields of those names in the record's own order, all for None.

    Raises ValueError, with the names there are, for one that isn't a field.
    """
    if names is None:
        return FIELDS
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        raise ValueError(f"no such field: {', '.join(unknown) or 'none given'}; there are {', '.join(NAMES)}")
    return tuple(field for field in FIELDS if field.name in names)
