"""Kinds of values: the meaning of the numbers in a tensor, with random values, parsing and description."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, get_type_hints

import torch
from pydantic import TypeAdapter
from torch import Tensor

Shape = tuple[int | str, ...]
"""Axes of one value; a string names an axis whose length may vary."""


class Kind(ABC):
    """Meaning of the values in a tensor, with everything about them that is saved with a model.

    Kinds are frozen dataclasses; their fields are plain values, tuples of them, or other kinds.

    Attributes:
        name: name in files and recipes.
        derived: True if `from_image` makes values from ordinary images.
    """

    name: ClassVar[str]
    derived: ClassVar[bool] = False

    @abstractmethod
    def draw(self, count: int, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return `[count, *shape]` random valid values, for latents, export checks and examples."""

    def parse(self, value: Any, count: int) -> Tensor:
        """Convert a user's words to `count` values; `None` gives the default.

        Raises:
            ValueError: there is no default, or the words are unknown; the message lists the known ones.
        """
        raise ValueError(f"a {self.name} must be given as a file or a tensor, not as {value!r}")

    def from_image(self, images: Tensor) -> Tensor:
        """Return the values of ordinary images `[N, C, H, W]` in [-1, 1].

        Raises:
            ValueError: values of this kind are not `derived`.
        """
        raise ValueError(f"a {self.name} is not made from images")

    def slug(self, value: Tensor) -> str:
        """Return one value in words for file names, in letters that any file system takes; empty if it has
        none.
        """
        return ""

    def finish(self, values: Tensor) -> Tensor:
        """Return outputs of a network as valid values: dtype and range."""
        return values

    def meaning(self, shape: Shape) -> str:
        """Return the meaning of the values in words, for model cards."""
        return self.name

    def example_code(self, shape: Shape, count: int) -> str:
        """Return a numpy expression of `count` values, for the example that comes with an exported file.

        `rng` is a `numpy.random.Generator`; `sys.argv[1]` names a file of the user, `Image` is Pillow's.
        """
        return "np.load(sys.argv[1])" if count == 1 else f"np.repeat(np.load(sys.argv[1]), {count}, 0)"

    def example_result_code(self, name: str, shape: Shape, count: int) -> str:
        """Return statements of numpy that write or print an array `name` of `count` values, or a multiple.

        Where they use `Image`, it is Pillow's; `count` is a square number.
        """
        return f'np.save("{name}.npy", {name})\n'

    def to_dict(self) -> dict[str, Any]:
        """Return a plain tree for JSON; `from_dict` is the inverse."""
        tree: dict[str, Any] = {"name": self.name}
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            tree[field.name] = value.to_dict() if isinstance(value, Kind) else _plain(value)
        return tree

    @staticmethod
    def from_dict(
        tree: Mapping[str, Any],
        table: Mapping[str, type["Kind"]],
        parts: Mapping[str, type["Kind"]] | None = None,
    ) -> Any:
        """Return the kind that `to_dict` described.

        Args:
            tree: the plain tree.
            table: classes by name.
            parts: classes by name of kinds that are fields of this kind.

        Raises:
            ValueError: no class has that name, or the tree does not fit it.
        """
        if tree.get("name") not in table:
            raise ValueError(f"there is no kind {tree.get('name')!r}; known are {', '.join(table)}")
        cls = table[str(tree["name"])]
        given = {
            key: Kind.from_dict(value, parts or {}) if isinstance(value, Mapping) else value
            for key, value in tree.items()
            if key != "name"
        }
        values = {}
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]
            if field.name in given:
                value = given.pop(field.name)
                values[field.name] = value if isinstance(value, Kind) else _typed(cls, field.name, value)
        if given:
            raise ValueError(f"{cls.name} has no {', '.join(given)}")
        return cls(**values)


@dataclasses.dataclass(frozen=True)
class Vector(Kind):
    """Numbers without bounds: scores, probabilities, codes.

    Attributes:
        names: names of the numbers along the first axis; empty without names.
    """

    names: tuple[str, ...] = ()
    name: ClassVar[str] = "vector"

    def draw(self, count: int, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return normal values."""
        return torch.randn(count, *shape, generator=generator)

    def finish(self, values: Tensor) -> Tensor:
        """Return float values."""
        return values.float()

    def meaning(self, shape: Shape) -> str:
        """See `Kind.meaning`."""
        return ", ".join(self.names)

    def example_result_code(self, name: str, shape: Shape, count: int) -> str:
        """Print the first vector by name, if its numbers have names."""
        if not self.names:
            return super().example_result_code(name, shape, count)
        return (
            f"for name, value in zip({list(self.names)}, {name}[0], strict=True):\n"
            '    print(f"{name}: {value:.3f}")\n'
        )


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value


def _typed(cls: type, name: str, value: Any) -> Any:
    return TypeAdapter(get_type_hints(cls)[name]).validate_python(value)
