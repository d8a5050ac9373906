"""One self-contained page about a corpus: charts, a table behind every chart, no scripts, nothing from elsewhere.

Every number is the result of a query over the tables, in one read transaction; the page holds no clock, so the same
corpus gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sqlite3
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from cleaning.topics import topics
from corpus.atomic import replacing
from corpus.charts import Series, bars, columns_over
from corpus.web.shown import masked, plain, visible

TOP = 20
"""Bars of a chart; the table below it has up to LISTED rows."""

LISTED = 200
MONTHS = 48
"""Columns of a chart over time: the last four years; the table has every month."""


class Section(NamedTuple):
    """A chart and its table: the first column names a row, the others are numbers."""

    title: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]
    chart: Markup
    legend: tuple[str, ...]
    left_out: int


class _Question(NamedTuple):
    """What one section asks: its query gives a name and then a number for each heading after the first."""

    title: str
    note: str
    headings: tuple[str, ...]
    sql: str
    charted: tuple[int, ...] = (1,)
    over_time: bool = False
    name: Callable[[str], str] = str


def _topic(key: str) -> str:
    return next((topic.name for topic in topics() if topic.id == key), key)


_QUESTIONS = (
    _Question(
        "Growth by month", "Documents by the month they were fetched.", ("month", "articles", "copies", "characters"),
        "SELECT seen, sum(NOT copy), sum(copy), sum(chars) FROM slim GROUP BY seen ORDER BY seen",
        (1, 2), over_time=True,
    ),
    _Question(
        "Articles by month of publication", "As the pages state it.", ("month", "articles"),
        "SELECT month, count(*) FROM slim WHERE NOT copy AND month IS NOT NULL GROUP BY month ORDER BY month",
        over_time=True,
    ),
    _Question(
        "Documents by lender", "A document may speak of several.", ("lender", "articles", "copies"),
        """SELECT value, sum(one), sum(copy) FROM (SELECT lenders, sum(NOT copy) AS one, sum(copy) AS copy
            FROM slim GROUP BY lenders), json_each(lenders)
        GROUP BY value ORDER BY sum(one) + sum(copy) DESC, value""", (1, 2),
    ),
    _Question(
        "Documents by topic", "A document may treat several.", ("topic", "articles", "copies"),
        """SELECT value, sum(one), sum(copy) FROM (SELECT topics, sum(NOT copy) AS one, sum(copy) AS copy
            FROM slim GROUP BY topics), json_each(topics)
        GROUP BY value ORDER BY sum(one) + sum(copy) DESC, value""", (1, 2), name=_topic,
    ),
    _Question(
        "Documents by site", "Sites with most documents first.", ("site", "articles", "copies"),
        """SELECT site, sum(NOT copy), sum(copy) FROM slim GROUP BY site ORDER BY count(*) DESC, site""", (1, 2),
    ),
    _Question(
        "Duplicates by kind", "exact: the same text; near: a few words changed; template: names swapped; contains: "
        "embedded in a longer text.", ("kind", "documents"),
        """SELECT kind, count(*) FROM slim WHERE copy GROUP BY kind ORDER BY count(*) DESC, kind""",
    ),
    _Question(
        "Clusters by size", "How many articles stand on how many pages.", ("copies", "clusters", "documents"),
        """SELECT CASE WHEN documents < 6 THEN documents WHEN documents < 11 THEN '6 to 10'
            WHEN documents < 51 THEN '11 to 50' ELSE 'more than 50' END AS size, count(*), sum(documents)
        FROM clusters GROUP BY size ORDER BY min(documents)""",
    ),
    _Question(
        "Spun articles", "One text sold under several names: documents that are equal once lender, city, number and date "
        "names are masked. Titled by the first of them.", ("article", "documents", "versions", "sites"),
        """SELECT coalesce(d.title, t.id), t.documents, t.versions, t.sites FROM (
            SELECT template AS id, count(*) AS documents, count(DISTINCT content_hash) AS versions,
                count(DISTINCT site) AS sites
            FROM slim WHERE template IS NOT NULL GROUP BY template) AS t
        LEFT JOIN documents AS d ON d.id = t.id ORDER BY t.documents DESC, t.id""",
    ),
    _Question(
        "Damage classes", "Documents with damage of each kind. Certified: the model of the damage, run over the repaired "
        "text, gives the page back.", ("damage", "documents", "certified", "inferred", "rule", "changes"),
        # Scanned in the order it lies, one group a document: by the index of rules it takes half as long again.
        """SELECT r, count(*), sum(certified), sum(inferred), sum(by_rule), sum(changes) FROM (
            SELECT +rule AS r, sum(certainty = 'certified') AS certified, sum(certainty = 'inferred') AS inferred,
                sum(certainty = 'rule') AS by_rule, count(*) AS changes
            FROM findings WHERE stage = 'repair' GROUP BY docid, r)
        GROUP BY r ORDER BY 2 DESC, r""",
    ),
    _Question(
        "Spam by rule", "Documents that carried injected advertising.", ("rule", "documents", "lines"),
        """SELECT rule, count(DISTINCT docid), count(*) FROM findings WHERE rule >= 'spam.' AND rule < 'spam/'
        GROUP BY rule ORDER BY 2 DESC, rule""",
    ),
    _Question(
        "What else was taken out", "Chrome, fields, contacts, disclaimers, by rule.", ("rule", "lines"),
        """SELECT rule, count(*) FROM findings AS f GROUP BY rule
        HAVING rule NOT LIKE 'spam.%' AND (SELECT stage FROM findings AS g WHERE g.rule = f.rule LIMIT 1) = 'strip'
        ORDER BY 2 DESC, rule""",
    ),
    _Question(
        "Farms", "Sites that one operator runs, named by the first of them.", ("farm", "documents", "sites", "ties"),
        "SELECT id, documents, sites, ties FROM farms ORDER BY documents DESC, id",
    ),
    _Question(
        "Rejected pages", "Why a response gave no article.", ("reason", "pages"),
        "SELECT reason, count(*) FROM rejections GROUP BY reason ORDER BY 2 DESC, reason",
    ),
    _Question(
        "Script and encoding", "As published.", ("encoding", "Simplified", "Traditional", "mixed"),
        """SELECT encoding, sum(script = 'hans'), sum(script = 'hant'), sum(script = 'mixed') FROM slim
        GROUP BY encoding ORDER BY count(*) DESC, encoding""", (1, 2, 3),
    ),
)  # fmt: skip

_SLIM = """CREATE TEMP TABLE slim AS SELECT id, site, substr(first_seen, 1, 7) AS seen, substr(published, 1, 7) AS month,
    lenders, topics, script, encoding, duplicate_of IS NOT NULL AS copy, duplicate_kind AS kind, chars,
    template_cluster_id AS template, content_hash FROM documents"""
"""What the questions ask of documents, without the texts that their rows hold: read once instead of for each."""

_FIGURES = """SELECT 'responses', count(*) FROM fetches UNION ALL SELECT 'rejected', count(*) FROM rejections
    UNION ALL SELECT 'documents', count(*) FROM slim UNION ALL SELECT 'articles', sum(NOT copy) FROM slim
    UNION ALL SELECT 'sites', count(DISTINCT site) FROM slim
    UNION ALL SELECT 'clusters', count(*) FROM clusters UNION ALL SELECT 'farms', count(*) FROM farms"""


def report(connection: sqlite3.Connection, out: Path, *, name: str) -> int:
    """Write the report on the corpus called `name` to `out`, whole or not at all; return its size in bytes.

    Raises OSError when the disk refuses, sqlite3.Error when the corpus can't be read.
    """
    data = page(connection, name).encode("utf-8", "replace")
    with replacing(out) as stream:
        stream.write(data)
    return len(data)


def page(connection: sqlite3.Connection, name: str) -> str:
    """Return the report as HTML."""
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("BEGIN")
    try:
        connection.execute(_SLIM)
        figures = [(title, number or 0) for title, number in connection.execute(_FIGURES)]
        first, last = connection.execute("SELECT min(first_seen), max(first_seen) FROM documents").fetchone()
        sections = [_section(connection, question) for question in _QUESTIONS]
    finally:
        connection.rollback()  # and with it the temporary table
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(plain=plain, safely=lambda value: visible(masked(value)), number=_number)
    template = files("corpus").joinpath("report.html").read_text(encoding="utf-8")
    style = template.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.from_string(template).render(
        name=name, figures=figures, first=(first or "")[:10], last=(last or "")[:10], sections=sections,
        style_hash=f"sha256-{digest}",
    )  # fmt: skip


def _section(connection: sqlite3.Connection, question: _Question) -> Section:
    rows = [
        (question.name("" if name is None else str(name)), *(number or 0 for number in numbers))
        for name, *numbers in connection.execute(question.sql)
    ]
    drawn = rows[-MONTHS:] if question.over_time else rows[:TOP]
    listed = rows if question.over_time else rows[:LISTED]
    draw = columns_over if question.over_time else bars
    series = [Series(question.headings[at], tuple(float(row[at]) for row in drawn)) for at in question.charted]
    labels = [plain(masked(row[0])) for row in drawn]
    chart = draw(labels, series, question.title) if drawn else ""
    legend = tuple(one.name for one in series) if len(series) > 1 else ()
    return Section(
        question.title, question.note, question.headings, tuple(listed), _for_html(chart), legend,
        len(rows) - len(listed),
    )  # fmt: skip


def _for_html(svg: str) -> Markup:
    """Return an SVG element (serialized by lxml, so its text is escaped) as HTML has it, without space between tags."""
    return Markup(re.sub(r">\s+<", "><", svg.replace(' xmlns="http://www.w3.org/2000/svg"', "")))  # noqa: S704  # see above


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
