"""How weights lie in memory."""

from typing import TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def apply_memory_format(network: M) -> M:
    """The network, in place: each part that names a `memory_format` lies in it.

    Maps take the layout of the weights that they meet; what comes out is the same up to rounding.
    """
    for module in network.modules():
        if layout := getattr(module, "memory_format", None):
            module.to(memory_format=layout)  # type: ignore[call-overload]
    return network
