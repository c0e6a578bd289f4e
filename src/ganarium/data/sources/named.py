"""Data sets known by name: downloaded once, verified by checksum, and stored in a cache folder."""

import hashlib
import os
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import numpy as np

from ganarium.common.files import cache_folder
from ganarium.data.sources.arrays import Arrays
from ganarium.data.sources.idx import idx

_TIMEOUT = 30  # seconds without a byte
_RECORD = 1 + 3 * 32 * 32  # CIFAR-10: a label, then red, green and blue


@dataclass(frozen=True)
class Download:
    """File, its addresses (the first one that answers is used) and its SHA-256."""

    file: str
    addresses: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class Named:
    """Data set that is known by its name.

    Attributes:
        downloads: files of the data set; the first one holds the images.
        classes: names of the classes.
        read: returns the source of the first file and the classes.
    """

    downloads: tuple[Download, ...]
    classes: tuple[str, ...]
    read: Callable[[Path, tuple[str, ...]], Arrays]


def named(name: str) -> Arrays:
    """Return the training images of a data set in `NAMED`, downloaded unless they are in the cache.

    Raises:
        FileNotFoundError: a file cannot be downloaded; the message says where to put it.
        ValueError: a file has another checksum.
    """
    dataset = NAMED[name]
    paths = [cached(download, cache_folder() / name) for download in dataset.downloads]
    source = dataset.read(paths[0], dataset.classes)
    source.kind = name
    return source


def cached(download: Download, folder: Path) -> Path:
    """Return the path of a file in `folder` after a download if it is missing, with its checksum verified."""
    path = folder / download.file
    if not path.is_file():
        _fetch(download, path)
        return path
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != download.sha256:
        raise ValueError(
            f"{path} has SHA-256 {found}, not {download.sha256}: delete it, and it is downloaded again"
        )
    return path


def cifar_binary(path: Path, classes: tuple[str, ...]) -> Arrays:
    """Return the training images in CIFAR-10's binary version, a .tar.gz (Krizhevsky 2009, binary version).

    Raises:
        ValueError: the archive is damaged or has no `data_batch_*.bin`.
    """
    try:
        with tarfile.open(path) as archive:
            batches = {
                member.name: stream.read(10_000 * _RECORD)
                for member in archive
                if "data_batch_" in member.name and (stream := archive.extractfile(member))
            }
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    records = np.frombuffer(b"".join(batches[name] for name in sorted(batches)), np.uint8)
    if not len(records) or len(records) % _RECORD:
        raise ValueError(f"{path} holds no whole data_batch_*.bin of CIFAR-10's binary version")
    records = records.reshape(-1, _RECORD)
    return Arrays(
        "cifar10", np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, 32, 32), records[:, 0], classes
    )


def _fetch(download: Download, path: Path) -> None:
    failures = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for address in download.addresses:
            failure = _failure(address, download.sha256, path)
            if failure is None:
                return
            failures.append(f"{address}: {failure}")
    except OSError as error:
        failures.append(f"{path.parent} cannot be written: {error}")
    raise FileNotFoundError(
        f"{path} is not there and could not be downloaded ({'; '.join(failures)}). "
        f"Fetch {download.addresses[0]} elsewhere and place it at {path}, "
        "or set GANARIUM_CACHE to a folder that has it"
    )


def _failure(address: str, sha256: str, path: Path) -> str | None:
    """Download to a temporary name and rename to `path`; return the reason if this fails, else None."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".download-") as folder:
        partial = Path(folder) / path.name
        try:
            found = _copied(address, partial)
        except OSError as error:  # no network, host or page, or an interrupted connection
            return str(error)
        if found != sha256:
            return f"SHA-256 {found} instead of {sha256}"
        partial.replace(path)
        return None


def _copied(address: str, path: Path) -> str:
    """Download from an address; return the SHA-256."""
    digest = hashlib.sha256()
    with urlopen(address, timeout=_TIMEOUT) as answer, path.open("wb") as target:
        if not answer.url.startswith("https://"):
            raise OSError(f"redirected to {answer.url}, which is not https")
        while block := answer.read(2**20):
            digest.update(block)
            target.write(block)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest()


def _mnist_layout(addresses: tuple[str, ...], images: str, labels: str) -> tuple[Download, ...]:
    files = {"train-images-idx3-ubyte.gz": images, "train-labels-idx1-ubyte.gz": labels}
    return tuple(Download(file, tuple(a + file for a in addresses), sha256) for file, sha256 in files.items())


NAMED: dict[str, Named] = {
    "mnist": Named(
        _mnist_layout(
            (
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
            ),
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        tuple("0123456789"),
        idx,
    ),
    "fashion-mnist": Named(
        _mnist_layout(
            ("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",),
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        (
            *("T-shirt", "trouser", "pullover", "dress", "coat"),
            *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
        ),
        idx,
    ),
    "cifar10": Named(
        (
            Download(
                "cifar-10-binary.tar.gz",
                ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        cifar_binary,
    ),
}
