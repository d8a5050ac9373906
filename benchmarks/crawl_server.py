"""The site that the crawl benchmark fetches: pages of 30 KB over loopback, made as they are asked for.

    python -m benchmarks.crawl_server 10000      (prints its port, serves until stdin ends)

Every article is drawn from the sentences of the demo's articles by its number, so that two runs see the same bytes; one in
twenty is a copy of another under a new title. Around it stands what such sites put there: menus, lists of titles, scripts.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
from functools import lru_cache

from demo.articles import read_articles

PAGE_BYTES = 30_000
LIST_LENGTH = 50
MENU = 24
RELATED = 16
COPY_EVERY = 20

_SENTENCE = re.compile("[^。！？]+[。！？]")


@lru_cache(maxsize=1)
def sentences() -> tuple[str, ...]:
    """Return every sentence of the demo's Simplified articles, once."""
    found = [
        sentence
        for article in read_articles()
        if article.script == "hans"
        for line in article.lines
        if line.kind in ("paragraph", "item")
        for sentence in _SENTENCE.findall(line.text)
    ]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=1)
def titles() -> tuple[str, ...]:
    """Return the demo's titles."""
    return tuple(article.title for article in read_articles() if article.script == "hans")


def title_of(number: int) -> str:
    """Return an article's title: no two are the same."""
    return f"{titles()[number % len(titles())]}（{number}）"


def paragraphs(number: int) -> list[str]:
    """Return an article's paragraphs: a function of its number."""
    dice = random.Random(number - 1 if number % COPY_EVERY == 7 else number)
    drawn = dice.sample(sentences(), dice.randint(36, 72))
    text = []
    while drawn:
        size = dice.randint(2, 5)
        text.append("".join(drawn[:size]).replace("一个月", f"{dice.randint(2, 11)}个月"))
        drawn = drawn[size:]
    return text


def article_path(number: int) -> str:
    """Return an article's path."""
    return f"/article/{number}.html"


def _anchors(numbers: list[int]) -> str:
    return "".join(
        f'<li class="item"><span class="dot"></span><a href="{article_path(n)}" title="{title_of(n)}"'
        f' target="_blank">{title_of(n)}</a><em class="date">2024-{n % 12 + 1:02d}-{n % 28 + 1:02d}</em></li>\n'
        for n in numbers
    )


@lru_cache(maxsize=1)
def _head() -> str:
    style = "".join(f".c{n}{{margin:0 auto;padding:{n}px 0;color:#{n:02x}3344;float:left}}\n" for n in range(60))
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/s/main.css">'
        f"<style>{style}</style><script>var hm=document.createElement('script');hm.async=1;</script>\n"
    )


@lru_cache(maxsize=8)
def _menu(count: int) -> str:
    lists = max(1, count // LIST_LENGTH)
    return '<div class="nav"><ul>' + "".join(
        f'<li><a href="/list/{n * lists // MENU}.html">栏目{n}</a></li>' for n in range(MENU)
    ) + "</ul></div>\n"  # fmt: skip


def article_page(number: int, count: int) -> bytes:
    """Return article `number` of `count` as a page of about PAGE_BYTES."""
    dice = random.Random(-number - 1)
    near = [(number + step) % count for step in range(1, 4)]
    related = near + [dice.randrange(count) for _ in range(RELATED - len(near))]
    title = title_of(number)
    body = "".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs(number))
    page = (
        f'{_head()}<title>{title}_逾期知识网</title><meta name="description" content="{title}"></head><body>\n'
        f'<div class="top"><a href="/">首页</a><a href="/about.html">关于我们</a></div>{_menu(count)}'
        f'<div class="crumb">您的位置：<a href="/">首页</a> &gt; <a href="/list/{number // LIST_LENGTH}.html">列表</a></div>'
        f'<div class="main"><div class="article"><h1>{title}</h1><div class="info">2024-{number % 12 + 1:02d}-'
        f"{number % 28 + 1:02d} 10:{number % 60:02d} 来源：逾期知识网 作者：编辑{number % 40}</div>\n"
        f'<div class="content">{body}</div></div>\n'
        f'<div class="side"><h3>相关文章</h3><ul>{_anchors(related)}</ul></div></div>\n'
        '<div class="footer"><p>版权所有 逾期知识网</p></div>'
    ).encode()
    tail = b"</body></html>\n"
    room = PAGE_BYTES - len(page) - len(tail) - len(b"<script></script>")
    filler = b"function f%d(a,b){return a*b+%d;}\n" % (number, number)
    return page + b"<script>" + (filler * (max(0, room) // len(filler))) + b"</script>" + tail


def list_page(number: int, count: int) -> bytes:
    """Return a list of LIST_LENGTH articles with a link to the next list."""
    lists = -(-count // LIST_LENGTH)
    first = number * LIST_LENGTH
    following = f'<a href="/list/{number + 1}.html">下一页</a>' if number + 1 < lists else ""
    return (
        f"{_head()}<title>列表{number}_逾期知识网</title></head><body>{_menu(count)}"
        f"<ul>{_anchors(list(range(first, min(count, first + LIST_LENGTH))))}</ul>{following}</body></html>"
    ).encode()


def respond(path: str, count: int) -> bytes | None:
    """Return the body at `path` of a site of `count` articles, None where there is none."""
    if path == "/":
        return list_page(0, count)
    found = re.fullmatch(r"/(article|list)/(\d{1,9})\.html", path)
    if found is None:
        return None
    number, article = int(found[2]), found[1] == "article"
    if number >= (count if article else -(-count // LIST_LENGTH)):
        return None
    return article_page(number, count) if article else list_page(number, count)


def answer(path: str, count: int, kept: dict[str, bytes]) -> bytes:
    """Return the whole HTTP response for `path`."""
    body = kept.get(path)
    if body is None:
        body = respond(path, count) or b""
    status = b"200 OK" if body else b"404 Not Found"
    return (
        b"HTTP/1.1 %s\r\nServer: bench\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
        % (status, len(body))
        + body
    )


class _Connection(asyncio.Protocol):
    """One keep-alive connection; the requests are GETs without a body."""

    def __init__(self, count: int, kept: dict[str, bytes]) -> None:
        self._count = count
        self._kept = kept
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while b"\r\n\r\n" in self._rest:
            head, _, self._rest = self._rest.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode("latin-1")
            self._transport.write(answer(path, self._count, self._kept))  # type: ignore[attr-defined]


async def serve(count: int) -> None:
    """Serve until stdin ends; prints the port. Articles are made beforehand, so that serving costs next to nothing."""
    kept = {article_path(number): article_page(number, count) for number in range(count)}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(count, kept), "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
