"""Frozen networks whose maps say what a picture shows, for methods that keep it."""

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad

from ganarium.networks.alexnet_vgg import VGG

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in 0..1, which the published VGGs were trained on."""
FLAT = 1e-4
"""The square of a slope that counts as none; a root has no derivative at zero."""


class EdgeMaps(nn.Module):
    """Where edges run and what is how coloured: `[N, inputs, H, W]` to maps `[N, width, H / m, W / m]`.

    Made by hand, not learned. The slope of the lightness has no sign and is told in units of its mean over
    the picture; colours are told without their lightness. So a drawing on black and the same on white are
    near each other, and so are pale and strong contours.

    Args:
        inputs: channels of the pictures; of one there is no colour, and one map.
        halvings: how often height and width are halved by means over 2x2; m = 2^halvings.
        colour: factor of the colours.
    """

    def __init__(self, inputs: int, *, halvings: int = 0, color: float = 3.0):
        super().__init__()
        self.halvings, self.color = halvings, color
        self.width = 1 + inputs if inputs > 1 else 1

    @property
    def multiple(self) -> int:
        """Of what height and width are multiples."""
        return 2**self.halvings

    def forward(self, images: Tensor) -> Tensor:
        """The slopes in the first map, then what each channel differs by from the mean of all."""
        lightness = images.mean(1, keepdim=True)
        wide = pad(lightness, (1, 1, 1, 1), mode="replicate")
        across = wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]
        down = wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]
        slope = (across.square() + down.square() + FLAT).sqrt()
        maps = [slope / slope.mean((2, 3), keepdim=True)]
        if images.shape[1] > 1:
            maps.append(self.color * (images - lightness))
        return avg_pool2d(torch.cat(maps, 1), self.multiple)


class VGGMaps(nn.Module):
    """A convolution of a VGG trained on ImageNet: pictures `[N, 1 or 3, H, W]` in [-1, 1] to its maps.

    The file is read when the first pictures come, so that a saved translator does without it.

    Args:
        inputs: 1 or 3 channels.
        file: the weights as a state dict with torchvision's keys, written by `torch.save`.
        depth: which VGG.
        layer: which convolution, from 1; the twelfth of VGG-19 is its conv4_4, after three halvings.

    Raises:
        ValueError: other channels, or a layer that the network does not have.
    """

    def __init__(self, inputs: int, *, file: str, depth: Literal[11, 13, 16, 19] = 19, layer: int = 12):
        super().__init__()
        if inputs not in (1, 3):
            raise ValueError(
                f"the VGG sees pictures of 1 or 3 channels, these have {inputs}; "
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
        """Of what height and width are multiples."""
        return 2**self.halvings

    def forward(self, images: Tensor) -> Tensor:
        """Maps `[N, width, H / m, W / m]`, not rectified.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it holds other tensors than this VGG's.
        """
        if self.unread:
            self.read()
        mean, deviation = (images.new_tensor(x).view(3, 1, 1) for x in (MEAN, DEVIATION))
        maps: Tensor = self.features(((images + 1) / 2 - mean) / deviation)
        return maps

    def read(self) -> None:
        """Take the weights from the file."""
        if not Path(self.file).is_file():
            raise FileNotFoundError(
                f"there is no file {self.file!r}; networks.features.file names the weights of a VGG, "
                "networks.features.kind=edges needs none"
            )
        state: dict[str, Any] = torch.load(self.file, "cpu", weights_only=True)
        own = {f"features.{name}": value.shape for name, value in self.features.state_dict().items()}
        if misfits := [
            name for name, shape in own.items() if getattr(state.get(name), "shape", None) != shape
        ]:
            raise ValueError(
                f"{self.file} does not hold this VGG: {misfits[0]} should be {list(own[misfits[0]])}; "
                "set networks.features.depth, or give another file"
            )
        self.features.load_state_dict({name.removeprefix("features."): state[name] for name in own})
        self.unread = False
