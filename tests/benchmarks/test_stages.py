"""The stages' clock: each second belongs to one stage, and what it watches is as it was afterwards."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.pages import generate
from benchmarks.stages import STAGES, Clock, floors, owner, run


def _work(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_time_inside_another_stage_is_that_stages_own() -> None:
    clock = Clock()
    inner = clock.timed("inner", lambda: _work(0.05))
    outer = clock.timed("outer", inner)
    outer()
    assert clock.seconds["inner"] >= 0.05
    assert clock.seconds["outer"] < 0.05


def test_every_stage_is_met_and_left_as_it_was(tmp_path: Path) -> None:
    before = [getattr(*owner(function)) for stage in STAGES for function in stage.functions]
    seconds, stored = run([page.fetch for page in generate(12)], tmp_path / "c.db")
    assert [getattr(*owner(function)) for stage in STAGES for function in stage.functions] == before
    assert {name for name, taken in seconds.items() if taken > 0} == {stage.name for stage in STAGES}
    assert set(floors(stored, tmp_path)) >= {stage.floor for stage in STAGES}
    assert len(stored.texts) == len(stored.rows) > 0
