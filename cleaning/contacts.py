"""Contacts as data, and personal identifiers to mask.

Operators of these sites write their numbers so that filters miss them: full-width, spaced, in Chinese digits, with
`V信`, `薇信`, `扣扣`. All of it is read on the fold key, which has the text's length, so spans are the text's own.
A hotline (400, 800, 95xxx, 12378) is a public service number: it is found, but marked `hotline`, so that nobody
takes a bank an article speaks of for the operator of the site.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from cleaning.characters import Chars, chars, from_codes
from cleaning.folding import fold, unfolded
from cleaning.native import available

if TYPE_CHECKING:
    from cleaning.native._contacts import Signs

_native = available("_contacts")

ContactKind = Literal["phone", "qq", "wechat", "email", "hotline"]
IdentifierKind = Literal["id_card", "bank_card", "phone"]


class Contact(NamedTuple):
    """A way to reach somebody: `value` normalized, `line` the whole line it stands in, half-open span in the text."""

    kind: ContactKind
    value: str
    line: str
    start: int
    end: int


class Identifier(NamedTuple):
    """A personal number inside the text: digits only in `value` (an ID card may end in X), half-open span."""

    kind: IdentifierKind
    value: str
    start: int
    end: int


_DIGIT_FORMS = {
    "零": "0", "〇": "0", "○": "0", "洞": "0", "一": "1", "幺": "1", "壹": "1", "二": "2", "贰": "2", "三": "3",
    "叁": "3", "四": "4", "肆": "4", "五": "5", "伍": "5", "六": "6", "陆": "6", "七": "7", "柒": "7", "八": "8",
    "捌": "8", "九": "9", "玖": "9",
    "\N{CIRCLED DIGIT ZERO}": "0",
    "\N{NEGATIVE CIRCLED DIGIT ZERO}": "0",
    **{chr(first + number): str(number + 1) for first in (0x2460, 0x2776, 0x24F5, 0x2474) for number in range(9)},
}  # fmt: skip
"""Characters that stand for a digit in evasively written numbers (banking forms, circled digits)."""

_D = f"[0-9{''.join(_DIGIT_FORMS)}]"
_MARK = "\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}"
_GAP = f"[ .\N{MIDDLE DOT}_*~\\-{_MARK}]{{0,2}}"
_ONES = "".join(form for form, digit in _DIGIT_FORMS.items() if digit == "1")
_THREE_UP = "".join(form for form, digit in _DIGIT_FORMS.items() if digit in "3456789")
_LEAD = f"[1{_ONES}]"
_SECOND = f"[3-9{_THREE_UP}]"
_TEN = rf"{_GAP}{_SECOND}{_GAP}{_D}[)]?(?:{_GAP}{_D}){{8}}(?!{_D})"
_ELEVEN = rf"{_LEAD}{_TEN}"
# Patterns that begin with one class skip to what may begin a match; each piece looks back at what it was.
_BEGIN = f"[+081{_ONES}]"
_MOBILE = re.compile(
    rf"{_BEGIN}(?<!{_D}{_BEGIN})(?<!{_D}[.-]{_BEGIN})(?<![a-z]{_BEGIN})"
    rf"(?:(?<={_LEAD}){_TEN}|(?:(?<=\+)86|(?<=0)086|(?<=8)6)[)]?[ -]?{_ELEVEN})"
)
_LOOKALIKE = re.compile(
    r"(?:电话|手机|热线|联系|致电|拨打|微信|v信)[号码方式是为]{0,3}[: ]{0,2}(?P<number>[1li][3-9][\doil]{9})(?![\da-z])"
)
MIN_DIGITS = 6
"""Fewest true digits of a number that is written with l for 1 and o for 0."""

_LIKE_DIGITS = str.maketrans("oil", "011")
_AMOUNT_AFTER = re.compile(r"\s?(?:元|万|亿|块|人|年|%|％|美元|港币)|\.\d")
_AMOUNT_BEFORE = re.compile(r"(?:总计|合计|共计|金额|总额|余额|编号|单号|订单|流水号|序列号)[号为是]?[: ]{0,2}$")
_LANDLINE = re.compile(
    r"[(0](?<![\d.-][(0])(?:(?<=\()0(?:10|2\d|[3-9]\d{2})\)[ -]{0,2}|(?<=0)(?:10|2\d|[3-9]\d{2})[ -]{1,2})"
    r"[2-9]\d{2,3}[ -]?\d{4}(?![\d.-])"
)
_HOTLINE = re.compile(
    r"(?<![\d.-])(?:[48]00[ -]?\d{3}[ -]?\d{4}|[48]00[ -]?\d{4}[ -]?\d{3}"
    r"|[48] 0 0(?: -)?(?: \d){3}(?: -)?(?: \d){4}|1010\d{4})(?![\d-])"
)
_SHORT_HOTLINE = re.compile(
    r"[电热客拨致来91](?:(?:(?<=电)话|(?<=热)线|(?<=客)服|(?<=拨)[打通]|(?<=[致来])电)[^\d\n。]{0,12}"
    r"(?P<number>95\d{3,4}|96\d{3,4}|12\d{3})(?!\d)"
    r"|(?<![\d.-][91])(?:(?<=9)[56]\d{3,4}|(?<=1)2\d{3})(?=[^\d\n。,]{0,6}(?:热线|专线|电话)))"
)
_DOT = r"(?:[.点。]|(?: \.|\. | \. )(?=(?:com|cn|net|org)\b)| ?[(\[{]dot[)\]}] ?)"
_EMAIL = re.compile(
    r"(?<![a-z0-9._%+-])(?P<local>[a-z0-9][a-z0-9._%+-]{1,40}) ?"
    r"(?:(?:@|[(\[{]at[)\]}]|艾特|#(?=(?:qq|163|126|sina|foxmail|139)[.点])) ?"
    rf"(?P<domain>[a-z0-9-]{{1,30}}(?:{_DOT}[a-z0-9-]{{2,20}}){{1,3}})"
    r"|(?<= )at (?P<spelt>[a-z0-9-]{1,30} dot [a-z]{2,6}))"
    r"(?![a-z0-9])"
)
_DOTS = re.compile(r" ?(?:[(\[{]dot[)\]}]|[.点。]|(?<= )dot(?= )) ?")
_QQ_LABEL = r"(?:q ?q|扣 ?扣|叩 ?叩|蔻蔻|球球|企鹅|加 ?[q扣]|[q扣] ?[群裙]|q ?号)"
_NUMBER = (
    rf"(?P<number>[1-9]\d{{4,11}}(?!\d)|[1-9](?:[ -]\d){{4,11}}(?![ -]?\d)|{_D}{{5,12}}(?!{_D})"
    r"|(?<=: )[1-9]\d{1,3}(?: \d{2,4}){1,3}(?! ?\d)|(?<=:)[1-9]\d{1,3}(?: \d{2,4}){1,3}(?! ?\d))"
)
_QQ = re.compile("(?=[q扣叩蔻球企加])" + _QQ_LABEL + r"[号码群联系咨询客服在线为是加我:;)\]\s_\-]{0,8}" + _NUMBER)
_HEART = "\N{HEAVY BLACK HEART}\N{GREEN HEART}\N{BLUE HEART}\N{BLACK HEART SUIT}"
_WECHAT_LABEL = (
    r"(?:微 ?信|薇 ?信|威 ?信|徽信|溦信|崴信|围信|v ?信|w ?信|微芯|薇芯|微x|绿泡泡|"
    rf"[微薇v][{_HEART}]\N{{VARIATION SELECTOR-16}}?|"
    r"(?<![a-z])(?:v ?x|w ?x|wechat|weixin)|(?<![a-z0-9])v(?= ?:)|"
    r"(?:加|添加|\+|➕) ?(?:微|薇|威|卫星|v信|v(?![a-z]))|卫星(?= ?[号:]))"
)
_WECHAT_GAP = r"(?P<gap>[号码联系咨询客服在线为是加我添同步(:;)\]\s_\-/电话手机]{0,8})"
_WECHAT = re.compile(
    "(?=[微薇威徽溦崴围vw绿加添+➕卫])"
    + _WECHAT_LABEL
    + _WECHAT_GAP
    + r"(?:(?P<id>[a-z][a-z0-9_-]{5,19})(?![a-z0-9_@.-])|"
    + rf"(?P<mobile>{_ELEVEN})|"
    + _NUMBER
    + ")"
)
_SAME_NUMBER = re.compile(r"[(\s,/]{0,2}(?:微 ?信|v ?信?|薇信|威信|vx|wx)(?:同号|同步|同)")
_ALSO_PHONE = re.compile(r"(?:电话|手机)[^\d\n。,]{0,8}$|同[号步]?[^\d\n。,]{0,4}$")
_WECHAT_ADD = re.compile(r"加|\+|➕|薇|威|徽|围|绿泡|^v|^w ?(?:x| ?信)|^微[^信]")
_NOT_AN_ID = frozenset(
    {"iphone", "android", "windows", "alipay", "wechat", "weixin", "google", "facebook", "wechatpay"}
)
_FORMS = "".join(_DIGIT_FORMS)
_MAY_HOLD = re.compile(
    rf"[\d@(\[{{# a-z艾{_FORMS}](?:(?<=\d)(?:[ .*_~\-{_MARK}]{{0,3}}\d){{4}}|(?<=@)|(?<=[(\[{{])at[)\]}}]"
    rf"|(?<=#)[qs1f]|(?<= )at |(?<=[a-z])[a-z0-9_-]{{5}}|(?<=艾)特|(?<=[{_FORMS}])(?:[ .-]?[{_FORMS}]){{4}})"
)
_MAY_RUN = re.compile(rf"[\d .@()\[\]{{}}#a-z_*~艾特{_MARK}{_FORMS}-]")
_PLAIN_DIGITS = str.maketrans(_DIGIT_FORMS)


# What each kind cannot do without; no pattern above begins with a literal or a class, so each costs ten times as much.
_MAY_EMAIL = re.compile(r"@|艾特|#| at |\(at|\[at|\{at")
_WECHAT_SIGNS = f"信芯x泡tnv微薇威星{_HEART}\N{VARIATION SELECTOR-16}"
_MAY_WECHAT = re.compile(
    rf"[{_WECHAT_SIGNS}]"
    rf"[号码联系咨询客服在线为是加我添同步(:;)\]\s_\-/电话手机]{{0,8}}[a-z0-9{_FORMS}]"
)
_MAY_HOTLINE = re.compile(r"[48]00|[48] 0 0|1010")
_MAY_SHORT_HOTLINE = re.compile(r"[91][562]\d{3}")
_MAY_MOBILE = re.compile(_ELEVEN)
_MAY_QQ = re.compile(r"[q扣叩蔻球企](?:(?<=[q扣叩])|(?<=蔻)蔻|(?<=球)球|(?<=企)鹅)")
_MAY_LOOKALIKE = re.compile(r"[1li][3-9][\doil]{9}")
_MAY_LANDLINE = re.compile(r"0\d\d\d?[) -]")

# The kinds that a compiled look at each character leaves to be looked for (`_contacts.Signs.kinds`).
_EMAILS, _WECHATS, _QQS, _HOTLINES, _SHORT_HOTLINES, _MOBILES, _LOOKALIKES, _LANDLINES = (
    1 << bit for bit in range(8)
)
ALL_KINDS = (1 << 8) - 1


def find_contacts(text: str) -> tuple[Contact, ...]:
    """Return the contacts of `text` in order of place; overlapping readings go to the more specific kind."""
    key = fold(text)
    return find_contacts_folded(text, key)


def find_contacts_folded(text: str, key: str) -> tuple[Contact, ...]:
    """Return what `find_contacts` does, for a caller that has the fold key of `text` already."""
    if not may_hold_contacts(key) or not (told := _signs().kinds(key) if _native else ALL_KINDS):
        return ()
    taken: list[Contact] = []
    busy = bytearray(len(key))
    for kind, value, start, end in _readings(key, told):
        if not any(busy[start:end]):
            busy[start:end] = b"\1" * (end - start)
            taken.append(Contact(kind, value, _line_of(text, start), start, end))
    shared = [_same_number(key, contact) for contact in taken]
    taken.extend(contact for contact in shared if contact is not None)
    return tuple(sorted(taken, key=lambda contact: (contact.start, contact.end, contact.kind)))


def _readings(key: str, told: int) -> Iterator[tuple[ContactKind, str, int, int]]:
    """Yield every reading of the kinds `told`, the most specific first: a labelled number before a bare one."""
    if told & _EMAILS:
        yield from _emails(key)
    if told & _WECHATS:
        yield from _wechats(key)
    for match in _QQ.finditer(key) if told & _QQS and _MAY_QQ.search(key) else ():
        value = re.sub(r"\D", "", match["number"].translate(_PLAIN_DIGITS))
        if not value.startswith("0"):
            yield "qq", value, match.start("number"), match.end("number")
    for match in _HOTLINE.finditer(key) if told & _HOTLINES and _MAY_HOTLINE.search(key) else ():
        yield "hotline", re.sub(r"\D", "", match[0]), *match.span()
    for match in _SHORT_HOTLINE.finditer(key) if told & _SHORT_HOTLINES and _MAY_SHORT_HOTLINE.search(key) else ():
        group = "number" if match["number"] else 0
        yield "hotline", match[group], *match.span(group)
    for start, end, value in _mobiles(key) if told & _MOBILES else ():
        yield "phone", value, start, end
    for match in _LOOKALIKE.finditer(key) if told & _LOOKALIKES and _MAY_LOOKALIKE.search(key) else ():
        if sum(map(str.isdecimal, match["number"])) >= MIN_DIGITS:
            yield "phone", match["number"].translate(_LIKE_DIGITS), *match.span("number")
    for match in _LANDLINE.finditer(key) if told & _LANDLINES and _MAY_LANDLINE.search(key) else ():
        yield "phone", re.sub(r"\D", "", match[0]), *match.span()


def _emails(key: str) -> Iterator[tuple[ContactKind, str, int, int]]:
    for match in _EMAIL.finditer(key) if _MAY_EMAIL.search(key) else ():
        domain = _DOTS.sub(".", match["domain"] or match["spelt"])
        if not domain.rpartition(".")[2].isdecimal():
            yield "email", f"{match['local']}@{domain}", *match.span()


def _wechats(key: str) -> Iterator[tuple[ContactKind, str, int, int]]:
    for match in _WECHAT.finditer(key) if _MAY_WECHAT.search(key) else ():
        group = "id" if match["id"] else "mobile" if match["mobile"] else "number"
        value = match[group].translate(_PLAIN_DIGITS)
        value = value if group == "id" else re.sub(r"\D", "", value)
        if group == "id" and not _is_wechat_id(match[0], match["gap"], value):
            continue
        yield "wechat", value, match.start(group), match.end(group)


def _is_wechat_id(whole: str, gap: str, value: str) -> bool:
    """A Latin word after 微信 is an ID when it is introduced as one; `微信 android` is not."""
    if value in _NOT_AN_ID:
        return False
    return ":" in gap or "号" in gap or bool(_WECHAT_ADD.search(whole)) or any(map(str.isdecimal, value))


def _mobiles(key: str) -> Iterator[tuple[int, int, str]]:
    """Yield mobile numbers: eleven digits that are no amount and no part of a longer grouped number."""
    for match in _MOBILE.finditer(key) if _MAY_MOBILE.search(key) else ():
        start, end = match.span()
        if _AMOUNT_AFTER.match(key, end) or not _is_grouped_as_phone(match[0]):
            continue
        if _AMOUNT_BEFORE.search(key, max(0, start - 8), start):
            continue
        if re.search(r"\d[ -]$", key[max(0, start - 2) : start]) and " " in match[0].strip():
            continue  # `6222 1380 0000 0000`: a group of a card number
        yield start, end, re.sub(r"\D", "", match[0].translate(_PLAIN_DIGITS))[-11:]


def _is_grouped_as_phone(written: str) -> bool:
    """Dots are group marks only in 3.4.4, or `1.3800000000` would be a phone."""
    groups = [len(group) for group in written.split(".")]
    return len(groups) == 1 or groups == [3, 4, 4] or set(groups) == {1}


def _same_number(key: str, found: Contact) -> Contact | None:
    """Return the other contact of a number that is both: `13800000000(微信同号)`, `电话/微信:13800000000`."""
    if found.kind == "phone" and _SAME_NUMBER.match(key, found.end):
        return found._replace(kind="wechat")
    is_number = found.kind == "wechat" and len(found.value) == 11 and found.value.isdecimal()
    if is_number and _ALSO_PHONE.search(key, max(0, found.start - 14), found.start):
        return found._replace(kind="phone")
    return None


def _line_of(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return text[start : end if end >= 0 else len(text)]


# -- Lines that are nothing but contacts ------------------------------------------------------------------------

_CONTACT_WORDS = re.compile(
    r"手机号?码?|电话|微信号?|联系(?:方式|人|我们|电话|站长)?|qq号?|q ?q|扣扣|v信|薇信|邮箱|e-?mail|客服|热线|咨询|号码|"
    r"网址|加|添加|同号|同步|"
    r"(?:本站|网站|站长|法务|律师|商务|广告|合作|投稿|侵权|举报|在线|服务|公司|官方|免费|全国|逾期|债务|协商|处理)|"
    r"先生|女士|小姐|经理|老师|主任|顾问|律师|负责人|[的或和及请:;,.、/|()\[\]【】\s_+-]"
)
_PERSON = re.compile(r"^[\u4e00-\u9fff]{1,3}(?=先生|女士|小姐|经理|老师|主任|顾问|律师|$)")
MAX_CONTACT_LINE = 120


def may_hold_contacts(key: str) -> list[int]:
    """Return offsets in a folded text of what may be contacts; a line without one has none. Cheap, and misses none."""
    return _signs().runs(key) if _native else plain_runs(key)


def plain_runs(key: str) -> list[int]:
    """Return what `may_hold_contacts` does: the twin of `_contacts.Signs.runs`."""
    return [start for start, end in _run_chars().runs(key, LONG_RUN) if _MAY_HOLD.search(key, start, end)]


@cache
def _signs() -> Signs:
    assert _native is not None
    planes = _planes()
    made: Signs = _native.Signs(
        run="".join(_MAY_RUN.findall(planes)),
        digits="".join(re.findall(r"\d", planes)),
        forms=_FORMS,
        gaps=f" .*_~-{_MARK}",
        wechat=_WECHAT_SIGNS,
        qq="q扣叩蔻球企",
    )
    return made


@cache
def _run_chars() -> Chars:
    return chars("".join(_MAY_RUN.findall(_planes())), _SIGNS)


def _planes() -> str:
    return from_codes(np.arange(0x20000, dtype=np.uint32))  # no digit lies further out


LONG_RUN = 4
_SIGNS = "@#艾"
"""What a shorter run must hold to be a contact: a year, a list's number or a word of Latin has none."""


def is_contact_line(key: str, known: Sequence[Contact] | None = None) -> bool:
    """Whether a folded line is nothing but contacts, their labels and a name; a hotline is nobody's own contact.

    `known` are the contacts in it, for a caller that has found them.
    """
    if len(key) > MAX_CONTACT_LINE:
        return False
    found = find_contacts_folded(key, key) if known is None else known
    found = [contact for contact in found if contact.kind != "hotline"]
    if not found:
        return False
    parts, cursor = [], 0
    for contact in found:
        if contact.start >= cursor:
            parts.append(key[cursor : contact.start])
            cursor = contact.end
    rest = "".join([*parts, key[cursor:]])
    return len(_PERSON.sub("", _CONTACT_WORDS.sub("", rest))) <= 1


# -- Personal identifiers ---------------------------------------------------------------------------------------

_ID_CARD = re.compile(
    r"(?<![\dx])[1-9]\d{5} ?(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) ?\d{3}[\dx](?![\dx])"
)
_BANK_CARD = re.compile(r"(?<!\d)(?<!\d[ -])(?:\d{16,19}|\d{4}(?:[ -]\d{4}){3}(?:[ -]\d{1,3})?)(?![ -]?\d)")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_KEPT_HEAD, _KEPT_TAIL = 3, 2


def find_identifiers(text: str) -> tuple[Identifier, ...]:
    """Return ID cards (checksum of GB 11643), bank cards (Luhn, ISO/IEC 7812) and mobile phones in `text`."""
    key = fold(text)
    if not _MAY_HOLD.search(key):
        return ()
    found: list[Identifier] = []
    busy = bytearray(len(key))
    for match in _ID_CARD.finditer(key):
        value = match[0].replace(" ", "").upper()
        if is_id_card(value):
            busy[match.start() : match.end()] = b"\1" * len(match[0])
            found.append(Identifier("id_card", value, *match.span()))
    for match in _BANK_CARD.finditer(key):
        value = re.sub(r"\D", "", match[0])
        if is_bank_card(value) and not any(busy[match.start() : match.end()]):
            busy[match.start() : match.end()] = b"\1" * len(match[0])
            found.append(Identifier("bank_card", value, *match.span()))
    for start, end, value in _mobiles(key):
        if not any(busy[start:end]):
            found.append(Identifier("phone", value, start, end))
    return tuple(sorted(found, key=lambda identifier: identifier.start))


def is_id_card(value: str) -> bool:
    """Whether 17 digits and a check character (digit or X) satisfy GB 11643's modulus 11."""
    if len(value) != 18 or not value[:17].isdecimal():
        return False
    total = sum(int(digit) * weight for digit, weight in zip(value, _ID_WEIGHTS, strict=False))
    return _ID_CHECKS[total % 11] == value[17]


def is_bank_card(value: str) -> bool:
    """Whether 16 to 19 digits start as a card does (3 to 6, or 9) and satisfy the Luhn check."""
    if not 16 <= len(value) <= 19 or value[0] not in "34569":
        return False
    digits = [int(digit) for digit in reversed(value)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def mask(value: str) -> str:
    """Return `value` with every letter and digit but the first three and the last two as `*`, separators kept."""
    places = [index for index, char in enumerate(value) if char.isalnum()]
    hidden = set(places[_KEPT_HEAD : max(_KEPT_HEAD, len(places) - _KEPT_TAIL)])
    return "".join("*" if index in hidden else char for index, char in enumerate(value))


@cache
def _digits() -> npt.NDArray[np.bool_]:
    """Return which code points are a digit in any form that `fold` or a reading knows."""
    known = np.zeros(0x110000, dtype=np.bool_)
    known[list(map(ord, unfolded("0123456789" + "".join(_DIGIT_FORMS))))] = True
    return known


_FEWEST_DIGITS = 11
"""A mobile phone's; identity and bank cards have more."""

_WIDEST = _FEWEST_DIGITS + 2 * (_FEWEST_DIGITS - 1)
"""Characters that so many digits take up with at most two signs between them."""


def may_identify(texts: Sequence[str]) -> list[bool]:
    """Return for each text, not folded, whether it holds what every identifier does: eleven digits close together.

    Cheap, and misses none. Many texts at once cost a tenth of as many calls.
    """
    joined = "\n".join(texts)
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    places = _digits()[points].nonzero()[0]
    last, first = places[_FEWEST_DIGITS - 1 :], places[: max(0, len(places) - _FEWEST_DIGITS + 1)]
    close = first[last - first < _WIDEST]
    found = [False] * len(texts)
    if len(close):
        ends = np.cumsum([len(text) + 1 for text in texts])
        for index in np.unique(np.searchsorted(ends, close, side="right")).tolist():
            found[index] = True
    return found


_BETWEEN = f"[ .\N{MIDDLE DOT}_*~\\-{_MARK}()+x]"
_RUN = re.compile(f"{_D}(?:{_BETWEEN}{{0,3}}{_D})*")
"""Digits with at most three signs between them: no identifier reaches from one such run into another."""


def mask_identifiers(text: str, *, drop: bool = False) -> str:
    """Return `text` with the identifiers that `find_identifiers` finds masked in place, same length, or dropped.

    None is found in what is returned: where the digits that were left make a number with those beside them, the whole run
    of digits goes.
    """
    found = find_identifiers(text)
    if not found:
        return text
    parts: list[str] = []
    cursor = 0
    for identifier in found:
        start, end = identifier.start, identifier.end
        parts += text[cursor:start], "" if drop else mask(text[start:end])
        cursor = end
    masked = "".join([*parts, text[cursor:]])
    left = find_identifiers(masked)
    return _without_runs(masked, [identifier.start for identifier in left], drop=drop) if left else masked


def _without_runs(text: str, places: Sequence[int], *, drop: bool) -> str:
    """Return `text` with every digit starred, or every character dropped, of the runs in which `places` are."""
    parts: list[str] = []
    cursor = 0
    for run in _RUN.finditer(fold(text)):
        start, end = run.span()
        if bisect_left(places, start) < bisect_left(places, end):
            hidden = "" if drop else "".join("*" if char.isalnum() else char for char in text[start:end])
            parts += text[cursor:start], hidden
            cursor = end
    return "".join([*parts, text[cursor:]])
