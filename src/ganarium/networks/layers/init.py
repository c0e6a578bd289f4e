"""Initialization of weights."""

from torch import nn


def gaussian(net: nn.Module, deviation: float = 0.02) -> None:
    """Draw convolutions' weights from a zero-centred normal and norms' scales around 1; set biases to zero.

    Initialization of pix2pix (Isola et al. 2017, arXiv:1611.07004, sec. 6.2) and its successors.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, deviation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1.0, deviation)
