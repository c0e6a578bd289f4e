import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ganarium.data.modalities.base import ArrayFormat
from ganarium.data.modalities.image import Image as ImageModality
from ganarium.data.modalities.pixels import (
    LARGEST_IMAGE,
    opaque,
    picture,
    read_header,
    reason,
    recolored,
    refitted,
)


def stream(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    buffer.seek(0)
    return buffer


def form(channels, height, width, dtype=np.uint8):
    return ArrayFormat((channels, height, width), np.dtype(dtype))


def random_pixels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_pixels_come_out_as_they_went_in():
    pixels = random_pixels(5, 7, 3)
    assert np.array_equal(picture(stream(Image.fromarray(pixels)), form(3, 5, 7)), pixels.transpose(2, 0, 1))


def test_sixteen_bits_survive():
    levels = np.arange(20 * 28, dtype=np.uint16).reshape(20, 28) * 117
    source = stream(Image.fromarray(levels))
    assert read_header(source).deep
    source.seek(0)
    assert np.array_equal(picture(source, form(1, 20, 28, np.uint16))[0], levels)
    source.seek(0)
    assert np.array_equal(picture(source, form(1, 20, 28))[0], np.rint(levels / 257).astype(np.uint8))


def test_eight_bits_among_sixteen_span_the_same_range():
    white = stream(Image.new("L", (4, 4), 255))
    assert (picture(white, form(1, 4, 4, np.uint16)) == 65535).all()


def test_exif_rotation_is_undone():
    pixels = np.zeros((16, 32), np.uint8)
    pixels[:, :16] = 255  # bright on the left
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: left becomes top
    for kind in ("JPEG", "PNG"):
        source = stream(Image.fromarray(pixels), kind, exif=exif)
        seen = read_header(source)
        assert seen.size == (32, 16)
        source.seek(0)
        upright = picture(source, form(1, 32, 16))[0]
        assert upright[:12].min() > 240
        assert upright[20:].max() < 15


def test_transparency_lies_on_white_or_stays():
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2, :, 3] = 255  # black above, nothing below
    image = Image.fromarray(pixels)
    assert not opaque(stream(image))
    assert opaque(stream(image.convert("RGB").convert("RGBA")))
    flat = picture(stream(image), form(3, 4, 4))
    assert (flat[:, :2] == 0).all()
    assert (flat[:, 2:] == 255).all()
    assert (picture(stream(image), form(1, 4, 4))[0, 2:] == 255).all()
    assert np.array_equal(picture(stream(image), form(4, 4, 4)), pixels.transpose(2, 0, 1))


def test_palettes():
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), mode="P")
    image.putpalette([255, 0, 0, 10, 20, 30])
    assert read_header(stream(image)).color
    assert not read_header(stream(image)).alpha
    assert picture(stream(image), form(3, 2, 2))[:, 0].T.tolist() == [[255, 0, 0], [10, 20, 30]]
    holed = stream(image, transparency=1)
    assert read_header(holed).alpha
    holed.seek(0)
    assert (picture(holed, form(3, 2, 2))[:, 0, 1] == 255).all()
    image.putpalette([9, 9, 9, 70, 70, 70])
    assert not read_header(stream(image)).color


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "CMYK", "I", "I;16", "F"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_mode_becomes_every_form(mode, channels):
    image = Image.new(mode, (9, 6)) if mode != "I;16" else Image.fromarray(np.zeros((6, 9), np.uint16))
    assert picture(stream(image, "TIFF"), form(channels, 4, 4)).shape == (channels, 4, 4)


def test_of_an_animation_the_first_frame_is_shown():
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    animation = stream(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert picture(animation, form(3, 4, 4))[:, 0, 0].tolist() == [255, 0, 0]


def test_pictures_cover_and_are_cut_at_the_centre():
    pixels = np.zeros((10, 30), np.uint8)
    pixels[:, 10:20] = 200
    assert (picture(stream(Image.fromarray(pixels)), form(1, 10, 10)) == 200).all()
    halved = picture(stream(Image.fromarray(pixels)), form(1, 5, 5))
    assert abs(int(halved[0, 2, 2]) - 200) <= 1


def test_cutting_alone_does_not_blur():
    pixels = random_pixels(8, 11)  # one column more on one side than on the other
    assert np.array_equal(picture(stream(Image.fromarray(pixels)), form(1, 8, 8))[0], pixels[:, 1:9])


def test_shrinking_is_antialiased():
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    for kind in ("PNG", "JPEG"):
        shrunk = picture(stream(Image.fromarray(stripes), kind), form(1, 16, 16))
        assert abs(shrunk[..., 1:-1].astype(int) - 127).max() <= 6


def test_a_jpeg_decoded_small_looks_like_one_decoded_whole():
    y, x = np.mgrid[:160, :160] / 160
    image = Image.fromarray((127 + 120 * np.sin(40 * x) * np.cos(30 * y)).astype(np.uint8))
    exact = picture(stream(image), form(1, 32, 32)).astype(int)
    assert abs(picture(stream(image, "JPEG", quality=95), form(1, 32, 32)) - exact).max() <= 4


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_header_that_promises_too_much_is_refused():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    side = int(LARGEST_IMAGE**0.5) + 1
    for width in (side, 30_000):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, width, 8, 0, 0, 0, 0))
        bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        with pytest.raises(Image.DecompressionBombError) as caught:
            read_header(io.BytesIO(bomb))
        assert reason(caught.value) == "more than 100,000,000 pixels"


def test_levels_are_normalised():
    assert ImageModality().normalize(np.array([0, 255], np.uint8)).tolist() == [-1, 1]
    assert ImageModality().normalize(np.array([0, 65535], np.uint16)).tolist() == [-1, 1]
    assert ImageModality().normalize(np.array([0.25], np.float32)).tolist() == [0.25]


def test_arrays_are_refitted_channel_by_channel():
    pixels = random_pixels(5, 12, 12)
    assert refitted(pixels, 6, 6).shape == (5, 6, 6)
    assert refitted(pixels, 6, 6).dtype == np.uint8
    assert refitted(pixels, 12, 12) is pixels
    flat = np.full((2, 12, 20), 0.5, np.float32)
    assert np.allclose(refitted(flat, 7, 9), 0.5, atol=1e-6)


def test_arrays_are_recoloured():
    gray = random_pixels(2, 1, 3, 3)
    assert np.array_equal(recolored(recolored(gray, 3), 1), gray)
    clear = np.zeros((1, 4, 2, 2), np.uint8)
    assert (recolored(clear, 3) == 255).all()
    assert (recolored(np.full((1, 4, 2, 2), -1, np.float32), 3) == 1).all()
    with pytest.raises(ValueError, match=r"data\.channels=3, but the data have 5"):
        recolored(np.zeros((1, 5, 2, 2), np.uint8), 3)
