"""Pixels of image files: headers, decoded arrays, resizing and conversion of channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ganarium.data.modalities.base import Array, ArrayFormat, Header, reason_of
from ganarium.data.report import Report
from ganarium.data.settings import Data, lengths

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"))
"""Endings of the names of image files."""

LARGEST_IMAGE = 100_000_000
"""Largest number of pixels; an image with more is rejected as a decompression bomb."""

CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's mode for each number of channels that image files can have."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
_MOST_COUNTED = 4096  # colors of a label map
_DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")
_GRAY = ("1", "L", "LA", "La", *_DEEP)
_SWAPPED = frozenset({5, 6, 7, 8})  # EXIF orientations that swap height and width


@dataclass(frozen=True)
class ImageHeader(Header):
    """Header of an image after EXIF rotation; its size is height and width.

    Attributes:
        color: True if the image has colors that are not gray.
        alpha: True if the image has an alpha channel or a transparent color.
        deep: True if the image has more than 8 bits per channel.
    """

    color: bool = False
    alpha: bool = False
    deep: bool = False


def read_header(stream: BinaryIO, *, halved: bool = False) -> ImageHeader:
    """Return the header of an image without its pixels; if `halved`, that of one of two images side by side.

    Raises:
        Exception: any error of Pillow if the stream is no image; `reason` puts it in words.
    """
    with _opened(stream) as image:
        width, height = image.size[::-1] if _orientation(image) in _SWAPPED else image.size
        return ImageHeader(
            (height, _half_of(width) if halved else width),
            image.mode,
            color=_colored(image),
            alpha=image.has_transparency_data,
            deep=image.mode in _DEEP,
        )


def opaque(stream: BinaryIO) -> bool:
    """Return True if no pixel of an image is transparent."""
    with _opened(stream) as image:
        return image.convert("RGBA").getchannel("A").getextrema()[0] == 255


def picture(stream: BinaryIO, form: ArrayFormat, *, half: int | None = None) -> Array:
    """Return an image `[C, H, W]`, upright, resized to cover the format and cropped to it at the center.

    `half` selects the left (0) or right (1) one of two images side by side. Transparent images are laid on
    white unless the format has an alpha channel. An animation gives its first frame.

    Raises:
        Exception: any error of Pillow if the image cannot be decoded; `reason` puts it in words.
    """
    channels, height, width = form.shape
    with _opened(stream) as image:
        # A JPEG decodes several times faster at a half, a quarter or an eighth of its size. Twice the target
        # size is kept for the filter. An EXIF rotation that swaps the sides makes no difference here.
        if half is None:
            shrink = 2 * max(height, width) / min(image.size)
            image.draft(None, (round(image.width * shrink) + 1, round(image.height * shrink) + 1))
        upright = _upright(image)
        if half is not None:
            middle = _half_of(upright.width)
            upright = upright.crop((half * middle, 0, (half + 1) * middle, upright.height))
        fitted = _covering(_in_mode(upright, channels, form.dtype), height, width)
    return _channels_first(fitted, form.dtype)


def values(stream: BinaryIO, height: int, width: int, *, indexed: bool | None = None) -> NDArray[np.int32]:
    """Return the values of the pixels of a label map, `[H, W]`: fitted as by `picture`, to the nearest pixel.

    Args:
        stream: the file.
        height: height of the result.
        width: width of the result.
        indexed: True for palette numbers or gray levels, False for colors as 0xRRGGBB. By default palette
            and gray images give numbers, others colors.

    Raises:
        Exception: as `picture`.
    """
    with _opened(stream) as image:
        by_number = _indexed(image) if indexed is None else indexed
        plane = Image.fromarray(_numbers(_upright(image), indexed=by_number))
        return np.asarray(_covering(plane, height, width, Image.Resampling.NEAREST))


class Content(NamedTuple):
    """Values in a label map.

    Attributes:
        indexed: True if the map has a palette or gray levels, so that it may hold numbers of classes.
        palette: RGB by number; empty without a palette.
        numbers: numbers that occur; none unless `indexed`.
        colors: colors that occur, as 0xRRGGBB; none if there are more than 4096.
    """

    indexed: bool
    palette: bytes
    numbers: frozenset[int]
    colors: frozenset[int]


def content(stream: BinaryIO) -> Content:
    """Return the values in a label map.

    Raises:
        Exception: as `picture`.
    """
    with _opened(stream) as image:
        indexed = _indexed(image)
        palette = bytes(image.getpalette("RGB") or ()) if image.mode == "P" else b""
        numbers = np.unique(_numbers(image, indexed=True)).tolist() if indexed else []
        colors = image.convert("RGB").getcolors(_MOST_COUNTED) or []
        packed = frozenset(red << 16 | green << 8 | blue for _, (red, green, blue) in colors)  # type: ignore[misc]
        return Content(indexed, palette, frozenset(numbers), packed)


def refitted(pixels: Array, height: int, width: int) -> Array:
    """Return an array `[C, h, w]` resized to cover `[C, height, width]` and cropped to it at the center."""
    if pixels.shape[1:] == (height, width):
        return pixels
    planes = [Image.fromarray(plane.astype(np.float32)) for plane in pixels]
    fitted = np.stack([np.asarray(_covering(plane, height, width)) for plane in planes])
    return fitted.clip(-1, 1) if pixels.dtype == np.float32 else _levels_of(fitted, pixels.dtype)


def recolored(pixels: Array, channels: int) -> Array:
    """Return `[N, C, H, W]` with another number of channels: 3 or 4 to 1, 4 to 3 (on white), 1 to 3.

    Raises:
        ValueError: there is no such conversion.
    """
    present = pixels.shape[1]
    if present == channels:
        return pixels
    if (present, channels) == (1, 3):
        return pixels.repeat(3, axis=1)
    if present == 4 and channels in (1, 3):
        return recolored(_on_white(pixels), channels)
    if (present, channels) == (3, 1):
        gray = np.einsum("nchw,c->nhw", pixels.astype(np.float32), LUMA)[:, None]
        return gray if pixels.dtype == np.float32 else _levels_of(gray, pixels.dtype)
    raise ValueError(
        f"data.channels={channels}, but the data have {present}: give {present}, or leave the key out"
    )


def fitted_size(sizes: Sequence[tuple[int, ...]], data: Data, report: Report) -> tuple[int, int]:
    """Return height and width for images of these sizes: `data.size`, by default their common size.

    No inferred side is longer than `data.max_size`; images of different sizes become squares.
    """
    if data.size is not None:
        height, width = lengths(data.size, ("H", "W"), "image")
        if min(height, width) < 1:
            raise ValueError(f"data.size={data.size}: height and width must be at least 1 pixel")
    elif len(set(sizes)) == 1:
        shrink = min(1.0, data.max_size / max(sizes[0]))
        height, width = (max(1, round(side * shrink)) for side in sizes[0])
    else:
        height = width = data.max_size
    small = sum(h < height or w < width for h, w in sizes)
    if small:
        report.note(
            f"{small:,} of {len(sizes):,} pictures are smaller than {height}x{width} and are enlarged; "
            "a smaller data.size avoids it"
        )
    return height, width


def reason(error: Exception) -> str:
    """Return the reason why an image could not be read, in words."""
    if isinstance(error, UnidentifiedImageError):
        return "no picture in a known format"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {LARGEST_IMAGE:,} pixels"
    return reason_of(error)


def _opened(stream: BinaryIO) -> Image.Image:
    if not stream.read(1):
        raise ValueError("empty file")
    stream.seek(0)
    image = Image.open(stream, formats=_FORMATS)
    if image.width * image.height > LARGEST_IMAGE:
        raise Image.DecompressionBombError
    return image


def _upright(image: Image.Image) -> Image.Image:
    return ImageOps.exif_transpose(image) if _orientation(image) != 1 else image


def _indexed(image: Image.Image) -> bool:
    return image.mode in ("P", *_GRAY)


def _half_of(width: int) -> int:
    if width % 2:
        raise ValueError(f"{width} pixels wide, an odd number: no two pictures of one size side by side")
    return width // 2


def _numbers(image: Image.Image, *, indexed: bool) -> NDArray[np.int32]:
    """Return a number for each pixel, as `values`."""
    if indexed:
        plain = image if image.mode in ("P", "L", *_DEEP) else image.convert("L")
        return np.asarray(plain).astype(np.int32)
    red, green, blue = np.moveaxis(np.asarray(image.convert("RGB")).astype(np.int32), 2, 0)
    return red << 16 | green << 8 | blue


def _orientation(image: Image.Image) -> int:
    # Pillow would decode a whole PNG in search of EXIF data that it lacks.
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _colored(image: Image.Image) -> bool:
    if image.mode not in ("P", "PA"):
        return image.mode not in _GRAY
    palette = np.array(image.getpalette("RGB") or [], dtype=np.uint8).reshape(-1, 3)
    return bool((palette != palette[:, :1]).any())


def _in_mode(image: Image.Image, channels: int, dtype: np.dtype) -> Image.Image:
    """Return an image with this number of channels; for uint16 in mode F with levels of 16 bits."""
    if image.mode in _DEEP:
        levels = _deep_levels(image)
        if dtype == np.uint16:
            return Image.fromarray(levels)
        image = Image.fromarray(_levels_of(levels / 257, np.dtype(np.uint8)))
    if image.has_transparency_data and channels != 4:
        pixels = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), pixels)
    image = image.convert(CHANNELS[channels])
    return Image.fromarray(np.asarray(image, np.float32) * 257) if dtype == np.uint16 else image


def _deep_levels(image: Image.Image) -> NDArray[np.float32]:
    """Return gray levels of an image with more than 8 bits, as floats in 0..65535."""
    levels = np.asarray(image).astype(np.float32)
    if image.mode == "F":
        levels = levels * 65535
    if not (levels.min() >= 0 and levels.max() <= 65535):
        raise ValueError("grey levels beyond 16 bits (or beyond 0..1 in a float image)")
    return levels


def _covering(
    image: Image.Image, height: int, width: int, resample: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    if image.size == (width, height):
        return image
    scale = min(image.width / width, image.height / height)
    across, down = min(scale * width, image.width), min(scale * height, image.height)
    left, top = (image.width - across) / 2, (image.height - down) / 2
    if scale == 1:  # only crop: the filter would blur at fractions of a pixel
        left, top = left // 1, top // 1
    box = (left, top, min(left + across, image.width), min(top + down, image.height))
    return image.resize((width, height), resample, box, reducing_gap=3.0)


def _channels_first(image: Image.Image, dtype: np.dtype) -> Array:
    pixels = np.asarray(image)
    pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return pixels if pixels.dtype == dtype else _levels_of(pixels, dtype)


def _levels_of(values: Array, dtype: np.dtype) -> Array:
    return np.rint(values).clip(0, np.iinfo(dtype).max).astype(dtype)


def _on_white(pixels: Array) -> Array:
    """Return RGBA `[N, 4, H, W]` laid on white, RGB `[N, 3, H, W]`."""
    if pixels.dtype == np.float32:
        alpha = (pixels[:, 3:] + 1) / 2
        return pixels[:, :3] * alpha + (1 - alpha)
    white = np.iinfo(pixels.dtype).max
    alpha = pixels[:, 3:].astype(np.float32) / white
    return _levels_of(pixels[:, :3] * alpha + white * (1 - alpha), pixels.dtype)
