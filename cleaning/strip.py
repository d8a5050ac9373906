"""strip(): other people's text leaves the page, and what it states is lifted into fields and contacts.

The input is the repaired page text, one block a line, with a role for each line. A line goes because of its role
(the DOM said so), because a rule matches it, because it is keyword spam, because it repeats the title, or because
the site profile knows it. What goes is a finding; what stays is unchanged.

Where a rule may match depends on the article's prose: the *head* is what stands before its first paragraph, the
*tail* what stands after its last one. `来源：` there is a byline; in between it may be the article's own.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from cleaning import insertions, rows, seams, spam
from cleaning.contacts import (
    MAX_CONTACT_LINE,
    Contact,
    find_contacts_folded,
    is_contact_line,
    may_hold_contacts,
)
from cleaning.findings import Edited, Finding, edit
from cleaning.folding import fold, letters
from cleaning.furniture import is_furniture
from cleaning.lexicon import Look, hits_at, look
from cleaning.metadata import merge, parse_byline
from cleaning.page import DROPPED_ROLES, FIELD_ROLES, KEPT_ROLES, Metadata, Role
from cleaning.profile import LONG_LINE, SiteProfile
from cleaning.ruleset import Rule, Tried, rules
from cleaning.shapes import FIELD_MARK, IN_FORCE, TITLE_LABEL, is_heading, is_prose, line_starts, lines_at

HEAD_LINES = 15
TAIL_LINES = 40
"""How many kept lines without prose the head and the tail may hold; a list of short items is all article."""

MOST_TRIED = 10_000
"""Letters of a page's sentences that are tried for keywords put into them: bounds the work for hostile pages."""

MOST_ASKED = 200
"""How often a page is searched for words at the ends of cuts; a page of nothing but cuts has no words of its own."""

CRUMB_LENGTH = 10
"""Greatest length of a channel's or category's name before the title."""

LIST_ITEM_LENGTH = 60
"""Greatest length of a linked title under a list head."""

_PAUSE = re.compile(r"[。!?;,:]")
_SENTENCE_END = re.compile(r"[。!?;](?![)\]】”’\"])")
_OFFER = re.compile(
    r"咨询|免费|专业|办理|联系我们|如需|有需要|需要的|帮您|代您|为您|欢迎|快速|扫码|团队|加微|加v|添加微信|私信|受理|承接|无成功不收费|停催|停息挂账|代办|找我|加我|了解详情|一对一"
)
_NARRATIVE = re.compile(
    r"对方|骗子|受害|诈骗|犯罪|嫌疑|不法|谎称|诱导|要求其|冒充|自称|警方|民警|男子|女子|某某|被骗|骗取|诱骗|报警|上当|声称|假冒|反诈|切勿|不要|警惕|谨防"
)
_LABELLED = re.compile(r"[:/℃(]|浏览|阅读|来源|编辑|点击|评论|admin")
_POOL_PIECES = re.compile(r"[^|]{1,10}(?:\|[^|]{1,10}){4,200}\|?")
_SITE_SUFFIX = re.compile(r"\s?[-_|>/](?!\d)")


_LIST_HEADS = frozenset({"chrome.list-head", "chrome.previous-next"})


@dataclass(frozen=True, slots=True)
class Stripped:
    """What strip() made of a page: the edited text, the fields its lines stated, and the operator's contacts."""

    edited: Edited
    fields: Metadata = field(default_factory=Metadata)
    contacts: tuple[Contact, ...] = ()


@dataclass(slots=True)
class _Page:
    """The lines of a page, and what has been decided of each so far: `gone` by index, or `cuts` inside it."""

    text: str
    lines: list[str]
    keys: list[str]
    starts: list[int]
    roles: Sequence[Role]
    seen: Look
    spaced: set[int]
    numbered: set[int]
    gone: dict[int, tuple[str, str]] = field(default_factory=dict)
    cuts: dict[int, list[spam.Cut]] = field(default_factory=dict)
    found: dict[int, tuple[Contact, ...]] = field(default_factory=dict)
    fields: list[Metadata] = field(default_factory=list)
    crumb: str | None = None

    def drop(self, index: int, rule: str, evidence: str = "") -> None:
        self.gone.setdefault(index, (rule, evidence))

    def tried(self, index: int) -> Tried:
        """Return the rules worth trying on a line."""
        return self.seen.rules.get(index, _NO_RULES)

    def rest(self, index: int) -> str:
        """Return the folded line without what is cut out of it, white space stripped."""
        key = self.keys[index]
        if index not in self.cuts:
            return key.strip()
        return _without(key, self.cuts[index]).strip()

    def contacts(self, index: int) -> tuple[Contact, ...]:
        """Return the contacts in a line, looked for once."""
        if (found := self.found.get(index)) is None:
            found = self.found[index] = find_contacts_folded(self.lines[index], self.keys[index])
        return found


_NO_RULES = Tried()


def strip(
    text: str, roles: Sequence[Role], *, title: str | None = None, profile: SiteProfile | None = None
) -> Stripped:
    """Return `text` without the lines and spans that are not the article's, and what those stated.

    `text` is the repaired page text, `roles` has one role for each of its lines. Without `title` the first line of
    role `title` is the title. Raises ValueError when the number of roles is not the number of lines.
    """
    page = _read(text, roles)
    title_key = letters(fold(title)) if title is not None else _stated_title(page)
    _drop_by_role(page)
    _drop_by_profile(page, profile)
    _drop_spam(page)
    _drop_rows(page)
    _drop_repeated_titles(page, title_key)
    _drop_anywhere(page, {*page.seen.rules, *page.numbered})
    _cut_spans(page)
    _drop_anywhere(page, page.cuts)
    _drop_head(page, title_key, profile)
    _drop_tail(page, profile)
    findings = _findings(page)
    fields = merge(*page.fields, Metadata(category=page.crumb))
    return Stripped(edit(text, findings), fields, _contacts(page))


def _read(text: str, roles: Sequence[Role]) -> _Page:
    key = fold(text)
    lines, keys = text.split("\n"), key.split("\n")
    if len(lines) != len(roles):
        raise ValueError(f"{len(roles)} roles for {len(lines)} lines: give one role for each line of the text")
    starts = line_starts(lines)
    kept = [role in KEPT_ROLES for role in roles]  # what goes by its role needs no rule
    return _Page(
        text,
        lines,
        keys,
        starts,
        roles,
        seen=look(key, keys, kept),
        spaced={line for line in lines_at(spam.spaced_out(key), starts) if kept[line]},
        numbered=lines_at(may_hold_contacts(key), starts),
    )


def _stated_title(page: _Page) -> str:
    for index, role in enumerate(page.roles):
        if role == "title":
            return letters(page.keys[index])
    return ""


# -- What goes wherever it stands -------------------------------------------------------------------------------


def _drop_by_role(page: _Page) -> None:
    gone = page.gone
    for index, (role, key) in enumerate(zip(page.roles, page.keys, strict=True)):
        if (rule := _RULE_OF_ROLE.get(role)) is not None:
            gone[index] = rule, ""
            if role in ("title", "byline"):
                _lift(page, index)
        elif not key[:1].isalnum() and not any(map(str.isalnum, key)):
            gone[index] = "chrome.symbols" if key and not key.isspace() else "form.blank", ""


_RULE_OF_ROLE: dict[str, str] = {
    **{role: f"dom.{role}" for role in DROPPED_ROLES},
    **{role: f"field.{role}" for role in FIELD_ROLES},
}
"""The rule for which a line goes by its role; those that stay have none."""


def _drop_by_profile(page: _Page, profile: SiteProfile | None) -> None:
    if profile is None:
        return
    for index in _kept(page):
        if (seen := profile.knows(page.lines[index])) is not None and len(letters(page.keys[index])) >= LONG_LINE:
            page.drop(index, "profile.line", f"on {seen} pages of the site")


def _drop_spam(page: _Page) -> None:
    for index in sorted({*page.seen.hits, *page.spaced}):
        if index in page.gone:
            continue
        key = page.keys[index]
        if _is_headed_spam(page, index, key):
            page.drop(index, "spam.glued", "keywords behind a list head")
            continue
        found = spam.find_spam(key, page.seen.hits.get(index, ()))
        if found and (found[0].start, found[0].end) == (0, len(key)):
            page.drop(index, found[0].rule, found[0].evidence)
        elif found:
            page.cuts[index] = list(found)


def _drop_rows(page: _Page) -> None:
    """Drop the lines that are rows of other trades' keywords, and cut such rows off the end of an article's line."""
    prose = _Prose(page)
    _cut_insertions(page, prose)
    for index in _kept(page):
        key = page.keys[index]
        if page.roles[index] == "row" or len(key) < rows.MIN_LETTERS or key[-1] in _ENDS:
            continue  # what ends as a sentence has nothing behind it
        last = max(map(key.rfind, _ENDS))
        if last < 0:
            if (found := rows.judge(key.strip(), prose.shares)) is not None:
                page.drop(index, "spam.row", found)
        elif last < len(key) - rows.MIN_LETTERS:
            behind = _AFTER_END.match(key, last + 1)
            start = behind.end() if behind else last + 1
            if (found := rows.judge(key[start:].strip(), prose.shares)) is not None:
                before = [cut for cut in page.cuts.get(index, ()) if cut.end <= start]
                page.cuts[index] = [*before, spam.Cut("spam.glued", start, len(key), found)]


_ENDS = "。!?…"
_AFTER_END = re.compile(r"[”’」』》)]?(?:\s?\([^()]{1,12}\))?")
"""What belongs to the sentence behind its full stop: a closing mark, a news agency's name in parentheses."""


def _cut_insertions(page: _Page, prose: _Prose) -> None:
    """Cut keywords out of sentences; less is asked beside other spam, more on a page that speaks of such things."""
    keys, seen = page.keys, page.seen
    lines = [index for index in _kept(page) if "。" in keys[index] and page.roles[index] != "row"]
    heads = {index for index in lines if insertions.may_be_headed(keys[index], seen.heavy.get(index))}
    sure = {index for index, hits in seen.hits.items() if any(hit.weight > 2 for hit in hits)}
    sure.update(seen.heavy.keys() & set(lines))
    beside = bool(page.cuts) or any(rule.startswith("spam.") for rule, _ in page.gone.values())
    least = seams.LEAST_NATS - insertions.BESIDE_NATS * beside
    tried = 0
    for index in sorted(heads | sure):
        key = page.keys[index]
        if index in page.gone or (tried := tried + len(key)) > MOST_TRIED:
            continue
        found: tuple[spam.Cut, ...] = ()
        if index in sure:
            words = hits_at(key, seen.places[index], rows=True)
            found = insertions.inserted(key, words, least=least)
            if found and prose.speaks_of_it():
                found = insertions.inserted(key, words, least=seams.LEAST_NATS + insertions.SPEAKS_NATS)
        if index in heads and (before := insertions.head(key, prose.shares_elsewhere)) is not None:
            found = insertions.merged(before, found)
        if found and (found := prose.without_own_words(index, found)):
            page.cuts[index] = [*_apart(page.cuts.get(index, ()), found), *found]


class _Prose:
    """The pairs of Chinese characters in a page's sentences, gathered when a line is first compared with them."""

    def __init__(self, page: _Page) -> None:
        self._page = page
        self._lines: Counter[str] | None = None
        self._speaks: bool | None = None
        self._asked = 0

    def speaks_of_it(self) -> bool:
        """Return whether the page is about porn, gambling or the spam trades, its keywords apart."""
        if self._speaks is None:
            prose = (
                key for index, key in enumerate(self._page.keys) if index not in self._page.gone and "。" in key
            )
            self._speaks = insertions.speaks_of_it(insertions.without_keywords("\n".join(prose)))
        return self._speaks

    def without_own_words(self, index: int, cuts: Sequence[spam.Cut]) -> tuple[spam.Cut, ...]:
        """Return the cuts in a line, words of the page's own at their ends left out."""
        keys = self._page.keys

        def elsewhere(text: str) -> bool:
            self._asked += 1
            return self._asked <= MOST_ASKED and any(
                text in key for place, key in enumerate(keys) if place != index and "。" in key
            )

        found = (insertions.trimmed(keys[index], cut, elsewhere) for cut in cuts)
        return tuple(cut for cut in found if cut is not None)

    def shares(self, text: str) -> float:
        """Return the share of a folded text's pairs of Chinese characters that the page's prose has, 0 to 1."""
        return self._share(text, 0)

    def shares_elsewhere(self, text: str) -> float:
        """Return the same for the beginning of one of the prose's own lines."""
        return self._share(text, 1)

    def _share(self, text: str, own_lines: int) -> float:
        if self._lines is None:
            sentences = (key[: key.rfind("。") + 1] for key in self._page.keys)
            self._lines = Counter(pair for sentence in sentences for pair in rows.pairs(sentence))
        own = rows.pairs(text)
        return sum(self._lines[pair] > own_lines for pair in own) / len(own) if own else 0.0


def _is_headed_spam(page: _Page, index: int, key: str) -> bool:
    """Whether a line is a list's head with a keyword behind it: `最新发布 某某app安装`."""
    head, _, keyword = key.strip().partition(" ")
    if (
        not keyword
        or len(key) > LIST_ITEM_LENGTH
        or not any(rule.id in _LIST_HEADS and rule.match(head) is not None for rule in page.tried(index).rules)
    ):
        return False
    start = key.index(keyword)
    hits = [hit for hit in page.seen.hits.get(index, ()) if hit.start >= start]
    return sum(hit.weight for hit in hits) >= spam.RUN_SCORE


def _cut_spans(page: _Page) -> None:
    """Cut what the span rules match, and offers; a line that is empty afterwards goes as a whole."""
    for index, tried in page.seen.rules.items():
        if tried.spans and index not in page.gone:
            for rule in tried.spans:
                _cut(page, index, rule)
    for index in page.numbered:
        if index not in page.gone:
            _cut_offers(page, index)
    for index, cuts in page.cuts.items():
        if index not in page.gone and not any(map(str.isalnum, page.rest(index))):
            page.drop(index, cuts[-1].rule, cuts[-1].evidence)


def _cut(page: _Page, index: int, rule: Rule) -> None:
    taken = _taken(page, index)
    cuts: list[spam.Cut] = []
    for match in rule.pattern.finditer(page.keys[index]):
        pieces = [match.span()]
        if "keep" in rule.pattern.groupindex:
            pieces = [(match.start(), match.start("keep")), (match.end("keep"), match.end())]
        cuts += (
            spam.Cut(rule.id, start, end, "") for start, end in pieces if start < end and not any(taken[start:end])
        )
    if cuts:
        page.cuts.setdefault(index, []).extend(cuts)


def _taken(page: _Page, index: int) -> bytearray:
    """Return a flag for each character of a line: whether a cut takes it already."""
    taken = bytearray(len(page.keys[index]))
    for cut in page.cuts.get(index, ()):
        taken[cut.start : cut.end] = b"\1" * (cut.end - cut.start)
    return taken


def _drop_anywhere(page: _Page, among: Iterable[int]) -> None:
    """Drop the lines that a rule for any place matches, contact lines and lines of symbols among them."""
    for index in sorted(among):
        if index in page.gone:
            continue
        tried = page.seen.rules.get(index)
        if (
            tried
            and tried.anywhere
            and (rule := _match(page, index, page.rest(index), tried.anywhere)) is not None
        ):
            if rule.id.startswith("field."):
                _lift(page, index)
            page.drop(index, rule.id)
        elif index in page.numbered and _is_contact_line(page, index):
            page.drop(index, "contact.line")


def _is_contact_line(page: _Page, index: int) -> bool:
    key = page.rest(index)
    if len(key) > MAX_CONTACT_LINE:
        return False
    return is_contact_line(key, page.contacts(index) if key == page.keys[index] else None)


def _match(page: _Page, index: int, key: str, tried: Sequence[Rule]) -> Rule | None:
    """Return the first of some rules that takes what is left of a line, `key`."""
    size = len(key)
    for rule in tried:
        if size <= rule.max_length and (match := rule.match(key)) is not None:
            if "crumbs" in match.re.groupindex and match["crumbs"] is not None:
                _note_category(page, index, match["crumbs"])
            return rule
    return None


def _note_category(page: _Page, index: int, crumbs: str) -> None:
    """Take the category from a breadcrumb: its last step that is not the article itself."""
    steps = [step.strip() for step in _CRUMB_MARK.split(crumbs)]
    named = [step for step in steps if step and step not in _NO_CATEGORY and len(step) <= CRUMB_LENGTH]
    if named:
        at = page.keys[index].rfind(named[-1])
        page.fields.append(Metadata(category=page.lines[index][at : at + len(named[-1])]))


_CRUMB_MARK = re.compile(r">+|/|\||\\|::?|_|·|-{1,2}>?")
_NO_CATEGORY = frozenset({"正文", "详情", "内容", "文章", "文章正文", "文章详情", "首页", "列表", "正文内容"})


_REPORTED = re.compile(
    "(?:他|她|对方|催收员|客服|骗子|业务员|那人|有人).{0,12}(?:留|给|发|让|叫|要|加|说)|(?:让|叫|要|约|催)(?:我|他|她)"
)
"""An article tells of it: somebody gave a number, somebody was told to add a contact. An offer speaks to the reader."""


def _cut_offers(page: _Page, index: int) -> None:
    """Cut the sentences that offer a service under a contact: `逾期可加微信 ... 咨询`."""
    key = page.keys[index]
    if not _OFFER.search(key):
        return
    starts = sorted(contact.start for contact in page.contacts(index) if contact.kind != "hotline")
    if not starts:
        return
    bounds = [0, *(match.end() for match in _SENTENCE_END.finditer(key)), len(key)]
    cuts: list[spam.Cut] = []
    for start, end in pairwise(bounds):
        inside = bisect_left(starts, start) < bisect_left(starts, end)
        told = _NARRATIVE.search(key, start, end) or _REPORTED.search(key, start, end)
        if inside and _OFFER.search(key, start, end) and not told:
            cuts.append(spam.Cut("spam.advert", start, end, "a contact with an offer to the reader"))
    if not cuts:
        return
    page.cuts[index] = cuts + _apart(page.cuts.get(index, ()), cuts)


def _apart(older: Sequence[spam.Cut], newer: Sequence[spam.Cut]) -> list[spam.Cut]:
    """Return the older cuts that no newer one touches; the newer ones are in order and do not overlap."""
    starts = [cut.start for cut in newer]

    def free(cut: spam.Cut) -> bool:
        after = bisect_left(starts, cut.end)
        return after == 0 or newer[after - 1].end <= cut.start

    return [cut for cut in older if free(cut)]


# -- The title --------------------------------------------------------------------------------------------------


def _drop_repeated_titles(page: _Page, title: str) -> None:
    if len(title) < 2:
        return
    for index in _kept(page):
        if len(title) <= len(page.keys[index]) <= 2 * len(title) + 12:
            key = page.rest(index)
            if letters(key) == title:
                page.drop(index, "title.repeat")
            elif "标题" in key and letters(TITLE_LABEL.sub("", key, count=1)) == title:
                page.drop(index, "residue.title-label")


def _is_title_part(key: str, title: str) -> bool:
    """Whether a line near the head is the title shortened, or with the site's name behind it."""
    if next(filter(str.isalnum, key), None) != title[:1]:
        return False
    line = letters(key)
    if len(line) >= 6 and 2 * len(line) >= len(title) and title.startswith(line):
        return True
    if not (title and line.startswith(title) and len(line) <= len(title) + 16):
        return False
    return bool(_SITE_SUFFIX.search(key, len(title)))


# -- Head and tail ----------------------------------------------------------------------------------------------


def _drop_known(page: _Page, index: int, profile: SiteProfile | None) -> bool:
    """Drop a line at an edge of the page that the site profile knows; whether it did."""
    if profile is None or (seen := profile.knows(page.lines[index])) is None:
        return False
    page.drop(index, "profile.line", f"on {seen} pages of the site")
    return True


def _drop_head(page: _Page, title: str, profile: SiteProfile | None) -> None:
    """Walk from the top to the first paragraph of prose."""
    last_title = len(page.roles) - 1 - page.roles[::-1].index("title") if "title" in page.roles else -1
    kept = 0
    for index in range(len(page.lines)):
        if index in page.gone:
            continue
        key = page.rest(index)
        if _drop_known(page, index, profile):
            continue
        if (rule := _edge_rule(page, index, key, "head", title, before_title=index < last_title)) is not None:
            page.drop(index, rule)
        elif is_prose(key):
            return
        else:
            kept += 1
            if kept > HEAD_LINES:
                return


def _edge_rule(
    page: _Page, index: int, key: str, place: str, title: str, *, before_title: bool = False
) -> str | None:
    """Return the id of the rule for which a line at an edge of the page goes, None when it stays."""
    tried = page.tried(index)
    if (rule := _match(page, index, key, tried.head if place == "head" else tried.tail)) is not None:
        _lift(page, index)
        return rule.id
    if place == "head" and title and _is_title_part(key, title):
        return "title.part"
    if before_title and _is_crumb(key):
        page.crumb = page.lines[index].strip()
        return "chrome.crumb"
    if _is_field_line(page, index, key, place):
        return "field.line"
    if page.roles[index] != "row" and is_furniture(key):
        return "chrome.furniture"
    return None


def _is_crumb(key: str) -> bool:
    return len(key) <= CRUMB_LENGTH and not _PAUSE.search(key) and not is_heading(key)


def _is_field_line(page: _Page, index: int, key: str, place: str) -> bool:
    """Whether a line states fields and nothing else; lifts them. A name and a day in the tail sign a notice."""
    if len(key) > 160 or is_heading(key) or not FIELD_MARK.search(key) or IN_FORCE.search(key):
        return False
    if place == "tail" and not _LABELLED.search(key):
        return False
    return _lift(page, index)


def _lift(page: _Page, index: int) -> bool:
    """Read a line's fields; whether it had any."""
    found = parse_byline(page.lines[index])
    if found is not None:
        page.fields.append(found)
    return found is not None


def _drop_tail(page: _Page, profile: SiteProfile | None) -> None:
    """Walk from the bottom to the last paragraph of prose, then drop what hangs under the list heads passed."""
    kept: list[int] = []
    top = 0
    for index in range(len(page.lines) - 1, -1, -1):
        if index in page.gone:
            continue
        key = page.rest(index)
        if _drop_known(page, index, profile):
            continue
        if (rule := _edge_rule(page, index, key, "tail", "")) is not None:
            page.drop(index, rule)
        elif is_prose(key) or len(kept) >= TAIL_LINES:
            top = index
            break
        else:
            kept.append(index)
    _drop_list_items(page, top)


def _drop_list_items(page: _Page, top: int) -> None:
    """Drop the titles under a list head, and the names under a spider pool's footer, in the tail below `top`."""
    under = ""
    for index in range(top + 1, len(page.lines)):
        if index in page.gone:
            rule = page.gone[index][0]
            under = rule if rule in _LIST_HEADS or rule == "spam.pool" else under
            continue
        key = page.rest(index)
        if under == "spam.pool":
            if _POOL_PIECES.fullmatch(key):
                page.drop(index, "spam.pool-list", "under a spider pool's footer")
        elif under and len(key) <= LIST_ITEM_LENGTH and not is_heading(key) and "。" not in key:
            page.drop(index, "chrome.list-item", "under a list head")


# -- Findings and contacts --------------------------------------------------------------------------------------


def _kept(page: _Page) -> list[int]:
    return [index for index in range(len(page.lines)) if index not in page.gone]


def _without(key: str, cuts: Sequence[spam.Cut]) -> str:
    parts: list[str] = []
    cursor = 0
    for cut in sorted(cuts, key=lambda cut: cut.start):
        parts.append(key[cursor : cut.start])
        cursor = max(cursor, cut.end)
    return "".join([*parts, key[cursor:]])


def _findings(page: _Page) -> list[Finding]:
    """Return the findings: a dropped line takes the line break after it, at the page's end the one before it."""
    findings: list[Finding] = []
    last_kept = len(page.lines) - 1
    while last_kept in page.gone:
        last_kept -= 1
    for index, (rule, evidence) in page.gone.items():
        start = page.starts[index]
        end = start + len(page.lines[index])
        if index < last_kept:
            end += 1
        elif index:
            start -= 1
        if start < end:
            findings.append(_finding(page.text, rule, start, end, evidence))
    for index, cuts in page.cuts.items():
        if index not in page.gone:
            start = page.starts[index]
            findings += (
                _finding(page.text, cut.rule, start + cut.start, start + cut.end, cut.evidence)
                for cut in cuts
                if cut.start < cut.end
            )
    return findings


def _finding(text: str, rule: str, start: int, end: int, evidence: str) -> Finding:
    # Made as the class makes it, without its Python function: a page has dozens.
    return tuple.__new__(Finding, ("strip", rule, start, end, text[start:end], "", "rule", evidence))


def _contacts(page: _Page) -> tuple[Contact, ...]:
    """Return the contacts in what was stripped, except in the comments of visitors."""
    found: list[Contact] = []
    for index in sorted(page.numbered):
        if index in page.gone:
            spans = [(0, len(page.lines[index]))] if page.gone[index][0] != "dom.comment" else []
        else:
            spans = [(cut.start, cut.end) for cut in page.cuts.get(index, ()) if cut.rule == "spam.advert"]
        if not spans:
            continue
        start = page.starts[index]
        found += (
            contact._replace(start=contact.start + start, end=contact.end + start)
            for contact in page.contacts(index)
            if any(left <= contact.start < right for left, right in spans)
        )
    return tuple(found)


@cache
def rule_ids() -> frozenset[str]:
    """Return the ids that findings of this stage can carry, the roles' ones included."""
    by_role = {f"dom.{role}" for role in DROPPED_ROLES} | {f"field.{role}" for role in FIELD_ROLES}
    return frozenset(by_role | {"form.blank", "profile.line"} | {rule.id for rule in rules()})
