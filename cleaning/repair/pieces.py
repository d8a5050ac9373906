"""Pieces of a reading, the groups that they make between characters of a span, and what of these is proved.

A solver gives a reading in pieces; some end inside a character of the span, so pieces are joined to groups, and the
forward model proves all of them at once or each by itself. Compiled, both are tables (`cleaning.native._pieces`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

from cleaning.native import available
from cleaning.repair.badness import scorer, total_logprob
from cleaning.repair.chains import HOLE, Translation

if TYPE_CHECKING:
    from cleaning.native._pieces import Groups as NativeGroups
    from cleaning.native._pieces import Pieces as NativePieces

NATIVE = available("_pieces")

Kind = Literal["known", "forced", "likely", "open"]

SURE: frozenset[Kind] = frozenset({"known", "forced"})
"""Kinds of pieces that nothing was chosen for."""

Merged = tuple[int, int, str, bool]
"""Start and end in a span, the repaired text, and whether no lost byte was filled in."""


class Piece(NamedTuple):
    """A stretch of the stream and its text. `start` and `end` count bytes of the stream, `kind` says how sure.

    known: the bytes say it; forced: a lost byte that only one value fits; likely: the model is sure; open: U+FFFD,
    and then `guess` is one text that the bytes allow (for the proof only), if there is any.
    """

    start: int
    end: int
    text: str
    kind: Kind
    guess: str = ""


class Group(NamedTuple):
    """Pieces joined so that both ends fall between characters of the span (its half-open offsets)."""

    start: int
    end: int
    text: str
    kinds: frozenset[Kind]
    proved: bool


Pieces: TypeAlias = "list[Piece] | NativePieces"
"""A reading: a list of pieces or, compiled, a table of them."""


def table() -> NativePieces:
    """Return a table for pieces to be put into; only where it is compiled."""
    assert NATIVE is not None
    found: NativePieces = NATIVE.Pieces()
    return found


def join(pieces: Iterable[Piece]) -> str:
    """Return the text of `pieces`."""
    return "".join(piece.text for piece in pieces)


def proof_of(pieces: Pieces) -> str:
    """Return the text that the proof of a reading runs on: an open hole stands for the likeliest character."""
    if isinstance(pieces, list):
        return "".join([piece.guess or piece.text for piece in pieces])
    return pieces.proof()


_NOT_ASCII = Translation(dict.fromkeys([*range(0x80), ord(HOLE)], ""))


def is_hopeless(pieces: Pieces, floor: float) -> bool:
    """Tell whether a reading with holes or choices in it has a lower mean log-probability than `floor`, without ASCII."""
    if not isinstance(pieces, list):
        return pieces.is_hopeless(scorer(), floor)
    text = proof_of(pieces).translate(_NOT_ASCII)
    return not text or total_logprob(text) < floor * len(text)


def grouped(pieces: Pieces, length: int) -> Groups | NativeGroups:
    """Return the groups of `pieces`, all of them taken for proved, for a span of so many characters."""
    if NATIVE is not None:
        native: NativeGroups = NATIVE.Groups(pieces, length)
        return native
    return Groups(*_groups(pieces, length))


_ONE_KIND: dict[Kind, frozenset[Kind]] = {kind: frozenset([kind]) for kind in get_args(Kind)}


def _groups(pieces: Iterable[Piece], length: int) -> tuple[list[Group], list[str]]:
    """Return the groups of `pieces`, and the text that the proof of each runs on."""
    groups: list[Group] = []
    proofs: list[str] = []
    text = proof = ""
    kinds: frozenset[Kind] = frozenset()
    begun = 0
    for start, end, found, kind, guess in pieces:
        text += found
        proof += guess or found
        kinds = kinds | _ONE_KIND[kind] if kinds else _ONE_KIND[kind]
        if end > start:
            groups.append(Group(begun, end, text, kinds, True))
            proofs.append(proof)
            text, proof, kinds, begun = "", "", frozenset(), end
    if kinds:
        groups.append(Group(begun, length, text, kinds, True))
        proofs.append(proof)
    elif groups:
        groups[-1] = groups[-1]._replace(end=length)
    return groups, proofs


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a reading in order, and the text that the proof of each runs on."""

    groups: list[Group]
    proofs: list[str]

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def proof(self) -> str:
        """The text that the proof of all of them runs on."""
        return "".join(self.proofs)

    @property
    def apart(self) -> str:
        """The same with a line break after each but the last."""
        return "\n".join(self.proofs)

    def shown_apart(self, shown: str, span: str) -> Sequence[int]:
        """Tell of each group whether its proof is shown as the span has it; `shown` is what is seen of `apart`."""
        lines = iter(shown.split("\n"))
        proved = []
        for group, proof in zip(self.groups, self.proofs, strict=True):
            line = next(lines)
            if "\n" in proof:
                line = "\n".join([line, *islice(lines, proof.count("\n"))])
            proved.append(line == span[group.start : group.end])
        return proved

    def as_proved(self, proved: Sequence[int]) -> Groups:
        """Return the same groups, each proved or not."""
        marked = [group._replace(proved=bool(one)) for group, one in zip(self.groups, proved, strict=True)]
        return Groups(marked, self.proofs)

    @property
    def proved(self) -> bool:
        """Whether all of them are."""
        return all(group.proved for group in self.groups)

    @property
    def sure(self) -> bool:
        """Whether no lost byte was filled in or left open in any of them."""
        return all(group.kinds <= SURE for group in self.groups)

    @property
    def share(self) -> int:
        """How many characters of the span are proved."""
        return sum([group.end - group.start for group in self.groups if group.proved])

    @property
    def unproved(self) -> list[tuple[int, int]]:
        """Start and end of each that is not."""
        return [(group.start, group.end) for group in self.groups if not group.proved]

    def text(self, span: str) -> str:
        """Return the repaired text; what is not proved stays as it stood."""
        return "".join([group.text if group.proved else span[group.start : group.end] for group in self.groups])

    def runs(self, span: str) -> list[Merged]:
        """Return what proved groups change, neighbours that are as sure joined."""
        return list(self._runs(span))

    def _runs(self, span: str) -> Iterator[Merged]:
        run: list[Group] = []
        for group in [*self.groups, None]:
            joins = group is not None and group.proved
            if run and not (joins and group is not None and (group.kinds <= SURE) == (run[-1].kinds <= SURE)):
                start, end, text = run[0].start, run[-1].end, "".join(item.text for item in run)
                if span[start:end] != text:
                    yield start, end, text, run[0].kinds <= SURE
                run = []
            if group is not None and joins:
                run.append(group)
