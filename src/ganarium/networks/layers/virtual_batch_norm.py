"""Virtual batch normalisation (Salimans et al. 2016, arXiv:1606.03498, sec. 3.4).

In batch normalisation, the output of each sample depends on the other samples of its batch. Here it depends
on a reference batch instead, which is chosen once and fixed. The statistics of the reference batch change
with the weights, so each forward pass includes this batch, ahead of the samples: `REFERENCES` more samples.
"""

from collections.abc import Callable, Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn

REFERENCES = 64
"""Number of samples in a reference batch."""


class VirtualBatchNorm2d(nn.Module):
    """Normalisation of `[REFERENCES + N, C, H, W]`, whose first samples are the reference batch.

    The reference batch is normalised by its own statistics, each other sample by those of the reference batch
    and the sample together. Scale and shift are learned, as in batch normalisation.
    """

    def __init__(self, channels: int, *, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape and dtype; statistics are computed in float32 at least."""
        value = x.to(torch.promote_types(x.dtype, torch.float32))
        mean, square = (_joint_moments(v.mean((2, 3), keepdim=True)) for v in (value, value.square()))
        variance = (square - mean.square()).clamp(min=0)  # rounding may make it negative
        scale = (variance + self.eps).rsqrt() * self.weight[:, None, None]
        return ((value - mean) * scale + self.bias[:, None, None]).to(x.dtype)


def _joint_moments(moments: Tensor) -> Tensor:
    """Return the moments that normalise each sample, given its own moments `[REFERENCES + N, ...]`."""
    reference = moments[:REFERENCES].mean(0, keepdim=True)
    joined = torch.lerp(reference, moments[REFERENCES:], 1 / (REFERENCES + 1))
    return torch.cat([reference.expand_as(moments[:REFERENCES]), joined])


class Reference(nn.Module):
    """Reference batch of one network: a buffer, saved with it.

    The batch is random until `choose_references` replaces it by inputs of the network.
    """

    batch: Tensor

    def __init__(self, shape: Sequence[int]):
        super().__init__()
        self.choosing = False
        self.register_buffer("batch", torch.randn(REFERENCES, *shape))

    def forward(self, body: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        """Return `body(inputs)`, run with the reference batch ahead of `inputs` `[N, *shape]`."""
        if self.choosing:
            self.batch.copy_(inputs[torch.arange(REFERENCES, device=inputs.device) % len(inputs)])
            self.choosing = False
        return body(torch.cat([self.batch.to(inputs.dtype), inputs]))[REFERENCES:]


def forward_with_reference(
    reference: Reference | None, body: Callable[[Tensor], Tensor], inputs: Tensor
) -> Tensor:
    """Return `body(inputs)`, run with the reference batch ahead if there is one."""
    return body(inputs) if reference is None else reference(body, inputs)


@torch.no_grad()
def choose_references(net: nn.Module, run: Callable[[], object]) -> None:
    """Fix every reference batch inside `net` to the first batch that reaches it during `run()`.

    A batch that is too small is repeated. All processes take the batch of the first process. If `net` has no
    virtual batch normalisation, `run` is not called, and no noise is drawn.

    Raises:
        ValueError: no batch reaches one of them.
    """
    references = {name: module for name, module in net.named_modules() if isinstance(module, Reference)}
    for reference in references.values():
        reference.choosing = True
    try:
        if references:
            run()
        if missed := [name for name, reference in references.items() if reference.choosing]:
            raise ValueError(
                f"norm=virtual: no batch reaches {', '.join(missed)} at the start of training, so this game "
                "has no reference batch for it; set another norm for that network"
            )
    finally:
        for reference in references.values():
            reference.choosing = False
    if dist.is_initialized():
        for reference in references.values():
            dist.broadcast(reference.batch, src=0)
