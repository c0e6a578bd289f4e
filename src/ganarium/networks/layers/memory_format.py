"""Memory formats of weights."""

from typing import TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def apply_memory_format(network: M) -> M:
    """Convert each module with an attribute `memory_format` to that format, in place; return the network.

    Feature maps take the format of the weights. Outputs are the same up to rounding.
    """
    for module in network.modules():
        if layout := getattr(module, "memory_format", None):
            module.to(memory_format=layout)  # type: ignore[call-overload]
    return network
