"""A history of generated samples (Shrivastava et al. 2017, arXiv:1612.07828, sec. 2.3)."""

import random

import torch
from torch import Tensor, nn


class Pool(nn.Module):
    """Remembers samples and hands back batches that are half new and half old, from round to round.

    Its history is this process' own: it is saved with the game, and neither averaged nor broadcast.
    """

    def __init__(self, capacity: int = 50):
        super().__init__()
        self.capacity = capacity
        self.history = torch.empty(0)

    @torch.no_grad()
    def forward(self, samples: Tensor) -> Tensor:
        """Remember `samples` `[N, ...]`; return as many, each new or old with equal chance once full."""
        if self.capacity == 0:
            return samples.detach()
        out = samples.detach().clone()
        for i, sample in enumerate(samples.detach()):
            if len(self.history) < self.capacity:
                # A copy a sample while the pool fills: at most `capacity` times in a whole run.
                self.history = torch.cat([self.history.to(sample).reshape(-1, *sample.shape), sample[None]])
            elif random.random() < 0.5:
                slot = random.randrange(self.capacity)
                out[i], self.history[slot] = self.history[slot].clone(), sample
        return out

    def get_extra_state(self) -> Tensor:
        """The history, `[n, ...]` with n at most the capacity."""
        return self.history

    def set_extra_state(self, state: Tensor) -> None:
        """Go on from a saved history."""
        self.history = state.clone()
