"""The repair stage as a whole: one mechanism after the other, every finding in terms of the one input."""

from __future__ import annotations

from collections.abc import Sequence

from cleaning.findings import Edited
from cleaning.repair.compose import compose
from cleaning.repair.decoders import repair_decoders
from cleaning.repair.deleted import mark_deleted
from cleaning.repair.pinyin import Table, repair_pinyin


def repair(
    text: str,
    *,
    restore: bool = False,
    title: str | None = None,
    table: Table = None,
    siblings: Sequence[str] = (),
    decoded: Edited | None = None,
) -> Edited:
    """Return `text` with its damage undone, and a finding (stage "repair") for every change and every lost word.

    The mechanisms in the order in which a page suffered them, the last one first: wrong decoders, injected pinyin,
    words cut out. `table` is the site's pinyin table where it is known (`learn_table`, `merge_tables`). `restore` asks
    for missing words to be filled in, from `title`, the page itself and `siblings`, the texts of the site's other
    pages. `decoded` is `text` with decodings undone that were told by more than it (the rest of its page): what is left
    of them is looked for behind those. Clean text comes back unchanged and without findings. Newlines are never touched.
    """
    edited = repair_decoders(text) if decoded is None else compose(text, decoded, repair_decoders(decoded.text))
    edited = compose(text, edited, repair_pinyin(edited.text, table))
    return compose(text, edited, mark_deleted(edited.text, restore=restore, title=title, siblings=siblings))
