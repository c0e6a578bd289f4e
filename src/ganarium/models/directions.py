"""The ways of a translating game: between which domains it goes, and pictures sent along one of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ganarium.core.game import Game
from ganarium.data.conditions.words import number_of
from ganarium.data.spec import DataSpec
from ganarium.methods.translators import Direction, Translator


def domains_of(game: Game, spec: DataSpec) -> tuple[str, ...]:
    """Names of the kinds of pictures that a game learned from data with these facts, by their numbers; empty
    where it does not translate.
    """
    if not isinstance(game, Translator):
        return ()
    return spec.classes if spec.condition == "domains" else (str(spec.condition), "picture")


def find_direction(
    directions: Sequence[Direction], domains: Sequence[str], to: str | int | None, source: str | int | None
) -> Direction:
    """The first of the ways that leads `to` a domain, by name or number, from another; any where it is None.

    Raises:
        ValueError: there is no such domain, or no way.
    """
    wished, given = (None if d is None else number_of(d, domains, "domain") for d in (to, source))
    for way in directions:
        if given in (None, way[0]) and wished in (None, way[1]):
            return way
    asked = " ".join(f"{word} {d}" for word, d in (("from", source), ("to", to)) if d is not None)
    there = ", ".join(f"{domains[a]} to {domains[b]}" for a, b in directions)
    raise ValueError(f"this model does not translate {asked}; it does {there}")


@torch.no_grad()
def translations(
    game: Translator,
    spec: DataSpec,
    images: Tensor,
    way: Direction,
    *,
    style: Tensor | None = None,
    seed: int = 0,
    batch_size: int = 8,
) -> Tensor:
    """Pictures sent along a way; arguments, result and errors are those of `Model.translate`."""
    channels = (spec.shape if spec.condition == "domains" else spec.condition_shape)[0]
    if images.ndim != 4 or images.shape[1] != channels:
        raise ValueError(f"images are {list(images.shape)}, but this model takes [N, {channels}, H, W]")
    device = next(game.parameters()).device
    parts = images.to(device).split(batch_size)
    if style is not None:
        styles = _one_each(style, len(images), spec.shape[0]).to(device).split(batch_size)
        pairs = zip(parts, styles, strict=True)
        made = [game.translate(part, styles=its) for part, its in pairs]  # type: ignore[call-arg]
    elif hasattr(game, "draw_noise"):
        noise = game.draw_noise(len(images), torch.Generator().manual_seed(seed))  # type: ignore[operator]
        pairs = zip(noise.to(device).split(batch_size), parts, strict=True)
        made = [game.generate(*pair) for pair in pairs]  # type: ignore[operator]
    else:
        made = [game.translate(part, way) for part in parts]
    return torch.cat([part.float().cpu() for part in made]).clamp(-1, 1)


def _one_each(style: Tensor, count: int, channels: int) -> Tensor:
    if style.ndim != 4 or style.shape[0] not in (1, count) or style.shape[1] != channels:
        raise ValueError(
            f"style is {list(style.shape)}, but this model takes [{count} or 1, {channels}, h, w]"
        )
    return style.expand(count, -1, -1, -1)
