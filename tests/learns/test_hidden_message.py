"""CycleGAN's vice (Chu et al. 2017, arXiv:1712.02950): the translation hides what the way back needs.

Drawings are translated into blank sheets, on which nothing is to be seen, and come back all the same.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ganarium import methods
from ganarium.data.batches import Unpaired
from ganarium.data.spec import DataSpec
from ganarium.data.world import World
from ganarium.recipes.assemble import assemble
from ganarium.recipes.resolve import resolve
from ganarium.training.builder import engine_for

torch.set_num_threads(1)

SIZE, IMAGES, BATCH = 16, 6_000, 8
LEVEL = 2 / 255
"""One of 255 grey levels, of pictures in [-1, 1]."""
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
    """Batches of the world's pictures, and of sheets that are grey all over."""

    def __init__(self, seed):
        self.images, self.world = 0, World(SIZE, seed=seed)
        self.drawings = self.pictures(self.world.scenes(np.arange(2_000)))

    @staticmethod
    def pictures(scenes):
        return torch.from_numpy(scenes.images()).permute(0, 3, 1, 2) / 127.5 - 1

    def __iter__(self):
        return self

    def __next__(self):
        self.images += BATCH
        grays = torch.rand(BATCH, 1, 1, 1) * 0.6 - 0.3
        blanks = grays.expand(-1, 3, SIZE, SIZE).contiguous()
        return Unpaired((self.drawings[torch.randint(len(self.drawings), (BATCH,))], blanks))


def after_training(seed, cycle):
    """How blank the translations are, and how far from the drawings what comes back is, disturbed or not."""
    recipe = resolve(
        methods.find("cyclegan"),
        {"images": IMAGES, "batch_size": BATCH, "seed": seed},
        {"game": {"identity_weight": 0.0, "cycle": cycle}, **SETTINGS},
    )
    spec = DataSpec((3, SIZE, SIZE), classes=("drawing", "blank"), condition="domains")
    game = assemble(methods.find("cyclegan"), recipe, spec)
    data, engine = DrawingsAndBlanks(seed), engine_for(game, recipe, torch.device("cpu"))
    while data.images < IMAGES:
        engine.round(data)
    scenes = data.world.scenes(np.arange(10_000, 10_240))
    real = data.pictures(scenes)

    def lost(sheets):
        return float((game.translate(sheets, (1, 0)).clamp(-1, 1) - real).abs().mean())

    game.eval()
    with torch.no_grad():
        sheets = game.translate(real, (0, 1))
        noise = torch.randn(sheets.shape, generator=torch.Generator().manual_seed(seed))
        flat = sheets.mean((1, 2, 3), keepdim=True).expand_as(sheets)
        return SimpleNamespace(
            written=float((sheets - sheets.mean((2, 3), keepdim=True)).square().mean().sqrt()) / LEVEL,
            as_it_is=lost(sheets),
            disturbed=lost(sheets + 4 * LEVEL * noise),
            flat=lost(flat),
        )


@pytest.mark.slow
def test_blank_sheets_hold_a_drawing_that_noise_nobody_sees_disturbs():
    """Seed 1 chose the settings: 2.3 levels, error 0.106, disturbed 0.153, flat 0.32; the bounds are from
    seed 0, too: 2.1 levels, 0.144, 0.189, 0.247.
    """
    found = after_training(seed=0, cycle="both")
    assert found.written < 4
    assert found.disturbed > 1.2 * found.as_it_is
    assert found.flat > 1.5 * found.as_it_is


@pytest.mark.slow
def test_without_the_circle_nothing_is_hidden():
    found = after_training(seed=0, cycle="none")
    assert found.disturbed < 1.1 * found.as_it_is
    assert found.flat < 1.1 * found.as_it_is
