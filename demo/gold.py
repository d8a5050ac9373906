"""What the demo knows about each of its URLs: the truth that tests and benchmarks score against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

Kind = Literal["article", "list", "redirect", "junk", "error", "trap", "disallowed"]


@dataclass(frozen=True, slots=True)
class Gold:
    """The truth about one URL.

    `kind`        `junk` answers 200 (or what it says) without an article; `trap` stands for an endless family of URLs
    `status`      the HTTP status of a plain GET
    `encoding`    the codec of the body: `utf-8`, `gb18030` or `big5hkscs`; None where it isn't text
    `published`   ISO 8601 with the precision that the page shows
    `text`        what the page's author wrote, Simplified, one block a line, without the title; where the site's word
                  filter deleted words, the text without them (nothing lost is guessed)
    `text_source` the same in the script that the page is published in
    `spam_lines`  injected text: whole lines, or a keyword put into a sentence; `chrome_lines` the site's own
                  furniture, contact lines and disclaimers among it. Both Simplified and undamaged
    `contacts`    `kind` (`phone`, `email`, `qq`, `wechat`) and `value` of what the page's contact lines show
    `damage`      `mechanism`, `recoverable` (False where bytes or words are lost for good) and details
    `cluster`     documents with the same id are exact or near copies; `template_cluster` documents that are equal
                  once lender, city and number are masked (only where at least two clusters are)
    `farm`        sites with the same id are one operator's: they show the same contacts and accounts
    `accounts`    `service:id` of the statistics accounts in the page's source
    `twin_of`     the URL that this one is another name for: only one of both need be collected
    `article`     the key of the article in `articles_*.toml`
    `lender`      the lender that the article names, where it is about one
    `embeds`      keys of the articles that this one holds the whole of: a digest, no copy of any of them
    """

    url: str
    site: str
    kind: Kind
    status: int = 200
    encoding: str | None = None
    title: str | None = None
    author: str | None = None
    published: str | None = None
    category: str | None = None
    text: str = ""
    text_source: str = ""
    spam_lines: tuple[str, ...] = ()
    chrome_lines: tuple[str, ...] = ()
    contacts: tuple[Mapping[str, str], ...] = ()
    damage: tuple[Mapping[str, object], ...] = ()
    cluster: str | None = None
    template_cluster: str | None = None
    farm: str | None = None
    twin_of: str | None = None
    article: str | None = None
    lender: str | None = None
    embeds: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    @property
    def recoverable(self) -> bool:
        """Whether the expected text can be had from the page: no damage, or only such as can be undone."""
        return all(damage["recoverable"] for damage in self.damage)

    def record(self) -> dict[str, object]:
        """Return the fields as a mapping that JSON can hold."""
        return asdict(self)
