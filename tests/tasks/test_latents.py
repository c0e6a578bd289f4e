"""Latents: values row by row, and streams that do not disturb each other."""

import pytest
import torch

from ganarium.tasks.latents import Latent, streams

LAWS = ["normal", "uniform", "unit", "one-hot"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("law", LAWS)
def test_the_first_rows_do_not_depend_on_how_many_follow(law):
    latent = Latent("z", (5,), law)
    many = latent.draw(7, (5,), generator())
    assert many.shape == (7, 5)
    assert torch.equal(latent.draw(3, (5,), generator()), many[:3])
    one_by_one = generator()
    parts = [latent.draw(count, (5,), one_by_one) for count in (2, 1, 4)]
    assert torch.equal(torch.cat(parts), many), "nor on how many are drawn at a time"


@pytest.mark.parametrize(
    ("law", "low", "high", "mean"),
    [("uniform", -1, 1, 0.0), ("unit", 0, 1, 0.5), ("one-hot", 0, 1, 0.25), ("normal", -9, 9, 0.0)],
)
def test_laws(law, low, high, mean):
    values = Latent("z", (4,), law).draw(4000, (4,), generator())
    assert low <= values.min()
    assert values.max() <= high
    assert values.mean().item() == pytest.approx(mean, abs=0.03)
    if law == "one-hot":
        assert values.sum(1).eq(1).all()
        assert values.sum(0).min() > 800


def test_further_latents_do_not_change_the_first():
    z, code, other = Latent("z", (3,)), Latent("code", (3,)), Latent("other", (3,))
    alone = z.draw(4, (3,), streams([z], 7)["z"])
    found = streams([z, code, other], 7)
    values = {each.argument: each.draw(4, (3,), found[each.argument]) for each in (z, code, other)}
    assert torch.equal(values["z"], alone)
    assert torch.equal(values["z"], z.draw(4, (3,), generator(7))), "the seed itself, as ever"
    assert not torch.equal(values["code"], values["other"])
    reordered = streams([z, other, code], 7)["code"]
    assert torch.equal(values["code"], code.draw(4, (3,), reordered))
    assert not torch.equal(values["code"], code.draw(4, (3,), streams([z, code], 8)["code"]))
