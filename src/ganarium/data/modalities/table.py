"""Table of modalities; other packages add theirs by the entry point `ganarium.modalities`."""

from ganarium.common.registry import Registry
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.modalities.points import Points


def _check(item: type[Modality]) -> None:
    if not (isinstance(item, type) and issubclass(item, Modality)):
        raise TypeError(f"{item!r} is no class of modalities")


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

    Label maps have the endings of images, which come first.
    """
    last = name.rsplit("/", 1)[-1]
    if last.startswith(".") or "." not in last:
        return None
    suffix = f".{last.rsplit('.', 1)[-1].lower()}"
    return next((each for each in MODALITIES.values() if suffix in each.suffixes), None)
