"""The artifact that users keep: a trained game, ready to use, and how it is loaded."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from ganarium.common.text import nearest
from ganarium.core.game import Game
from ganarium.data.conditions import words
from ganarium.data.spec import DataSpec
from ganarium.methods.translators import Direction, Translator
from ganarium.models.directions import domains_of, find_direction, translations
from ganarium.models.storage import FORMAT, save_folder
from ganarium.networks.layers.memory_format import apply_memory_format
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe


class Model:
    """A trained game, ready to use.

    Attributes:
        method: which method trained it.
        recipe: how.
        facts: what the data were: shape, classes, attributes.
        images: how many images it was trained on.
        stage: of a campaign, the stage whose game it is.
        run_facts: of a campaign, what the run's data were; a stage's may be of another size.
    """

    def __init__(
        self,
        method: Method,
        recipe: Recipe,
        spec: DataSpec,
        game: Game,
        images: int = 0,
        *,
        stage: str = "",
        run_spec: DataSpec | None = None,
    ):
        self.method, self.recipe, self.spec, self.images = method, recipe, spec, images
        self.stage, self.run_spec = stage, run_spec or spec
        self.game = apply_memory_format(game.eval().requires_grad_(False))

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.game.parameters()).device

    def to(self, device: str | torch.device) -> Self:
        """Move it to a device, in place."""
        self.game.to(device)
        return self

    def generate(
        self,
        count: int,
        *,
        seed: int = 0,
        classes: str | int | Sequence[str | int] | None = None,
        attributes: Mapping[str, bool] | None = None,
        pictures: Tensor | None = None,
        batch_size: int = 64,
    ) -> Tensor:
        """Draw samples.

        The same seed gives the same noise on every machine, and the first samples do not depend on how
        many follow.

        Args:
            count: how many.
            seed: of the noise.
            classes: for a model told a label: one class for all, or one for each; every class in turn
                where it is not said.
            attributes: for a model told attributes: those that differ from "no".
            pictures: for a model told a picture: `[count, C, H, W]` in [-1, 1].
            batch_size: how many at a time; changes memory, not samples.

        Returns:
            `[count, C, H, W]` in [-1, 1], or points `[count, D]`; float32 on the CPU.

        Raises:
            ValueError: the model is told something else, or there is no such class or attribute.
        """
        return torch.cat(
            list(
                self.stream(
                    count,
                    seed=seed,
                    classes=classes,
                    attributes=attributes,
                    pictures=pictures,
                    batch_size=batch_size,
                )
            )
        )

    def stream(
        self,
        count: int,
        *,
        seed: int = 0,
        classes: str | int | Sequence[str | int] | None = None,
        attributes: Mapping[str, bool] | None = None,
        pictures: Tensor | None = None,
        batch_size: int = 64,
    ) -> Iterator[Tensor]:
        """The samples of `generate`, a batch at a time, so that any count fits in memory."""
        if count < 1:
            raise ValueError(f"count is {count}; it must be at least 1")
        condition = self.condition(count, classes, attributes, pictures)
        yield from self.drawn(count, condition, seed=seed, batch_size=batch_size)

    @torch.no_grad()
    def drawn(
        self, count: int, condition: Tensor | None, *, seed: int = 0, batch_size: int = 64
    ) -> Iterator[Tensor]:
        """As `stream`, told what a feed would hand out: labels, attributes or pictures, `[count, ...]`."""
        draw, generate = (getattr(self.game, name, None) for name in ("draw_noise", "generate"))
        if draw is None or generate is None:
            use = (
                "; it translates: use ganarium translate, in Python Model.translate"
                if self.directions
                else ""
            )
            raise ValueError(f"a {self.method.name} model does not generate from noise{use}")
        generator = torch.Generator().manual_seed(seed)
        for start in range(0, count, batch_size):
            noise = draw(min(batch_size, count - start), generator).to(self.device)
            told = None if condition is None else condition[start : start + batch_size].to(self.device)
            samples = generate(noise, told).float().cpu()
            yield samples.clamp(-1, 1) if samples.ndim == 4 else samples

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the kinds of pictures that a translating model knows, by number; empty of other models."""
        return domains_of(self.game, self.spec)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """From which domain to which it translates, by their numbers; empty of other models."""
        return self.game.directions if isinstance(self.game, Translator) else ()

    @property
    def draws(self) -> bool:
        """Whether noise tells a part of what comes out; that of a translating model is its style."""
        draw = getattr(self.game, "draw_noise", None)
        return draw is not None and draw(1, torch.Generator()).numel() > 0

    def way(self, to: str | int | None = None, source: str | int | None = None) -> Direction:
        """From which domain to which a translation goes.

        Args:
            to: the domain that is wished, by name or number; any where it is not said.
            source: the domain of what goes in; any where it is not said. The first way that fits is taken.

        Raises:
            ValueError: the model does not translate, or not so.
        """
        if not self.directions:
            raise ValueError(f"a {self.method.name} model does not translate; pix2pix and cyclegan learn to")
        return find_direction(self.directions, self.domains, to, source)

    def translate(
        self,
        images: Tensor,
        *,
        to: str | int | None = None,
        source: str | int | None = None,
        style: Tensor | None = None,
        seed: int = 0,
        batch_size: int = 8,
    ) -> Tensor:
        """Pictures of one domain as pictures of another.

        Height and width may be any: edges are repeated up to what the network needs, and cut away again.

        Args:
            images: `[N, C, H, W]` in [-1, 1]; label maps are integers `[N, 1, H, W]`.
            to: see `way`.
            source: see `way`.
            style: pictures that the outcome shall look like, `[N, C', h, w]`, or one for all; for models that
                learned styles.
            seed: of the styles where none are given.
            batch_size: how many at a time; changes memory, not pictures.

        Returns:
            `[N, C', H, W]` in [-1, 1], float32 on the CPU.

        Raises:
            ValueError: the model does not translate so, takes no styles, or takes pictures of other channels.
        """
        way = self.way(to, source)
        assert isinstance(self.game, Translator)
        if style is not None and not hasattr(self.game, "in_style"):
            raise ValueError(f"a {self.method.name} model takes no style; gaugan and pix2pixhd learn to")
        return translations(self.game, self.spec, images, way, style=style, seed=seed, batch_size=batch_size)

    @torch.no_grad()
    def classify(self, images: Tensor, *, batch_size: int = 64) -> Tensor:
        """How likely each class is, of a model that learned to name classes.

        Args:
            images: `[N, C, H, W]` in [-1, 1], of the shape that the model was trained on.
            batch_size: how many at a time; changes memory, not answers.

        Returns:
            Probabilities `[N, K]`, float32 on the CPU; columns go with `facts.classes`.

        Raises:
            ValueError: the model names no classes, or images of another shape.
        """
        name_classes = getattr(self.game, "classify", None)
        if name_classes is None:
            raise ValueError(
                f"a {self.method.name} model does not name classes; semi-supervised-gan learns to"
            )
        if tuple(images.shape[1:]) != self.spec.shape:
            shape = ", ".join(map(str, self.spec.shape))
            raise ValueError(f"images are {list(images.shape)}, but this model takes [N, {shape}]")
        return torch.cat([name_classes(part.to(self.device)).cpu() for part in images.split(batch_size)])

    @torch.no_grad()
    def walk(self, code: str | None = None, *, rows: int = 8, steps: int = 10, seed: int = 0) -> Tensor:
        """What one code of the generator's input changes, all else being equal (InfoGAN).

        Args:
            code: its name; the first where it is not said.
            rows: how many noises.
            steps: how many values the code takes.
            seed: of the noise.

        Returns:
            `[rows, steps, C, H, W]` in [-1, 1], or points `[rows, steps, D]`; float32 on the CPU.

        Raises:
            ValueError: the model has no codes, or none of that name.
        """
        names = getattr(self.game, "walkable", ())
        if not names:
            raise ValueError(f"a {self.method.name} model has no codes to walk along; infogan has")
        code = code or names[0]
        if code not in names:
            raise ValueError(f"there is no code {code!r}{nearest(code, names)}; they are {', '.join(names)}")
        if rows < 1 or steps < 2:
            raise ValueError(f"rows={rows} and steps={steps}: a walk has at least one row and two steps")
        noise = self.game.draw_noise(rows, torch.Generator().manual_seed(seed))  # type: ignore[operator]
        walked = self.game.walk(noise, code, steps).to(self.device)  # type: ignore[operator]
        samples = torch.cat([self.game.generate(part).float().cpu() for part in walked.split(64)])  # type: ignore[operator]
        shaped = samples.view(rows, steps, *samples.shape[1:])
        return shaped.clamp(-1, 1) if samples.ndim == 4 else shaped

    def condition(
        self,
        count: int,
        classes: str | int | Sequence[str | int] | None = None,
        attributes: Mapping[str, bool] | None = None,
        pictures: Tensor | None = None,
    ) -> Tensor | None:
        """What the model is told for each of `count` samples; None where it is told nothing."""
        kind = self.spec.condition
        named = {None: "", "label": "classes", "domains": "classes", "attributes": "attributes"}
        wanted = named.get(kind, "pictures")
        given = {"classes": classes, "attributes": attributes, "pictures": pictures}
        if surplus := [name for name, value in given.items() if value is not None and name != wanted]:
            takes = f"is told its {kind} ({wanted}=...)" if kind else "draws without a condition"
            raise ValueError(f"this {self.method.name} model {takes}, but was told {', '.join(surplus)}")
        if kind is None:
            return None
        if wanted == "classes":
            return words.labels(count, self.spec.classes, classes)
        if kind == "attributes":
            return words.attributes(count, self.spec.attributes, attributes or {})
        if pictures is None:
            use = "; or use ganarium translate, in Python Model.translate" if self.directions else ""
            raise ValueError(
                f"this model is told a picture ({kind}): give pictures [count, C, H, W] in [-1, 1]{use}"
            )
        if (shape := tuple(pictures.shape[1:])) != self.spec.condition_shape:
            raise ValueError(f"pictures are {shape}, but this model is told {self.spec.condition_shape}")
        return pictures[torch.arange(count) % len(pictures)]

    def save(self, folder: str | Path) -> Path:
        """Write the model; each file is whole or not there."""
        return save_folder(folder, self.tensors(), self.config(), self._card())

    def config(self) -> dict[str, Any]:
        """All but the weights, as a plain tree."""
        return {
            "format": FORMAT,
            "method": self.method.name,
            "images": self.images,
            "facts": self.spec.to_dict(),
            "run_spec": self.run_spec.to_dict(),
            "stage": self.stage,
            "recipe": self.recipe.model_dump(mode="json"),
        }

    def tensors(self) -> dict[str, Tensor]:
        """The weights that are worth keeping, by name; copies on the CPU."""
        return {
            f"{name}.{key}": tensor.detach().cpu().contiguous().clone()
            for name in self.game.saved_networks
            for key, tensor in self.game.get_submodule(name).state_dict().items()
        }

    def _card(self) -> str:
        first = self.method.card.splitlines()[0]
        shape = "x".join(map(str, self.spec.shape))
        drawn = ", ".join(map(str, self.spec.shape))
        told = f", told its {self.spec.condition}" if self.spec.condition else ""
        classes = f"- classes: {', '.join(self.spec.classes)}\n" if self.spec.classes else ""
        sources = ", ".join(Path(source).name for source in self.recipe.data.sources)
        use = (
            "images = model.translate(images)  # float [N, C, H, W] in [-1, 1], any H and W\n"
            if isinstance(self.game, Translator)
            else f"images = model.generate(16, seed=3)  # float [16, {drawn}]\n"
        )
        names = self.domains
        directions = ", ".join(f"{names[a]} to {names[b]}" for a, b in self.directions)
        does = (
            f"Translates pictures: {directions}." if directions else f"Draws samples of shape {shape}{told}."
        )
        named = (
            f"probabilities = model.classify(images)  # float [16, {len(self.spec.classes)}]\n"
            if hasattr(self.game, "classify")
            else ""
        )
        return f"""# {first}

{does}

- method: `{self.method.name}` (`ganarium show {self.method.name}`)
- trained on: {self.images:,} images from `{sources}`
{classes}- weights: running averages, `model.safetensors`; the full recipe is in `config.json`

```python
import ganarium as gan

model = gan.load("path/to/this/folder")
{use}{named}```

The licence of the weights follows from the data they were trained on; it is for you to state.
"""
