"""Impact: which documents other rules would change, before anything is rebuilt.

Every fetch that gave something is derived once more, in a process of its own whose `cleaning` package is the other
one: with a rule file put in, or as it stood at a revision. What comes out is held against what the corpus holds.
Nothing is written to the corpus.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from cleaning.ruleset import RuleError, parse_rules, rules
from corpus.store import Corpus, CorpusError

FALLBACK = "chrome.toml"
"""The rule file that rules from a file of another name are added to."""

Progress = Callable[[int, int], None]


class Change(NamedTuple):
    """One document that would change: before and after, `None` where there is no document."""

    seq: int
    url: str
    before: str | None
    after: str | None


@dataclass(slots=True)
class Impact:
    """What other rules would do: counts, the change in findings by rule, and the first examples."""

    fetches: int = 0
    changed: int = 0
    lost: int = 0
    gained: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    examples: list[Change] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it; `rules` says how many more (or fewer) findings each rule gives."""
        return {
            "fetches": self.fetches, "changed": self.changed, "lost": self.lost, "gained": self.gained,
            "rules": {name: number for name, number in sorted(self.rules.items()) if number},
            "examples": [change._asdict() for change in self.examples],
        }  # fmt: skip


class Outcome(NamedTuple):
    """What a fetch gives: its text (title first) or None, and how many findings of each rule."""

    seq: int
    text: str | None
    rules: dict[str, int]


def impact(
    corpus: Corpus,
    *,
    rule_file: Path | None = None,
    since: str | None = None,
    examples: int = 20,
    workers: int = 1,
    progress: Progress | None = None,
) -> Impact:
    """Return what would change under other rules.

    With `rule_file`: the rules of now against those with the file put in. With `since`: the cleaning of that git
    revision against that of now. With neither: what the corpus holds against what a rebuild would give now. Raises
    CorpusError for a rule file or revision that can't be used, and where a file of the archive is missing.
    """
    corpus.need_archive()
    urls = {task.seq: task.url for task in corpus.tasks() if gave_text(corpus, task.seq)}
    found = Impact(fetches=len(urls))
    with tempfile.TemporaryDirectory(prefix="yuqi-impact-") as scratch:
        before, after = _sides(corpus, Path(scratch), rule_file, since, workers)
        for done, (old, new) in enumerate(zip(before, after, strict=True), 1):
            _compare(found, urls[old.seq], old, new, examples)
            if progress is not None:
                progress(done, len(urls))
    return found


def gave_text(corpus: Corpus, seq: int) -> bool:
    """Whether a fetch gave what rules can change: a document, a version, or a refusal by the look of its text."""
    sql = """SELECT 1 FROM documents WHERE docid = ?1 UNION ALL SELECT 1 FROM rejections
        WHERE seq = ?1 AND reason NOT LIKE 'http-%'"""
    return corpus.connection.execute(sql, (seq,)).fetchone() is not None


def _sides(
    corpus: Corpus, scratch: Path, rule_file: Path | None, since: str | None, workers: int
) -> tuple[Iterator[Outcome], Iterator[Outcome]]:
    if rule_file is not None and since is not None:
        raise CorpusError("--rules and --since are two questions: ask one at a time")
    if rule_file is not None:
        _overlay(rule_file, scratch)
        return _derived(corpus, None, workers), _derived(corpus, scratch, workers)
    if since is not None:
        _at_revision(since, scratch)
        return _derived(corpus, scratch, workers), _derived(corpus, None, workers)
    return _stored(corpus), _derived(corpus, None, workers)


def _compare(found: Impact, url: str, old: Outcome, new: Outcome, examples: int) -> None:
    found.rules.update(new.rules)
    found.rules.subtract(old.rules)
    if old.text == new.text:
        return
    found.changed += 1
    found.lost += new.text is None
    found.gained += old.text is None
    if len(found.examples) < examples:
        found.examples.append(Change(old.seq, url, old.text, new.text))


def _stored(corpus: Corpus) -> Iterator[Outcome]:
    for task in corpus.tasks():
        if gave_text(corpus, task.seq):
            sql = "SELECT title, text FROM documents WHERE docid = ?"
            row = corpus.connection.execute(sql, (task.seq,)).fetchone()
            counts = corpus.connection.execute(
                "SELECT stage || '/' || rule, count(*) FROM findings WHERE docid = ? GROUP BY 1", (task.seq,)
            )
            yield Outcome(task.seq, f"{row[0] or ''}\n{row[1]}" if row else None, dict(counts.fetchall()))


def _derived(corpus: Corpus, overlay: Path | None, workers: int) -> Iterator[Outcome]:
    """Yield what every fetch gives, derived in a process whose first place for modules is `overlay`."""
    command = [sys.executable, "-P", "-m", "corpus.impact_child", str(corpus.path.absolute()), str(workers)]
    if overlay is not None:
        command = [sys.executable, "-P", "-c", _BEHIND.format(overlay=str(overlay)), *command[4:]]
    with _running(command) as child:
        assert child.stdout is not None
        for line in child.stdout:
            yield Outcome(*orjson.loads(line))


_BEHIND = """import sys
sys.path.insert(0, {overlay!r})
import runpy
runpy.run_module("corpus.impact_child", run_name="__main__", alter_sys=True)
"""
"""Puts the overlay before everything else, then runs the child as `python -m` would."""


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile() as talk:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=talk)  # noqa: S603  # our own interpreter
        try:
            yield child
            if child.wait() != 0:
                talk.seek(0)
                last = (talk.read().decode("utf-8", "replace").strip().splitlines() or ["it printed nothing"])[-1]
                raise CorpusError(f"deriving with the other rules failed: {last[:300]}")
        finally:
            child.kill()
            child.wait()


def _overlay(rule_file: Path, scratch: Path) -> None:
    """Copy the cleaning package to `scratch` with the rule file put in."""
    try:
        text = rule_file.read_text(encoding="utf-8")
        given = parse_rules(tomllib.loads(text), rule_file.name)
        for rule in given:
            rule.check()
    except OSError as error:
        raise CorpusError(f"{rule_file}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CorpusError(f"{rule_file}: it is not TOML: {error}") from error
    except RuleError as error:
        raise CorpusError(str(error)) from error
    with resources.as_file(resources.files("cleaning")) as package:
        shutil.copytree(package, scratch / "cleaning", ignore=shutil.ignore_patterns("__pycache__"))
    target = scratch / "cleaning" / "rules" / rule_file.name
    if target.is_file():
        target.write_text(text, encoding="utf-8")
        return
    known = {rule.id for rule in rules()}
    if twice := [rule.id for rule in given if rule.id in known]:
        raise CorpusError(
            f"{rule_file}: rule {twice[0]} is there already; give a whole rule file under its own name to change it"
        )
    if not given:
        raise CorpusError(f"{rule_file}: it holds no [[rule]]")
    added = scratch / "cleaning" / "rules" / FALLBACK
    added.write_text(f"{added.read_text(encoding='utf-8')}\n{text}", encoding="utf-8")


def _at_revision(revision: str, scratch: Path) -> None:
    """Unpack the cleaning package as it stood at a git revision to `scratch`."""
    with resources.as_file(resources.files("cleaning")) as package:
        root = package.parent
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        raise CorpusError("--since needs git and a checkout of yuqi; an installed copy can use --rules FILE")
    command = [git, "-C", str(root), "archive", "--format=tar", "--end-of-options", revision, "cleaning"]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  # git, and a revision behind a guard
    if done.returncode:
        told = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"])[0]
        raise CorpusError(f"{revision}: {told}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as packed:
        packed.extractall(scratch, filter="data")
