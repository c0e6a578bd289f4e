"""How weights begin."""

from torch import nn


def gaussian(net: nn.Module, deviation: float = 0.02) -> None:
    """Zero-centred normal weights of convolutions, zero biases, norms' scales around 1.

    The start of pix2pix (Isola et al. 2017, arXiv:1611.07004, sec. 6.2), and of what followed it.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, deviation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1.0, deviation)
