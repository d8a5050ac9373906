"""What the fuzzers found, as cases; and some hundred changed inputs for every target, the same each time."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fuzz import linear
from benchmarks.fuzz.mutate import mutated, shrunk
from benchmarks.fuzz.run import Find, add_to_tally, execute, keep_find, runs_so_far, try_target
from benchmarks.fuzz.targets import TARGETS, Target

CASES: list[dict[str, str]] = json.loads(Path(__file__).with_name("cases.json").read_text(encoding="utf-8"))
SLOW = {"repair": 6, "clean": 3, "facts": 30, "prints": 20, "extract": 30, "strip": 50}
"""Targets of which one execution takes longer, and how many are tried here; 150 of the others."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["about"])
def test_finds_stay_mended(case: dict[str, str]) -> None:
    came = execute(TARGETS[case["target"]], case["data"].encode("latin-1"))
    assert not isinstance(came, Find), came


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_few_changed_inputs(name: str) -> None:
    most = len(TARGETS[name].seeds()) + SLOW.get(name, 150)
    tried = try_target(TARGETS[name], seconds=0, rng=random.Random(name), most=most)
    assert tried.executions == most
    assert tried.accounts > 1
    assert tried.finds == ()


def _fragile(data: bytes) -> int:
    if b"\xff" in data:
        raise ZeroDivisionError("found")
    return len(data) % 3


FRAGILE = Target("fragile", _fragile, lambda: [b"some words to begin with" * 3], (b"\xff",), (b"a",))


def test_a_find_is_made_small_kept_and_run_again(tmp_path: Path) -> None:
    tried = try_target(FRAGILE, seconds=0, rng=random.Random(1), most=200)
    (find,) = tried.finds
    assert find.data == b"\xff"
    assert find.error == "ZeroDivisionError: found"
    told: dict[str, Any] = json.loads(keep_find(find, tmp_path).read_text(encoding="utf-8"))
    assert told["data"].encode("latin-1") == find.data


def test_changes_are_the_same_for_the_same_seed_and_bounded() -> None:
    one, two = (
        [mutated(b"abc" * 9000, [b"x" * 60000], [b"word"], random.Random(seed)) for seed in range(50)]
        for _ in "ab"
    )
    assert one == two
    assert len(set(one)) == 50
    assert max(map(len, one)) <= 1 << 16


def test_shrinking_keeps_what_fails() -> None:
    assert shrunk(b"aaaaXbbbbbbbYcc", lambda data: b"X" in data and b"Y" in data) == b"XY"


def test_the_tally_adds_up(tmp_path: Path) -> None:
    path = tmp_path / "t" / "tally.json"
    tried = try_target(FRAGILE, seconds=0, rng=random.Random(2), most=20)
    assert runs_so_far(path) == 0
    assert add_to_tally(path, 0, {"fragile": tried}) == {"fragile": 20}
    assert add_to_tally(path, 1, {"fragile": tried, "other": tried}) == {"fragile": 40, "other": 20}
    assert runs_so_far(path) == 2


@pytest.mark.parametrize(("power", "ratio"), [(1, 2), (2, 4)])
def test_growth_is_that_of_the_last_doubling(monkeypatch: pytest.MonkeyPatch, power: int, ratio: int) -> None:
    monkeypatch.setattr(linear, "_seconds", lambda _, data: (len(data) / (1 << 17)) ** power)
    grown = linear.growth(FRAGILE, b"ab")
    assert not isinstance(grown, Find)
    assert grown.ratio == pytest.approx(ratio)
    assert grown.sizes[-1] == 1 << 18
