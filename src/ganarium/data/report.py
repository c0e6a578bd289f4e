"""Report of what was found in the data, and what was left out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from ganarium.common.text import listed


@dataclass
class Report:
    """What was recognised in the data; it grows when a broken file turns up later."""

    source: str
    kind: str = ""
    samples: int = 0
    shape: tuple[int, ...] = ()
    """One sample as the networks see it: `(C, H, W)` or `(D,)`."""
    surveyed: int = 0
    """How many samples `sizes` and `modes` count."""
    sizes: Counter[str] = field(default_factory=Counter)
    """Height x width as stored."""
    modes: Counter[str] = field(default_factory=Counter)
    classes: dict[str, int] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    broken: dict[str, str] = field(default_factory=dict)
    """Files that are skipped: name and reason."""
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Adds a remark, once."""
        if text not in self.notes:
            self.notes.append(text)

    def lines(self) -> list[str]:
        """The report for people."""
        shape = " x ".join(map(str, self.shape))
        told = [f"{self.source}: {self.kind}, {self.samples:,} samples of {shape}"]
        whole = "" if self.surveyed >= self.samples else f" (of {self.surveyed:,} looked at)"
        if self.sizes:
            told.append(f"sizes{whole}: {_common(self.sizes)}")
        if self.modes:
            told.append(f"modes{whole}: {_common(self.modes)}")
        if self.classes:
            told.append(f"{len(self.classes)} classes: {_common(self.classes)}")
        if self.attributes:
            told.append(f"{len(self.attributes)} attributes: {listed(self.attributes)}")
        if self.broken:
            reasons = [f"{name} ({why})" for name, why in self.broken.items()]
            told.append(f"{len(self.broken)} broken, skipped: {listed(reasons)}")
        # A name that is no valid text must not stop a run when it is printed.
        return [line.encode(errors="backslashreplace").decode() for line in told + self.notes]

    def to_dict(self) -> dict[str, Any]:
        """The report as a plain tree for JSON."""
        tree = asdict(self)
        return tree | {
            "shape": list(self.shape),
            "attributes": list(self.attributes),
            "sizes": dict(self.sizes.most_common()),
            "modes": dict(self.modes.most_common()),
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            TypeError: the tree is none of a report.
        """
        report = cls(**tree)
        report.shape, report.attributes = tuple(report.shape), tuple(report.attributes)
        report.sizes, report.modes = Counter(report.sizes), Counter(report.modes)
        return report


def _common(counts: dict[str, int]) -> str:
    ordered = counts.most_common() if isinstance(counts, Counter) else counts.items()
    return listed([f"{name} ({count:,})" for name, count in ordered], 10)


def reasons_in_words(report: Report) -> str:
    """Return the broken files and why each cannot be read."""
    return listed([f"{name} ({why})" for name, why in report.broken.items()])
