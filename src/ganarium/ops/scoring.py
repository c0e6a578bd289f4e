"""Helpers for forward passes of discriminators."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def uses_batch_statistics(net: nn.Module) -> bool:
    """Return True if outputs depend on the whole batch: by batch norm, or a layer with this attribute."""
    return any(isinstance(m, _BatchNorm) or getattr(m, "uses_batch_statistics", False) for m in net.modules())


def scores(discriminator: nn.Module, *batches: Tensor | tuple[Tensor, ...]) -> tuple[Any, ...]:
    """Return the scores of each batch.

    All batches share one pass, unless the discriminator uses batch statistics (see
    `uses_batch_statistics`); then each batch has its own pass.
    A batch is a tensor, or the tuple of tensors that the discriminator takes. The scores of a batch are
    what the discriminator returns: a tensor, or a list of tensors, one a scale.
    """
    args = [batch if isinstance(batch, tuple) else (batch,) for batch in batches]
    if uses_batch_statistics(discriminator):
        return tuple(discriminator(*arg) for arg in args)
    whole = discriminator(*(torch.cat(columns) for columns in zip(*args, strict=True)))
    sizes = [len(arg[0]) for arg in args]
    if isinstance(whole, Tensor):
        return tuple(whole.split(sizes))
    return tuple(map(list, zip(*(scale.split(sizes) for scale in whole), strict=True)))


@contextlib.contextmanager
def constant_weights(net: nn.Module) -> Iterator[None]:
    """Hold the network's weights constant within the block (`requires_grad` is False)."""
    trainable = [p for p in net.parameters() if p.requires_grad]
    for p in trainable:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in trainable:
            p.requires_grad_(True)


def frozen(net: nn.Module, method: str = "__call__") -> Callable[..., Any]:
    """Return `net`, or a method of it, with constant weights; gradients still flow to its inputs.

    An eager network does not need this, since the engine computes gradients of the turn's players only. A
    compiled network computes every weight gradient if its forward was traced with trainable weights.
    """

    def call(*args: Tensor) -> Any:
        with constant_weights(net):
            return getattr(net, method)(*args)

    return call
