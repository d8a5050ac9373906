"""One span, one way back: read it anew, prove it by the forward model, judge whether it is better Chinese."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cleaning.repair.badness import count_in, count_likely, total_logprob
from cleaning.repair.chains import (
    CP1252_UNDEFINED,
    FAMILY,
    HOLE,
    MARKER,
    READERS,
    SPECIALS,
    Chain,
    Family,
    Reader,
    Step,
    Writer,
    blanked,
    damage,
    has_markers,
)
from cleaning.repair.effort import Budget
from cleaning.repair.hybrid import solve_hybrid
from cleaning.repair.pieces import Groups, Piece, Pieces, grouped, is_hopeless, proof_of
from cleaning.repair.solve import SOON, as_bytes, solve_pairs
from cleaning.repair.utf8 import is_peelable, peel, solve_utf8

if TYPE_CHECKING:
    from cleaning.native._pieces import Groups as NativeGroups

MARGIN: dict[Family, float] = {"latin": 0.5, "hybrid": 0.5, "gbk": 2.0, "big5": 2.0}
"""Nats per character by which a result must read better; single bytes count twice over, since they are twice as many."""

FLOORS: tuple[tuple[int, float], ...] = ((20, -9.0), (8, -8.5), (4, -8.0), (2, -7.0), (1, 0.0))
"""Mean log-probability that a result of at least so many ideographs must reach; running Chinese has -4.5 to -6.5."""

ESTABLISHED = 3.0
"""Nats by which the floor sinks for a way that longer lines of the same text were damaged in."""

PROBE = 90
"""Characters of a long span that are read first."""

HOPELESS = -10.0
"""Mean log-probability under which the beginning of a span is not Chinese, nor Chinese damaged but a little."""

TRIED, HYBRID, WHOLE, BROKEN, PAIRED, PEELED, AGAIN = 300, 18, 2, 20, 40, 12, 1
"""What work counts in a budget, a fifth to half of a microsecond each: a try, and by the character a hybrid, a text without
losses, one of UTF-8 with some, one of pairs with some, and one searched for several layers, and that for each way tried."""

MAX_HOLES = 0.4
"""Share of a result's characters that may be holes."""

IDEOGRAPH = re.compile("[\u3001-\u3020\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff01-\uff5e\U00020000-\U0003ffff]")
"""What makes a result Chinese: ideographs and full-width punctuation (and kana and Hangul, which score worse)."""

NOT_SINGLE = re.compile(f"[^\\x00-\xff\\u0800-\U0010ffff{''.join(SPECIALS)}]")
"""What a decoder of single bytes never shows, but a hybrid does."""

_LEFT_OUT = re.compile(f"[{''.join(map(chr, CP1252_UNDEFINED))}]")
_THREE_BYTES = re.compile("[\u0800-\ud7ff\uf900-\ufffc\U00010000-\U0001ffff]")


def count_ideographs(text: str) -> int:
    """Return how many characters of `text` make a result Chinese."""
    return count_in(text, IDEOGRAPH)


UNBOUNDED = 1 << 60
"""A budget that nothing exhausts."""

Way = tuple[Family, Writer]
"""A family of wrong decoders and the encoding that was written."""


class Trial(NamedTuple):
    """A span read anew one way: its groups, the step that was undone, and those before it that were undone with it."""

    groups: Groups | NativeGroups
    step: Step
    before: Chain = ()

    @property
    def evident(self) -> bool:
        """Whether the bytes alone say that this step was done: valid UTF-8, or nothing lost between single bytes."""
        if not self.proved:
            return False
        return self.step.written == "utf-8" or (self.step.reader in READERS["latin"] and len(self.groups) == 1)

    @property
    def share(self) -> int:
        """How many characters of the span are proved."""
        return self.groups.share

    @property
    def proved(self) -> bool:
        """Whether the forward model gives the whole span back."""
        return self.groups.proved

    def text(self, span: str) -> str:
        """Return the repaired text; what is not proved stays as it stood."""
        return self.groups.text(span)


def attempt(
    span: str,
    way: Way,
    left: str = "\n",
    right: str = "\n",
    *,
    quick: bool = False,
    sides: Sequence[tuple[str, str]] = (),
    budget: Budget | None = None,
) -> Trial | None:
    """Return `span` read anew `way`, with what could be proved; None when it can't have been damaged so.

    `left` and `right` are its neighbours, which help the model to fill lost bytes. `quick` leaves the search for
    bytes that are missing without a sign to others. `sides` has the neighbours of each line, if these are spans.
    What it costs is taken off `budget`; with nothing left nothing is tried.
    """
    last = deque(trials(span, way, left, right, quick=quick, sides=sides, budget=budget), maxlen=1)
    return last[0] if last else None


def trials(
    span: str,
    way: Way,
    left: str = "\n",
    right: str = "\n",
    *,
    quick: bool = False,
    sides: Sequence[tuple[str, str]] = (),
    budget: Budget | None = None,
) -> Iterator[Trial]:
    """Yield what `attempt` comes by, each trial with more proved than those before it; the last one is what it returns."""
    family, writer = way
    budget = budget or Budget(UNBOUNDED)
    if not budget.spend(TRIED) or (quick and not _quickly(span, family, writer)):
        return
    if len(span) > 2 * PROBE and not _promising(span[:PROBE], family, writer, budget):
        return
    found: Trial | None = None

    def may_win(reader: Reader) -> bool:
        return found is None or _may_explain_more(span, found, reader, writer, budget)

    for readers, pieces in _readings(span, family, writer, budget, left, right, sides, may_win):
        if len(pieces) > 1 and writer != "utf-8" and is_hopeless(pieces, HOPELESS):
            continue
        trial = prove(span, pieces, readers, writer)
        if trial.proved or found is None or trial.share > found.share:
            found = trial
            yield trial
        if trial.proved:
            return


def _may_explain_more(span: str, found: Trial, reader: Reader, writer: Writer, budget: Budget) -> bool:
    """Tell whether `reader` may explain more of a span than `found` does, which leaves a part of it unexplained.

    No character goes over a line's end: all that there is to gain lies in the lines that are not wholly explained.
    """
    lines = "".join([span[start:end] for start, end in _lines_of(span, found.groups.unproved)])
    if 2 * len(lines) > len(span):
        return True
    budget.spend(PAIRED * len(lines))
    known = len(lines) - (len(span) - found.share)
    return any(
        prove(lines, pieces, (reader,), writer).share > known for pieces in solve_pairs(lines, reader, writer)
    )


def _lines_of(span: str, bounds: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield start and end of the lines, each once and with its line break, that ordered `bounds` stand in."""
    done = 0
    for start, end in bounds:
        if end > done:
            first, last = max(done, span.rfind("\n", 0, start) + 1), span.find("\n", end - 1)
            done = last + 1 if last >= 0 else len(span)
            yield first, done


def _quickly(span: str, family: Family, writer: Writer) -> bool:
    """Tell whether a span can be read one way without a search, or has the signs of lost bytes that ask for one."""
    if family == "hybrid":
        return bool(NOT_SINGLE.search(span))
    if writer == "utf-8" or (family == "big5" and (HOLE in span or "?" in span)):
        return True
    data = as_bytes(span, family)
    try:
        return data is not None and bool(data.decode(writer))
    except UnicodeDecodeError:
        return False


def _promising(head: str, family: Family, writer: Writer, budget: Budget) -> bool:
    """Tell whether the beginning of a long span reads as anything, before all of it is searched."""
    if writer == "utf-8" and plainly_utf8(head, family):
        return True
    for _, pieces in _readings(head, family, writer, budget):
        whole = proof_of(pieces)
        text = whole.replace(HOLE, "")
        layered = writer == "utf-8" and len(whole) - len(text) <= len(whole) // 8
        return len(text) > PROBE // 10 and (layered or total_logprob(text) > HOPELESS * len(text))
    return False


def plainly_utf8(span: str, family: Family) -> bool:
    """Tell whether what is whole in the bytes of `span` is most of them, and plain Chinese: no search is needed for that."""
    data = as_bytes(span, family) if family != "hybrid" else None
    if data is None:
        return False
    text = data.decode("utf-8", "ignore")
    return len(text.encode()) >= WHOLE_SHARE * len(data) and total_logprob(text) > PLAIN * len(text)


WHOLE_SHARE, PLAIN = 0.75, -8.0
"""Share of a span's bytes that must be whole characters of UTF-8, and their mean log-probability, for it to be plain."""


def _readings(
    span: str,
    family: Family,
    writer: Writer,
    budget: Budget,
    left: str = "\n",
    right: str = "\n",
    sides: Sequence[tuple[str, str]] = (),
    may_win: Callable[[Reader], bool] = lambda _: True,
) -> Iterator[tuple[tuple[Reader, ...], Pieces]]:
    """Yield the readings of `span`, in pieces that count its characters, each with the decoders it holds for.

    Which bytes can have been lost depends on the decoder, so a span with holes has readings for each that `may_win`.
    """
    readers = READERS[family]
    if family == "hybrid":
        budget.spend(HYBRID * len(span))
        yield readers, solve_hybrid(span, writer, left)
        return
    budget.spend(WHOLE * len(span))
    if writer == "utf-8":
        for reading in solve_utf8(span, family, left, right, sides):
            yield reading
            if not budget.spend(BROKEN * len(span) * (len(reading[1]) > 1)):
                return
        return
    data = as_bytes(span, family)
    if data is None or (family == "latin" and _is_utf8(data)):
        return
    if not (family == "big5" and "?" in span):
        try:
            yield readers, [Piece(0, len(span), data.decode(writer), "known")]
            return
        except UnicodeDecodeError:
            if not mostly_pairs(data, writer):
                return
    try:
        for reader in readers:
            if not budget.spend(PAIRED * min(len(span), SOON)):
                return
            for pieces in solve_pairs(span, reader, writer, left, right) if may_win(reader) else ():
                yield (reader,), pieces
                if not budget.spend(PAIRED * len(span)):
                    return
    except ValueError:
        return


def _is_utf8(data: bytes) -> bool:
    """Tell whether `data` is UTF-8 with so many characters in it that no pairs of bytes are so by chance."""
    try:
        shown = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(shown) - len(data.translate(None, _HIGH_BYTES)) >= CHANCE


CHANCE = 8
"""Characters of several bytes in valid UTF-8 which GBK or Big5 don't make by chance; four or five of GBK can."""

_HIGH_BYTES = bytes(range(0x80, 0x100))


def mostly_pairs(data: bytes, writer: Writer) -> bool:
    """Tell whether `data` decodes as `writer` but for its holes, so that a search for lost bytes is worth while."""
    bad = data.decode(writer, "replace").count(HOLE)
    return bad <= 2 + len(data) // 50 + 3 * (data.count(b"\xff") + data.count(b"?") + data.count(b" "))


def peeled(span: str, budget: Budget, left: str = "\n", right: str = "\n") -> Trial | None:
    """Return `span` read anew through two or more layers of UTF-8 as one trial; None when it isn't several layers."""
    if not budget.spend(TRIED + WHOLE * len(span)) or not is_peelable(span):
        return None
    if not budget.spend(PEELED * len(span)):
        return None
    found = peel(span, left, right, lambda: budget.spend(AGAIN * len(span)))
    if found is None:
        return None
    piece = Piece(0, len(span), found.text, "known" if found.sure else "likely")
    return Trial(grouped([piece], len(span)), found.chain[-1], found.chain[:-1])


def prove(span: str, pieces: Pieces, readers: tuple[Reader, ...], writer: Writer) -> Trial:
    """Return the trial of `pieces`, each group proved when one of `readers` shows its text as the span has it.

    One decoder must explain the whole, or the one that explains most is taken. An open hole stands in the proof for
    the likeliest character that its bytes allow.
    """
    groups = grouped(pieces, len(span))
    whole = groups.proof
    best = Step(writer, readers[0])
    most: Sequence[int] = bytes(len(groups))
    for step in _steps(span, readers, writer):
        if _shows(whole, step, span):
            return Trial(groups, step)
        if len(groups) > 1:
            # All are shown at once: no encoding has a line break in a character, so none reads on behind one.
            shown = damage(groups.apart, (step,))
            proved = groups.shown_apart(shown, blanked(span) if step.blank else span)
            if sum(proved) > sum(most):
                best, most = step, proved
    return Trial(groups if all(most) else groups.as_proved(most), best)


def _steps(span: str, readers: tuple[Reader, ...], writer: Writer) -> Iterator[Step]:
    """Yield the steps that can have left `span`, by the signs that lost bytes left in it."""
    if has_markers(span):
        losses = [MARKER]
    elif HOLE in span:
        losses = [HOLE]
    else:
        losses = ["?", ""]
    for reader in readers:
        # Browsers' cp1252 shows the bytes it leaves out as controls, beside its own specials; nothing is lost then.
        shown = [MARKER] if reader == "cp1252" and _LEFT_OUT.search(span) else losses
        for lost in shown:
            yield Step(writer, reader, lost)
            if FAMILY[reader] in ("latin", "hybrid") and " " in span:
                yield Step(writer, reader, lost, blank=True)


def _shows(text: str, step: Step, span: str) -> bool:
    """Tell whether `step` shows `text` as `span`; with blanks, the span's own no-break spaces don't matter."""
    shown = damage(text, (step,))
    return shown == (blanked(span) if step.blank else span)


def _varied(text: str) -> bool:
    """Tell whether the ideographs of a short text differ, as those of a row of ornaments read as pairs do not."""
    if len(set(IDEOGRAPH.findall(text[: 4 * ENOUGH_VARIED]))) >= ENOUGH_VARIED:
        return True
    found = IDEOGRAPH.findall(text)
    return len(set(found)) >= max(4, min(len(found) / 2, ENOUGH_VARIED))


ENOUGH_VARIED = 30
"""Different ideographs that make any text varied."""


def _hangs_together(text: str, size: int, way: Way, left: str = "\n", right: str = "\n") -> bool:
    """Tell whether enough neighbours among the ideographs of `text` belong together, and not one pair repeated.

    A short text is also judged by how it joins what stands beside it.
    """
    found = "\n".join(_TOGETHER.findall(text if size > BY_ITSELF else left + text + right))
    if way[0] in ("gbk", "big5") and way[1] != "utf-8" and (size < 4 or not _has_others(found)):
        return False
    return count_likely(found, LIKELY) >= max(1.0, TOGETHER * size)


def _has_others(found: str) -> bool:
    """Tell whether four characters of lines of text differ; the first of them mostly do."""
    return len(set(found[:BY_ITSELF]) - {"\n"}) >= 4 or len(set(found) - {"\n"}) >= 4


_SOLID = re.compile(f"[\x80-\xff{''.join(SPECIALS)}]{{8}}")
"""Eight single bytes above ASCII in a row: no language writes so, and four ideographs do."""

_TOGETHER = re.compile("[\u3001-\u3020\u3400-\u9fff\uff01-\uff5e]{2,}")
LIKELY = -6.5
"""Log-probability from which a character is no surprise after another."""

BY_ITSELF = 8
"""Ideographs from which a result is judged without its neighbours."""

TOGETHER = 0.3
"""Share of a result's ideographs that must be no surprise: some .7 are in running Chinese, next to none by chance."""


def reads_as_chinese(
    span: str, text: str, way: Way, established: bool, left: str = "\n", right: str = "\n"
) -> bool:
    """Tell whether `text` is clearly better Chinese than `span` between its neighbours, the more clearly the shorter.

    Valid three-byte UTF-8 shown as single bytes doesn't come about by chance, so it needs less. `established` says
    that longer lines of the same text were damaged in the same way.
    """
    if way == ("latin", "utf-8") and HOLE not in text and _THREE_BYTES.search(text):
        return total_logprob(text) > total_logprob(span)
    whole = text.replace(HOLE, "")
    size = count_ideographs(whole)
    if not size or len(text) - len(whole) > MAX_HOLES * len(text):
        return False
    floor = next(floor for least, floor in FLOORS if size >= least)
    if established:
        floor = min(floor, FLOORS[-2][1]) - ESTABLISHED
    solid = way[0] == "latin" and _SOLID.search(span) is not None and _varied(whole)
    if not established and not solid and not _hangs_together(whole, size, way, left, right):
        return False
    score = total_logprob(whole) / len(whole)
    margin = MARGIN[way[0]] / (2 if established else 1)
    return score >= floor and score >= total_logprob(span) / len(span) + margin
