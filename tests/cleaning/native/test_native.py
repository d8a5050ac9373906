"""What runs compiled, and what says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cleaning import native


def doctor(**environment: str) -> str:
    """Return what `yuqi doctor` says of the compiled twins in a process of its own."""
    command = [sys.executable, "-m", "yuqi", "doctor", "--json"]
    told = subprocess.run(command, capture_output=True, check=True, env={**os.environ, **environment})
    checks = json.loads(told.stdout)
    return next(str(check["detail"]) for check in checks if check["name"] == "compiled")


def test_every_twin_has_a_source_and_a_stub() -> None:
    assert native.twins()
    for name in native.twins():
        assert (Path(native.__file__).parent / f"{name}.pyi").read_text(encoding="utf-8")


def test_what_was_not_built_is_none() -> None:
    assert native.available("_nothing_of_this_name") is None


def test_the_user_can_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "PURE", True)
    assert not any(native.twins().values())


def test_doctor_says_when_nothing_runs_compiled() -> None:
    assert "YUQI_PURE" in doctor(YUQI_PURE="1")


@pytest.mark.skipif(native.PURE, reason="YUQI_PURE is set")
def test_doctor_names_what_was_not_built() -> None:
    missing = [name for name, compiled in native.twins().items() if not compiled]
    told = doctor(YUQI_PURE="0")
    assert all(name in told for name in missing) if missing else told == "all of it"
