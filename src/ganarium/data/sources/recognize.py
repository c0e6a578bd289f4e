"""Sources by the value of `data.source`: a name, a file or a folder."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ganarium.data.conditions.table import condition_class
from ganarium.data.modalities.base import BrokenSampleError
from ganarium.data.modalities.palette import palette_of, table_in
from ganarium.data.modalities.pixels import SUFFIXES, Content, content
from ganarium.data.modalities.table import modality_of_file
from ganarium.data.order import spread
from ganarium.data.settings import Data
from ganarium.data.sources.base import Source
from ganarium.data.sources.concat import ConcatSource
from ganarium.data.sources.densities import POINTS
from ganarium.data.sources.folder import Contents, Folder, contents
from ganarium.data.sources.idx import idx, idx_images, is_idx
from ganarium.data.sources.layouts import LOOKED_FOR as MAPS_LOOKED_FOR
from ganarium.data.sources.layouts import halves, maps, matched, part, sides
from ganarium.data.sources.named import NAMED, named
from ganarium.data.sources.npz import npz
from ganarium.data.sources.pairs import LabelMaps, PaintedMaps, Pairs
from ganarium.data.sources.points import PlanePoints
from ganarium.data.sources.sample_files import SampleFiles
from ganarium.data.sources.table import opened
from ganarium.data.sources.world import DrawnWorld
from ganarium.data.sources.zips import Zip

WORLD = "world"
NAMES: tuple[str, ...] = (WORLD, *POINTS, *NAMED)
"""Names of built-in sources."""

_ARCHIVES: dict[str, Callable[[Path], Source]] = {".npz": npz, ".zip": Zip}
_PICKLES = frozenset((".pkl", ".pickle", ".pt", ".pth", ".p", ".joblib"))
_SURVEYED_MAPS = 500  # largest number of maps whose colors are counted
_LOOKED_FOR = (
    f"pictures ({', '.join(sorted(SUFFIXES))}) at any depth, idx files (such as train-images-idx3-ubyte.gz), "
    "or a single .npz or .zip"
)


def recognized(data: Data, seed: int) -> Source:
    """Return the source of `data.source`; built-in samples are generated from `seed`.

    Raises:
        FileNotFoundError: there is no such name, file or folder.
        ValueError: the source has no usable samples.
    """
    source = _recognized(data, seed)
    if data.split == "test" and not source.has_test:
        raise ValueError(
            f"data.split=test, but {data.place} ({source.kind}) holds nothing back: "
            f"looked for {source.test_hint}"
        )
    return source


def _recognized(data: Data, seed: int) -> Source:
    if not data.sources:
        raise ValueError("data.source is empty: name at least one folder, file or built-in source")
    sources = [_named(name, data, seed) for name in data.sources]
    condition = condition_class(data)
    layouts = {"pairs": _pairs, "maps": _maps}
    if condition is not None and condition.layout in layouts and not isinstance(sources[0], DrawnWorld):
        return layouts[condition.layout](sources, data)
    parts = [part(each, data.split) if isinstance(each, SampleFiles) else each for each in sources]
    return parts[0] if len(parts) == 1 else ConcatSource(_short_names(data.sources), parts)


def _pairs(sources: list[Source], data: Data) -> Source:
    """Return two sources, two folders of one source, or images side by side, as pairs."""
    if len(sources) > 2:
        raise ValueError(f"data.condition={data.condition} takes one source or two, not {len(sources)}")
    files = _parts(sources, data)
    if not files:
        if len(sources) < 2 or len(sources[0]) != len(sources[1]):
            counts = ", ".join(f"{len(each):,} of {each.kind}" for each in sources)
            raise ValueError(
                f"data.condition={data.condition}, but there are {counts}: give as many of two kinds"
            )
        both, remark, kind = sources, "", " and ".join(each.kind for each in sources)
    elif two := files if len(files) == 2 else sides(files[0]):
        fellows, remark = matched(two, data)
        both, kind = list(fellows), f"{' and '.join(each.kind for each in fellows)}, paired by equal names"
    else:
        both, remark, kind = list(halves(files[0])), "", f"{files[0].plain_kind}, A|B side by side"
    input_image, target_image = both[::-1] if data.direction == "b-to-a" else both
    return Pairs(kind, str(data.condition), input_image, target_image, remark)


def _maps(sources: list[Source], data: Data) -> Source:
    """Return label maps with their images; classes are those of training and test maps together."""
    files, remark = matched(_map_files(sources, data), data)
    labels, images = files[:2]
    everywhere = [labels]
    if labels.has_test:
        other = data.model_copy(update={"split": "test" if data.split == "train" else "train"})
        everywhere.append(_map_files(sources, other)[0])
    table = table_in(_table_folders(data.sources))
    palette = palette_of(_contents(everywhere), table and table[1])
    origin = f"named in {table[0]}" if table else "as found in them"
    input_image: Source = LabelMaps(labels, palette, files[2] if len(files) > 2 else None)
    target_image: Source = images
    if data.direction == "b-to-a":
        input_image, target_image = images, PaintedMaps(labels, palette)
    classes = f"{len(palette.names)} classes {origin}"
    kind = f"{images.plain_kind} with label maps in {labels.plain_kind}, {classes}"
    pairs = Pairs(kind, str(data.condition), input_image, target_image, remark)
    pairs.classes = palette.names
    return pairs


def _map_files(sources: list[Source], data: Data) -> list[SampleFiles]:
    """Return label maps, their images and, if there are any, instances."""
    files = _parts(sources, data)
    found = files if len(files) in (2, 3) else maps(files[0]) if len(files) == 1 else None
    if found is None:
        raise ValueError(
            f"data.condition={data.condition}, but {data.place} has no label maps: "
            f"looked for {MAPS_LOOKED_FOR}; or give two sources, first the maps, then the images"
        )
    return found


def _parts(sources: list[Source], data: Data) -> list[SampleFiles]:
    """Return the training or test part of each source, named as the source; [] unless all are of files."""
    files = [part(each, data.split) for each in sources if isinstance(each, SampleFiles)]
    if len(files) < len(sources):
        return []
    if len(files) > 1:
        for each, name in zip(files, _short_names(data.sources), strict=True):
            each.kind = each.plain_kind = name
    return files


def _contents(maps: Iterable[SampleFiles]) -> dict[str, Content]:
    """Return the values in label maps that can be read, by name."""
    found = {}
    for each in maps:
        for index in spread(len(each), _SURVEYED_MAPS).tolist():
            with suppress(BrokenSampleError):
                found[each.name(index)] = each.read(index, content)
    return found


def _table_folders(names: Iterable[str]) -> Iterator[Path]:
    """Yield folders that may hold a table of classes: sources, their sub-folders and their parents."""
    for path in (Path(name).expanduser().resolve() for name in names):
        if path.is_dir():
            yield path
            yield from sorted(each for each in path.iterdir() if each.is_dir())
        yield path.parent


def _short_names(names: Sequence[str]) -> list[str]:
    """Return the last parts of the paths of several sources; whole paths if two of these are equal."""
    short = [
        Path(name).expanduser().resolve().stem if Path(name).is_file() else Path(name).name for name in names
    ]
    if len(set(names)) < len(names):
        raise ValueError(f"data.source={', '.join(names)} names one source twice")
    return short if len(set(short)) == len(short) else list(names)


def _named(name: str, data: Data, seed: int) -> Source:
    if (source := opened(name, data, seed)) is not None:
        return source
    if name == WORLD:
        return DrawnWorld(data, seed)
    if name in POINTS:
        return PlanePoints(POINTS[name], data.count, seed)
    if name in NAMED:
        return named(name)
    path = Path(name).expanduser()
    if path.is_dir():
        return _folder(path, data.split)
    if path.is_file():
        return _file(path)
    raise FileNotFoundError(_no_such(name))


def _folder(path: Path, split: str) -> Source:
    if images := idx_images(path):
        test_part = [image for image in images if "t10k" in image.name or "test" in image.name]
        source = idx(test_part[0] if test_part and split == "test" else images[0])
        source.has_test = bool(test_part) and test_part != images
        return source
    found = contents(path)
    if found.names:
        return Folder(path, found)
    archives = [
        each for each in sorted(path.iterdir()) if each.suffix.lower() in _ARCHIVES and each.is_file()
    ]
    if len(archives) == 1:
        return _file(archives[0])
    raise ValueError(
        f"nothing to use in the folder {path}: looked for {_LOOKED_FOR}; found {found.in_words()}"
    )


def _file(path: Path) -> Source:
    suffix = path.suffix.lower()
    if suffix in _ARCHIVES:
        return _ARCHIVES[suffix](path)
    if is_idx(path):
        return idx(path)
    if suffix in _PICKLES:
        raise ValueError(
            f"{path} is a pickle, which may run code when read; it is refused unread. Give {_LOOKED_FOR}"
        )
    if modality := modality_of_file(path.name):
        return Folder(path.parent, Contents([path.name], modality))
    raise ValueError(f"{path} is no file of samples: give a .npz, a .zip, an idx file, or a folder of images")


def _no_such(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return (
        f"data.source={name} is neither a file nor a folder (looked in {Path.cwd()}), "
        f"nor one of {', '.join(NAMES)}{meant}"
    )
