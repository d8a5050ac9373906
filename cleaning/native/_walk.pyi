from collections.abc import Callable
from typing import Protocol

from selectolax.lexbor import LexborHTMLParser

Stated = tuple[str, str, str]

class _Dom(Protocol):
    tags: list[str]
    parents: list[int]
    hints: list[str]
    hidden: set[int]
    props: dict[int, str]

def check() -> None:
    """Raise ImportError where lexbor's functions are missing, of an engine that was not tried, or not what they seem."""

def collapse(text: str) -> str:
    """Return a line's text with ASCII white space collapsed and the indentation stripped."""

def survey(tree: LexborHTMLParser, root: int, head: int) -> tuple[list[Stated], list[Stated], list[str]]:
    """Return what is stated in `head`, what is stated elsewhere below `root`, and the texts of the style sheets.

    `root` and `head` are nodes' `mem_id`, `head` 0 for none. Each statement is `("title", "", text)`,
    `("meta", name, content)` or `("script", "", JSON-LD)`, in the document's order. Raises ValueError for a root that is
    in no document.
    """

class Walker:
    """What a walk needs of `cleaning/dom.py`: the class of a line, the kind of a tag, which styles hide, its bounds."""

    def __init__(
        self,
        *,
        line: type[tuple[object, ...]],
        kind_of: Callable[[str], int],
        hides: Callable[[str], bool],
        max_lines: int,
        max_fields: int,
        min_aside: int,
        min_article: int,
    ) -> None: ...
    def walk(
        self,
        tree: LexborHTMLParser,
        root: int,
        dom: _Dom,
        unseen: frozenset[int],
        title: str,
        part_of: Callable[[str, str], str] | None,
    ) -> None:
        """Fill `dom` with the elements and lines below the node whose `mem_id` is `root`, scripts and styles left out.

        `unseen` holds the `mem_id` of elements that a style sheet hides. Raises ValueError for a root in no document.
        """
