import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from ganarium.data.world import World
from ganarium.metrics.world_translation import STYLES, world_translations

torch.set_num_threads(1)
OTHER = {"plain": "inked", "inked": "plain"}


def scenes(**keys):
    return World(32, seed=5, **keys).scenes(range(7200, 7320))


def rendered(some, style):
    return torch.from_numpy(STYLES[style](some)).permute(0, 3, 1, 2) / 127.5 - 1


@pytest.mark.parametrize("textured", [False, True])
@pytest.mark.parametrize("style", STYLES)
def test_the_truth_is_right_and_other_images_are_random(style, textured):
    some = scenes(textured=textured)
    truth, untranslated = rendered(some, style), rendered(some, OTHER[style])
    rng = torch.Generator().manual_seed(0)
    blurred = F.avg_pool2d(F.pad(truth, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    accuracy = {
        name: world_translations(images, some, style).summary()["translation_accuracy"]
        for name, images in {
            "truth": truth,
            "blurred": blurred,
            "noisy": (truth + 0.3 * torch.randn(truth.shape, generator=rng)).clamp(-1, 1),
            "moved by a pixel": truth.roll(1, 3),
            "blank": torch.zeros_like(truth),
            "black": -torch.ones_like(truth),
            "the mean": truth.mean(0, keepdim=True).expand_as(truth),
            "untranslated": untranslated,
            "another scene": truth.roll(1, 0),
        }.items()
    }
    assert accuracy.pop("truth") == 1
    assert all(accuracy.pop(name) > 0.97 for name in ("blurred", "noisy", "moved by a pixel"))
    assert accuracy.pop("untranslated") < 0.2  # it keeps the colour and shows one class: 1/6 at most
    assert all(value < 0.1 for value in accuracy.values())  # 1/24 is 0.042


def test_values_of_each_image():
    some = scenes()
    images = rendered(some, "plain")
    recolored = World(32, seed=5).scenes(range(7200, 7320))
    recolored.colors[:] = (recolored.colors + 1) % 4
    images[::2] = rendered(recolored, "plain")[::2]
    images[1] = -1
    found = world_translations(images, some, "plain")
    assert found.right.tolist() == [False, False] + [False, True] * 59
    assert found.class_kept[2:].all()
    assert not found.color_kept[::2].any()
    assert found.read_right.tolist() == found.right.tolist()
    assert found.psnr[3] == float("inf") > found.psnr[2]
    part = found.of(torch.tensor([2, 3]))
    assert part.right.tolist() == [False, True]
    assert part.read_right.tolist() == [False, True]
    assert part.summary()["class_kept"] == 1
    assert part.summary()["color_kept"] == part.summary()["read_right"] == 0.5


def test_the_inked_style_is_not_read_by_the_judge():
    some = scenes(channels=1)
    found = world_translations(rendered(some, "inked"), some, "inked")
    assert found.read_right is None
    assert set(found.of(torch.arange(3)).summary()) == {
        "translation_accuracy",
        "class_kept",
        "color_kept",
        "psnr",
    }
    assert found.right.all()


def test_bad_translations_are_named():
    some = scenes()
    truth = rendered(some, "plain")
    for images, style, message in (
        (truth, "painted", "style='painted'.*plain, inked"),
        (truth[:5], "plain", r"\[5, 3, 32, 32\].*\[120, 3, 32, 32\]"),
        (truth[:, :1], "plain", "channels"),
        (truth * 9, "plain", r"in \[-1, 1\]"),
    ):
        with pytest.raises(ValueError, match=message):
            world_translations(images, some, style)
