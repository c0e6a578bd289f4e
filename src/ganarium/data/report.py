"""Report of the data: contents, and what is omitted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from ganarium.common.text import listed


@dataclass
class Report:
    """Contents of the data; broken files that are found later are added.

    Attributes:
        source: names of the sources.
        kind: kind of the source in words.
        samples: number of samples.
        shape: shape of one sample as networks get it, `(C, H, W)` or `(D,)`.
        surveyed: number of samples that `sizes` and `modes` count.
        sizes: number of samples of each size as stored, `32x48` for height and width.
        modes: number of samples of each color mode or coding.
        classes: number of samples of each class.
        attributes: names of the attributes.
        broken: reason for each file that is skipped, by name.
        notes: remarks.
    """

    source: str
    kind: str = ""
    samples: int = 0
    shape: tuple[int, ...] = ()
    surveyed: int = 0
    sizes: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    classes: dict[str, int] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    broken: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add a remark unless it is already there."""
        if text not in self.notes:
            self.notes.append(text)

    def reasons(self) -> str:
        """Return the broken files and why each cannot be read."""
        return listed([f"{name} ({why})" for name, why in self.broken.items()])

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        shape = " x ".join(map(str, self.shape))
        lines = [f"{self.source}: {self.kind}, {self.samples:,} samples of {shape}"]
        part = "" if self.surveyed >= self.samples else f" (of {self.surveyed:,} looked at)"
        if self.sizes:
            lines.append(f"sizes{part}: {_common(self.sizes)}")
        if self.modes:
            lines.append(f"modes{part}: {_common(self.modes)}")
        if self.classes:
            lines.append(f"{len(self.classes)} classes: {_common(self.classes)}")
        if self.attributes:
            lines.append(f"{len(self.attributes)} attributes: {listed(self.attributes)}")
        if self.broken:
            lines.append(f"{len(self.broken)} broken, skipped: {self.reasons()}")
        # File names need not be valid text; printing one must not stop a run.
        return [line.encode(errors="backslashreplace").decode() for line in lines + self.notes]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a plain tree for JSON."""
        tree = asdict(self)
        return tree | {
            "shape": list(self.shape),
            "attributes": list(self.attributes),
            "sizes": dict(self.sizes.most_common()),
            "modes": dict(self.modes.most_common()),
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Self:
        """Return the report that `to_dict` described.

        Raises:
            TypeError: the tree is not that of a report.
        """
        report = cls(**tree)
        report.shape, report.attributes = tuple(report.shape), tuple(report.attributes)
        report.sizes, report.modes = Counter(report.sizes), Counter(report.modes)
        return report


def _common(counts: dict[str, int]) -> str:
    ordered = counts.most_common() if isinstance(counts, Counter) else counts.items()
    return listed([f"{name} ({count:,})" for name, count in ordered], 10)
