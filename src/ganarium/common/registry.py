"""Registry: named things that a package ships, that a user adds, or that an installed package brings."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from ganarium.common.text import nearest

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Table of things by name: the built-in ones, then those of installed packages, then those added.

    Args:
        what: what one of them is called in messages, `modality` say.
        group: entry point group by which other packages bring theirs, `ganarium.modalities` say.
        built_in: the built-in ones.
        name_of: name of one of them.
        check: raises TypeError or ValueError where an object is none of them.
    """

    def __init__(
        self,
        what: str,
        group: str,
        built_in: Iterable[T],
        *,
        name_of: Callable[[T], str],
        check: Callable[[T], None],
    ):
        self.what, self.group = what, group
        self._name_of, self._check = name_of, check
        self._built_in = {name_of(item): item for item in built_in}
        self._added: dict[str, T] = {}
        self._installed: dict[str, T] | None = None

    def __getitem__(self, name: str) -> T:
        return self._table()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table())

    def __len__(self) -> int:
        return len(self._table())

    def find(self, name: str, hint: str = "") -> T:
        """Return the thing of that name.

        Raises:
            ValueError: there is none; the message names the nearest and ends with `hint`.
        """
        table = self._table()
        if name not in table:
            raise ValueError(f"there is no {self.what} {name!r}{nearest(name, table)}{hint}")
        return table[name]

    def add(self, item: T) -> T:
        """Make a thing known by its name in this process; one of the same name that was added before goes.

        Returns:
            The thing, so that `add` serves as a decorator.

        Raises:
            TypeError, ValueError: it is of another kind, or a built-in one has its name.
        """
        self._check(item)
        name = self._name_of(item)
        if self._built_in.get(name, item) is not item:
            raise ValueError(f"{name!r} is a built-in {self.what}; give yours another name")
        self._added[name] = item
        return item

    def _table(self) -> dict[str, T]:
        if self._installed is None:
            self._installed = self._load()
        return self._built_in | self._installed | self._added

    def _load(self) -> dict[str, T]:
        """Return what installed packages bring; what cannot be taken is left out with a warning."""
        found: dict[str, T] = {}
        for entry in entry_points(group=self.group):
            try:
                item = entry.load()
                self._check(item)
                name = self._name_of(item)
                if name in self._built_in or name in found:
                    raise ValueError(f"another {self.what} is named {name!r}")
            except Exception as error:  # code of other packages: anything may be raised
                where = f"{self.what} {entry.name!r} of {entry.value}"
                warnings.warn(f"{where} is omitted: {error}", stacklevel=2)
            else:
                found[name] = item
        return found
