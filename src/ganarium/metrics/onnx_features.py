"""Features of a network in an ONNX file."""

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn


class OnnxEmbedding(nn.Module):
    """Network in an ONNX file, whose features are its first output, flattened; it runs on the CPU.

    Attributes:
        channels: number of channels of the input images; None if the graph leaves it open.
        size: height and width of the input images; None if the graph leaves either open.
        dimension: number of features of an image; None if the graph leaves it open.

    Raises:
        ValueError: onnxruntime is not installed, or the network does not take one batch of images.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            import onnxruntime
        except ImportError as error:
            raise ValueError(f"{path} needs onnxruntime: pip install 'ganarium[onnx]'") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ValueError(f"{path} is not a network that onnxruntime can run: {error}") from error
        inputs = self.session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != "tensor(float)":
            found = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs)
            raise ValueError(f"{path} must take one float batch of images [N, C, H, W]; it takes: {found}")
        self.input = inputs[0].name
        # Dimensions that the graph leaves open are names or None.
        self.batch, self.channels, *sides = (x if isinstance(x, int) else None for x in inputs[0].shape)
        self.size = cast(tuple[int, int], tuple(sides)) if None not in sides else None
        features = self.session.get_outputs()[0].shape[1:]
        self.dimension = torch.Size(features).numel() if all(isinstance(x, int) for x in features) else None

    def penultimate(self, images: Tensor) -> Tensor:
        """Return features `[N, D]` of images `[N, C, H, W]` in 0..1."""
        batch = self.batch or len(images)
        return torch.cat([self._outputs(part, batch) for part in images.split(batch)]).to(images.device)

    def _outputs(self, images: Tensor, batch: int) -> Tensor:
        # If the graph fixes the batch size, the last image fills the remaining places.
        filled = torch.cat([images, images[-1:].expand(batch - len(images), -1, -1, -1)])
        (first, *_) = self.session.run(None, {self.input: filled.float().cpu().numpy()})
        return torch.from_numpy(first).flatten(1)[: len(images)]
