"""Folders of pictures through a translating model: names, sizes and alpha stay as they are."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from ganarium.builder import PRECISIONS
from ganarium.data.conditions import CONDITIONS
from ganarium.data.images import SUFFIXES, Form, look, normalised, picture, reason, recoloured
from ganarium.data.map_files import MapFiles
from ganarium.data.sources.folder import contents
from ganarium.lone import LoneNetwork
from ganarium.methods.paired.painting import Painter
from ganarium.model import Model, load
from ganarium.parts.maps import planes
from ganarium.run import Say, quiet
from ganarium.samples import new_file
from ganarium.tables import nearest
from ganarium.tiles import OVERLAP, TILE, check_tiles, tiled
from ganarium.watch import grids

WHOLE = 1_500_000
"""Pixels; larger pictures are cut into tiles where nothing else is asked for, and no batch has more."""
COMPRESSION = 3
"""Level of zlib: less than half the seconds of Pillow's own 6, at most a tenth more bytes of a photograph."""
CELL = 256
"""Height and width of a picture on the sheet."""

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
    source: str | Path | Model | LoneNetwork,
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
        batch_size: how many of one size at a time, at most.
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
        say=partial(warnings.warn, stacklevel=3),
    )
    made = []
    for each in found:
        if each.made is None:
            warnings.warn(f"{each.given} is skipped: {each.reason}", stacklevel=2)
        else:
            made.append(each.made)
    return sorted(made)


def outcomes(
    model: Model | LoneNetwork,
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
    say: Say = quiet,
    share: Share = lambda name, done: None,
) -> Iterator[Outcome]:
    """As `translate`, a picture at a time, as they are done; `say` is told what is amiss with all."""
    check_tiles(tile or max(TILE, 2 * overlap), overlap)
    way = _Way(model, to, from_, precision)
    way.choose_style(style, seed)
    files = _files(given, out)
    way.look_around(given if given.is_dir() else given.parent, palette, say)
    sizes: dict[Path, tuple[int, int]] = {}
    for path in files:
        try:
            with path.open("rb") as stream:
                header = look(stream)
            sizes[path] = header.height, header.width
        except Exception as error:  # what decoders of damaged files raise is not known
            yield Outcome(path, None, reason(error))
    shown = {path: list[Image.Image]() for path in list(sizes)[: grids.TRANSLATIONS]} if sheet else {}
    pixels, total = 0, sum(height * width for height, width in sizes.values())
    written: list[tuple[Path, Future[None]]] = []
    with ThreadPoolExecutor(thread_name_prefix="ganarium-pictures") as pool:
        for paths, begun in _read_ahead(pool, way.read, _batches(sizes, batch_size)):
            read: dict[Path, _Picture] = {}
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
                made = way.turned([each.levels for each in read.values()], cut, tile or TILE, overlap, told)
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
                    shown[path] = [_cell(way.seen(each.levels)), _cell(result), *way.again(image)]
            pixels += len(paths) * area
            share(name, pixels / total)
        yield from _finished(written, files)
    if rows := [row for row in shown.values() if row]:
        assert sheet is not None
        with new_file(sheet) as file:
            cells = [cell for row in rows for cell in row]
            grids.sheet(cells, columns=len(rows[0])).save(file, format="PNG")


def _finished(written: Iterable[tuple[Path, Future[None]]], files: dict[Path, Path]) -> Iterator[Outcome]:
    for path, file in written:
        file.result()
        yield Outcome(path, files[path])


class _Picture(NamedTuple):
    levels: Tensor  # uint8 or float [C, H, W] of a picture, int64 [1 or 2, H, W] of a map
    alpha: Image.Image | None


class _Way:
    """One way of a model, and how pictures are read for it."""

    def __init__(
        self, model: Model | LoneNetwork, to: str | int | None, from_: str | int | None, precision: str
    ):
        if precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            raise ValueError(f"--precision {precision}: choose from {known}{nearest(precision, PRECISIONS)}")
        self.model, self.classes, self.precision = model, 0, PRECISIONS[precision]
        self.told_instances = False
        self.maps: MapFiles | None = None
        self.style: Tensor | None = None
        self.seed: int | None = None
        self.make: Callable[[Tensor], Tensor] | None = None
        if isinstance(model, LoneNetwork):
            if model.role != "translator":
                raise ValueError(f"this is a {model.role} ({model.kind}), not a translator")
            if to is not None or from_ is not None:
                raise ValueError("this network translates one way only: leave --to and --from out")
            self.channels = int(model.settings["labels" if model.kind == "spade" else "inputs"])
            if model.kind == "spade" or self.channels not in (1, 3, 4):
                self.classes = self.channels
            self.network: nn.Module = model.network
            return
        paired = model.facts.condition not in (None, "domains")
        if paired and from_ == "picture":
            kind = str(model.facts.condition)
            if kind not in CONDITIONS:
                raise ValueError(
                    f"--from picture: {kind} is not made from pictures; those are {', '.join(CONDITIONS)}"
                )
            self.make, from_ = CONDITIONS[kind], None
        self.way = model.way(to, from_)
        shape = model.facts.condition_shape if paired else model.facts.shape
        self.channels = model.facts.shape[0] if self.make else shape[0]
        if model.facts.condition == "map":
            self.classes, self.told_instances = len(model.facts.classes), shape[0] == 2
        if isinstance(model.game, Painter):  # its encoder is told a style, which is never cut into tiles
            self.network = model.game.translator
        else:
            self.network = nn.ModuleList(model.game.get_submodule(name) for name in model.game.keeps)

    def choose_style(self, file: Path | None, seed: int | None) -> None:
        """What the outcome shall look like, where the model leaves that open.

        Raises:
            ValueError: it does not.
        """
        named, draws, game = "a lone network", False, None
        if isinstance(self.model, Model):
            named, game = f"this {self.model.method.name} model", self.model.game
            draws = self.model.draws
        if seed is not None and (file is not None or not draws):
            why = "the style is given" if draws else f"{named} draws no style, what goes in tells all"
            raise ValueError(f"--seed {seed}: {why}; leave it out")
        self.seed = seed or 0 if draws and file is None else None
        if file is None:
            return
        if not (isinstance(self.model, Model) and isinstance(game, Painter) and game.encoder is not None):
            raise ValueError(f"--style {file}: {named} takes no style; gaugan and pix2pixhd learn to")
        try:
            with file.open("rb") as stream:
                header = look(stream)
                form = Form((self.model.facts.shape[0], header.height, header.width), np.dtype(np.uint8))
                stream.seek(0)
                pixels = picture(stream, form)
        except FileNotFoundError:
            raise FileNotFoundError(f"--style {file}: there is no such file") from None
        except Exception as error:  # what decoders of damaged files raise is not known
            raise ValueError(f"--style {file}: {reason(error)}") from None
        self.style = torch.from_numpy(normalised(pixels))[None]

    def look_around(self, folder: Path, palette: Path | None, say: Say) -> None:
        """How label maps in a folder are read.

        Raises:
            FileNotFoundError, ValueError: as `MapFiles`; or the model is told no maps.
        """
        if self.classes:
            facts = self.model.facts if isinstance(self.model, Model) else None
            names = facts.classes if facts else tuple(map(str, range(self.classes)))
            known = (facts.numbers, facts.colours) if facts else ()
            self.maps = MapFiles(
                folder, names, *known, palette=palette, instances=self.told_instances, say=say
            )
        elif palette is not None:
            raise ValueError(f"--palette {palette}: this model is told pictures, no label maps")

    def read(self, path: Path) -> _Picture:
        """A file as the model wants it, upright and at its own size."""
        if self.maps is not None:
            return _Picture(torch.from_numpy(self.maps.ids(path).astype(np.int64)), None)
        with path.open("rb") as stream:
            header = look(stream)
            stream.seek(0)
            channels = 4 if header.alpha else 3 if header.colour else 1
            deep = np.dtype(np.uint16 if header.deep and channels == 1 else np.uint8)
            pixels = picture(stream, Form((channels, header.height, header.width), deep))
        alpha = Image.fromarray(pixels[3]) if header.alpha and self.channels != 4 else None
        if self.channels == 4 and channels != 4:
            pixels = recoloured(pixels[None], 3)[0]
            pixels = np.concatenate([pixels, np.full_like(pixels[:1], np.iinfo(pixels.dtype).max)])
        pixels = recoloured(pixels[None], self.channels)[0]
        levels = torch.from_numpy(normalised(pixels) if deep == np.uint16 else np.array(pixels))
        return _Picture(levels if self.make is None else self.make(_scaled(levels)[None])[0], alpha)

    def turned(
        self, given: Sequence[Tensor], cut: bool, tile: int, overlap: int, told: Callable[[float], object]
    ) -> list[Tensor]:
        """What the model makes of pictures of one size, `[C, H, W]` each."""
        if cut:
            return [
                tiled(self._turn, self.network, each, tile=tile, overlap=overlap, told=told) for each in given
            ]
        return list(self._turn(torch.stack(list(given))))

    def again(self, image: Tensor) -> list[Image.Image]:
        """A translation taken back, for the sheet; nothing where there is no way back."""
        if isinstance(self.model, LoneNetwork) or (back := self.way[::-1]) not in self.model.ways:
            return []
        small = np.asarray(_cell(grids.to_picture(image), fill=False))
        levels = torch.from_numpy(np.array(small if small.ndim == 3 else small[..., None])).permute(2, 0, 1)
        with self._autocast():
            made = self.model.translate(_scaled(levels)[None], to=back[1], source=back[0])
        return [_cell(grids.to_picture(made[0]))]

    def seen(self, levels: Tensor) -> Image.Image:
        """What went in; of a map the ids as shades."""
        if self.classes:
            return grids.to_picture(levels[:1].float() / max(1, self.classes - 1) * 2 - 1)
        return grids.to_picture(_scaled(levels))

    def _turn(self, given: Tensor) -> Tensor:
        with self._autocast():
            return self._translated(given)

    def _autocast(self) -> torch.autocast:
        lower = self.precision != torch.float32
        return torch.autocast(self.model.device.type, self.precision, enabled=lower)

    def _translated(self, given: Tensor) -> Tensor:
        if isinstance(self.model, Model):
            told = given if self.classes else _scaled(given)
            turn = partial(self.model.translate, to=self.way[1], source=self.way[0])
            if self.seed is None:
                return turn(told, style=self.style, batch_size=len(given))
            return torch.cat([turn(each[None], seed=self.seed) for each in told])  # one style for all
        told = planes(given, self.classes) if self.classes else _scaled(given)
        return self.model.translate(told, batch_size=len(given))


def _scaled(levels: Tensor) -> Tensor:
    """Levels as float in [-1, 1]."""
    return levels.float() * (2 / 255) - 1 if levels.dtype == torch.uint8 else levels


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


def _batches(sizes: dict[Path, tuple[int, int]], batch_size: int) -> Iterator[list[Path]]:
    """Pictures of one size together, as many as may be at a time."""
    by_size: dict[tuple[int, int], list[Path]] = {}
    for path, size in sizes.items():
        by_size.setdefault(size, []).append(path)
    for (height, width), paths in by_size.items():
        room = max(1, min(batch_size, WHOLE // (height * width)))
        yield from (paths[start : start + room] for start in range(0, len(paths), room))


def _read_ahead(
    pool: ThreadPoolExecutor, read: Callable[[Path], _Picture], batches: Iterable[list[Path]]
) -> Iterator[tuple[list[Path], list[Future[_Picture]]]]:
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
    with new_file(path) as file:
        picture.save(file, format="PNG", compress_level=COMPRESSION)


def _with_alpha(image: Tensor, alpha: Image.Image | None) -> Image.Image:
    result = grids.to_picture(image)
    if alpha is not None:
        result.putalpha(alpha)
    return result


def _cell(image: Image.Image, *, fill: bool = True) -> Image.Image:
    """A picture fitted to a cell of the sheet."""
    small = ImageOps.contain(image, (CELL, CELL)) if max(image.size) > CELL else image
    if not fill:
        return small
    cell = Image.new("RGBA", (CELL, CELL), (0, 0, 0, 0))
    cell.paste(small.convert("RGBA"), ((CELL - small.width) // 2, (CELL - small.height) // 2))
    return cell
