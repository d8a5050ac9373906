class Signs:
    """What characters tell of contacts: each argument is the characters of a class of `cleaning.contacts`."""

    def __init__(self, *, run: str, digits: str, forms: str, gaps: str, wechat: str, qq: str) -> None: ...
    def runs(self, text: str) -> list[int]:
        """Return the offsets of the runs that may be contacts."""
    def kinds(self, text: str) -> int:
        """Return the kinds that the text may hold, as bits in the order of `cleaning.contacts`; it misses none."""
