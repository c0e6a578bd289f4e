"""CycleGAN hides information in translations (Chu et al. 2017, arXiv:1712.02950).

Drawings are translated to blank images and are reconstructed from them nevertheless.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ganarium import methods
from ganarium.data.batches import Unpaired
from ganarium.data.conditions.domains import Domains
from ganarium.data.modalities.image import Image
from ganarium.data.spec import DataSpec
from ganarium.data.world import World
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import resolve
from ganarium.training.builder import engine_for

torch.set_num_threads(1)

SIZE, IMAGES, BATCH = 16, 6_000, 8
LEVEL = 2 / 255
"""One of 255 gray levels of images in [-1, 1]."""
SETTINGS = {
    "networks": {
        "translator": {"kind": "unet", "width": 16, "norm": "instance", "dropout": 0.0, "bias": True},
        "discriminator": {"width": 32, "layers": 2, "norm": "none"},
    },
    "optimizers": {
        player: {"lr": 6e-4} for player in ("a_to_b", "b_to_a", "discriminator_a", "discriminator_b")
    },
}


class DrawingsAndBlanks:
    """Endless batches of images of the world and of uniformly gray images."""

    def __init__(self, seed):
        self.images, self.world = 0, World(SIZE, seed=seed)
        self.drawings = self.images_of(self.world.scenes(np.arange(2_000)))

    @staticmethod
    def images_of(scenes):
        return torch.from_numpy(scenes.images()).permute(0, 3, 1, 2) / 127.5 - 1

    def __iter__(self):
        return self

    def __next__(self):
        self.images += BATCH
        grays = torch.rand(BATCH, 1, 1, 1) * 0.6 - 0.3
        blanks = grays.expand(-1, 3, SIZE, SIZE).contiguous()
        return Unpaired((self.drawings[torch.randint(len(self.drawings), (BATCH,))], blanks))


def after_training(seed, cycle):
    """Return the contrast of the translations, and errors of the reconstructions, with and without noise."""
    recipe = resolve(
        methods.find("cyclegan"),
        {"images": IMAGES, "batch_size": BATCH, "seed": seed},
        {"game": {"identity_weight": 0.0, "cycle": cycle}, **SETTINGS},
    )
    spec = DataSpec(Image(), (3, SIZE, SIZE), Domains(("drawing", "blank")))
    game = build_game(methods.find("cyclegan"), recipe, spec)
    data, engine = DrawingsAndBlanks(seed), engine_for(game, recipe, torch.device("cpu"))
    while data.images < IMAGES:
        engine.round(data)
    scenes = data.world.scenes(np.arange(10_000, 10_240))
    real = data.images_of(scenes)

    def error(blanks):
        return float((game.translate(blanks, (1, 0)).clamp(-1, 1) - real).abs().mean())

    game.eval()
    with torch.no_grad():
        blanks = game.translate(real, (0, 1))
        noise = torch.randn(blanks.shape, generator=torch.Generator().manual_seed(seed))
        flat = blanks.mean((1, 2, 3), keepdim=True).expand_as(blanks)
        return SimpleNamespace(
            contrast=float((blanks - blanks.mean((2, 3), keepdim=True)).square().mean().sqrt()) / LEVEL,
            plain=error(blanks),
            noisy=error(blanks + 4 * LEVEL * noise),
            flat=error(flat),
        )


@pytest.mark.slow
def test_blank_images_hold_a_drawing_that_invisible_noise_damages():
    """Compare with the values of seed 1, with which the settings were chosen, and of seed 0.

    Contrast 2.3 and 2.1 levels; error 0.106 and 0.144, noisy 0.153 and 0.189, flat 0.32 and 0.247.
    """
    found = after_training(seed=0, cycle="both")
    assert found.contrast < 4
    assert found.noisy > 1.2 * found.plain
    assert found.flat > 1.5 * found.plain


@pytest.mark.slow
def test_without_the_cycle_nothing_is_hidden():
    found = after_training(seed=0, cycle="none")
    assert found.noisy < 1.1 * found.plain
    assert found.flat < 1.1 * found.plain
