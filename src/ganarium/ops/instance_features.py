"""What instances of each class of a map looked like, remembered to be drawn from."""

import random

import torch
from torch import Tensor, nn


class InstanceFeatureBank(nn.Module):
    """For each class the features of instances seen lately (Wang et al. 2018, arXiv:1711.11585, sec. 3.4).

    Its history is this process' own: it is saved with the game, and neither averaged nor broadcast.

    Args:
        classes: of the maps.
        features: numbers that describe an instance.
        capacity: how many instances of a class are remembered.
    """

    def __init__(self, classes: int, features: int, *, capacity: int = 64):
        super().__init__()
        # The last number of each says whether there is one.
        self.history = torch.zeros(classes, capacity, features + 1)

    @torch.no_grad()
    def remember(self, features: Tensor, classes: Tensor) -> None:
        """One instance of each class that a picture shows, in place of one forgotten by chance.

        Args:
            features: `[N, F, H, W]`, each pixel that of its instance.
            classes: integers `[N, 1, H, W]`.
        """
        for maps, ids in zip(features, classes[:, 0], strict=True):
            for label in ids.unique().tolist():
                pixels = maps[:, ids == label]
                of_class = self.history[label]
                free = (of_class[:, -1] == 0).nonzero()
                slot = int(free[0]) if len(free) else random.randrange(len(of_class))
                of_class[slot, :-1] = pixels[:, random.randrange(pixels.shape[1])].to(of_class)
                of_class[slot, -1] = 1

    def drawn(self, chance: Tensor) -> Tensor:
        """For each class one of those remembered: numbers `[N, classes]` in [0, 1] to `[N, classes, F]`.

        What was never seen has zeros.
        """
        known = self.history[:, :, -1].sum(1)
        slots = torch.minimum((chance.cpu() * known).long(), (known.long() - 1).clamp(min=0))
        of_class = torch.arange(len(known)).expand_as(slots)
        return self.history[of_class, slots, :-1].to(chance.device)

    def get_extra_state(self) -> Tensor:
        """The history, `[classes, capacity, F + 1]`."""
        return self.history

    def set_extra_state(self, state: Tensor) -> None:
        """Go on from a saved history."""
        self.history = state.cpu().clone()
