"""`make audit`: known holes in the pinned dependencies, by pip-audit, which asks the package index and then OSV.

pip-audit says "no known vulnerabilities" also where its sources knew none of the packages; here only what was looked up
counts as clean. Exit codes: 0 clean, 1 a hole, 3 not all could be looked up.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
UNKNOWN = 3


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.audit", description=__doc__)
    parser.add_argument("program", help="path of pip-audit")
    program = parser.parse_args().program
    answers = [_asked(program, service) for service in ("pypi", "osv")]
    code, told = judged([answer for answer in answers if answer is not None])
    print(told)
    return code


def _asked(program: str, service: str) -> dict[str, Any] | None:
    """Return pip-audit's answer for one source, None where it can't be reached."""
    command = [
        program,
        "-s",
        service,
        "--no-deps",
        "--disable-pip",
        "-r",
        str(ROOT / "constraints.txt"),
        "-f",
        "json",
    ]
    try:
        done = subprocess.run(
            [*command, "--progress-spinner", "off"], capture_output=True, check=False, timeout=300
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return answer


def judged(answers: list[dict[str, Any]]) -> tuple[int, str]:
    """Return the exit code and what to say of what the sources that answered know."""
    looked_up: set[str] = set()
    unknown: set[str] = set()
    holes: set[str] = set()
    for answer in answers:
        for package in answer["dependencies"]:
            name = package["name"]
            (unknown if "skip_reason" in package else looked_up).add(name)
            holes |= {f"{name} {package['version']}: {hole['id']}" for hole in package.get("vulns", ())}
    if holes:
        return 1, "\n".join([f"{len(holes)} known holes:", *sorted(holes)])
    if not looked_up:
        return (
            UNKNOWN,
            "nothing was audited: neither the package index's list of holes nor OSV could be asked from here",
        )
    if missing := unknown - looked_up:
        return (
            UNKNOWN,
            f"{len(looked_up)} packages have no known hole; {len(missing)} could not be looked up: {sorted(missing)}",
        )
    return 0, f"{len(looked_up)} packages, no known hole"


if __name__ == "__main__":
    sys.exit(main())
