"""Table of conditions; other packages add theirs by the entry point `ganarium.conditions`."""

from typing import Any

from ganarium.common.registry import Registry
from ganarium.data.conditions.attributes import Attributes
from ganarium.data.conditions.base import Condition
from ganarium.data.conditions.companion import Map, Outline, Pair, Semantic, Silhouette, Style
from ganarium.data.conditions.derived import Blur, Edges, Gray, LowRes, MiddleMask, Mosaic
from ganarium.data.conditions.domains import Domains
from ganarium.data.conditions.label import Label
from ganarium.data.conditions.partial import PartialLabels
from ganarium.data.settings import Data


def _check(item: type[Condition]) -> None:
    if not (isinstance(item, type) and issubclass(item, Condition)):
        raise TypeError(f"{item!r} is not a subclass of Condition")


CONDITIONS: Registry[type[Condition]] = Registry(
    "condition",
    "ganarium.conditions",
    (
        Label, Attributes, Domains, Pair, Map,
        Semantic, Outline, Style, Silhouette,
        Gray, Blur, LowRes, Mosaic, Edges, MiddleMask,
        PartialLabels,
    ),
    name_of=lambda item: item.name,
    check=_check,
)  # fmt: skip
"""Classes of conditions by name: the values of `data.condition`."""


def condition_class(settings: Data) -> type[Condition] | None:
    """Return the class of the condition that a recipe's `data` asks for; None if it asks for none.

    Raises:
        ValueError: there is no such condition; the message lists them.
    """
    if settings.labeled_samples is not None:
        return PartialLabels
    if settings.condition is None:
        return None
    names = [name for name in CONDITIONS if name != PartialLabels.name]
    if settings.condition not in names:
        raise ValueError(f"data.condition={settings.condition} is unknown; choose from {', '.join(names)}")
    return CONDITIONS[settings.condition]


def check_condition(source: Any, settings: Data) -> type[Condition] | None:
    """Return the class of the condition that a recipe's `data` asks for, if the source can give it.

    Raises:
        ValueError: there is no such condition, or the source lacks it.
    """
    found = condition_class(settings)
    if found is not None and not source.gives_conditions:
        raise ValueError(
            f"data.condition={settings.condition}: {source.kind} come without one; leave the key out"
        )
    if settings.direction == "b-to-a" and (found is None or found.name not in source.companions):
        raise ValueError(
            f"data.direction=b-to-a turns pairs round, but data.condition={settings.condition} gives none: "
            f"leave it out, or choose from {', '.join(source.companions or (Pair.name, Map.name))}"
        )
    if found is not None:
        found.check(source, settings)
    return found
