from cleaning.repair.search import Group
from cleaning.repair.solve import Kind, Piece

def groups(
    pieces: list[Piece], length: int, group: type[Group], kinds: dict[Kind, frozenset[Kind]]
) -> tuple[list[Group], list[str]]:
    """Return the groups of `pieces`, and the text that the proof of each runs on."""

def merged(found: list[Group], span: str, sure: frozenset[Kind]) -> list[tuple[int, int, str, bool]]:
    """Return (start, end, text, sure) of proved groups, neighbours that are as sure joined, none that changes nothing."""

def shown_apart(shown: str, found: list[Group], proofs: list[str], span: str) -> list[bool]:
    """Return of each group whether its proof is shown as the span has it; `shown` has all of them, a line or more each."""
