"""What a cluster tells: who had the article when, which names were swapped, and how any two texts differ."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from corpus.align import Hunk, align, hunks
from corpus.fingerprint import fold, fold_places
from corpus.masking import Masker, default_masker

SwapKind = Literal["lender", "place", "number"]
Operation = Literal["equal", "replace", "delete", "insert"]

BLOCK = 12
"""Folded characters that a shared block has at least: a clause; shorter ones are everybody's turns of phrase."""

STARTS = 4
"""Places tried for a block that begins the same in several."""

STIRRED = 0.2
"""Share of the shared characters that must stand in another order for two texts to count as stirred."""

SWAP_LENGTH = 24
"""Longest text that counts as a name put in another's place; longer ones are rewriting."""

ALIKE = 0.4
"""Two lines that stand against each other are compared by characters when they share this much of the longer one."""

LOOK_AHEAD = 8
"""Lines tried as the counterpart of a changed line: bounds the work on a hunk of many."""


class Part(NamedTuple):
    """A stretch of two lines that stand against each other."""

    operation: Operation
    left: str
    right: str


class Difference(NamedTuple):
    """Lines that stand against each other; `parts` compares them by characters where they are alike."""

    operation: Operation
    left: tuple[str, ...]
    right: tuple[str, ...]
    parts: tuple[Part, ...] = ()


class Swap(NamedTuple):
    """A name or number in one text (folded) where another stands in the other, and how many times."""

    kind: SwapKind
    before: str
    after: str
    times: int


class SharedBlock(NamedTuple):
    """A stretch that two texts share, wherever it stands: half-open spans in each."""

    left: int
    left_end: int
    right: int
    right_end: int


class Member(NamedTuple):
    """A document of a cluster, with what was swapped against the document it duplicates."""

    id: str
    url: str
    site: str
    title: str | None
    first_seen: str
    published: str | None
    cluster_id: str | None
    duplicate_of: str | None
    kind: str | None
    similarity: float | None
    swaps: tuple[Swap, ...]


class Embedded(NamedTuple):
    """A document that a member of a family holds nearly all of, and the share it holds."""

    id: str
    url: str
    site: str
    title: str | None
    container: str
    similarity: float


class Family(NamedTuple):
    """All documents that hang together as copies of one article, swapped copies included.

    `id` is the earliest document's. `texts` counts distinct texts, `clusters` groups of near copies (those between
    which names were swapped; a text alone is one). `members` come in the order they were first seen, the first
    `limit` of them alone; `embedded` are the first `limit` documents that one of them contains.
    """

    id: str
    documents: int
    texts: int
    clusters: int
    sites: int
    first_seen: str
    last_seen: str
    members: tuple[Member, ...]
    embedded: tuple[Embedded, ...]


class Size(NamedTuple):
    """How large one family is: its earliest document, and how many documents, texts and sites it has."""

    id: str
    url: str
    title: str | None
    documents: int
    texts: int
    sites: int
    first_seen: str
    last_seen: str


# --- differences ----------------------------------------------------------------------------------------------------


def differences(left: str, right: str) -> tuple[Difference, ...]:
    """Return how two texts differ, line against line in order, and by characters inside lines that are alike."""
    left_lines, right_lines = left.split("\n"), right.split("\n")
    found: list[Difference] = []
    for hunk in hunks(left_lines, right_lines):
        ours, theirs = left_lines[hunk.left : hunk.left_end], right_lines[hunk.right : hunk.right_end]
        if hunk.equal:
            found.append(Difference("equal", tuple(ours), tuple(theirs)))
        else:
            found += _changed_lines(ours, theirs)
    return tuple(found)


def _changed_lines(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Difference]:
    """Yield changed lines: each with the first line alike among the next few it could stand against, or alone."""
    at = 0
    for line in ours:
        found = _counterpart(line, theirs, at)
        if found is None:
            yield Difference("delete", (line,), ())
            continue
        place, parts = found
        if place > at:
            yield Difference("insert", (), tuple(theirs[at:place]))
        yield Difference("replace", (line,), (theirs[place],), parts)
        at = place + 1
    if at < len(theirs):
        yield Difference("insert", (), tuple(theirs[at:]))


def _counterpart(line: str, theirs: Sequence[str], at: int) -> tuple[int, tuple[Part, ...]] | None:
    for place in range(at, min(at + LOOK_AHEAD, len(theirs))):
        parts = _parts(line, theirs[place])
        if _alike(parts):
            return place, _joined_parts(parts)
    return None


def _parts(left: str, right: str) -> tuple[Part, ...]:
    return tuple(
        Part(_operation(hunk), left[hunk.left : hunk.left_end], right[hunk.right : hunk.right_end])
        for hunk in hunks(left, right)
    )


def _joined_parts(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return `parts` with a lone equal character between two changes taken into them: 小米 against 度小满 is one swap."""
    joined: list[Part] = []
    for index, part in enumerate(parts):
        inner = 0 < index < len(parts) - 1
        changed = part.operation != "equal" or (inner and len(part.left) == 1)
        if changed and joined and joined[-1].operation != "equal":
            joined[-1] = _changed_part(joined[-1].left + part.left, joined[-1].right + part.right)
        else:
            joined.append(part)
    return tuple(joined)


def _changed_part(left: str, right: str) -> Part:
    return Part("replace" if left and right else "delete" if left else "insert", left, right)


def _operation(hunk: Hunk) -> Operation:
    if hunk.equal:
        return "equal"
    if hunk.left == hunk.left_end:
        return "insert"
    return "delete" if hunk.right == hunk.right_end else "replace"


def _alike(parts: Sequence[Part]) -> bool:
    equal = sum(len(part.left) for part in parts if part.operation == "equal")
    longer = max(sum(len(part.left) for part in parts), sum(len(part.right) for part in parts))
    return equal >= ALIKE * longer


def render(found: Iterable[Difference]) -> Iterator[str]:
    """Yield lines for people: `  ` before equal lines, `- ` and `+ ` before others, `~ ` before changed ones.

    Inside a changed line, `[-old-]` and `{+new+}` mark what was taken out and put in.
    """
    for difference in found:
        if difference.operation == "equal":
            yield from ("  " + line for line in difference.left)
        elif difference.parts:
            yield "~ " + "".join(map(_render_part, difference.parts))
        else:
            yield from ("- " + line for line in difference.left)
            yield from ("+ " + line for line in difference.right)


def _render_part(part: Part) -> str:
    if part.operation == "equal":
        return part.left
    return (f"[-{part.left}-]" if part.left else "") + (f"{{+{part.right}+}}" if part.right else "")


# --- swaps ----------------------------------------------------------------------------------------------------------


class _Token(NamedTuple):
    """A name, a run of digits, or a single other character of a folded text."""

    text: str
    kind: SwapKind | None


def swaps(left: str, right: str, masker: Masker | None = None) -> tuple[Swap, ...]:
    """Return the names and numbers of `left` that others stand for in `right`, most frequent first."""
    masker = masker or default_masker()
    ours, theirs = _tokens(left, masker), _tokens(right, masker)
    counts: Counter[tuple[SwapKind, str, str]] = Counter()
    for hunk in hunks(ours, theirs):
        if not hunk.equal:
            counts.update(_swapped(ours[hunk.left : hunk.left_end], theirs[hunk.right : hunk.right_end]))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Swap(*names, times) for names, times in ordered)


def _swapped(before: Sequence[_Token], after: Sequence[_Token]) -> Iterator[tuple[SwapKind, str, str]]:
    """Yield what was swapped in one hunk: name against name where they pair up, else the whole of it."""
    kinds = [token.kind for token in before]
    if len(before) == len(after) and kinds == [token.kind for token in after]:
        pairs = [(ours.kind, ours.text, theirs.text) for ours, theirs in zip(before, after)]
    else:
        named = [token.kind for token in (*before, *after) if token.kind]
        pairs = [(named[0] if named else None, _joined(before), _joined(after))]
    for kind, old, new in pairs:
        if kind and old and new and old != new and max(len(old), len(new)) <= SWAP_LENGTH:
            yield kind, old, new


def _joined(tokens: Iterable[_Token]) -> str:
    return "".join(token.text for token in tokens)


def _tokens(text: str, masker: Masker) -> list[_Token]:
    key = fold(text)
    tokens: list[_Token] = []
    at = 0
    for match in [*masker.matches(text), None]:
        tokens += _plain_tokens(key[at : match.start if match else len(key)])
        if match:
            tokens.append(_Token(key[match.start : match.end], match.kind))
            at = match.end
    return tokens


def _plain_tokens(key: str) -> list[_Token]:
    tokens: list[_Token] = []
    for character in key:
        if not character.isdigit():
            tokens.append(_Token(character, None))
        elif tokens and tokens[-1].kind == "number":
            tokens[-1] = _Token(tokens[-1].text + character, "number")
        else:
            tokens.append(_Token(character, "number"))
    return tokens


# --- shared blocks --------------------------------------------------------------------------------------------------


def shared_blocks(left: str, right: str) -> tuple[SharedBlock, ...]:
    """Return the blocks of BLOCK folded characters or more that both texts hold, in the order of `right`.

    Their order in `left` doesn't matter: this tells sentence salad, the same sentences stirred. Each block is the longest
    that starts where its first BLOCK characters stand in `left` (the first STARTS places are tried); of equally long ones
    the first behind the block before it.
    """
    (ours, our_places), (theirs, their_places) = fold_places(left), fold_places(right)
    starts: dict[str, list[int]] = {}
    for index in range(len(ours) - BLOCK + 1):
        places = starts.setdefault(ours[index : index + BLOCK], [])
        if len(places) < STARTS:
            places.append(index)
    blocks = []
    at = behind = 0
    while at + BLOCK <= len(theirs):
        places = starts.get(theirs[at : at + BLOCK], [])
        found = [(_common(ours, theirs, start, at), start >= behind, -start) for start in places]
        if not found:
            at += 1
            continue
        length, _, start = max(found)
        start = -start
        behind = start + length
        spans = (our_places, start), (their_places, at)
        blocks.append(SharedBlock(*(end for places, first in spans for end in _span(places, first, length))))
        at += length
    return tuple(blocks)


def stirred(blocks: Sequence[SharedBlock]) -> bool:
    """Whether STIRRED of what two texts share stands in another order: aligned lines can't show that."""
    order = sorted(range(len(blocks)), key=lambda index: (blocks[index].left, index))
    kept = {order[at] for run in align(order, range(len(blocks))) for at in range(run.left, run.left + run.length)}
    moved = sum(block.right_end - block.right for index, block in enumerate(blocks) if index not in kept)
    return moved >= STIRRED * max(1, sum(block.right_end - block.right for block in blocks))


def _span(places: Sequence[int], start: int, length: int) -> tuple[int, int]:
    """Return where in a text a stretch of its fold stands, half open."""
    return places[start], places[start + length - 1] + 1


def _common(left: str, right: str, left_start: int, right_start: int) -> int:
    length = 0
    room = min(len(left) - left_start, len(right) - right_start)
    while length < room and left[left_start + length] == right[right_start + length]:
        length += 1
    return length


# --- clusters -------------------------------------------------------------------------------------------------------

_MEMBERS = """SELECT d.id, d.url, d.site, d.title, d.first_seen, d.published, d.cluster_id, d.duplicate_of,
    d.duplicate_kind, d.similarity, d.text, m.text
FROM documents AS d LEFT JOIN documents AS m ON m.id = d.duplicate_of AND d.duplicate_kind IN ('near', 'template')"""


def story(connection: sqlite3.Connection, cluster_id: str, masker: Masker | None = None) -> tuple[Member, ...]:
    """Return the members of a cluster or template cluster in the order they were first seen (then by URL and id)."""
    sql = f"""{_MEMBERS} WHERE d.cluster_id = ?1 OR d.template_cluster_id = ?1
        ORDER BY d.first_seen, d.url, d.id"""
    return _members(connection.execute(sql, (cluster_id,)), masker)


def _members(rows: Iterable[Sequence[Any]], masker: Masker | None) -> tuple[Member, ...]:
    masker = masker or default_masker()
    return tuple(
        Member._make((*fields, swaps(match, text, masker) if match is not None else ()))
        for *fields, text, match in rows
    )


# A content that is its own root is left out of the index by root, so it is asked for apart.
_FAMILY = """WITH family(node) AS (
    SELECT node FROM dedup_contents WHERE root = ?1 AND root <> node
    UNION ALL SELECT node FROM dedup_contents WHERE node = ?1)"""


def family(
    connection: sqlite3.Connection, identifier: str, *, limit: int = -1, masker: Masker | None = None
) -> Family | None:
    """Return the family of a document (alone in it, if nothing is like it); None where the index doesn't know it.

    Swaps are told for the first `limit` members only, as each costs a comparison of two texts.
    """
    sql = """SELECT c.root FROM dedup_documents AS r JOIN dedup_contents AS c ON c.node = r.node WHERE r.id = ?"""
    found = connection.execute(sql, (identifier,)).fetchone()
    if found is None:
        return None
    root: int = found[0]
    sql = f"""{_FAMILY} SELECT count(*), count(DISTINCT r.node), count(DISTINCT coalesce(d.cluster_id, d.id)),
        count(DISTINCT d.site), min(d.first_seen), max(d.first_seen)
        FROM family JOIN dedup_documents AS r ON r.node = family.node JOIN documents AS d ON d.id = r.id"""  # noqa: S608
    counts = connection.execute(sql, (root,)).fetchone()
    sql = f"""{_FAMILY} {_MEMBERS} WHERE d.id IN (SELECT r.id FROM family JOIN dedup_documents AS r
        ON r.node = family.node) ORDER BY d.first_seen, d.url, d.id LIMIT ?2"""  # noqa: S608  # constants
    members = _members(connection.execute(sql, (root, limit)), masker)
    fields = (_head(connection, root), *counts, members, _embedded(connection, root, limit))
    return Family._make(fields)


def _head(connection: sqlite3.Connection, root: int) -> str:
    """Return the earliest document of a root content."""
    sql = "SELECT id FROM dedup_documents WHERE node = ? ORDER BY day, url, id LIMIT 1"
    identifier: str = connection.execute(sql, (root,)).fetchone()[0]
    return identifier


def _embedded(connection: sqlite3.Connection, root: int, limit: int) -> tuple[Embedded, ...]:
    sql = f"""{_FAMILY} SELECT d.id, d.url, d.site, d.title, d.duplicate_of, d.similarity
        FROM family JOIN dedup_documents AS r ON r.node = family.node
        JOIN dedup_pairs AS p ON p.a = family.node OR p.b = family.node
        JOIN dedup_documents AS inner ON inner.node = p.embedded
        JOIN documents AS d ON d.id = inner.id
        WHERE p.embedded <> family.node AND d.duplicate_kind = 'contains' AND d.duplicate_of = r.id
        GROUP BY d.id ORDER BY d.first_seen, d.url, d.id LIMIT ?2"""  # noqa: S608  # constants
    return tuple(Embedded(*row) for row in connection.execute(sql, (root, limit)))


def largest(connection: sqlite3.Connection, limit: int) -> tuple[Size, ...]:
    """Return the families of two documents or more with most documents, at most `limit` of them."""
    sql = """SELECT root, 1 + sum(texts), 1 + sum(texts) + sum(copies) AS documents FROM (
            SELECT root, count(*) AS texts, 0 AS copies FROM dedup_contents WHERE root <> node GROUP BY root
            UNION ALL SELECT root, 0, sum(documents - contents) FROM clusters GROUP BY root)
        GROUP BY root ORDER BY documents DESC, root LIMIT ?"""
    sizes = []
    for root, texts, documents in connection.execute(sql, (limit,)).fetchall():
        head = _head(connection, root)
        url, title = connection.execute("SELECT url, title FROM documents WHERE id = ?", (head,)).fetchone()
        sql = f"""{_FAMILY} SELECT count(DISTINCT d.site), min(d.first_seen), max(d.first_seen) FROM family
            JOIN dedup_documents AS r ON r.node = family.node JOIN documents AS d ON d.id = r.id"""  # noqa: S608
        sizes.append(Size(head, url, title, documents, texts, *connection.execute(sql, (root,)).fetchone()))
    return tuple(sizes)
