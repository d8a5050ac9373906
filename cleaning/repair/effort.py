"""How much work one text may cost: hostile pages must not make a search go on."""

from __future__ import annotations

from dataclasses import dataclass

UNSEARCHED = "damage.unsearched"
"""Rule of the finding on the first place that was left as it stands because the effort for one text was spent."""


@dataclass(slots=True)
class Budget:
    """Steps of a search that may still be made; counted and not timed, so that a result never depends on the machine."""

    left: int

    def spend(self, steps: int) -> bool:
        """Count `steps` and return whether there were any left before."""
        self.left -= steps
        return self.left + steps > 0
