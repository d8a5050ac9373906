"""Words that a site's own filter took out or masked: marked as damage, filled in only on request.

The forward model: the filter deletes every occurrence of a listed word, or puts a blank or asterisks in its place
(`delete_words`). What is gone is lost, so the text stays as it is and the spot becomes a *damage* finding
(`before == after`). With `restore` a spot is filled where something speaks for one word: the title, the rest of the
page, the site's other pages, or the word itself (of the words that begin with \u554f only \u554f\u984c fits before a full
stop). Each fill is *inferred*, its evidence named; none is ever certified.

Every pattern begins with a literal, so that clean text costs one scan.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cleaning.findings import Edited, Finding, edit
from cleaning.repair.filtered import FILTERED, in_script
from cleaning.repair.gaps import DELETED, MARKS, MASKED, TELLING_BLANK, Sentences, Spot, find_gaps
from cleaning.repair.readings import is_simplified, is_traditional

RESTORED = "repair.restored"

_HAN = "\u4e00-\u9fff"
_END = "\uff0c\u3002\uff1b\uff01,;!"

_TOPICS = (
    "催款", "催收", "逾期", "还款", "還款", "贷款", "貸款", "借款", "借贷", "借貸", "债务", "債務", "负债", "負債",
    "一些问", "一些問", "常见", "常見",
)  # fmt: skip
_LOOSE_TOPICS = ("的", "等", "在", "现", "現", "些")

_STRONG_TAIL = "也?(?:日益|日趋|日趨|越来越|越來越|愈发|愈發|突出|频发|頻發|频出|頻出|严重|嚴重)"
"""What only a question that is a problem does."""

_MEASURE_TAIL = f"[{_END}]|包括|来|來|进行|進行|避免|防止|保护|保護|[的和、及]"

_FILTERED = "催款|催收|催债|催債|讨债|討債"
"""Words before which or after which the filters of this field's sites cut."""

GATE = re.compile(
    rf"问(?=[也而虽同不就日解越愈突频严{_END}])|問(?=[也而雖同不就日解越愈突頻嚴{_END}])|措(?={_MEASURE_TAIL})|突 ?[況况]"
    rf"|于年(?![初底末中前后度])|於年(?![初底末中前後度])|之一(?=[时時步次])|会上吗|會上嗎"
    rf"|gao(?=[{_HAN}])|zui(?=[{_HAN}])|di(?=一)|催[款收债債](?= )|讨债(?= )|討債(?= )|{TELLING_BLANK}|{MARKS}"
)
"""A text without it has no damage that this file can tell."""

GAP_SIGNS = " *\uff0a\u25a1\xd7Xx\u67d0"
"""First characters of what `find_gaps` weighs."""


def delete_words(text: str, words: Iterable[str], mask: str = "") -> str:
    """Return `text` as the filter leaves it: each of `words` replaced by `mask`, the longest first."""
    pattern = "|".join(map(re.escape, sorted(words, key=lambda word: (-len(word), word))))
    return re.sub(pattern, lambda _: mask, text) if pattern else text


def mark_deleted(
    text: str, *, restore: bool = False, title: str | None = None, siblings: Sequence[str] = ()
) -> Edited:
    """Return `text` with findings where words are missing; with `restore`, filled in where evidence allows.

    `title` and `siblings` (texts of the site's other pages) are evidence for fills only.
    """
    signs: dict[str, list[int]] = {}
    for match in GATE.finditer(text):
        signs.setdefault(match[0][0], []).append(match.start())
    if not signs:
        return Edited(text)
    spots = sorted({spot.start: spot for spot in _spots(signs, text, title, siblings)}.values())
    return edit(text, (_finding(text, spot, restore) for spot in _disjoint(spots)))


QUOTES = 100
"""Phrases kept of a site: a filter's list is shorter."""


def site_quotes(pages: Iterable[str]) -> tuple[str, ...]:
    """Return what a site's repaired pages say that can fill their siblings' gaps: phrases, the most frequent first.

    They serve as `siblings` of `mark_deleted` in place of the pages' whole texts, whatever the pages' order.
    """
    said = Counter(phrase for page in pages for phrase in _quotes(page))
    return tuple(sorted(said, key=lambda phrase: (-said[phrase], phrase))[:QUOTES])


def _quotes(text: str) -> set[str]:
    found = {match[0] for pattern in (_CONTINUED, _YEAR) for match in pattern.finditer(text)}
    return found | {
        spelt for word in FILTERED for spelt in (word, in_script(word, traditional=True)) if spelt in text
    }


def _disjoint(spots: Iterable[Spot]) -> Iterator[Spot]:
    end = -1
    for spot in spots:
        if spot.start >= end:
            yield spot
            end = spot.end


def _finding(text: str, spot: Spot, restore: bool) -> Finding:
    before = text[spot.start : spot.end]
    if restore and spot.fill:
        return Finding("repair", RESTORED, spot.start, spot.end, before, spot.fill, "inferred", spot.why)
    return Finding("repair", spot.rule, spot.start, spot.end, before, before, "rule", spot.why)


def _spots(
    signs: Mapping[str, list[int]], text: str, title: str | None, siblings: Sequence[str]
) -> Iterator[Spot]:
    """Yield the spots of `text`; `signs` are the places that `GATE` found, by their first character."""
    yield from _cut_words(_matches(_CUT, text, signs, "问問措突"), text)
    yield from _cut_years(_matches(_FOUNDED, text, signs, "于於"), text, siblings)
    yield from _masks(_matches(_MASK, text, signs, "之会會gzd*"), text)
    if gaps := sorted(place for first in GAP_SIGNS for place in signs.get(first, ())):
        yield from find_gaps(text, gaps, title=title, siblings=siblings, is_traditional=_is_traditional)
    yield from _blanks(_matches(_BLANK, text, signs, "催讨討"), text, title, siblings)


def _matches(
    pattern: re.Pattern[str], text: str, signs: Mapping[str, list[int]], firsts: str
) -> list[re.Match[str]]:
    """Return the matches of `pattern` that begin at a sign with one of `firsts`."""
    places = sorted(place for first in firsts for place in signs.get(first, ()))
    return [match for place in places if (match := pattern.match(text, place))]


def _is_traditional(text: str) -> bool:
    counts = Counter(text)
    simplified = sum(times for char, times in counts.items() if is_simplified(char))
    return sum(times for char, times in counts.items() if is_traditional(char)) > simplified


_CUT = re.compile(
    rf"(?P<trouble>[問问])(?={_STRONG_TAIL})"
    rf"|(?P<question>[問问])(?=也|而|雖|虽|同样|同樣|不仅|不僅|就|日益|解答|[{_END}])"
    rf"|(?P<measure>(?<![举舉失无無筹籌挪])措)(?={_MEASURE_TAIL})|(?P<emergency>突 ?[況况])"
)


def _cut_words(found: list[re.Match[str]], text: str) -> Iterator[Spot]:
    """Yield words that lost their second half: a first half that cannot stand alone there."""
    hant = any(match["emergency"] for match in found) and _is_traditional(text)
    topical = any(match["question"] and _lacks_topic(text, match.start(), _TOPICS) for match in found)
    for match in found:
        if match["measure"]:
            yield Spot(*match.span(), DELETED, "措施", "of the words that begin so only 措施 fits")
        elif match["emergency"]:
            full = ("突發情" if hant else "突发情") + match[0][-1]
            yield Spot(*match.span(), DELETED, full, f"a filter cuts the middle out of {full}")
        elif match["trouble"] or (topical and _lacks_topic(text, match.start(), (*_TOPICS, *_LOOSE_TOPICS))):
            full = match[0] + ("題" if match[0] == "問" else "题")
            yield Spot(*match.span(), DELETED, full, f"of the words that begin so only {full} fits")


def _lacks_topic(text: str, at: int, topics: tuple[str, ...]) -> bool:
    """Return whether one of `topics` stands right before `at`."""
    return text.endswith(topics, max(0, at - 2), at)


_FOUNDED = re.compile("(?<=成立|创立|創立|创办|創辦|始建|创建|創建|组建|組建|上线|上線|注册|註冊)[于於](年)")
_YEAR = re.compile("(?:成立|[创創]立|[创創][办辦]|始建|[创創]建|[组組]建|上[线線]|[注註][册冊])[于於](\\d{4})年")


def _cut_years(lost: list[re.Match[str]], text: str, siblings: Sequence[str]) -> Iterator[Spot]:
    """Yield `成立于年`: the digits are gone. A year that all other mentions agree on is evidence."""
    if not lost:
        return
    years = {match[1] for page in (text, *siblings) for match in _YEAR.finditer(page)}
    fill = f"{next(iter(years))}年" if len(years) == 1 else ""
    for match in lost:
        yield Spot(*match.span(1), DELETED, fill, "year missing" + "; given elsewhere on the site" * bool(fill))


_MASK = re.compile(
    "(?P<first>(?:(?<=[在于於会會应應要请請])|(?<![\u4e00-\u9fff]))之一(?=[时時][间間]|步|次))"
    rf"|(?P<spelt>(?<![A-Za-z])(?:(?:gao|zui)(?=[{_HAN}])(?![和与與及或是的在了也这這])|di(?=一)))"
    "|(?P<credit>[会會]上(?=[吗嗎]))"
    r"|(?P<stars>(?<!\*)(?:\*{3,20} ){1,8}\*{3,20}(?![*\w])|(?<=[行话話线線码碼服信打])\*{3,20}(?=[ ，。,;；\n]|\Z))"
)
_SPELT_WORDS = {"gao": "高", "zui": "最", "di": "第"}


def _masks(found: list[re.Match[str]], text: str) -> Iterator[Spot]:
    """Yield words replaced by something else: `之一` for a superlative, pinyin letters, asterisks."""
    on_credit = any(match["credit"] for match in found) and _CREDIT.search(text) is not None
    spoken_of = [credit for credit in ("征信", "徵信") if on_credit and credit in text]
    for match in found:
        if match["first"]:
            yield Spot(*match.span(), MASKED, "第一", "之一 cannot begin a phrase: advertising filter")
        elif match["spelt"]:
            yield Spot(*match.span(), MASKED, _SPELT_WORDS[match[0]], "a syllable spelt out inside a word")
        elif match["stars"]:
            if any(map(_is_han, text[max(0, match.start() - 2) : match.start()])):
                yield Spot(*match.span(), MASKED, "", "asterisks in place of a word")
        elif on_credit:
            credit = "徵信" if match[0][0] == "會" else "征信"
            why = (
                f"the page speaks of {credit}"
                if credit in spoken_of
                else f"{credit} is what an overdue loan is put on"
            )
            yield Spot(*match.span(), DELETED, match[0] + credit, why)


_CREDIT = re.compile("[征徵]信|逾期|[贷貸借还還]款|信用")


def _is_han(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"


_BLANK = re.compile(rf"({_FILTERED}) (?=[{_HAN}、{_END}])")
_TELEPHONE = ("电话", "電話")
_FUNCTION = re.compile(r"[的也和与與、是对對给給会會将將已成可中引]|通常|[，。,;；]|频|頻|不")
_OTHER_BLANK = re.compile(rf"(?<=[{_HAN}]) (?=[{_HAN}、])")


def _blanks(blanks: list[re.Match[str]], text: str, title: str | None, siblings: Sequence[str]) -> Iterator[Spot]:
    """Yield blanks that stand for a word: after a filtered word, inside a sentence."""
    if not blanks:
        return
    sentences = Sentences(text)
    found = [match for match in blanks if text[match.end()] == "的" or sentences.hold(match.start())]
    telling = [match for match in found if _FUNCTION.match(text, match.end())]
    if not telling:
        return
    fills = {word: _continuation(word, text, title, siblings) for word in {match[1] for match in found}}
    for match in found:
        fill, why = fills[match[1]]
        yield Spot(match.end() - 1, match.end(), DELETED, fill, f"blank after {match[1]}; {why}")
    if len(telling) > 2:
        fill, why = fills[telling[0][1]]
        taken = {match.end() - 1 for match in found}
        for match in _OTHER_BLANK.finditer(text):
            if match.start() not in taken and sentences.hold(match.start()):
                known = fill if text[match.end()] == "、" else ""
                yield Spot(
                    match.start(), match.end(), DELETED, known, f"blank in a sentence of a filtered page; {why}"
                )


_CONTINUED = re.compile(f"({_FILTERED})({'|'.join(_TELEPHONE)}|短信|公司|信息|函)")


def _continuation(word: str, text: str, title: str | None, siblings: Sequence[str]) -> tuple[str, str]:
    """Return what follows `word` where the filter left it alone, and where that was seen."""
    for source, pages in (("title", [title or ""]), ("page", [text]), ("site", siblings)):
        seen = Counter(match[2] for page in pages for match in _CONTINUED.finditer(page) if match[1] == word)
        if seen:
            fill = min(seen, key=lambda one: (-seen[one], one))
            return fill, f"{word}{fill} in the {source}"
    fill = _TELEPHONE[_is_traditional(text)]
    return fill, f"{word}{fill} is the usual word"
