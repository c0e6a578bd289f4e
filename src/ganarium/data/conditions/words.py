"""What users wish for by name, as the numbers that a game is told."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ganarium.common.text import nearest


def number_of(wish: str | int, names: Sequence[str], kind: str) -> int:
    """The place among `names`, from 0, of what is wished by its name or by that number.

    Raises:
        ValueError: there is none; the message calls it a `kind` and lists the names.
    """
    if isinstance(wish, str) and wish in names:
        return names.index(wish)
    if str(wish).isdigit() and int(wish) < len(names):
        return int(wish)
    raise ValueError(
        f"there is no {kind} {wish!r}{nearest(wish, names)}; choose from {', '.join(names)} "
        f"(or 0 to {len(names) - 1})"
    )


def labels(count: int, names: Sequence[str], wishes: str | int | Sequence[str | int] | None) -> Tensor:
    """Int64 `[count]`: one class for all, or those that are wished in turn; every class where none is.

    Raises:
        ValueError: there is no such class.
    """
    if wishes is None:
        wishes = range(len(names))
    elif isinstance(wishes, str | int):
        wishes = [wishes]
    numbers = torch.tensor([number_of(wish, names, "class") for wish in wishes])
    return numbers[torch.arange(count) % len(numbers)]


def attributes(count: int, names: Sequence[str], wishes: Mapping[str, bool]) -> Tensor:
    """Float `[count, names]`, 1 where an attribute is wished and 0 elsewhere; the same for all.

    Raises:
        ValueError: there is no such attribute.
    """
    for wish in wishes:
        if wish not in names:
            raise ValueError(
                f"there is no attribute {wish!r}{nearest(wish, names)}; they are {', '.join(names)}"
            )
    return torch.tensor([float(wishes.get(name, False)) for name in names]).repeat(count, 1)
