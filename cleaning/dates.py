"""Dates as Chinese pages write them: absolute, without a year, relative (`3天前`), in Chinese numerals.

Own code, because the libraries tried on such lines (figures in DECISIONS.md) miss forms that every content
system prints, and search a line by trying languages, which costs more than extracting the whole page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from cleaning.characters import table

CHINA = timezone(timedelta(hours=8))
"""The one zone of the Chinese mainland, without summer time since 1991: what 昨天 on a page means."""

FIRST_YEAR = 1990
LAST_YEAR = 2099
"""Years outside this range are not publication dates of web pages (a statute of 1954, a serial number)."""

_ASCII_FORMS = table(str.maketrans("０１２３４５６７８９：／－．〇—", "0123456789:/-.○-"))
_TIME = (
    r"(?:[\sT,，日號号星期周一二三四五六()（）|]{0,8}(?P<{0}half>上午|下午|晚上|凌晨|中午|早上|傍晚)?\s{0,2}"
    r"(?P<{0}hh>\d{1,2})[:時时点點]\s?(?P<{0}mm>\d{2})(?!\d)(?:[:分]\s?(?P<{0}ss>\d{2})(?!\d)秒?)?(?:\.\d{1,9})?"
    r"(?:\s?(?P<{0}zone>Z|[+-]\d\d:?\d\d)(?!\d))?)?"
)
_ENGLISH_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NAMES = "|".join(_ENGLISH_MONTHS)
# Each form begins with a look at one character: most positions are turned away by it, before the alternatives are tried.
_ABSOLUTE = re.compile(
    r"(?=[\d一二○零三四五六七八九民JFMASOND])(?:"
    r"(?<![\d.])(?P<y>(?:19|20)\d\d)\s{0,2}[-年/.]\s{0,2}(?P<m>\d{1,2})\s{0,2}[-月/.]\s{0,2}(?P<d>\d{1,2})(?![\d%])"
    + _TIME.replace("{0}", "a_")
    + r"|(?<!\d)(?P<cy>[一二○零三四五六七八九]{4})年"
    r"(?P<cm>[一二三四五六七八九十]{1,3})月(?P<cd>[一二三四五六七八九十]{1,3})日"
    + r"|民[國国](?P<ry>\d{2,3})年(?P<rm>\d{1,2})月(?P<rd>\d{1,2})日"
    + r"|(?<![\d.\-/])(?P<sy>[012]\d)-(?P<sm>\d\d)-(?P<sd>\d\d)(?=\s\d{1,2}:\d\d)"
    + _TIME.replace("{0}", "s_")
    + rf"|\b(?:(?P<em>{_MONTH_NAMES})[a-z]{{0,6}}\.?\s(?P<ed>\d{{1,2}})(?:st|nd|rd|th)?,?"
    + rf"|(?P<ed2>\d{{1,2}})\s(?P<em2>{_MONTH_NAMES})[a-z]{{0,6}}\.?,?)\s(?P<ey>(?:19|20)\d\d)(?!\d))"
)
_YEARLESS = re.compile(
    r"(?=\d)(?<![\d.\-/年第])(?P<m>\d{1,2})(?:月(?P<d>\d{1,2})[日号號](?![\-/%条條])|[-/](?P<d2>\d{2})(?![\d\-/%条條]))"
    + _TIME.replace("{0}", "y_")
)
_RELATIVE = re.compile(
    r"(?=[\d半一两兩几幾刚剛今昨前])(?:(?<!\d)(?P<n>\d{1,4}|半|一|两|兩|几|幾)\s?(?P<unit>秒钟?|秒鐘|分钟|分鐘|分|小时|小時|个小时|個小時|个钟头|天|日|周|週|星期|个星期|個星期|个月|個月|年)"
    r"[之以]?前"
    r"|(?P<now>刚刚|剛剛|刚才|剛才)"
    r"|(?P<day>今天|今日|昨天|昨日|前天|前日)" + _TIME.replace("{0}", "r_").replace("[\\s", "[\\s的") + ")"
)
# What every date of a form has in it: a search for it costs a tenth of one for the form.
_ABSOLUTE_SIGN = re.compile(rf"\d\s{{0,2}}[-年/.]|年|{_MONTH_NAMES}")
_DATE_LETTER = re.compile(r"[-年月/.JFMASOND前今昨刚剛０-９：／－．〇—]")
_RELATIVE_SIGN = re.compile(r"[前今昨刚剛]")
_YEARLESS_SIGN = re.compile(r"\d[-月/]")
_DATE_SIGN = re.compile(r"\d|[年今昨刚剛半一两兩]|前[天日]")
_DIGITS = {"○": 0, "零": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_AFTERNOON = frozenset({"下午", "晚上", "傍晚"})
_DAYS_BACK = {"今": 0, "昨": 1, "前": 2}


ANY_TIME = datetime(2024, 6, 15, 12)
"""Any time: with one, relative dates are found too."""


class DateFound(NamedTuple):
    """A date in a text: ISO 8601 `value`, its half-open span, and whether a time of day was stated."""

    value: str
    start: int
    end: int
    timed: bool


def may_hold_date(text: str) -> bool:
    """Say whether a text shows the sign of a date; one without it has none in any form."""
    if not _DATE_LETTER.search(text):  # one search turns most away, where three are needed to be sure
        return False
    plain = _ASCII_FORMS.translated(text)
    return bool(_ABSOLUTE_SIGN.search(plain) or _RELATIVE_SIGN.search(plain) or _YEARLESS_SIGN.search(plain))


def may_need_time(text: str) -> bool:
    """Say whether a text shows the sign of a date that is found with a fetch time only: a relative or yearless one."""
    plain = _ASCII_FORMS.translated(text)
    return bool(_RELATIVE_SIGN.search(plain) or _YEARLESS_SIGN.search(plain))


def find_dates(text: str, fetched_at: datetime | None = None) -> Iterator[DateFound]:
    """Yield the dates of `text`: all absolute ones in order, then (given `fetched_at`) relative, then yearless."""
    if not _DATE_SIGN.search(text):
        return
    plain = _ASCII_FORMS.translated(text)
    for match in _ABSOLUTE.finditer(plain) if _ABSOLUTE_SIGN.search(plain) else ():
        found = _absolute(match)
        if found is not None:
            yield found
    if fetched_at is None:
        return
    relative, yearless = _RELATIVE_SIGN.search(plain), _YEARLESS_SIGN.search(plain)
    if not (relative or yearless):
        return
    local = (fetched_at if fetched_at.tzinfo else fetched_at.replace(tzinfo=UTC)).astimezone(CHINA)
    for match in _RELATIVE.finditer(plain) if relative else ():
        found = _relative(match, local)
        if found is not None:
            yield found
    for match in _YEARLESS.finditer(plain) if yearless else ():
        found = _yearless(match, local)
        if found is not None:
            yield found


def parse_published(text: str, fetched_at: datetime | None = None) -> str | None:
    """Return the first date of `text` in ISO 8601, None when it holds none.

    Absolute forms are tried first. `3天前`, `昨天 12:30` and dates without a year need `fetched_at` (UTC when it
    has no zone) and are resolved in China's zone; `35秒前` and `2小时前` give a time with that zone. A zone is
    written only where the text states one or the time was resolved. English (RFC 5322) dates are read too.
    """
    if len(text) < 60 and ":" in text and any(month in text for month in _ENGLISH_MONTHS):
        stated = _english(text)
        if stated is not None:
            return stated
    return next((found.value for found in find_dates(text, fetched_at)), None)


def _english(text: str) -> str | None:
    try:
        return parsedate_to_datetime(text.strip()).isoformat()
    except ValueError:
        return None


def _absolute(match: re.Match[str]) -> DateFound | None:
    year, month_number, number = match.group("y", "m", "d")
    if year:
        day = _day(int(year), int(month_number), int(number))
        return None if day is None else _with_time(match, "a_", day, match.end("d"))
    if match["sy"]:
        day = _day(2000 + int(match["sy"]), int(match["sm"]), int(match["sd"]))
        return None if day is None else _with_time(match, "s_", day, match.end("sd"))
    if match["ey"]:
        month = _ENGLISH_MONTHS.index(match["em"] or match["em2"]) + 1
        day = _day(int(match["ey"]), month, int(match["ed"] or match["ed2"]))
    elif match["cy"]:
        year = int("".join(str(_DIGITS[digit]) for digit in match["cy"]))
        day = _day(year, _numeral(match["cm"]), _numeral(match["cd"]))
    else:
        day = _day(int(match["ry"]) + 1911, int(match["rm"]), int(match["rd"]))
    return None if day is None else DateFound(day.isoformat(), match.start(), match.end(), False)


def _with_time(match: re.Match[str], prefix: str, day: date, day_end: int) -> DateFound:
    """Join the day to the time that follows it; an impossible time (`25:70`) is left out."""
    hour, half, minute, seconds, zone = match.group(*_PARTS_OF_TIME[prefix])
    if hour is None:
        return DateFound(day.isoformat(), match.start(), day_end + _suffix(match.string, day_end), False)
    hours, minutes = int(hour), int(minute)
    if half in _AFTERNOON and hours < 12:
        hours += 12
    if hours > 23 or minutes > 59 or int(seconds or 0) > 59:
        return DateFound(day.isoformat(), match.start(), day_end + _suffix(match.string, day_end), False)
    clock = f"{hours:02}:{minutes:02}" + (f":{seconds}" if seconds else "")
    return DateFound(f"{day.isoformat()}T{clock}{_zone(zone)}", match.start(), match.end(), True)


_PARTS_OF_TIME = {
    prefix: tuple(prefix + part for part in ("hh", "half", "mm", "ss", "zone"))
    for prefix in ("a_", "s_", "y_", "r_")
}


def _suffix(text: str, end: int) -> int:
    """Return 1 when the character after the day's number belongs to the date (日, 号)."""
    return 1 if text[end : end + 1] in {"日", "号", "號"} else 0


def _zone(stated: str | None) -> str:
    if not stated:
        return ""
    if stated == "Z":
        return "+00:00"
    return stated if ":" in stated else f"{stated[:3]}:{stated[3:]}"


def _day(year: int, month: int, day: int) -> date | None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _numeral(text: str) -> int:
    """Return the value of a Chinese numeral up to 99 (`十`, `十三`, `二十`, `三十一`)."""
    tens, ten, ones = text.partition("十")
    if not ten:
        return _DIGITS.get(text, 0)
    return 10 * _DIGITS.get(tens, 1 if not tens else 0) + _DIGITS.get(ones, 0)


def _relative(match: re.Match[str], now: datetime) -> DateFound | None:
    if match["now"]:
        return DateFound(now.isoformat(timespec="seconds"), match.start(), match.end(), True)
    if match["day"]:
        day = now.date() - timedelta(days=_DAYS_BACK[match["day"][0]])
        return _with_time(match, "r_", day, match.end("day"))
    return _ago(match, now)


def _ago(match: re.Match[str], now: datetime) -> DateFound | None:
    number = {"半": 0.5, "一": 1.0, "两": 2.0, "兩": 2.0}.get(match["n"])
    if number is None:
        if not match["n"].isdecimal():
            return None
        number = float(match["n"])
    unit = match["unit"].lstrip("个個")
    span = match.start(), match.end()
    if unit[0] in "秒分小钟":
        step = {"秒": 1, "分": 60, "小": 3600, "钟": 3600}[unit[0]]
        moment = now - timedelta(seconds=step * number)
        return DateFound(moment.isoformat(timespec="seconds"), *span, True)
    days = {"天": 1, "日": 1, "周": 7, "週": 7, "星": 7, "月": 30, "年": 365}[unit[0]]
    day = _day_before(now.date(), int(days * number))
    return None if day is None else DateFound(day.isoformat(), *span, False)


def _day_before(today: date, days: int) -> date | None:
    """Return the day so many days ago, None where no page was published yet."""
    try:
        day = today - timedelta(days=days)
    except OverflowError:
        return None
    return day if day.year >= FIRST_YEAR else None


def _yearless(match: re.Match[str], now: datetime) -> DateFound | None:
    """Read `10-13`, `10月13日 14:44` as the latest such day that is not after the fetch."""
    month, number = int(match["m"]), int(match["d"] or match["d2"])
    day = _day(now.year, month, number)
    if day is None or day > now.date():
        day = _day(now.year - 1, month, number)
    if day is None:
        return None
    return _with_time(match, "y_", day, match.end("d") if match["d"] else match.end("d2"))
