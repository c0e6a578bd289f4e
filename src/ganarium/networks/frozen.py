"""Frozen networks whose maps describe the content of an image, for methods that preserve it."""

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad

from ganarium.networks.alexnet_vgg import VGG

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Channel statistics of ImageNet's images in 0..1, on which the published VGGs were trained."""
FLAT = 1e-4
"""Square of the slope of flat areas: added before the root, which has no derivative at zero."""


class EdgeMaps(nn.Module):
    """Edges and colours of images: `[N, inputs, H, W]` to maps `[N, width, H / m, W / m]`.

    The maps are computed by a formula, not learned. The slope of the lightness has no sign and is divided by
    its mean over the image; colours are differences from the lightness. So a drawing on black and the same
    drawing on white have similar maps, and so have pale and strong contours.

    Args:
        inputs: channels of the images; a single channel has no colours and gives one map.
        halvings: number of times that height and width are halved, by means over 2x2; m = 2^halvings.
        color: factor of the colours.
    """

    def __init__(self, inputs: int, *, halvings: int = 0, color: float = 3.0):
        super().__init__()
        self.halvings, self.color = halvings, color
        self.width = 1 + inputs if inputs > 1 else 1

    @property
    def multiple(self) -> int:
        """Number of which height and width must be multiples."""
        return 2**self.halvings

    def forward(self, images: Tensor) -> Tensor:
        """Return the slopes in the first map, then the difference of each channel from the mean of all."""
        lightness = images.mean(1, keepdim=True)
        padded = pad(lightness, (1, 1, 1, 1), mode="replicate")
        across = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
        down = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
        slope = (across.square() + down.square() + FLAT).sqrt()
        maps = [slope / slope.mean((2, 3), keepdim=True)]
        if images.shape[1] > 1:
            maps.append(self.color * (images - lightness))
        return avg_pool2d(torch.cat(maps, 1), self.multiple)


class VGGMaps(nn.Module):
    """Maps of a convolution of a VGG trained on ImageNet, for images `[N, 1 or 3, H, W]` in [-1, 1].

    The weights are read from `file` at the first forward pass, or loaded with a saved model, which does not
    need the file.

    Args:
        inputs: number of channels, 1 or 3.
        file: state dict with torchvision's keys, written by `torch.save`.
        depth: depth of the VGG.
        layer: number of the convolution, from 1; the twelfth of VGG-19 is its conv4_4, after three halvings.

    Raises:
        ValueError: `inputs` is neither 1 nor 3, or the VGG has no such layer.
    """

    def __init__(self, inputs: int, *, file: str, depth: Literal[11, 13, 16, 19] = 19, layer: int = 12):
        super().__init__()
        if inputs not in (1, 3):
            raise ValueError(
                f"the VGG takes images of 1 or 3 channels, these have {inputs}; "
                "set networks.features.kind=edges"
            )
        layers = list(VGG(depth=depth, classes=None).features.children())
        convolutions = [i for i, module in enumerate(layers) if isinstance(module, nn.Conv2d)]
        if not 1 <= layer <= len(convolutions):
            raise ValueError(f"layer is {layer}; VGG-{depth} has the convolutions 1 to {len(convolutions)}")
        self.features = nn.Sequential(*layers[: convolutions[layer - 1] + 1])
        self.width = len(layers[convolutions[layer - 1]].weight)  # type: ignore[arg-type]
        self.halvings = sum(isinstance(module, nn.MaxPool2d) for module in self.features)
        self.file = file
        self.unread = True
        self.register_load_state_dict_post_hook(lambda module, _: setattr(module, "unread", False))
        self.requires_grad_(False)

    @property
    def multiple(self) -> int:
        """Number of which height and width must be multiples."""
        return 2**self.halvings

    def forward(self, images: Tensor) -> Tensor:
        """Return maps `[N, width, H / m, W / m]`, before the ReLU.

        Raises:
            FileNotFoundError: `file` does not exist.
            ValueError: `file` does not hold the tensors of this VGG.
        """
        if self.unread:
            self.read()
        mean, deviation = (images.new_tensor(x).view(3, 1, 1) for x in (MEAN, DEVIATION))
        maps: Tensor = self.features(((images + 1) / 2 - mean) / deviation)
        return maps

    def read(self) -> None:
        """Load the weights from `file`; raise the errors of `forward`."""
        if not Path(self.file).is_file():
            raise FileNotFoundError(
                f"there is no file {self.file!r}; set networks.features.file to the weights of a VGG "
                "(networks.features.kind=edges needs none)"
            )
        state: dict[str, Any] = torch.load(self.file, "cpu", weights_only=True)
        own = {f"features.{name}": value.shape for name, value in self.features.state_dict().items()}
        if misfits := [
            name for name, shape in own.items() if getattr(state.get(name), "shape", None) != shape
        ]:
            raise ValueError(
                f"{self.file} does not hold this VGG: {misfits[0]} should be {list(own[misfits[0]])}; "
                "set networks.features.depth or networks.features.file"
            )
        self.features.load_state_dict({name.removeprefix("features."): state[name] for name in own})
        self.unread = False
