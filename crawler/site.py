"""Sites: what to crawl, as a reviewed declaration (`crawler/sites/*.toml`) or as no more than a start URL."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from cleaning.page import Selectors
from crawler.focus import Focus, focus_on
from crawler.frontier import Scope, UrlError, canonical, host_of, twin

PageType = Literal["article", "list", "skip"]

MAX_DECLARATION_BYTES = 1_000_000

_DEEP_KEY = re.compile(
    r"""(?<![\w-])(?>(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){50}""",
)
"""A key of fifty parts: the standard library's parser takes the square of their number (15 s for 32,000 parts)."""

MAX_CONCURRENCY = 16
"""Requests to one host at once that a declaration may ask for."""


class SiteError(ValueError):
    """A declaration or a target that can't be used; the text names the file and the key, and says what to do."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """Which paths (with their query) are articles, lists, or not to be followed: regular expressions, searched.

    With `strict` only matching URLs, the seeds and pages of lists are followed.
    """

    article: tuple[re.Pattern[str], ...] = ()
    listing: tuple[re.Pattern[str], ...] = ()
    skip: tuple[re.Pattern[str], ...] = ()
    strict: bool = False

    def page_type(self, url: str) -> PageType | None:
        """Return what a canonical URL is taken for, or None where no pattern says."""
        parts = urlsplit(url)
        place = parts.path + (f"?{parts.query}" if parts.query else "")
        if any(pattern.search(place) for pattern in self.skip):
            return "skip"
        if any(pattern.search(place) for pattern in self.article):
            return "article"
        if any(pattern.search(place) for pattern in self.listing):
            return "list"
        return None


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may spend on one site; None is no limit. `pages` counts responses, `depth` links from a seed."""

    pages: int | None = None
    bytes: int | None = None
    seconds: float | None = None
    depth: int | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """One site to crawl.

    `delay` is in seconds between requests to one host, `concurrency` how many run at once; `expect_min` and
    `expect_max` bound the number of articles a run should bring. `declared` is False for a bare start URL.
    `focus` is the subject that decides what is followed, None for the whole site; `render` asks for a browser.
    """

    name: str
    seeds: tuple[str, ...]
    scope: Scope
    patterns: Patterns = Patterns()
    selectors: Selectors = field(default_factory=Selectors)
    title: str = ""
    charset: str | None = None
    delay: float | None = None
    concurrency: int | None = None
    expect_min: int | None = None
    expect_max: int | None = None
    declared: bool = False
    sitemaps: tuple[str, ...] = ()
    focus: Focus | None = field(default_factory=Focus)
    render: bool = False
    budget: Budget = Budget()

    def unexpected(self, articles: int) -> str | None:
        """Return a sentence if a run's number of articles is outside what the declaration expects, else None."""
        if self.expect_min is not None and articles < self.expect_min:
            return f"{self.name}: {articles} articles, expected at least {self.expect_min}; has the site changed?"
        if self.expect_max is not None and articles > self.expect_max:
            return (
                f"{self.name}: {articles} articles, expected at most {self.expect_max}; are the patterns too wide?"
            )
        return None

    def spent(self, pages: int, size: int, seconds: float) -> str | None:
        """Return which of the site's budgets a run has used up (`page budget` ...), None when there is some left."""
        budget = self.budget
        if budget.pages is not None and pages >= budget.pages:
            return "page budget"
        if budget.bytes is not None and size >= budget.bytes:
            return "byte budget"
        return "time budget" if budget.seconds is not None and seconds >= budget.seconds else None


@dataclass(frozen=True, slots=True)
class Cms:
    """A content management system, known by its generator mark, and the shapes of its URLs."""

    name: str
    generator: re.Pattern[str]
    patterns: Patterns


def from_url(url: str) -> Site:
    """Return the site that a bare start URL stands for: its host, with the `www` twin. Raises SiteError."""
    try:
        start = canonical(url)
    except UrlError as error:
        raise SiteError(
            f"{url}: {error}; give a declared site's name or a URL like https://example.com/"
        ) from None
    host = host_of(start)
    hosts = frozenset({host}) if host.startswith("[") or host[-1:].isdigit() else frozenset({host, twin(host)})
    return Site(name=host.removeprefix("www."), seeds=(url,), scope=Scope(hosts), focus=Focus(cut="once-shown"))


def with_topic(site: Site, topic: str) -> Site:
    """Return a site with another focus, as `--topic` names it. Raises SiteError."""
    try:
        return replace(site, focus=focus_on(topic))
    except ValueError as error:
        raise SiteError(f"--topic: {error}") from None


def resolve_target(target: str, folders: tuple[Path, ...] = ()) -> Site:
    """Return the site that a word of the command line means.

    A URL, a `.toml` file, or a declared site's name, looked for in `folders` and then among those that ship. Raises
    SiteError, with near names for a misspelt one.
    """
    if "://" in target:
        return from_url(target)
    if target.endswith(".toml"):
        return load(Path(target))
    for folder in folders:
        if (folder / f"{target}.toml").is_file():
            return load(folder / f"{target}.toml")
    shipped = declared()
    if target in shipped:
        return shipped[target]
    if "." in target and " " not in target:
        return from_url(f"http://{target}/")
    near = get_close_matches(target, shipped, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; declared are {', '.join(sorted(shipped)) or 'none'}"
    raise SiteError(f"{target}: no such site{hint}")


@cache
def declared() -> Mapping[str, Site]:
    """Return the sites that ship with the crawler, by name. Raises SiteError for a broken declaration."""
    folder = resources.files("crawler.sites")
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            site = parse(entry.read_text("utf-8"), entry.name)
            found[site.name] = site
    return found


@cache
def known_cms() -> tuple[Cms, ...]:
    """Return the content management systems of `cms.toml`, in its order."""
    text = resources.files("crawler").joinpath("cms.toml").read_text("utf-8")
    table = tomllib.loads(text)
    return tuple(
        Cms(name, re.compile(entry["generator"], re.IGNORECASE), _patterns(entry, f"cms.toml: {name}"))
        for name, entry in table.items()
    )


def cms_of(generator: str) -> Cms | None:
    """Return the system that a page's generator mark names, or None."""
    return next((cms for cms in known_cms() if cms.generator.search(generator)), None)


def load(path: Path) -> Site:
    """Return the site declared in a file. Raises SiteError."""
    try:
        if path.stat().st_size > MAX_DECLARATION_BYTES:
            raise SiteError(f"{path.name}: larger than {MAX_DECLARATION_BYTES} bytes; is it a site's declaration?")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(f"{path}: can't be read ({error})") from None
    return parse(text, path.name)


_KEYS: dict[str, type | tuple[type, ...]] = {
    "name": str, "title": str, "seeds": list, "hosts": list, "subdomains": bool, "charset": str, "sitemaps": list,
    "follow": dict, "select": dict, "rate": dict, "expect": dict, "budget": dict, "render": bool,
}  # fmt: skip
_TABLES: dict[str, dict[str, type | tuple[type, ...]]] = {
    "follow": {"article": list, "list": list, "skip": list, "strict": bool, "topic": str},
    "select": {"body": str, "title": str, "author": str, "published": str, "category": str, "drop": list},
    "rate": {"delay": (int, float), "concurrency": int},
    "expect": {"min": int, "max": int},
    "budget": {"pages": int, "bytes": int, "seconds": (int, float), "depth": int},
}


def parse(text: str, filename: str) -> Site:
    """Return the site that a declaration describes; `filename` is for messages and the default name.

    Raises SiteError naming the offending key.
    """
    if deep := _DEEP_KEY.search(text):
        line = text.count("\n", 0, deep.start()) + 1
        raise SiteError(f"{filename}: line {line}: a key of fifty parts and more; is it a site's declaration?")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SiteError(f"{filename}: not valid TOML: {error}") from None
    _check(table, _KEYS, filename, "")
    for name, keys in _TABLES.items():
        _check(table.get(name, {}), keys, filename, f"{name}.")
    seeds = _urls(table, "seeds", filename)
    if not seeds:
        raise SiteError(f"{filename}: no seeds; give at least one start URL, seeds = ['https://example.com/']")
    follow, rate, expect = table.get("follow", {}), table.get("rate", {}), table.get("expect", {})
    site = Site(
        name=table.get("name") or Path(filename).stem,
        title=table.get("title", ""),
        seeds=seeds,
        scope=Scope(_hosts(table, seeds, filename), bool(table.get("subdomains", False))),
        patterns=_patterns(follow, filename),
        selectors=_selectors(table.get("select", {}), filename),
        charset=_charset(table.get("charset"), filename),
        delay=_number(rate, "delay", filename, 0, 600),
        concurrency=_whole(rate, "concurrency", filename, 1, MAX_CONCURRENCY),
        expect_min=_whole(expect, "min", filename, 0, 10**9),
        expect_max=_whole(expect, "max", filename, 0, 10**9),
        sitemaps=_urls(table, "sitemaps", filename),
        budget=_budget(table.get("budget", {}), filename),
        declared=True,
        focus=_focus(follow, filename),
        render=bool(table.get("render", False)),
    )
    _cross_check(site, filename)
    return site


def _focus(table: Mapping[str, Any], filename: str) -> Focus | None:
    """Return the focus of a declaration: without `topic` overdue loans decide the order, and nothing is cut off."""
    if "topic" not in table:
        return Focus()
    try:
        return focus_on(str(table["topic"]))
    except ValueError as error:
        raise SiteError(f"{filename}: follow.topic: {error}") from None


def _cross_check(site: Site, filename: str) -> None:
    """Raise SiteError where a declaration's parts contradict each other."""
    for seed in (*site.seeds, *site.sitemaps):
        if canonical(seed) not in site.scope:
            raise SiteError(f"{filename}: seed {seed} is outside hosts; add its host")
    if site.expect_min is not None and site.expect_max is not None and site.expect_min > site.expect_max:
        raise SiteError(f"{filename}: expect.min is larger than expect.max")


def _check(table: Any, keys: dict[str, type | tuple[type, ...]], filename: str, prefix: str) -> None:  # noqa: ANN401
    for key, value in table.items():
        if key not in keys:
            near = get_close_matches(key, keys, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known are {', '.join(keys)}"
            raise SiteError(f"{filename}: unknown key {prefix}{key}; {hint}")
        wanted = keys[key]
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            names = wanted.__name__ if isinstance(wanted, type) else "number"
            raise SiteError(f"{filename}: {prefix}{key} must be a {names}, not {type(value).__name__}")
        if isinstance(value, list) and not all(isinstance(item, str) for item in value):
            raise SiteError(f"{filename}: {prefix}{key} must be a list of strings")


def _urls(table: Mapping[str, Any], key: str, filename: str) -> tuple[str, ...]:
    urls = tuple(table.get(key, ()))
    for url in urls:
        try:
            canonical(url)
        except UrlError as error:
            raise SiteError(f"{filename}: {key}: {url!r}: {error}") from None
    return urls


def _hosts(table: Mapping[str, Any], seeds: tuple[str, ...], filename: str) -> frozenset[str]:
    """Return the hosts in scope: as declared, or those of the seeds with their `www` twins."""
    if "hosts" not in table:
        names = {host_of(canonical(seed)) for seed in seeds}
        return frozenset(names | {twin(name) for name in names})
    hosts = set()
    for host in table["hosts"]:
        if "/" in host or ":" in host:
            raise SiteError(f"{filename}: hosts: {host!r}: give bare host names, without scheme, port or path")
        try:
            hosts.add(host_of(canonical(f"http://{host}/")))
        except UrlError as error:
            raise SiteError(f"{filename}: hosts: {host!r}: {error}") from None
    return frozenset(hosts)


def _patterns(table: Mapping[str, Any], filename: str) -> Patterns:
    compiled = {name: _compile(table.get(name, ()), name, filename) for name in ("article", "list", "skip")}
    strict = bool(table.get("strict", False))
    if strict and not (compiled["article"] or compiled["list"]):
        raise SiteError(f"{filename}: follow.strict without follow.article or follow.list would follow nothing")
    return Patterns(compiled["article"], compiled["list"], compiled["skip"], strict)


def _compile(expressions: Any, name: str, filename: str) -> tuple[re.Pattern[str], ...]:  # noqa: ANN401
    compiled = []
    for expression in expressions:
        try:
            compiled.append(re.compile(expression))
        except re.error as error:
            raise SiteError(
                f"{filename}: follow.{name}: {expression!r} is not a regular expression: {error}"
            ) from None
    return tuple(compiled)


def _selectors(table: Mapping[str, Any], filename: str) -> Selectors:
    drop: tuple[str, ...] = tuple(table.get("drop", ()))
    wanted = [(key, table[key]) for key in table if key != "drop"] + [("drop", selector) for selector in drop]
    empty = LexborHTMLParser("<p>")
    for key, selector in wanted:
        try:
            empty.css(selector)
        except (SelectolaxError, ValueError) as error:
            raise SiteError(f"{filename}: select.{key}: {selector!r} is not a CSS selector: {error}") from None
    return Selectors(**{**table, "drop": drop})


def _budget(table: Mapping[str, Any], filename: str) -> Budget:
    return Budget(
        pages=_whole(table, "pages", filename, 1, 10**9),
        bytes=_whole(table, "bytes", filename, 1, 10**15),
        seconds=_number(table, "seconds", filename, 1, 10**9),
        depth=_whole(table, "depth", filename, 0, 10**6),
    )


def _charset(name: str | None, filename: str) -> str | None:
    if name is None:
        return None
    try:
        "".encode(name)
    except LookupError:
        raise SiteError(f"{filename}: charset {name!r} is unknown; utf-8, gb18030 and big5 are usual") from None
    return name


def _number(table: Mapping[str, Any], key: str, filename: str, low: float, high: float) -> float | None:
    value = table.get(key)
    if value is not None and not low <= value <= high:
        raise SiteError(f"{filename}: {key} = {value} is not between {low} and {high}")
    return value


def _whole(table: Mapping[str, Any], key: str, filename: str, low: int, high: int) -> int | None:
    value = _number(table, key, filename, low, high)
    return None if value is None else int(value)
