"""How samples are put before a discriminator."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def uses_batch_statistics(net: nn.Module) -> bool:
    """Whether a sample's score depends on its batch: batch statistics, or a layer that says so itself."""
    return any(isinstance(m, _BatchNorm) or getattr(m, "uses_batch_statistics", False) for m in net.modules())


def scores(discriminator: nn.Module, *batches: Tensor | tuple[Tensor, ...]) -> tuple[Any, ...]:
    """The scores of each batch, from one pass over all of them where that is the same thing.

    Where the discriminator gives a list (a tensor a scale), so do the scores of each batch.

    A batch is a tensor, or the tuple of tensors that the discriminator takes. Where samples mix
    (see `uses_batch_statistics`) each batch gets a pass of its own.
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
    """Within the block the network's weights are constants."""
    trainable = [p for p in net.parameters() if p.requires_grad]
    for p in trainable:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in trainable:
            p.requires_grad_(True)


def frozen(net: nn.Module, method: str = "__call__") -> Callable[..., Any]:
    """`net`, or a method of it, with its weights held constant: gradients pass through and stop at nothing.

    An eager network does not need this, since the engine asks for the movers' gradients only; a
    compiled one computes every weight gradient once its forward was traced with trainable weights.
    """

    def call(*args: Tensor) -> Any:
        with constant_weights(net):
            return getattr(net, method)(*args)

    return call
