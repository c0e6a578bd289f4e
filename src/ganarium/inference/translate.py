"""Files of samples through a model that translates."""

import warnings
from functools import partial
from pathlib import Path
from typing import Any

from ganarium.inference.apply import outcomes, written
from ganarium.inference.files import FilePath
from ganarium.inference.job import FileSettings
from ganarium.models.loading import opened
from ganarium.models.model import Model
from ganarium.tasks.windows import OVERLAP


def translate(
    source: FilePath | Model,
    images: FilePath,
    out: FilePath,
    *,
    to: str | int | None = None,
    from_: str | int | None = None,
    style: FilePath | None = None,
    seed: int | None = None,
    palette: FilePath | None = None,
    tile: int | None = None,
    overlap: int = OVERLAP,
    batch_size: int = 8,
    grid: FilePath | None = None,
    precision: str = "float32",
    device: str = "cpu",
    **words: Any,
) -> list[Path]:
    """Translate images in files; each keeps its name (with the suffix .png), size and alpha.

    Args:
        source: folder of a run or of a model, or a model.
        images: file, or folder with files at any depth; label maps as in `apply`.
        out: folder; or a .png if `images` is a file.
        to: target domain, or the labels that images are to have.
        from_: domain of the images; `picture` makes what the model takes (edges, ...) from ordinary images.
        style: image that all outputs are to look like, for models that learned styles.
        seed: seed of the style if none is given, one for all images; 0 if None.
        palette: see `apply`.
        tile: length of the windows, see `apply`.
        overlap: overlap of the windows.
        batch_size: images of one size at a time, at most; fewer if more would be slower.
        grid: see `apply`.
        precision: see `apply`.
        device: device of a model that is loaded.
        words: other inputs in words, optional inputs as files, options of the model's `translate`.

    Returns:
        The files that were written, sorted. An image that cannot be read is skipped with a warning.

    Raises:
        FileExistsError: a file of other contents is in the way.
        FileNotFoundError, ValueError: see `apply`.
    """
    model = opened(source, device=device)
    words, derive = translation_words(model, words, to=to, from_=from_, style=style)
    settings = FileSettings(seed, tile, overlap, batch_size, grid, precision, derive, palette)
    notify = partial(warnings.warn, stacklevel=3)
    return written(outcomes(model, "translate", [images], out, words, settings, notify=notify))


def translation_words(
    model: Model,
    words: dict[str, Any],
    *,
    to: str | int | None,
    from_: str | int | None,
    style: FilePath | None,
) -> tuple[dict[str, Any], bool]:
    """Return the words of a translation, and True if its input is made from ordinary images.

    Raises:
        ValueError: the model does not translate, has no such direction, or takes no style.
    """
    options, what = model.task("translate").options(model.game), f"this {model.provenance.what} model"
    derive = from_ == "picture" and "source" not in options
    given = {"to": to, "source": None if derive else from_, "style": style}
    given = {name: value for name, value in given.items() if value is not None}
    known = {**words, **{name: value for name, value in given.items() if name in options}}
    inputs = [each.name for each in model.resolve("translate", known).inputs]
    if style is not None and "style" not in inputs:
        raise ValueError(f"--style {style}: {what} takes no style; gaugan and pix2pixhd models may take one")
    if one_way := [name for name in ("to", "source") if name in given and name not in (*options, *inputs)]:
        raise ValueError(
            f"{one_way[0]}={given[one_way[0]]}: {what} translates one way only; leave --to and --from out"
        )
    return {**words, **given}, derive
