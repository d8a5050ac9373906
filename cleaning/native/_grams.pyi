def pairs(text: str, kinds: bytes, separator: int, lowered: bool) -> str | bool | None:
    """Return the tokens of a text, lower-cased, with spaces between them.

    `kinds` says of each character of the basic plane what it is (0 passed over, 1 Chinese, 2 of a word, 3 a mark, 4 a line
    break), 8 more where it is a capital letter. None for a text whose tokens must be found one by one, False for one with a
    capital letter that is not ASCII: it must be `lowered` first.
    """
