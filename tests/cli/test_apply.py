"""Tasks of other packages on files: several inputs, other modalities, options, outputs of no file format."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import ganarium as gan
from command_line import done, refused, said
from ganarium import methods
from ganarium.core.campaign import as_campaign, untrained_stage
from ganarium.data.conditions.companion import Map
from ganarium.data.conditions.label import Label
from ganarium.data.modalities.base import Header
from ganarium.data.modalities.image import Image as ImageModality
from ganarium.data.modalities.image import to_image
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.modalities.table import MODALITIES
from ganarium.models.network import NETWORKS, NetworkModel, Origin
from ganarium.models.trained import Trained
from ganarium.networks.layers.padding import padded_forward
from ganarium.networks.resnet_translator import ResNetTranslator
from ganarium.testing import MethodUnderTest
from ganarium.testing.checks import check_samples


class Small(gan.Game):
    """Translator of plain images, which come without a condition."""

    tasks = (gan.Translate(),)

    def __init__(self):
        super().__init__()
        self.generator = ResNetTranslator(3, 3, width=4, blocks=1)
        self.discriminator = nn.Conv2d(3, 1, 3)

    def play(self, data, clock):
        """See `Game.play`."""
        real = next(data)
        yield gan.turn(self.discriminator, realness=-self.discriminator(real).mean())
        yield gan.turn(self.generator, realness=-self.discriminator(self.translate(real)).mean())

    def translate(self, images: torch.Tensor, *, strength: float = 1.0, invert: bool = False) -> torch.Tensor:
        """See `Translate`."""
        made = images + strength * (padded_forward(self.generator, images) - images)
        return -made if invert else made


class Shift(Small):
    """Adds a tenth of the target's label."""

    def translate(self, images, to):
        """See `Translate`."""
        return images * 0 + to[:, None, None, None] / 10


class Painted(Small):
    """Generator of images of label maps: the class of a pixel is its level."""

    tasks = (gan.Generate(),)

    def generate(self, condition):
        """See `Generate`."""
        return condition.expand(-1, 3, -1, -1) / 10


class Fill(gan.Task):
    """Images and masks (1 = fill) to images, and the share that is filled."""

    name = "fill"

    def inputs(self, game, spec, options):
        axes = spec.modality.axes[1:]
        image = gan.Input("images", spec.modality, spec.modality.open(spec.shape[0]))
        color = gan.Input("color", spec.modality, (spec.shape[0], "h", "w"), optional=True)
        return image, gan.Input("mask", spec.modality, (1, *axes)), color

    def outputs(self, game, spec, options):
        return (gan.Output("filled", spec.modality, spec.modality.open(spec.shape[0])),)


class Filler(Small):
    """Paints over what a mask shows."""

    tasks = (Fill(),)

    def fill(self, images, mask, color=None, *, level: float = 0.0):
        """See `Fill`."""
        paint = level if color is None else color.mean((2, 3), keepdim=True)
        return torch.where(mask > 0, torch.zeros_like(images) + paint, images)


@dataclass(frozen=True)
class Signal(gan.Modality):
    """One channel over time, in files of raw float32."""

    name, axes, windowed = "signal", ("C", "T"), ("T",)
    suffixes, suffix = frozenset((".sig",)), ".sig"

    def read_header(self, stream):
        return Header((len(stream.read()) // 4,))

    def decode(self, stream, format):
        data = stream.read()
        if len(data) % 4:
            raise ValueError("cut in the middle of a number")
        return np.frombuffer(data, np.float32).reshape(format.shape).copy()

    def encode(self, sample, stream, like=None):
        stream.write(sample.numpy().astype(np.float32).tobytes())


class Double(gan.Task):
    """Signals to signals of twice the length, and their loudness."""

    name = "double"

    def inputs(self, game, spec, options):
        return (gan.Input("signals", spec.modality, (1, "T")),)

    def outputs(self, game, spec, options):
        return (gan.Output("doubled", spec.modality, (1, "T'")),)


class Doubler(Small):
    """Repeats each value."""

    tasks, scale = (Double(),), 2

    def double(self, signals):
        """See `Double`."""
        return signals.repeat_interleave(2, 2)


def method_of(game):
    """Return a method of a game, known by its name."""
    name = game.__name__.lower()
    adam = {"kind": "adam", "lr": 1e-3}

    def recipe():
        return gan.Recipe(method=name, images=64, optimizers={"generator": adam, "discriminator": adam})

    method = gan.Method(name, game, recipe, {})
    methods.add(method)
    return method


def saved(game, folder, spec=None):
    """Return the folder of a model of a game."""
    method = method_of(game)
    spec = spec or gan.DataSpec(ImageModality(), (3, 16, 16))
    stage = untrained_stage(as_campaign(game()))
    return gan.Model(stage.game, spec, Trained(method, method.recipe(), spec)).save(folder)


@pytest.fixture
def photos():
    rng = np.random.default_rng(0)
    for i, size in enumerate([(20, 33), (21, 18), (21, 18)]):
        Path("photos").mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (*size, 3), dtype=np.uint8)).save(f"photos/{i}.png")
    return Path("photos")


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image, int)


def image_of(path):
    """Return an image file as a batch of one."""
    return torch.from_numpy(pixels(path)).permute(2, 0, 1)[None].float() / 127.5 - 1


def near(path, image):
    return np.abs(pixels(path) - np.asarray(to_image(image[0]), int)).max() <= 1


def test_a_translator_of_images_without_a_condition(photos):
    model = gan.load(saved(Small, "model"))
    made = gan.translate(model, photos, "out", grid="grid.png")
    assert made == [Path(f"out/{i}.png") for i in range(3)]
    assert all(near(path, model.translate(image_of(photos / path.name))) for path in made)
    assert pixels("grid.png").shape == (3 * 258 + 2, 2 * 258 + 2, 3)
    assert "3 files: again" in done("translate", "model", photos, "again", "--tile", "16", "--overlap", "4")
    assert "translates one way only" in refused("translate", "model", photos, "never", "--to", "x")


def test_it_shows_grids_while_it_is_trained():
    check_samples(MethodUnderTest(method_of(Small)))


def test_options_are_typed_by_the_game(photos):
    model = gan.load(saved(Small, "model"))
    done("translate", "model", photos, "out", "strength=5e-1", "invert=yes")
    made = model.translate(image_of("photos/0.png"), strength=0.5, invert=True)
    assert near("out/0.png", made)
    gan.translate(model, photos, "same", strength=0.5, invert=True)
    assert near("same/0.png", made)
    words = refused("translate", "model", photos, "never", "strenght=1")
    assert "translate of this small model does not take 'strenght'. Did you mean 'strength'" in words
    assert "it takes images, strength, invert" in words
    assert "strength='much': " in refused("translate", "model", photos, "never", "strength=much")
    assert not Path("never").exists()


def test_targets_are_given_in_words(photos):
    saved(Shift, "model", gan.DataSpec(ImageModality(), (3, 16, 16), Label(("zero", "one", "two"))))
    done("translate", "model", photos, "out", "--to", "two")
    done("translate", "model", photos, "turns", "to=one,zero")
    for name, label in (("out/0.png", 2), ("out/2.png", 2), ("turns/0.png", 1), ("turns/1.png", 0)):
        assert near(name, torch.full((1, 3, *pixels(name).shape[:2]), label / 10))
    assert "Did you mean 'two'" in refused("translate", "model", photos, "never", "--to", "tow")


def test_maps_as_conditions_of_samples():
    classes = LabelMap(("sky", "road", "tree"), ("#000000", "#c80000", "#00c800"))
    saved(Painted, "model", gan.DataSpec(ImageModality(), (3, 8, 8), Map(classes, (1, 8, 8), "map")))
    ids = np.random.default_rng(0).integers(0, 3, (4, 4), dtype=np.uint8)
    Path("maps").mkdir()
    Image.fromarray(ids).save("maps/0.png")
    Image.fromarray(np.array([(0, 0, 0), (200, 0, 0), (0, 200, 0)], np.uint8)[ids[::-1]]).save("maps/1.png")
    done("generate", "model", "--count", "3", "--condition", "maps", "--out", "out")
    fitted = torch.from_numpy(ids.repeat(2, 0).repeat(2, 1).copy()).expand(1, 3, 8, 8) / 10
    for i, wanted in enumerate((fitted, fitted.flip(2), fitted)):
        assert near(f"out/seed0-{i:06d}.png", wanted)
    result = said("apply", "generate", "model", "maps", "never")
    assert "maps/0.png: condition is 4x4, not 8x8: resize it" in result.err
    assert not Path("never").exists()


def test_several_inputs_belong_together_by_their_names(photos):
    saved(Filler, "model")
    masks = Path("masks")
    masks.mkdir()
    for i, side in enumerate((20, 21)):
        mask = np.zeros((side, 33 if i == 0 else 18), np.uint8)
        mask[:5] = 255
        Image.fromarray(mask).save(masks / f"{i}.bmp")
    result = said("apply", "fill", "model", photos, masks, "out", "level=1", "--grid", "grid.png")
    assert result.code == 1
    assert "skipped photos/2.png: masks has no file 2" in result.err
    assert "2 files: out; 1 skipped" in result.out
    assert (pixels("out/0.png")[:5] == 255).all()
    assert np.array_equal(pixels("out/1.png")[5:], pixels("photos/1.png")[5:])
    assert pixels("grid.png").shape == (2 * 258 + 2, 3 * 258 + 2, 3)
    result = said("apply", "fill", "model", photos, "masks/1.bmp", "one", "color=photos/0.png")
    assert "photos/0.png: mask is 21x18, not 20x33: resize it" in result.err
    color = pixels("photos/0.png").mean((0, 1))
    assert np.abs(pixels("one/2.png")[0, 0] - color).max() <= 1
    for window in ("0", "8"):
        done(
            "apply",
            "fill",
            "model",
            "photos/1.png",
            "masks/1.bmp",
            f"{window}.png",
            "--window",
            window,
            "--overlap",
            0,
        )
    assert np.array_equal(pixels("0.png"), pixels("8.png"))
    assert gan.apply("model", "fill", "photos/0.png", "masks/0.bmp", out="python", level=1.0) == [
        Path("python/0.png")
    ]
    assert np.array_equal(pixels("python/0.png"), pixels("out/0.png"))
    words = refused("apply", "fill", "model", photos, "out")
    assert "fill of this filler model takes 2 inputs from files (images, mask); 1 were given" in words
    assert "a filler model does not translate; it can fill" in refused(
        "apply", "translate", "model", photos, "out"
    )


def test_another_modality_in_windows():
    MODALITIES.add(Signal)
    saved(Doubler, "model", gan.DataSpec(Signal(), (1, 64)))
    signal = np.random.default_rng(0).uniform(-1, 1, 1001).astype(np.float32)
    Path("in").mkdir()
    Path("in/long.sig").write_bytes(signal.tobytes())
    Path("in/broken.sig").write_bytes(signal.tobytes()[:-2])
    Path("in/note.txt").write_text("no signal")
    for name, more in {"whole": [], "windows": ["--window", "100", "--overlap", "20"]}.items():
        result = said("apply", "double", "model", "in", name, *more)
        assert "broken.sig: cut in the middle of a number" in result.err
        assert "1 files" in result.out
        found = np.fromfile(f"{name}/long.sig", np.float32)
        assert np.allclose(found, signal.repeat(2), atol=1e-6)
    (Path("in") / "long.sig").unlink()
    (Path("in") / "broken.sig").unlink()
    assert "in holds no signals: found 1 .txt" in refused("apply", "double", "model", "in", "out")


def test_outputs_without_a_file_format_are_arrays(photos):
    settings = {"inputs": 3, "width": 4, "layers": 1}
    network = NETWORKS["discriminator"]["patch"](**settings)
    model = NetworkModel("discriminator", "patch", settings, network, Origin("owner/name", "MIT"))
    (made, *_) = gan.apply(model, "score", photos, out="scores")
    with np.load(made) as arrays:
        wanted = model.apply("score", image_of("photos/0.png"))
        assert np.allclose(arrays["scores"], wanted[0].numpy(), atol=1e-5)
    with pytest.warns(UserWarning, match="scores of score cannot be joined from windows"):
        assert gan.apply(model, "score", photos, out="tiles", window=16, overlap=4) == []


def test_tasks_that_take_no_files(run):
    assert "3 samples of seed 5: out" in done("apply", "generate", run, "out", "--count", "3", "--seed", "5")
    assert sorted(path.name for path in Path("out").iterdir()) == [f"seed5-{i:06d}.png" for i in range(3)]
    assert near("out/seed5-000001.png", gan.load(run).generate(2, seed=5)[1:])
