from collections.abc import Callable, Iterable, Iterator, Sequence

from cleaning.findings import Finding
from cleaning.native._score import Scorer
from cleaning.repair.decoders import Bounds, Pooled
from cleaning.repair.lattice import Cell
from cleaning.repair.pieces import Kind, Merged, Piece

class Pieces:
    """The pieces of a reading, in order: a table that solvers put them into."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Piece]: ...
    def append(self, start: int, end: int, text: str, kind: Kind, guess: str) -> None:
        """Put a whole piece."""
    def extend(self, other: Pieces, by: int) -> None:
        """Put the pieces of another reading, so many characters further on."""
    def proof(self) -> str:
        """Return the text that the proof runs on."""
    def is_hopeless(self, scorer: Scorer, floor: float) -> bool:
        """Tell whether the same, without ASCII and holes, is nothing or has a lower mean log-probability than `floor`."""
    def dispute(self, cells: list[Cell], is_disputed: Callable[[str, Cell], bool]) -> None:
        """Take forced pieces for likely ones where `is_disputed` says so of their text and cell."""

class Groups:
    """The groups of a reading in order; see the Python twin."""

    def __init__(self, pieces: Pieces | Iterable[Piece], length: int) -> None: ...
    def __len__(self) -> int: ...
    @property
    def proof(self) -> str: ...
    @property
    def apart(self) -> str: ...
    def shown_apart(self, shown: str, span: str) -> bytes:
        """Tell of each group whether its proof is shown as the span has it; `shown` is what is seen of `apart`."""
    def as_proved(self, proved: Sequence[int]) -> Groups:
        """Take each group for proved or not; return the same."""
    @property
    def proved(self) -> bool: ...
    @property
    def sure(self) -> bool: ...
    @property
    def share(self) -> int: ...
    @property
    def unproved(self) -> list[tuple[int, int]]: ...
    def text(self, span: str) -> str:
        """Return the repaired text; what is not proved stays as it stood."""
    def runs(self, span: str) -> list[Merged]:
        """Return (start, end, text, sure) of proved groups that change something, equally sure neighbours joined."""

def placed(
    runs: list[Merged],
    span: str,
    chunk: list[Pooled],
    places: set[int],
    ruined: list[Bounds],
    finding: type[Finding],
    rule: str,
    evidence: tuple[str, ...],
    ask_holes: bool,
    ask_utf8: bool,
    ask_big5: bool,
) -> list[Finding]:
    """Return the findings on `span`, the text of `chunk`, that `runs` are, but for its `ruined` lines; fill `places`.

    `evidence` is what to say of a sure finding, of one with holes, of any other.
    """
