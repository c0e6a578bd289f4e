"""Batch normalisation with statistics over all processes, on any device (PyTorch's own needs a GPU)."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class _SumOverProcesses(torch.autograd.Function):
    """All-reduce that can be differentiated any number of times: its gradient is the same operation."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _SumOverProcesses.apply(gradient.contiguous())


class SyncBatchNorm(_BatchNorm):
    """Replacement of BatchNorm1d and BatchNorm2d; equal to them if there is one process."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"input is {tuple(input.shape)}, but batch norm takes [N, C, ...]")

    def forward(self, input: Tensor) -> Tensor:
        """`[N, C, ...]` to the same shape, normalised channel by channel."""
        if not (self.training and dist.is_initialized() and dist.get_world_size() > 1):
            return super().forward(input)
        axes = [axis for axis in range(input.ndim) if axis != 1]
        value = input.float()
        count = torch.full((1,), value.numel() / value.shape[1], device=value.device)
        sums = torch.cat([value.sum(axes), value.square().sum(axes), count])
        total: Tensor = _SumOverProcesses.apply(sums)
        mean, square = (total[:-1] / total[-1]).chunk(2)
        variance = (square - mean.square()).clamp(min=0)  # rounding may make it negative
        self._update_running(mean.detach(), variance.detach(), total[-1].detach())
        normalized = (value - _broadcast(mean, input)) * _broadcast((variance + self.eps).rsqrt(), input)
        if self.affine:
            normalized = normalized * _broadcast(self.weight, input) + _broadcast(self.bias, input)
        return normalized.to(input.dtype)

    @torch.no_grad()
    def _update_running(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * count / (count - 1).clamp(min=1), share)


def _broadcast(channels: Tensor, like: Tensor) -> Tensor:
    """Reshape `[C]` so that it broadcasts to `[N, C, ...]`."""
    return channels.view(1, -1, *[1] * (like.ndim - 2))


def synchronize(module: nn.Module) -> None:
    """Replace every batch norm inside `module` by a SyncBatchNorm with the same state."""
    for name, child in module.named_children():
        if isinstance(child, _BatchNorm) and not isinstance(child, SyncBatchNorm):
            synced = SyncBatchNorm(
                child.num_features, child.eps, child.momentum, child.affine, child.track_running_stats
            )
            synced.load_state_dict(child.state_dict())
            setattr(module, name, synced)
        else:
            synchronize(child)
