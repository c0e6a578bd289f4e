"""Scores of images from any source: analysis by synthesis, without a network or a file.

Each class in turn is fitted to the pixels that differ from the background: moments give centre and radius, a
coarse search gives the angle, and Gauss-Newton steps on the contour refine all of them. The class with the
smallest residual is rendered. The difference between rendering and image, in units of the contrast, is summed
and divided by the length of the contour.

The quotient is a length: the displacement of the contour, in pixels, that would cause the same difference.
Every defect counts: a blurred or bent contour, a wrong colour, noise, a second shape, a missing half. The
length is limited on average and within small windows; a star without one of its points exceeds the limit of
a window.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganarium.data.world.canvas import MARGIN, Canvas, coverage, signed_distance
from ganarium.data.world.shapes import SHAPES, Shape

_IGNORED = 0.1  # differences below this share of the contrast do not count
_SLACK = 0.1  # largest excess of a fitted radius over the world's own range, as a share
_ANGLES = 6  # angles tried over one period of a shape's symmetry: at most 20 degrees apart
_STEPS = 4  # fits to the world's own images do not change after the third
_MEAN_LIMIT = 1 / 3  # largest mean displacement of a well-formed contour, in pixels at 32 x 32
_WINDOW_LIMIT = 1.2  # largest displacement within a window, likewise
_WINDOW = 5  # side of a window, in pixels
_BAND = 1.5  # pixels on either side of a rendered contour in which the image's own is searched
_CHUNK = 128  # images evaluated at once; they fit into the cache of a core


@dataclass(frozen=True)
class Judgement:
    """Classes, colours and scores of N images."""

    classes: tuple[str, ...]
    """Names of the labels."""
    labels: Tensor
    """Best-fitting class of each image: int64 `[N]`."""
    colors: Tensor
    """Best-fitting colour of each image: int64 `[N]`."""
    scores: Tensor
    """Score of each image: float `[N]` in 0..1, 2 ** -error; a well-formed image has an error below 1."""

    @property
    def well_formed(self) -> Tensor:
        """Mask of the scores above one half: bool `[N]`."""
        return self.scores > 0.5

    def of(self, rows: Tensor) -> Self:
        """Return the part that belongs to these row numbers."""
        return replace(self, labels=self.labels[rows], colors=self.colors[rows], scores=self.scores[rows])

    def shares(self) -> dict[str, float]:
        """Return, for each class, the share of all N images that show it well formed."""
        counts = self.labels[self.well_formed].bincount(minlength=len(self.classes)).tolist()
        return {
            name: count / max(len(self.labels), 1) for name, count in zip(self.classes, counts, strict=True)
        }

    def summary(self) -> dict[str, float]:
        """Return summary values by name.

        `well_formed`: share of all images; `score`: mean; `classes`: number of classes that have a
        well-formed image; `smallest_class`: smallest of `shares()`; `share/<class>`: each of `shares()`.
        """
        shares = self.shares()
        return {
            "well_formed": sum(shares.values()),
            "score": float(self.scores.mean()) if len(self.scores) else 0.0,
            "classes": float(sum(share > 0 for share in shares.values())),
            "smallest_class": min(shares.values()),
            **{f"share/{name}": share for name, share in shares.items()},
        }


@torch.no_grad()
def judgement(canvas: Canvas, images: Tensor) -> Judgement:
    """Evaluate float images `[N, C, H, W]` of the canvas' own shape, on their own device.

    Values outside [-1, 1] are clipped, as when an image is saved. An image with a value that is not finite
    scores 0.
    """
    parts = [_evaluate_chunk(canvas, chunk.float()) for chunk in images.split(_CHUNK)]
    labels, colors, scores = (torch.cat(part) for part in zip(*parts, strict=True))
    return Judgement(tuple(shape.name for shape in SHAPES), labels, colors, scores)


def _evaluate_chunk(canvas: Canvas, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return labels, colours and scores of a chunk."""
    finite = images.isfinite().all(dim=(1, 2, 3))
    images = torch.where(finite[:, None, None, None], images, -1).clamp(-1, 1)
    background = canvas.background.to(images.device)
    paints = canvas.palette.to(images.device) - background  # [4, C]: colours relative to the background
    contrast = 127.5 * (images + 1) - background[:, None, None]
    shares = _shares(contrast, paints[_dominant_paint(contrast, paints)])

    residuals, drawn = [], []
    for shape in SHAPES:
        drawn.append(_Fit.of(canvas, shape, shares).drawn())
        residuals.append(_sum((shares - drawn[-1]).abs()))
    labels = torch.stack(residuals).argmin(dim=0)
    best = torch.stack(drawn)[labels, torch.arange(len(labels), device=labels.device)]

    mean = _sum(contrast * best[:, None]) / _sum(best**2).clamp(min=1)[:, None]  # [N, C]
    colors = torch.cdist(mean, paints).argmin(dim=1)
    error = _error(canvas, contrast, paints[colors], best, labels)
    return labels, colors, torch.where(finite, 0.5**error, 0)


def _dominant_paint(contrast: Tensor, paints: Tensor) -> Tensor:
    """Return the index of the paint that is nearest to most pixels, weighted by squared contrast: `[N]`."""
    levels = torch.cat([torch.zeros_like(paints[:1]), paints])  # the background is a candidate, too
    near = 2 * torch.einsum("kc,nchw->nkhw", levels, contrast) - (levels**2).sum(dim=1)[:, None, None]
    choice, weight = near.argmax(dim=1), (contrast**2).sum(dim=1)
    votes = [_sum(weight * (choice == paint)) for paint in range(1, len(levels))]
    return torch.stack(votes).argmax(dim=0)


def _shares(contrast: Tensor, paint: Tensor) -> Tensor:
    """Return the share of `paint` `[N, C]` in each pixel, by least squares: `[N, H, W]` in 0..1."""
    return torch.einsum("nc,nchw->nhw", paint / (paint**2).sum(dim=1, keepdim=True), contrast).clamp_(0, 1)


def _error(canvas: Canvas, contrast: Tensor, paint: Tensor, drawn: Tensor, labels: Tensor) -> Tensor:
    """Return the error of each rendering, `[N]`; 1 is the limit for well-formed images."""
    strength = paint.norm(dim=1)[:, None, None]
    ignored = _IGNORED + (1 - drawn) * canvas.depth / strength  # textured backgrounds are known up to `depth`
    wrong = (contrast - drawn[:, None] * paint[:, :, None, None]).norm(dim=1) / strength
    wrong = (wrong - ignored).clamp_(min=0)  # [N, H, W]
    areas, perimeters = (
        torch.tensor(values, device=drawn.device)[labels]
        for values in ([shape.area for shape in SHAPES], [shape.perimeter for shape in SHAPES])
    )
    mean = _sum(wrong) / (perimeters * (_sum(drawn) / areas).sqrt())
    windows = avg_pool2d(wrong[:, None], _WINDOW, stride=1, padding=_WINDOW // 2)
    largest = windows.amax(dim=(1, 2, 3)) * _WINDOW  # a window contains _WINDOW pixels of contour
    # A limit of blur is a number of pixels, a limit of form a share of the side: the root lies between them.
    return torch.maximum(mean / _MEAN_LIMIT, largest / _WINDOW_LIMIT) / math.sqrt(canvas.side / 32)


@dataclass(frozen=True)
class _Fit:
    """Fit of one shape to the painted pixels of N images; lengths in sides, angles in radians."""

    canvas: Canvas
    shape: Shape
    x: Tensor
    y: Tensor
    radius: Tensor
    angle: Tensor

    @classmethod
    def of(cls, canvas: Canvas, shape: Shape, shares: Tensor) -> Self:
        """Fit the shape to painted shares `[N, H, W]` in 0..1."""
        columns, rows = canvas.grid(shares.device)
        painted = (shares > 0.5).float()
        area = _sum(painted).clamp(min=1)  # pixels
        x, y = _sum(painted * columns) / area, _sum(painted * rows) / area  # the centroid is the centre
        radius = (area / shape.area).sqrt() / canvas.side
        upright = cls(canvas, shape, x, y, radius, torch.zeros_like(radius))._inside()
        fit = upright._rotated(shares) if shape.symmetry else upright
        for _ in range(_STEPS):
            fit = fit._stepped(shares)._inside()
        return fit

    def distance(self) -> Tensor:
        """Return signed distances to the contours: `[N, H, W]`, in pixels."""
        return signed_distance(self.canvas, self.shape, self.x, self.y, self.radius, self.angle)

    def drawn(self) -> Tensor:
        """Return the share of each pixel that the shape covers: `[N, H, W]`."""
        return coverage(self.distance())

    def _rotated(self, shares: Tensor) -> Self:
        """Return the fit with the best of a few angles."""
        period = 2 * math.pi / self.shape.symmetry
        angles = torch.arange(_ANGLES, device=shares.device) * (period / _ANGLES)
        tried = [replace(self, angle=angle.expand_as(self.angle)) for angle in angles]
        residuals = torch.stack([_sum((shares - fit.drawn()).abs()) for fit in tried])
        return replace(self, angle=angles[residuals.argmin(dim=0)])

    def _inside(self) -> Self:
        """Return the nearest fit within the world's ranges, with a slack for the radius."""
        (smallest, _), (_, largest) = self.canvas.sizes
        width, height = self.canvas.extent
        radius = self.radius.clamp(smallest * (1 - _SLACK), largest * (1 + _SLACK))
        keep = radius.clamp(max=largest) + MARGIN / 2
        return replace(
            self,
            x=self.x.maximum(keep).minimum(width - keep),
            y=self.y.maximum(keep).minimum(height - keep),
            radius=radius,
        )

    def _stepped(self, shares: Tensor) -> Self:
        """Return the fit after one Gauss-Newton step.

        If a contour is displaced by s pixels, the differences of painted and rendered shares across it sum
        to s. The step changes centre, radius and angle such that the contour moves by s along its normal, in
        the least-squares sense.
        """
        distance = self.distance()
        band = (distance.abs() < _BAND).float()
        normal_y, normal_x = torch.gradient(distance, dim=(1, 2))
        columns, rows = self.canvas.grid(shares.device)
        x, y = columns - self.x[:, None, None], rows - self.y[:, None, None]
        x, y = x / self.radius[:, None, None], y / self.radius[:, None, None]
        moves = [normal_x, normal_y, normal_x * x + normal_y * y, normal_y * x - normal_x * y]
        slopes = (torch.stack(moves, dim=1) * band[:, None]).flatten(2)  # [N, 4, H * W]
        gap = (shares - coverage(distance)).flatten(1).unsqueeze(2)
        damping = torch.eye(4, device=shares.device)  # the angle of a circle is undetermined
        step = torch.linalg.solve(slopes @ slopes.mT / (2 * _BAND) + damping, slopes @ gap)
        x_step, y_step, radius_step, arc = (step[:, :, 0] / self.canvas.side).unbind(dim=1)
        return replace(
            self,
            x=self.x + x_step,
            y=self.y + y_step,
            radius=self.radius + radius_step,
            angle=self.angle + arc / self.radius,
        )


def _sum(pixels: Tensor) -> Tensor:
    """Return the sum over the last two dimensions."""
    return pixels.sum(dim=(-2, -1))
