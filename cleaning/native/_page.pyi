def two_bytes(body: bytes, table: bytes) -> str | None:
    """Return a text of ASCII and pairs of bytes, None where it holds anything else.

    `table` gives the character of each pair at its number (the first byte the higher), in native 16-bit integers, 0 for
    none: 131,072 bytes. Raises ValueError for a table of another size.
    """

def tags(page: bytes, formatting: bytes, longest: int) -> tuple[int, list[int], list[tuple[int, int]]]:
    """Return how many `<` a page has, where formatting elements may begin, and the gaps of more than `longest` bytes.

    `formatting` is 1 at the number of each pair of bytes that may begin one behind its `<`, else 0: 65,536 bytes. A gap is
    (start, end): the places of two `>` with none between, or the page's ends. Raises ValueError for a table of another
    size.
    """
