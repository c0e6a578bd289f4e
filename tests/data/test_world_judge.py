import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

from ganarium.data.world import Judgement, World

torch.set_num_threads(1)

WORLD = World(32, seed=1)
COUNT = 144
SCENES, OTHERS = (WORLD.scenes(range(start, start + COUNT)) for start in (48_000, 90_007))
BACKGROUND = (WORLD.canvas.background / 127.5 - 1)[:, None, None]
PAINTS = (WORLD.canvas.palette / 127.5 - 1)[:, :, None, None] - BACKGROUND


def floats(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1


REAL, OTHER = floats(SCENES.images()), floats(OTHERS.images())


def random(kind=torch.randn, shape=REAL.shape):
    return kind(shape, generator=torch.Generator().manual_seed(0))


def blurred(images, sigma):
    reach = math.ceil(4 * sigma)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, 1, -1)
    wide = pad(images, (reach,) * 4, mode="replicate")
    return conv2d(conv2d(wide, kernel, groups=len(kernel)), kernel.mT, groups=len(kernel))


def boxed(images, times):
    for _ in range(times):
        images = avg_pool2d(pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return images


def covered(images, scenes):
    """The share of each pixel that the shape covers, [N, 1, H, W]."""
    paint = PAINTS[scenes.colors]
    return ((images - BACKGROUND) * paint).sum(dim=1, keepdim=True) / (paint**2).sum(dim=1, keepdim=True)


def painted(paint, shares):
    return BACKGROUND + paint * shares


def half_plane():
    """The pixels on one side of a line through each shape's centre, [N, 1, H, W]."""
    axis = torch.arange(32) + 0.5
    turn = 2 * math.pi * random(torch.rand, (COUNT, 1, 1))
    x, y = (axis - torch.from_numpy(center * 32)[:, None] for center in (SCENES.x, SCENES.y))
    return (x[:, None, :] * turn.cos() + y[:, :, None] * turn.sin() > 0)[:, None]


def mixed(share):
    return REAL + share * (OTHER - REAL)


def repainted():
    """In the colours magenta, white, cyan, mid-grey and orange, which are none of the palette."""
    foreign = torch.tensor([[235, 60, 235], [255, 255, 255], [60, 225, 225], [128, 128, 128], [255, 140, 0]])
    paint = (foreign / 127.5 - 1)[torch.arange(COUNT) % 5, :, None, None] - BACKGROUND
    return painted(paint, covered(REAL, SCENES))


def two_coloured():
    paint, other = PAINTS[SCENES.colors], PAINTS[(SCENES.colors + 1) % 4]
    return painted(torch.where(half_plane(), paint, other), covered(REAL, SCENES))


def overlapping(of_one_colour):
    """A second shape over the first, where at least a fifth of both can be seen."""
    first, second = covered(REAL, SCENES), covered(OTHER, OTHERS)
    hidden = (first * second).sum(dim=(1, 2, 3))
    seen = (hidden < 0.8 * first.sum(dim=(1, 2, 3))) & (hidden < 0.8 * second.sum(dim=(1, 2, 3)))
    if of_one_colour:
        return painted(PAINTS[SCENES.colors], torch.maximum(first, second))[seen]
    return (REAL + (painted(PAINTS[OTHERS.colors], 1) - REAL) * second)[seen]


def side_by_side():
    small = [interpolate(images, scale_factor=0.5, mode="area") for images in (REAL, OTHER)]
    return pad(torch.cat(small, dim=3) - BACKGROUND, (0, 0, 8, 8)) + BACKGROUND


TOLERABLE = {
    "faint noise": lambda: REAL + 0.05 * random(),
    "slight blur": lambda: blurred(REAL, 0.4),
    "a colour slightly off": lambda: painted(
        PAINTS[SCENES.colors] + 0.08 * random(shape=(COUNT, 3, 1, 1)), covered(REAL, SCENES)
    ),
    "other poses": lambda: floats(SCENES.at(20).images()),
}
DAMAGED = {
    "gaussian noise": lambda: 0.5 * random(),
    "uniform noise": lambda: 2 * random(torch.rand) - 1,
    "heavy noise over": lambda: REAL + 0.3 * random(),
    "blur of 1.5 pixels": lambda: blurred(REAL, 1.5),
    "blur of 2 pixels": lambda: blurred(REAL, 2),
    "3x3 box three times": lambda: boxed(REAL, 3),
    "mean of two": lambda: mixed(0.5),
    "half painted over": lambda: torch.where(half_plane(), BACKGROUND, REAL),
    "foreign colours": repainted,
    "two-coloured": two_coloured,
    "two shapes, one over the other": lambda: overlapping(of_one_colour=False),
    "two shapes grown together": lambda: overlapping(of_one_colour=True),
    "two shapes side by side": side_by_side,
    "blank": lambda: BACKGROUND.expand_as(REAL),
    "black": lambda: torch.full_like(REAL, -1),
    "white": lambda: torch.ones_like(REAL),
    "not finite": lambda: torch.where(half_plane(), torch.nan, REAL),
}


def well_formed(images):
    return WORLD.judge(images).well_formed.float().mean().item()


@pytest.mark.parametrize(
    ("world", "least"),
    [
        (WORLD, 1.0),
        (World(32, channels=1), 0.99),
        (World(32, textured=True), 0.99),
        (World(32, channels=1, textured=True), 0.99),
        (World((20, 28)), 0.99),
        (World(16), 0.99),
        (World(16, channels=1), 0.99),
        (World((48, 64)), 0.99),
    ],
    ids=["default", "grey", "textured", "textured, grey", "wide", "small", "small, grey", "large"],
)
def test_held_out_pictures_are_well_formed_and_recognised(world, least):
    scenes = world.scenes(range(1_000_000, 1_000_240))
    judgement = world.judge(floats(scenes.images()))
    assert judgement.well_formed.float().mean() >= least
    assert np.mean(judgement.labels.numpy() == scenes.labels) >= least
    assert np.mean(judgement.colors.numpy() == scenes.colors) >= least


@pytest.mark.parametrize("images", TOLERABLE.values(), ids=TOLERABLE.keys())
def test_what_good_samples_show_is_tolerated(images):
    judgement = WORLD.judge(images())
    assert judgement.well_formed.float().mean() >= 0.97
    assert np.mean(judgement.labels.numpy() == SCENES.labels) >= 0.99


@pytest.mark.parametrize("images", DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_pictures_score_low(images):
    assert well_formed(images()) <= 0.08


WORSE = {
    "noise over": lambda share: REAL + share * random(),
    "into noise": lambda share: REAL + share * (0.5 * random() - REAL),
    "into blur": lambda share: REAL + share * (blurred(REAL, 2) - REAL),
    "into the mean of two": lambda share: mixed(share / 2),
    "into nothing": lambda share: REAL + share * (BACKGROUND - REAL),
    "into two colours": lambda share: REAL + share * (two_coloured() - REAL),
}


@pytest.mark.parametrize("worse", WORSE.values(), ids=WORSE.keys())
def test_the_score_falls_on_the_way_to_damage(worse):
    scores = [WORLD.judge(worse(share)).scores.mean().item() for share in (0, 0.2, 0.4, 0.6, 0.8, 1)]
    # Where next to nothing is left of the score, an order no longer means anything.
    assert all(better > worse or better < 0.03 for better, worse in pairwise(scores))
    assert scores[0] > 0.99
    assert scores[-1] < 0.3


def test_a_star_that_lost_a_point_is_not_well_formed():
    scenes = World(32, seed=2).scenes(range(480))
    scenes = scenes[(scenes.labels == WORLD.classes.index("star"))]
    images = floats(scenes.images())
    rows = torch.arange(32)[:, None] + 0.5
    tip = rows < torch.from_numpy((scenes.y - 0.45 * scenes.radius) * 32)[:, None, None, None]
    whole, cut = (WORLD.judge(each) for each in (images, torch.where(tip, BACKGROUND, images)))
    assert whole.well_formed.all()
    assert cut.well_formed.float().mean() < 0.1


def test_pictures_are_judged_one_by_one_and_are_not_changed():
    before = REAL.clone()
    together, alone = WORLD.judge(REAL + 0.2 * random()), WORLD.judge((REAL + 0.2 * random())[7:8])
    assert torch.equal(REAL, before)
    assert torch.allclose(together.scores[7:8], alone.scores, atol=1e-4)
    assert WORLD.judge(REAL.double().requires_grad_()).scores.dtype == torch.float32
    assert ((together.scores >= 0) & (together.scores <= 1)).all()


def test_the_summary_counts_what_is_well_formed():
    ring, star = WORLD.classes.index("ring"), WORLD.classes.index("star")
    judgement = Judgement(
        WORLD.classes,
        labels=torch.tensor([ring, ring, star, star]),
        colors=torch.zeros(4, dtype=torch.int64),
        scores=torch.tensor([0.9, 0.7, 0.6, 0.2]),
    )
    assert judgement.shares() == {
        "circle": 0, "square": 0, "triangle": 0, "ring": 0.5, "star": 0.25, "cross": 0
    }  # fmt: skip
    summary = judgement.summary()
    assert summary["well_formed"] == 0.75
    assert summary["classes"] == 2
    assert summary["smallest_class"] == 0
    assert summary["score"] == pytest.approx(0.6)
    assert summary["share/ring"] == 0.5
    assert all(type(value) is float for value in summary.values())


def test_balanced_pictures_have_balanced_shares():
    summary = WORLD.judge(REAL).summary()
    assert summary["classes"] == 6
    assert summary["smallest_class"] == pytest.approx(1 / 6)


def test_no_pictures_are_no_error():
    judgement = WORLD.judge(torch.empty(0, 3, 32, 32))
    assert len(judgement.labels) == len(judgement.scores) == 0
    assert judgement.summary()["well_formed"] == 0


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(2, 3, 32, 30),
        torch.zeros(2, 1, 32, 32),
        torch.zeros(3, 32, 32),
        torch.zeros(2, 3, 32, 32, dtype=torch.uint8),
    ],
)
def test_other_pictures_are_refused(images):
    with pytest.raises(ValueError, match=r"\[N, 3, 32, 32\]"):
        WORLD.judge(images)
