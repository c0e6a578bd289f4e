"""Convolution with its norm, under readable names in checkpoints."""

from torch import Tensor, nn

from ganarium.networks.layers.norms import PlainNorm, plain_norm2d


class NormedConv(nn.Module):
    """Convolution, then norm; the network that contains it applies the activation."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d, norm: PlainNorm):
        super().__init__()
        self.conv, self.norm = conv, plain_norm2d(norm, conv.out_channels)

    def forward(self, maps: Tensor) -> Tensor:
        """`[N, C, H, W]` to `[N, C', H', W']`, the convolution's output shape."""
        return self.norm(self.conv(maps))
