"""What lies behind `data.source`: a name, a file or a folder."""

import difflib
from collections.abc import Callable
from pathlib import Path

from ganarium import recipe
from ganarium.data.images import SUFFIXES
from ganarium.data.points import POINTS
from ganarium.data.sources.base import Source
from ganarium.data.sources.drawn import DrawnWorld
from ganarium.data.sources.folder import Folder, contents
from ganarium.data.sources.idx import idx, idx_images, is_idx
from ganarium.data.sources.named import NAMED, named
from ganarium.data.sources.npz import npz
from ganarium.data.sources.plane import PlanePoints
from ganarium.data.sources.zips import Zip

WORLD = "world"
NAMES: tuple[str, ...] = (WORLD, *POINTS, *NAMED)
"""What `data.source` can be called that is neither a file nor a folder."""

_ARCHIVES: dict[str, Callable[[Path], Source]] = {".npz": npz, ".zip": Zip}
_PICKLES = frozenset((".pkl", ".pickle", ".pt", ".pth", ".p", ".joblib"))
_LOOKED_FOR = (
    f"pictures ({', '.join(sorted(SUFFIXES))}) at any depth, idx files (such as train-images-idx3-ubyte.gz), "
    "or a single .npz or .zip"
)


def recognised(data: recipe.Data, seed: int) -> Source:
    """The samples that `data.source` stands for; the built-in ones are drawn from `seed`.

    Raises:
        FileNotFoundError: there is no such name, file or folder.
        ValueError: nothing in it can be used.
    """
    source = _recognised(data, seed)
    if data.split == "test" and not source.has_test:
        raise ValueError(
            f"data.split=test, but {data.source} ({source.kind}) holds nothing back: "
            f"looked for {source.no_test}"
        )
    return source


def _recognised(data: recipe.Data, seed: int) -> Source:
    name = data.source
    if name == WORLD:
        return DrawnWorld(data, seed)
    if name in POINTS:
        return PlanePoints(POINTS[name], data.count, seed)
    if name in NAMED:
        return named(name)
    path = Path(name).expanduser()
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        return _file(path)
    raise FileNotFoundError(_no_such(name))


def _folder(path: Path) -> Source:
    if images := idx_images(path):
        return idx(images[0])
    found = contents(path)
    if found.pictures:
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
    if suffix in SUFFIXES:
        raise ValueError(f"{path} is a single picture; give the folder that holds the pictures")
    raise ValueError(
        f"{path} is no file of samples: give a .npz, a .zip, an idx file, or a folder of pictures"
    )


def _no_such(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return (
        f"data.source={name} is neither a file nor a folder (looked in {Path.cwd()}), "
        f"nor one of {', '.join(NAMES)}{meant}"
    )
