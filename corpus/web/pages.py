"""The pages: each reads in a thread of Datasette's pool, under its time limit, and renders one template."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from datasette.utils import sqlite_timelimit
from datasette.utils.asgi import NotFound, Response

from cleaning.topics import topics
from corpus.farms import OPERATOR_KINDS
from corpus.web import read, shown
from corpus.web.config import DATABASE
from corpus.web.guard import RAW_POLICY
from corpus.web.site import Site

_ID = re.compile(r"[0-9a-f]{32}")
Page = Callable[..., Awaitable[Any]]

PAGE_TIME_LIMIT_MS = 10_000
"""A page of ours may take longer than a visitor's SQL: its queries are known, and bounded by the size of the corpus."""

FAMILIES = {
    "field": "moved to the document's fields",
    "spam": "injected spam",
    "contact": "contact lines",
    "chrome": "the site's own chrome",
    "legal": "disclaimers",
    "residue": "left by a machine",
}
"""What strip takes out, in the families that pages colour."""

_FAMILY = {
    "field": "field", "title": "chrome", "dom": "chrome", "profile": "chrome", "chrome": "chrome", "tail": "chrome",
    "spam": "spam", "contact": "contact", "disclaimer": "legal", "residue": "residue",
}  # fmt: skip

MECHANISMS = {
    "repair.pinyin.aligned": "The site appended a reading in brackets to this character.",
    "repair.pinyin.shifted": "The reading was pushed between the two bytes of a character, and what followed shifted.",
    "decoder.": "These bytes were read with another character set than they were written in.",
    "damage.deleted": "Words were taken out of the text here.",
    "damage.masked": "Words were masked here.",
    "damage.unsearched": "From here on the text was not searched for damage: that would take more work than one page may.",
    "damage.": "Text is lost here, and nothing says for certain what it was.",
    "field.": "The page states this as a field; it stands in the document's metadata.",
    "dom.": "The page's markup says that this is not the article.",
    "profile.": "This line repeats over the site's pages.",
    "chrome.": "Wording of navigation, sharing or captions.",
    "title.": "The title again, inside the text.",
    "spam.": "Advertising that was put into the page.",
    "contact.": "How to reach somebody: kept, masked, as data.",
    "disclaimer.": "The site's own legal notice.",
    "residue.": "Left behind by a text generator or an editor.",
}


def family(rule: str) -> str:
    """Return the family of a strip rule, by which pages colour it."""
    return _FAMILY.get(rule.partition(".")[0], "chrome")


def mechanism(rule: str) -> str:
    """Return in one sentence what a rule undoes or why it takes a line out."""
    return next((told for prefix, told in MECHANISMS.items() if rule.startswith(prefix)), "")


def _topic(value: str) -> str:
    return next((topic.name for topic in topics() if topic.id == value), value)


def _size(value: float | None) -> str:
    number = float(value or 0)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return ""


FILTERS: Mapping[str, Callable[..., object]] = {
    "visible": shown.visible,
    "plain": shown.plain,
    "revealed": shown.revealed,
    "masked": shown.masked,
    "safely": lambda value: shown.visible(shown.masked(value)),
    "highlighted": shown.highlighted,
    "family": family,
    "mechanism": mechanism,
    "topic": _topic,
    "bytes": _size,
    "number": lambda value: f"{value or 0:,}",
    "day": lambda value: str(value or "")[:10],
    "minute": lambda value: str(value or "")[:16].replace("T", " "),
    "part": lambda value: quote(str(value), safe=""),
    "ask": lambda values: urlencode(values),
}


def target(value: str, column: str, table: str | None) -> str | None:
    """Return where a value of a table or query leads among our pages, None where it leads nowhere."""
    if column in ("farm", "farm_id"):
        return "/farm?" + urlencode({"id": value})
    if not _ID.fullmatch(value):
        return None
    if column in ("cluster", "cluster_id", "template_cluster_id") or (column == "id" and table == "clusters"):
        return f"/cluster/{value}"
    if column == "duplicate_of" or (column == "id" and table in (None, "documents", "articles")):
        return f"/doc/{value}"
    return None


def routes(site: Site) -> list[tuple[str, Page]]:
    """Return our routes. Datasette's pages for its developers, and those that name paths, are not there."""
    return [
        (r"/$", partial(_search, site)),
        (r"/doc/(?P<key>[0-9a-f]{32})$", partial(_document, site)),
        (r"/doc/(?P<key>[0-9a-f]{32})/raw$", partial(_raw, site)),
        (r"/doc/(?P<key>[0-9a-f]{32})/source$", partial(_source, site)),
        (r"/cluster/(?P<key>[0-9a-f]{8,64})$", partial(_cluster, site)),
        (r"/farms$", partial(_farms, site)),
        (r"/farm$", partial(_farm, site)),
        (r"/crawls$", partial(_crawls, site)),
        (r"/crawl$", partial(_crawl, site)),
        (r"/-/(?!static/|versions|settings|metadata).*$", _nothing),
        (r"/_internal.*$", _nothing),
    ]


async def _nothing(datasette: Any) -> None:  # noqa: ANN401
    raise NotFound("nothing stands here")


async def _read(datasette: Any, function: Callable[[sqlite3.Connection], Any]) -> Any:  # noqa: ANN401
    """Return what `function` reads, in a thread, within the time limit. Raises NotFound for what isn't there."""

    def limited(connection: sqlite3.Connection) -> Any:  # noqa: ANN401
        with sqlite_timelimit(connection, PAGE_TIME_LIMIT_MS):
            return function(connection)

    try:
        return await datasette.get_database(DATABASE).execute_fn(limited)
    except read.UnknownError as error:
        raise NotFound(str(error)) from error


async def _page(datasette: Any, request: Any, template: str, view: Mapping[str, Any]) -> Any:  # noqa: ANN401
    return Response.html(await datasette.render_template(template, dict(view), request=request))


async def error(datasette: Any, request: Any, status: int, message: str) -> Any:  # noqa: ANN401
    """Return a response that tells an error in one line: JSON where JSON was asked for."""
    if request.path.endswith(".json"):
        return Response.json({"ok": False, "status": status, "error": message}, status=status)
    html = await datasette.render_template("error.html", {"status": status, "error": message}, request=request)
    return Response.html(html, status=status)


async def _search(site: Site, datasette: Any, request: Any) -> Any:  # noqa: ANN401
    given = request.args
    query, filters = (given.get("q") or "")[:500], given.getlist("f")[:20]
    number = given.get("page") or "1"
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1

    def view(connection: sqlite3.Connection) -> dict[str, Any]:
        duplicates = given.get("all") == "1"
        count = partial(site.tally, connection, duplicates=duplicates)
        found = read.results(connection, count, query, filters, page, duplicates)
        landing = not (query or found.chosen or page > 1)
        return {
            "found": found,
            "overview": read.overview(connection, site.facets.get()) if landing else None,
            "landing": landing,
        }

    return await _page(datasette, request, "search.html", await _read(datasette, view))


async def _document(site: Site, datasette: Any, request: Any) -> Any:  # noqa: ANN401
    key, stage = request.url_vars["key"], request.args.get("stage")
    view = await _read(datasette, lambda connection: read.document(connection, key, stage))
    return await _page(datasette, request, "document.html", {**view, "families": FAMILIES})


async def _raw(site: Site, datasette: Any, request: Any) -> Any:  # noqa: ANN401
    key = request.url_vars["key"]
    fetch, _ = await _read(datasette, lambda connection: read.fetched(connection, site.folder, key))
    headers = {
        "Content-Disposition": f'attachment; filename="{key}.bin"',
        "Content-Security-Policy": RAW_POLICY,
    }
    return Response(fetch.body, headers=headers, content_type="application/octet-stream")


async def _source(site: Site, datasette: Any, request: Any) -> Any:  # noqa: ANN401
    key = request.url_vars["key"]
    fetch, encoding = await _read(datasette, lambda connection: read.fetched(connection, site.folder, key))
    text = read.source_text(fetch, encoding)
    headers = {"Content-Security-Policy": RAW_POLICY}
    return Response(text, headers=headers, content_type="text/plain; charset=utf-8")


async def _cluster(site: Site, datasette: Any, request: Any) -> Any:  # noqa: ANN401
    key, chosen = request.url_vars["key"], request.args.get("with")
    view = await _read(datasette, lambda connection: read.cluster(connection, key, chosen))
    return await _page(datasette, request, "cluster.html", view)


async def _farms(site: Site, datasette: Any, request: Any) -> Any:  # noqa: ANN401
    return await _page(datasette, request, "farms.html", {"farms": await _read(datasette, read.all_farms)})


async def _farm(site: Site, datasette: Any, request: Any) -> Any:  # noqa: ANN401
    key = request.args.get("id") or ""
    view = await _read(datasette, lambda connection: read.farm(connection, key))
    return await _page(datasette, request, "farm.html", {**view, "operator_kinds": OPERATOR_KINDS})


async def _crawls(site: Site, datasette: Any, request: Any) -> Any:  # noqa: ANN401
    return await _page(datasette, request, "crawls.html", {"runs": await _read(datasette, read.runs)})


async def _crawl(site: Site, datasette: Any, request: Any) -> Any:  # noqa: ANN401
    key = request.args.get("id") or ""
    view = await _read(datasette, lambda connection: read.run(connection, key))
    return await _page(datasette, request, "crawl.html", view)
