"""Folders of pictures through a translating model: names, sizes and alpha stay as they are."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from torch import Tensor

from ganarium.common import grids
from ganarium.common.files import atomic_write
from ganarium.common.notify import Notify, silent
from ganarium.data.modalities.image import SUFFIXES, read_header, reason
from ganarium.data.sources.folder import contents
from ganarium.inference.reading import InputImage, Route
from ganarium.models.loading import load
from ganarium.models.model import Model
from ganarium.models.network import NetworkModel
from ganarium.tasks.windows import OVERLAP, TILE, check_tiles

WHOLE = 1_500_000
"""Pixels; larger pictures are cut into tiles where nothing else is asked for, and no batch has more."""
COMPRESSION = 3
"""Level of zlib: less than half the seconds of Pillow's own 6, at most a tenth more bytes of a photograph."""

Share = Callable[[str, float], object]
"""Told which picture is at work, and which share of all pixels is done."""


class Outcome(NamedTuple):
    """What became of a picture."""

    given: Path
    made: Path | None
    """None where it was skipped."""
    reason: str = ""
    """Why."""


def translate(
    source: str | Path | Model | NetworkModel,
    pictures: str | Path,
    out: str | Path,
    *,
    to: str | int | None = None,
    from_: str | int | None = None,
    style: str | Path | None = None,
    seed: int | None = None,
    palette: str | Path | None = None,
    tile: int | None = None,
    overlap: int = OVERLAP,
    batch_size: int = 8,
    sheet: str | Path | None = None,
    precision: str = "float32",
    device: str = "cpu",
) -> list[Path]:
    """Translate pictures in files; each keeps its name (with the suffix .png), size and alpha.

    Args:
        source: a run's folder, a model's, or a model.
        pictures: a file, or a folder with files at any depth. For a model told label maps: ids, or the
            colours of `palette`. Where it was told instances, too, they lie beside in a folder `instances`,
            by the same names; without it each map is one instance.
        out: a folder; or a .png where `pictures` is a file.
        to: the domain that is wished, as in `Model.way`.
        from_: that of the pictures; `picture` makes what a model is told (`edges`, ...) from ordinary ones.
        style: a picture that all shall look like, for models that learned styles.
        seed: of the style where none is given, one for all pictures; 0 where it is not said.
        palette: file that tells names and colours of classes, as one that lies beside label maps; where
            there is none, colours are those of training.
        tile: side of the tiles, in pixels, that larger pictures are cut into: 0 none, None 512 above 1.5
            megapixels.
        overlap: of tiles, in pixels.
        batch_size: how many of one size at a time, at most; fewer where more would be slower.
        sheet: PNG that shows the first eight: input, output and, where there is a way, back again.
        precision: float32, or bfloat16 (autocast): faster, and most pixels a few levels of 255 off.
        device: where to compute.

    Returns:
        The files, in the order of the pictures; one that cannot be read is left out, with a warning.

    Raises:
        FileExistsError: a file with other contents is in the way.
        FileNotFoundError, ValueError: as `load` and `Model.way`, or there are no pictures; or the model
            takes no style, draws none, or is told no label maps; or there is no such precision.
    """
    model = load(source, device=device) if isinstance(source, str | Path) else source
    found = outcomes(
        model,
        Path(pictures),
        Path(out),
        to=to,
        from_=from_,
        style=None if style is None else Path(style),
        seed=seed,
        palette=None if palette is None else Path(palette),
        tile=tile,
        overlap=overlap,
        batch_size=batch_size,
        sheet=None if sheet is None else Path(sheet),
        precision=precision,
        notify=partial(warnings.warn, stacklevel=3),
    )
    made = []
    for each in found:
        if each.made is None:
            warnings.warn(f"{each.given} is skipped: {each.reason}", stacklevel=2)
        else:
            made.append(each.made)
    return sorted(made)


def outcomes(
    model: Model | NetworkModel,
    given: Path,
    out: Path,
    *,
    to: str | int | None = None,
    from_: str | int | None = None,
    style: Path | None = None,
    seed: int | None = None,
    palette: Path | None = None,
    tile: int | None = None,
    overlap: int = OVERLAP,
    batch_size: int = 8,
    sheet: Path | None = None,
    precision: str = "float32",
    notify: Notify = silent,
    share: Share = lambda name, done: None,
) -> Iterator[Outcome]:
    """As `translate`, a picture at a time, as they are done; `say` is told what is amiss with all."""
    check_tiles(tile or max(TILE, 2 * overlap), overlap)
    route = Route(model, to, from_, precision)
    route.choose_style(style, seed)
    files = _files(given, out)
    route.look_around(given if given.is_dir() else given.parent, palette, notify)
    sizes: dict[Path, tuple[int, int]] = {}
    for path in files:
        try:
            with path.open("rb") as stream:
                header = read_header(stream)
            sizes[path] = header.height, header.width
        except Exception as error:  # what decoders of damaged files raise is not known
            yield Outcome(path, None, reason(error))
    shown = {path: list[Image.Image]() for path in list(sizes)[: grids.TRANSLATIONS]} if sheet else {}
    pixels, total = 0, sum(height * width for height, width in sizes.values())
    written: list[tuple[Path, Future[None]]] = []
    batches = _batches(sizes, batch_size, min(WHOLE, route.pixels_at_once))
    with ThreadPoolExecutor(thread_name_prefix="ganarium-pictures") as pool:
        for paths, begun in _read_ahead(pool, route.read, batches):
            read: dict[Path, InputImage] = {}
            for path, picture in zip(paths, begun, strict=True):
                try:
                    read[path] = picture.result()
                except Exception as error:  # as above
                    yield Outcome(path, None, reason(error))
            if not read:
                continue
            area = sizes[paths[0]][0] * sizes[paths[0]][1]
            cut = area > WHOLE if tile is None else 0 < tile < max(sizes[paths[0]])
            name, before = paths[0].name, pixels / total
            told = partial(_within, share, name, before, len(paths) * area / total)
            try:
                made = route.turned([each.levels for each in read.values()], cut, tile or TILE, overlap, told)
            except (ValueError, RuntimeError) as error:
                for path in read:
                    yield Outcome(path, None, reason(error))
                continue
            yield from _finished(written, files)
            written = []
            for (path, each), image in zip(read.items(), made, strict=True):
                result = _with_alpha(image, each.alpha)
                written.append((path, pool.submit(_write, result, files[path])))
                if path in shown:
                    shown[path] = [
                        grids.cell(route.seen(each.levels)),
                        grids.cell(result),
                        *route.again(image),
                    ]
            pixels += len(paths) * area
            share(name, pixels / total)
        yield from _finished(written, files)
    if rows := [row for row in shown.values() if row]:
        assert sheet is not None
        with atomic_write(sheet, "if-equal") as file:
            cells = [cell for row in rows for cell in row]
            grids.sheet(cells, columns=len(rows[0])).save(file, format="PNG")


def _finished(written: Iterable[tuple[Path, Future[None]]], files: dict[Path, Path]) -> Iterator[Outcome]:
    for path, file in written:
        file.result()
        yield Outcome(path, files[path])


def _within(share: Share, name: str, begun: float, part: float, done: float) -> None:
    share(name, begun + part * done)


def _files(given: Path, out: Path) -> dict[Path, Path]:
    """The pictures, and where their translations go."""
    if given.is_file():
        if out.suffix.lower() in SUFFIXES and not out.is_dir():
            if out.suffix.lower() != ".png":
                raise ValueError(f"{out}: translations are saved without loss; end the name in .png")
            return {given: out}
        return {given: out / f"{given.stem}.png"}
    if not given.is_dir():
        raise FileNotFoundError(f"{given} is neither a file nor a folder")
    if given.resolve() in (out.resolve(), *out.resolve().parents):
        raise ValueError(f"{out} lies in {given}, where it would be translated the next time; choose another")
    found = contents(given)
    if not found.pictures:
        raise ValueError(f"{given} holds no pictures: found {found.in_words()}")
    names = [Path(name) for name in found.pictures]
    plain = Counter(str(name.with_suffix("")).lower() for name in names)
    return {
        given / name: out
        / (
            name.with_suffix(".png")
            if plain[str(name.with_suffix("")).lower()] == 1
            else name.with_name(f"{name.name}.png")
        )
        for name in names
    }


def _batches(sizes: dict[Path, tuple[int, int]], batch_size: int, most: float) -> Iterator[list[Path]]:
    """Pictures of one size together, as many as may be at a time; a picture, or `most` pixels."""
    by_size: dict[tuple[int, int], list[Path]] = {}
    for path, size in sizes.items():
        by_size.setdefault(size, []).append(path)
    for (height, width), paths in by_size.items():
        room = max(1, min(batch_size, int(most // (height * width))))
        yield from (paths[start : start + room] for start in range(0, len(paths), room))


def _read_ahead(
    pool: ThreadPoolExecutor, read: Callable[[Path], InputImage], batches: Iterable[list[Path]]
) -> Iterator[tuple[list[Path], list[Future[InputImage]]]]:
    """Batches and their pictures; while one is at work, the next is read."""
    last = None
    for paths in batches:
        begun = [pool.submit(read, path) for path in paths]
        if last is not None:
            yield last
        last = paths, begun
    if last is not None:
        yield last


def _write(picture: Image.Image, path: Path) -> None:
    with atomic_write(path, "if-equal") as file:
        picture.save(file, format="PNG", compress_level=COMPRESSION)


def _with_alpha(image: Tensor, alpha: Image.Image | None) -> Image.Image:
    result = grids.to_image(image)
    if alpha is not None:
        result.putalpha(alpha)
    return result
