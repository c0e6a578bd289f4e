"""What the textbook loops share: plain steps, noise as the engine draws it, tiny games and their data."""

import torch

from ganarium import methods
from ganarium.data.batches import Conditioned
from ganarium.data.conditions.label import Label
from ganarium.data.modalities.image import Image
from ganarium.data.spec import DataSpec
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import TINY, resolve
from helpers import Stream

ROUNDS, BATCH, SHAPE, CLASSES = 4, 8, (3, 16, 16), 3


def steps(net, lr=0.05):
    """Plain gradient descent, as a function of the loss."""
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)

    def step(loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def rounds():
    """The number of each round, its noise seeded as the engine seeds it."""
    for number in range(ROUNDS):
        torch.manual_seed(number * 4_099)
        yield number


def normal():
    return torch.randn(BATCH, 4)


def uniform():
    return torch.rand(BATCH, 4) * 2 - 1


def game_of(name, changes):
    method = methods.find(name)
    recipe = resolve(method, TINY, method.tiny, {"game": changes})
    condition = Label(("a", "b", "c")) if recipe.data.condition else None
    return build_game(method, recipe, DataSpec(Image(), SHAPE, condition))


def batches(name):
    stream = Stream(BATCH, *SHAPE)
    if methods.find(name).recipe().data.condition is None:
        return stream
    return (Conditioned(real, torch.arange(i, i + BATCH) % CLASSES) for i, real in enumerate(stream))
