"""Files of MNIST's idx format (LeCun, Cortes, Burges: "The MNIST database"), plain or gzipped."""

import gzip
import math
import re
import struct
import zlib
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from ganarium.data.modalities.base import Array
from ganarium.data.sources.arrays import Arrays, channels_first

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_NAME = re.compile(r"[-._]idx\d?([-._].*)?$", re.IGNORECASE)
_LARGEST = 2**36  # bytes of an array


def is_idx(path: Path) -> bool:
    """Return True for a file with the name of an idx file: `train-images-idx3-ubyte.gz`, `digits.idx`, ..."""
    return bool(_NAME.search(path.name)) and path.is_file()


def idx_images(folder: Path) -> list[Path]:
    """Return the idx files of images in a folder, those for training first."""
    candidates = [path for path in folder.iterdir() if is_idx(path) and "label" not in path.name]
    return sorted(candidates, key=lambda path: ("train" not in path.name, path.name))


def idx(path: Path, classes: tuple[str, ...] = ()) -> Arrays:
    """Return the images of an idx file, with the labels of the file of matching name in the same folder.

    Raises:
        ValueError: the file is damaged, or holds no images.
    """
    images = channels_first(read_idx(path), str(path))
    beside = [path.with_name(name) for name in _names_of_labels(path.name)]
    labels = next((each for each in beside if each.is_file() and each != path), None)
    return Arrays(
        f"idx file {path.name}",
        images,
        None if labels is None else read_idx(labels),
        classes,
        labels_hint=f"{beside[0].name} beside {path.name}",
    )


def read_idx(path: Path) -> Array:
    """Return the array in an idx file.

    Raises:
        ValueError: the file has another format, or is truncated or damaged.
    """
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            return _array(gzip.GzipFile(fileobj=plain) if packed else plain, path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _array(stream: BufferedIOBase, path: Path) -> Array:
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES:
        raise ValueError(f"{path} is no idx file: it begins with {head.hex(' ') or 'nothing'}")
    sides = stream.read(4 * head[3])
    if len(sides) < 4 * head[3]:
        raise ValueError(f"{path} is truncated inside its header")
    shape, dtype = struct.unpack(f">{head[3]}I", sides), np.dtype(_TYPES[head[2]])
    promised = math.prod(shape) * dtype.itemsize
    if promised > _LARGEST:
        raise ValueError(f"{path}: its header promises {promised:,} bytes; at most {_LARGEST:,} are read")
    values = stream.read(promised)
    if len(values) < promised:
        raise ValueError(f"{path} is truncated: {len(values):,} of {promised:,} bytes")
    return np.frombuffer(values, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _names_of_labels(name: str) -> list[str]:
    """Return possible names of the file of labels for a file of images, the likeliest first."""
    other = re.sub("idx[34]", "idx1", name.replace("images", "labels"))
    return [other, other.removesuffix(".gz"), f"{other}.gz"]
