"""Feature bank: stored features of instances of each class of a label map."""

import random

import torch
from torch import Tensor, nn


class InstanceFeatureBank(nn.Module):
    """Features of recent instances of each class (Wang et al. 2018, arXiv:1711.11585, sec. 3.4).

    Each process has a history of its own, which is saved with the game, but neither averaged nor broadcast.

    Args:
        classes: number of classes of the maps.
        features: number of features of an instance.
        capacity: largest number of stored instances of a class.
    """

    def __init__(self, classes: int, features: int, *, capacity: int = 64):
        super().__init__()
        # The last number of an entry is 1 if the entry is filled, else 0.
        self.history = torch.zeros(classes, capacity, features + 1)

    @torch.no_grad()
    def remember(self, features: Tensor, classes: Tensor) -> None:
        """Store one instance of each class in each image; if the class is full, replace a random entry.

        Args:
            features: `[N, F, H, W]`, at each pixel those of its instance.
            classes: integers `[N, 1, H, W]`, the class of each pixel.
        """
        for maps, ids in zip(features, classes[:, 0], strict=True):
            for label in ids.unique().tolist():
                pixels = maps[:, ids == label]
                of_class = self.history[label]
                free = (of_class[:, -1] == 0).nonzero()
                slot = int(free[0]) if len(free) else random.randrange(len(of_class))
                of_class[slot, :-1] = pixels[:, random.randrange(pixels.shape[1])].to(of_class)
                of_class[slot, -1] = 1

    def drawn(self, uniform: Tensor) -> Tensor:
        """Choose a stored instance of each class: numbers `[N, classes]` in [0, 1] to `[N, classes, F]`.

        A class without stored instances gets zeros.
        """
        known = self.history[:, :, -1].sum(1)
        slots = torch.minimum((uniform.cpu() * known).long(), (known.long() - 1).clamp(min=0))
        of_class = torch.arange(len(known)).expand_as(slots)
        return self.history[of_class, slots, :-1].to(uniform.device)

    def get_extra_state(self) -> Tensor:
        """Return the history, `[classes, capacity, F + 1]`."""
        return self.history

    def set_extra_state(self, state: Tensor) -> None:
        """Restore a saved history."""
        self.history = state.cpu().clone()
