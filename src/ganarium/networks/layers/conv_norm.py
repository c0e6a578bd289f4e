"""A convolution and its norm, named so that checkpoints read well."""

from torch import Tensor, nn

from ganarium.networks.layers.norms import PlainNorm, plain_norm2d


class NormedConv(nn.Module):
    """A convolution, then its norm; what rectifies stands in the network's own forward."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d, norm: PlainNorm):
        super().__init__()
        self.conv, self.norm = conv, plain_norm2d(norm, conv.out_channels)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of the convolution's size."""
        return self.norm(self.conv(maps))
