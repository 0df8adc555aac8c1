"""Rows of the table, and the small mathematics of it."""

import math
from dataclasses import asdict, dataclass, field


def percentile(values, percent):
    """The nearest rank: a value that was really measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def spread(values):
    return {"p50": percentile(values, 50), "p99": percentile(values, 99), "max": max(values),
            "samples": len(values)}


def spread_text(figures, unit, digits=0):
    return ", ".join(f"{name} {figures[name]:.{digits}f}" for name in ("p50", "p99", "max")) + f" {unit}"


@dataclass
class Row:
    what: str
    goal: str
    measured: str
    met: bool | None  # None: could not be measured
    figures: dict = field(default_factory=dict)

    def as_dict(self):
        return asdict(self)


def table(rows):
    cells = [("what", "goal", "measured", "met")]
    cells += [(r.what, r.goal, r.measured, {True: "yes", False: "no", None: "not measured"}[r.met])
              for r in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)
