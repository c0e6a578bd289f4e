"""Table of modalities; other packages add theirs by the entry point `ganarium.modalities`."""

from collections.abc import Iterable

from ganarium.common.registry import Registry
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.modalities.points import Points


def _check(item: type[Modality]) -> None:
    if not (isinstance(item, type) and issubclass(item, Modality)):
        raise TypeError(f"{item!r} is not a subclass of Modality")


MODALITIES: Registry[type[Modality]] = Registry(
    "modality",
    "ganarium.modalities",
    (Image, Points, LabelMap),
    name_of=lambda item: item.name,
    check=_check,
)
"""Classes of modalities by name."""


def modality_of_file(name: str) -> type[Modality] | None:
    """Return the modality of a file by the ending of its name; None for a hidden file or an unknown ending.

    Files with the ending of an image are images, even if they hold label maps.
    """
    last = name.rsplit("/", 1)[-1]
    if last.startswith(".") or "." not in last:
        return None
    suffix = f".{last.rsplit('.', 1)[-1].lower()}"
    return next((each for each in MODALITIES.values() if suffix in each.suffixes), None)


def main_modality(names: Iterable[str]) -> tuple[type[Modality] | None, list[str], list[str]]:
    """Return the modality of most of some files (None without any), its files and all others, sorted."""
    by_modality: dict[type[Modality], list[str]] = {}
    others: list[str] = []
    for name in sorted(names):
        found = modality_of_file(name)
        (others if found is None else by_modality.setdefault(found, [])).append(name)
    if not by_modality:
        return None, [], others
    modality = max(by_modality, key=lambda each: len(by_modality[each]))
    own = by_modality.pop(modality)
    return modality, own, sorted([*others, *(name for rest in by_modality.values() for name in rest)])
