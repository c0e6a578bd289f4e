"""The judge of pictures it did not draw: analysis by synthesis, with no network and no file.

Each class in turn is fitted to what differs from the background: moments give centre and radius, a coarse
search the angle, Gauss-Newton steps on the contour the rest. The class that leaves least unexplained is
drawn anew. What then still differs from the picture, in units of the contrast, is summed and divided by the
length of the contour.

That is a length: by how many pixels the contour would have to be displaced to be as wrong. It counts
whatever is wrong: a blurred or bent contour, a wrong colour, noise, a second shape, a missing half. It is
asked for on average and within small windows, where a star without one of its points shows.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganarium.data.world.canvas import MARGIN, Canvas, coverage, signed_distance
from ganarium.data.world.shapes import SHAPES, Shape

_UNSEEN = 0.1  # what differs by less than this share of the contrast does not count
_SLACK = 0.1  # how far a radius may lie beyond the world's own, as a share
_ANGLES = 6  # tried over the turn that leaves a shape the same: 20 degrees apart at most
_STEPS = 4  # after three, fits to the world's own pictures stand still
_EVERYWHERE = 1 / 3  # pixels of displacement that a well-formed contour may have on average, at 32 x 32
_SOMEWHERE = 1.2  # and within a window
_WINDOW = 5
_BAND = 1.5  # pixels to either side of a drawn contour in which the picture's own is looked for
_CHUNK = 128  # pictures judged at once: what fits into a core's cache


@dataclass(frozen=True)
class Judgement:
    """What N pictures show."""

    classes: tuple[str, ...]
    """The names of the labels."""
    labels: Tensor
    """int64 `[N]`: the class that each picture shows best."""
    colors: Tensor
    """int64 `[N]`: the colour that it shows best."""
    scores: Tensor
    """float `[N]` in 0..1: how well formed it is; halved by each error that just passes for well formed."""

    @property
    def well_formed(self) -> Tensor:
        """Which scores lie above one half: bool `[N]`."""
        return self.scores > 0.5

    def of(self, rows: Tensor) -> Self:
        """The judgement of the pictures of these numbers alone."""
        return replace(self, labels=self.labels[rows], colors=self.colors[rows], scores=self.scores[rows])

    def shares(self) -> dict[str, float]:
        """For each class, the share of all N pictures that show it well formed."""
        counts = self.labels[self.well_formed].bincount(minlength=len(self.classes)).tolist()
        return {
            name: count / max(len(self.labels), 1) for name, count in zip(self.classes, counts, strict=True)
        }

    def summary(self) -> dict[str, float]:
        """`well_formed`: a share of all; `score`: the mean; `classes`: how many have a well-formed picture;
        `smallest_class`: the least of `shares()`; and `shares()` itself as `share/<class>`.
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
    """Judge float pictures `[N, C, H, W]` of the canvas' own shape, on their own device.

    Values beyond [-1, 1] are clipped, as when a picture is saved; one that is not finite makes the score 0.
    """
    parts = [_judged(canvas, chunk.float()) for chunk in images.split(_CHUNK)]
    labels, colors, scores = (torch.cat(part) for part in zip(*parts, strict=True))
    return Judgement(tuple(shape.name for shape in SHAPES), labels, colors, scores)


def _judged(canvas: Canvas, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Labels, colours and scores of a chunk."""
    finite = images.isfinite().all(dim=(1, 2, 3))
    images = torch.where(finite[:, None, None, None], images, -1).clamp(-1, 1)
    background = canvas.background.to(images.device)
    paints = canvas.palette.to(images.device) - background  # [4, C]: what each colour adds to the background
    contrast = 127.5 * (images + 1) - background[:, None, None]
    shares = _shares(contrast, paints[_voted(contrast, paints)])

    left, drawn = [], []
    for shape in SHAPES:
        drawn.append(_Fit.of(canvas, shape, shares).drawn())
        left.append(_sum((shares - drawn[-1]).abs()))
    labels = torch.stack(left).argmin(dim=0)
    best = torch.stack(drawn)[labels, torch.arange(len(labels), device=labels.device)]

    mean = _sum(contrast * best[:, None]) / _sum(best**2).clamp(min=1)[:, None]  # [N, C]
    colors = torch.cdist(mean, paints).argmin(dim=1)
    error = _error(canvas, contrast, paints[colors], best, labels)
    return labels, colors, torch.where(finite, 0.5**error, 0)


def _voted(contrast: Tensor, paints: Tensor) -> Tensor:
    """The paint nearest to most pixels, which count by their contrast squared: int64 `[N]`."""
    levels = torch.cat([torch.zeros_like(paints[:1]), paints])  # the background stands for election, too
    near = 2 * torch.einsum("kc,nchw->nkhw", levels, contrast) - (levels**2).sum(dim=1)[:, None, None]
    choice, weight = near.argmax(dim=1), (contrast**2).sum(dim=1)
    votes = [_sum(weight * (choice == paint)) for paint in range(1, len(levels))]
    return torch.stack(votes).argmax(dim=0)


def _shares(contrast: Tensor, paint: Tensor) -> Tensor:
    """How much of `paint` `[N, C]` lies on each pixel, `[N, H, W]` in 0..1, by least squares."""
    return torch.einsum("nc,nchw->nhw", paint / (paint**2).sum(dim=1, keepdim=True), contrast).clamp_(0, 1)


def _error(canvas: Canvas, contrast: Tensor, paint: Tensor, drawn: Tensor, labels: Tensor) -> Tensor:
    """What the drawing leaves unexplained, `[N]`: 1 where that is as much as a well-formed picture may."""
    reach = paint.norm(dim=1)[:, None, None]
    excused = _UNSEEN + (1 - drawn) * canvas.depth / reach  # a textured background is known only so far
    wrong = (contrast - drawn[:, None] * paint[:, :, None, None]).norm(dim=1) / reach
    wrong = (wrong - excused).clamp_(min=0)  # [N, H, W]
    areas, perimeters = (
        torch.tensor(values, device=drawn.device)[labels]
        for values in ([shape.area for shape in SHAPES], [shape.perimeter for shape in SHAPES])
    )
    everywhere = _sum(wrong) / (perimeters * (_sum(drawn) / areas).sqrt())
    windows = avg_pool2d(wrong[:, None], _WINDOW, stride=1, padding=_WINDOW // 2)
    somewhere = windows.amax(dim=(1, 2, 3)) * _WINDOW  # _WINDOW pixels of contour run through a window
    # Sharpness asks for a fixed number of pixels, form for a fixed share of the side: between the two.
    return torch.maximum(everywhere / _EVERYWHERE, somewhere / _SOMEWHERE) / math.sqrt(canvas.side / 32)


@dataclass(frozen=True)
class _Fit:
    """One shape fitted to what was painted on N pictures; lengths in sides, angles in radians."""

    canvas: Canvas
    shape: Shape
    x: Tensor
    y: Tensor
    radius: Tensor
    angle: Tensor

    @classmethod
    def of(cls, canvas: Canvas, shape: Shape, shares: Tensor) -> Self:
        """The fit to painted shares `[N, H, W]` in 0..1."""
        columns, rows = canvas.grid(shares.device)
        painted = (shares > 0.5).float()
        area = _sum(painted).clamp(min=1)  # pixels
        x, y = _sum(painted * columns) / area, _sum(painted * rows) / area  # centre and centroid are the same
        radius = (area / shape.area).sqrt() / canvas.side
        upright = cls(canvas, shape, x, y, radius, torch.zeros_like(radius))._inside()
        fit = upright._turned(shares) if shape.symmetry else upright
        for _ in range(_STEPS):
            fit = fit._stepped(shares)._inside()
        return fit

    def distance(self) -> Tensor:
        """Signed distances to the contours: `[N, H, W]`, in pixels."""
        return signed_distance(self.canvas, self.shape, self.x, self.y, self.radius, self.angle)

    def drawn(self) -> Tensor:
        """The share of each pixel that the shape covers: `[N, H, W]`."""
        return coverage(self.distance())

    def _turned(self, shares: Tensor) -> Self:
        """The best of a few angles."""
        turn = 2 * math.pi / self.shape.symmetry
        angles = torch.arange(_ANGLES, device=shares.device) * (turn / _ANGLES)
        tried = [replace(self, angle=angle.expand_as(self.angle)) for angle in angles]
        left = torch.stack([_sum((shares - fit.drawn()).abs()) for fit in tried])
        return replace(self, angle=angles[left.argmin(dim=0)])

    def _inside(self) -> Self:
        """The nearest fit that this world could have drawn, but for a slack in the radius."""
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
        """One Gauss-Newton step.

        Across a contour that is displaced by s pixels, painted minus drawn shares add up to s. Centre, radius
        and angle are moved so that the contour goes by s along its normal, in the least-squares sense.
        """
        distance = self.distance()
        band = (distance.abs() < _BAND).float()
        normal_y, normal_x = torch.gradient(distance, dim=(1, 2))
        columns, rows = self.canvas.grid(shares.device)
        x, y = ((at - of[:, None, None]) for at, of in ((columns, self.x), (rows, self.y)))
        x, y = x / self.radius[:, None, None], y / self.radius[:, None, None]
        moves = [normal_x, normal_y, normal_x * x + normal_y * y, normal_y * x - normal_x * y]
        slopes = (torch.stack(moves, dim=1) * band[:, None]).flatten(2)  # [N, 4, H * W]
        gap = (shares - coverage(distance)).flatten(1).unsqueeze(2)
        damping = torch.eye(4, device=shares.device)  # the angle of a circle is anything
        step = torch.linalg.solve(slopes @ slopes.mT / (2 * _BAND) + damping, slopes @ gap)
        x_step, y_step, radius_step, turn = (step[:, :, 0] / self.canvas.side).unbind(dim=1)
        return replace(
            self,
            x=self.x + x_step,
            y=self.y + y_step,
            radius=self.radius + radius_step,
            angle=self.angle + turn / self.radius,
        )


def _sum(pixels: Tensor) -> Tensor:
    """The sum over the last two dimensions."""
    return pixels.sum(dim=(-2, -1))
