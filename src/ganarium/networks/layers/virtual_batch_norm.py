"""Virtual batch normalisation (Salimans et al. 2016, arXiv:1606.03498, sec. 3.4).

Batch normalisation makes each sample depend on those that happen to be beside it. Here it depends on a
reference batch instead, chosen once and fixed. That batch goes ahead of every other through the network,
since its statistics at each layer move with the weights: so many samples more in each pass.
"""

from collections.abc import Callable, Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn

REFERENCES = 64
"""Samples in a reference batch."""


class VirtualBatchNorm2d(nn.Module):
    """Normalises `[REFERENCES + N, C, H, W]`, whose first samples are the reference batch.

    The reference batch is normalised by its own statistics, and each other sample by those of the reference
    batch and itself. Affine, as batch normalisation is.
    """

    def __init__(self, channels: int, *, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape and type; statistics are taken in float32 at least."""
        value = x.to(torch.promote_types(x.dtype, torch.float32))
        mean, square = (_beside_reference(v.mean((2, 3), keepdim=True)) for v in (value, value.square()))
        variance = (square - mean.square()).clamp(min=0)  # rounding may take it below
        scale = (variance + self.eps).rsqrt() * self.weight[:, None, None]
        return ((value - mean) * scale + self.bias[:, None, None]).to(x.dtype)


def _beside_reference(moments: Tensor) -> Tensor:
    """Each sample's own moments `[REFERENCES + N, ...]` to those that it is normalised by."""
    reference = moments[:REFERENCES].mean(0, keepdim=True)
    joined = torch.lerp(reference, moments[REFERENCES:], 1 / (REFERENCES + 1))
    return torch.cat([reference.expand_as(moments[:REFERENCES]), joined])


class Reference(nn.Module):
    """The reference batch of one network: a buffer, saved with it.

    Drawn at random until `choose_references` puts what the network is really given in its place.
    """

    batch: Tensor

    def __init__(self, shape: Sequence[int]):
        super().__init__()
        self.choosing = False
        self.register_buffer("batch", torch.randn(REFERENCES, *shape))

    def forward(self, body: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        """`body(inputs)`, with the reference batch ahead of `inputs` `[N, *shape]` for its layers to see."""
        if self.choosing:
            self.batch.copy_(inputs[torch.arange(REFERENCES, device=inputs.device) % len(inputs)])
            self.choosing = False
        return body(torch.cat([self.batch.to(inputs.dtype), inputs]))[REFERENCES:]


def led(reference: Reference | None, body: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """`body(inputs)`, with the reference batch ahead where there is one."""
    return body(inputs) if reference is None else reference(body, inputs)


@torch.no_grad()
def choose_references(net: nn.Module, play: Callable[[], object]) -> None:
    """Fix every reference batch inside `net` to what reaches it first while `play()` runs.

    A batch that is too small is repeated. All processes take the first one's. Without virtual batch
    normalisation inside nothing runs, and no noise is drawn.

    Raises:
        ValueError: nothing reaches one of them.
    """
    references = {name: module for name, module in net.named_modules() if isinstance(module, Reference)}
    for reference in references.values():
        reference.choosing = True
    try:
        if references:
            play()
        if missed := [name for name, reference in references.items() if reference.choosing]:
            raise ValueError(
                f"norm=virtual: nothing reaches {', '.join(missed)} at the start of training, so this game "
                "has no batch to normalise by there; choose another norm for that network"
            )
    finally:
        for reference in references.values():
            reference.choosing = False
    if dist.is_initialized():
        for reference in references.values():
            dist.broadcast(reference.batch, src=0)
