"""Image pool: a history of generated samples (Shrivastava et al. 2017, arXiv:1612.07828, sec. 2.3)."""

import random

import torch
from torch import Tensor, nn


class Pool(nn.Module):
    """History of generated samples; returned batches are half new and half old.

    Each process has a history of its own, which is saved with the game, but neither averaged nor broadcast.

    Args:
        capacity: largest number of stored samples; with 0 every batch is returned as it is.
    """

    def __init__(self, capacity: int = 50):
        super().__init__()
        self.capacity = capacity
        self.history = torch.empty(0)

    @torch.no_grad()
    def forward(self, samples: Tensor) -> Tensor:
        """Store `samples` `[N, ...]`; return as many, each new or old with equal probability once full."""
        if self.capacity == 0:
            return samples.detach()
        out = samples.detach().clone()
        for i, sample in enumerate(samples.detach()):
            if len(self.history) < self.capacity:
                # One copy of the history a sample, but at most `capacity` times in a run.
                self.history = torch.cat([self.history.to(sample).reshape(-1, *sample.shape), sample[None]])
            elif random.random() < 0.5:
                slot = random.randrange(self.capacity)
                out[i], self.history[slot] = self.history[slot].clone(), sample
        return out

    def get_extra_state(self) -> Tensor:
        """Return the history, `[n, ...]` with n at most the capacity."""
        return self.history

    def set_extra_state(self, state: Tensor) -> None:
        """Restore a saved history."""
        self.history = state.clone()
