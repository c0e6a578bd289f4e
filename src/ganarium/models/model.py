"""Model: the artifact that users keep, a trained game ready to use."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import torch
from torch import Tensor

from ganarium.common.text import nearest
from ganarium.core.game import Game
from ganarium.data.spec import DataSpec
from ganarium.models.card import model_card
from ganarium.models.storage import FORMAT, save_folder
from ganarium.networks.layers.memory_format import apply_memory_format
from ganarium.tasks.base import RESERVED, Input, Task, device_of
from ganarium.tasks.latents import Latent, streams


class Provenance(Protocol):
    """Origin of a model: a training run, or an imported checkpoint."""

    @property
    def title(self) -> str:
        """First line of the model card."""

    @property
    def what(self) -> str:
        """Kind of the model, for messages: `dcgan`, `resnet translator`."""

    def details(self) -> Mapping[str, str]:
        """Return what a model card says of it, by name."""

    def config(self) -> Mapping[str, Any]:
        """Return a plain tree from which the game can be built again."""


class TaskCall(NamedTuple):
    """Task of a model with what a user asks of it.

    Attributes:
        task: the task.
        options: all options, typed.
        inputs: what the task takes with these options.
        words: values of inputs by name, as tensors or in words.
    """

    task: Task
    options: dict[str, Any]
    inputs: tuple[Input, ...]
    words: dict[str, Any]


class Model:
    """Trained game, ready to use. It knows tasks by name and nothing else about games.

    Args:
        game: the game; it is set to eval mode, its weights are fixed.
        spec: specification of the data.
        provenance: where it comes from.

    Raises:
        TypeError: a task of the game has an option of a reserved name.
    """

    def __init__(self, game: Game, spec: DataSpec, provenance: Any):
        self.game = apply_memory_format(game.eval().requires_grad_(False))
        self._describe(spec, provenance)

    @classmethod
    def of_training(cls, game: Game, spec: DataSpec, provenance: Any) -> "Model":
        """Return a model of a game that goes on training: its mode and weights are left as they are."""
        model = cls.__new__(cls)
        model.game = game
        model._describe(spec, provenance)
        return model

    def _describe(self, spec: DataSpec, provenance: Any) -> None:
        self.spec, self.provenance = spec, provenance
        self.tasks: dict[str, Task] = {task.name: task for task in self.game.tasks}
        for task in self.tasks.values():
            if taken := RESERVED & set(task.options(self.game)):
                raise TypeError(f"options of {task.name} may not be named {', '.join(sorted(taken))}")

    def __getattr__(self, name: str) -> Any:
        """Return a field of the provenance: `method`, `recipe`, `images`, `stage`, `run_spec`; `origin`
        ...
        """
        if name.startswith("_") or "provenance" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.provenance, name)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return device_of(self.game)

    def to(self, device: str | torch.device) -> Self:
        """Move the model to a device, in place."""
        self.game.to(device)
        return self

    def task(self, name: str | None = None) -> Task:
        """Return the task of that name; the main one if None.

        Raises:
            ValueError: the model has no such task.
        """
        if not self.tasks:
            raise ValueError(f"a {self.provenance.what} model has no tasks")
        name = name or next(iter(self.tasks))
        if name not in self.tasks:
            raise ValueError(
                f"a {self.provenance.what} model does not {name}; it can {', '.join(self.tasks)}"
            )
        return self.tasks[name]

    def apply(self, name: str, *given: Tensor, **words: Any) -> Any:
        """Run a task over any number of samples.

        Args:
            name: name of the task.
            given: inputs in order, `[N, ...]` each; one row serves all.
            words: inputs by name, as tensors or in words; options of the task; `seed`, `count`,
                `batch_size` as in
                `stream`.

        Returns:
            A float32 tensor on the CPU (int64 for label maps); tensors by name if the task has several
            outputs.

        Raises:
            ValueError: see `stream`.
        """
        parts = list(self.stream(name, *given, **words))
        made = {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
        return made if len(made) > 1 else next(iter(made.values()))

    def stream(
        self,
        name: str,
        *given: Tensor,
        seed: int = 0,
        count: int | None = None,
        batch_size: int = 64,
        **words: Any,
    ) -> Iterator[dict[str, Tensor]]:
        """Run a task batch by batch, so that any number of samples fits in memory.

        The result does not depend on `batch_size`, and the first samples do not depend on `count`. Inputs
        that are not given are drawn (latents) or take their default (conditions).

        Args:
            name: name of the task.
            given: inputs in order, `[N, ...]` each; one row serves all.
            seed: seed of the latents.
            count: number of samples; that of the given inputs, else 1.
            batch_size: samples at a time.
            words: inputs by name, as tensors or in words; options of the task.

        Raises:
            ValueError: the model has no such task, it takes no such input or option, or a value does not fit.
        """
        call = self.resolve(name, words)
        task, options, inputs, _ = call
        values = self._inputs(call, given, count)
        count = count or max((len(value) for value in values.values()), default=1)
        latents = [each.kind for each in inputs if isinstance(each.kind, Latent)]
        generators = streams(latents, seed)
        device = self.device
        for start in range(0, count, batch_size):
            size = min(batch_size, count - start)
            batch = {
                key: value[start : start + size]
                if len(value) == count
                else value.expand(size, *value.shape[1:])
                for key, value in values.items()
            }
            for each in inputs:
                if each.is_latent and each.name not in values:
                    shape = [int(axis) for axis in each.shape]
                    batch[each.name] = each.kind.draw(size, shape, generators[each.name])
            moved = {key: value.to(device) for key, value in batch.items()}
            made = task.run(self.game, self.spec, moved, options)
            yield {key: value.cpu() for key, value in made.items()}

    def resolve(self, name: str | None, words: Mapping[str, Any]) -> TaskCall:
        """Return a task with its options and the words for its inputs.

        Raises:
            ValueError: there is no such task, input or option, or an option is missing or of another type.
        """
        task = self.task(name)
        known = task.options(self.game)
        options = task.checked(self.game, {key: value for key, value in words.items() if key in known})
        inputs = task.inputs(self.game, self.spec, options)
        names = [each.name for each in inputs]
        values = {key: value for key, value in words.items() if key not in known}
        if unknown := [key for key in values if key not in names]:
            takes = [each.name for each in inputs if not each.is_latent] + list(known)
            raise ValueError(
                f"{task.name} of this {self.provenance.what} model does not take "
                f"{unknown[0]!r}{nearest(unknown[0], takes)}; it takes {', '.join(takes) or 'nothing'}"
            )
        return TaskCall(task, options, inputs, values)

    def inputs_of(self, name: str, count: int, **words: Any) -> dict[str, Tensor]:
        """Return the inputs of a task that are given in words or by default, `[count, ...]` each; no
        latents.
        """
        return self._inputs(self.resolve(name, words), (), count)

    def _inputs(self, call: TaskCall, given: tuple[Tensor, ...], count: int | None) -> dict[str, Tensor]:
        """Return the inputs that are given, or have a default, as tensors of `count` rows, or of one."""
        task, _, inputs, words = call
        if count is not None and count < 1:
            raise ValueError(f"count is {count}; it must be at least 1")
        fixed = [each for each in inputs if not each.is_latent]
        by_name = {each.name: each for each in inputs}
        if len(given) > len(fixed):
            what = f"{task.name} of this {self.provenance.what} model"
            raise ValueError(f"{what} takes {len(fixed)} inputs, not {len(given)}")
        values = dict(zip([each.name for each in fixed], given, strict=False))
        values |= {key: value for key, value in words.items() if isinstance(value, Tensor)}
        count = count or max((len(value) for value in values.values()), default=1)
        for each in fixed:
            if each.name not in values and not (each.optional and words.get(each.name) is None):
                values[each.name] = each.kind.parse(words.get(each.name), count)
        for key, value in values.items():
            _check_shape(key, by_name[key], value, self.provenance.what)
            if len(value) not in (1, count):
                raise ValueError(f"{key} has {len(value)} rows; give {count}, or one for all")
        return values

    def generate(self, count: int, *, seed: int = 0, batch_size: int = 64, **words: Any) -> Tensor:
        """Generate samples.

        The same seed gives the same latents on every machine, and the first samples do not depend on `count`.

        Args:
            count: number of samples.
            seed: seed of the latents.
            batch_size: samples at a time; changes memory, not samples.
            words: `condition=...` (a class or several, attributes, a tensor), and options of the model's
                `generate`.

        Returns:
            `[count, *spec.shape]`, float32 on the CPU; images in [-1, 1].

        Raises:
            ValueError: see `stream`.
        """
        made: Tensor = self.apply("generate", count=count, seed=seed, batch_size=batch_size, **words)
        return made

    def translate(self, images: Tensor, *, seed: int = 0, batch_size: int = 8, **words: Any) -> Tensor:
        """Translate images to images of another kind.

        Height and width may be any, unless the model card says otherwise: images are padded to what the
        network needs, and cut again.

        Args:
            images: `[N, C, H, W]` in [-1, 1]; label maps are integers `[N, 1, H, W]`.
            seed: seed of the styles, where none is given.
            batch_size: images at a time; changes memory, not results.
            words: `to`, `source` (domains) and `style` (images `[N, C', h, w]`, or one for all), if the
                model has them;
                options of the model's `translate`.

        Returns:
            `[N, C', H, W]` in [-1, 1], float32 on the CPU.

        Raises:
            ValueError: see `stream`.
        """
        made: Tensor = self.apply("translate", images, seed=seed, batch_size=batch_size, **words)
        return made

    def classify(self, images: Tensor, *, batch_size: int = 64) -> Tensor:
        """Return probabilities of classes, float32 `[N, K]` on the CPU; columns are those of `spec.classes`.

        Raises:
            ValueError: the model does not classify, or images have another shape than those of training.
        """
        made: Tensor = self.apply("classify", images, batch_size=batch_size)
        return made

    def traverse(
        self, code: str | None = None, *, rows: int = 8, steps: int = 10, seed: int = 0, **words: Any
    ) -> Tensor:
        """Generate samples along which one code changes, all else being equal.

        Args:
            code: name of the code; the first if None.
            rows: number of latents.
            steps: number of values of the code.
            seed: seed of the latents.
            words: other inputs and options of the model's `traverse`.

        Returns:
            `[rows, steps, *spec.shape]`, float32 on the CPU.

        Raises:
            ValueError: the model has no codes, or none of that name.
        """
        if rows < 1 or steps < 2:
            raise ValueError(f"rows={rows} and steps={steps}: at least one row and two steps are needed")
        made: Tensor = self.apply("traverse", count=rows, seed=seed, code=code, steps=steps, **words)
        return made.view(rows, steps, *made.shape[1:])

    def save(self, folder: str | Path) -> Path:
        """Write the model folder; each file is whole or not there."""
        return save_folder(folder, self.tensors(), self.config(), model_card(self))

    def config(self) -> dict[str, Any]:
        """Return all but the weights as a plain tree."""
        return {"format": FORMAT, "spec": self.spec.to_dict(), **self.provenance.config()}

    def tensors(self) -> dict[str, Tensor]:
        """Return the weights of the saved networks and the game's own tensors by name; copies on the CPU."""
        kept = {
            f"{name}.{key}": tensor
            for name in self.game.saved_networks
            for key, tensor in self.game.get_submodule(name).state_dict().items()
        }
        return {
            key: tensor.detach().cpu().contiguous().clone()
            for key, tensor in (kept | own_tensors(self.game)).items()
        }

    def __repr__(self) -> str:
        data = f"{self.spec.modality.name} {self.spec.shape}"
        return f"Model({self.provenance.what}, {', '.join(self.tasks)}, {data})"


def own_tensors(game: Game) -> dict[str, Tensor]:
    """Return the tensors that are the game's own, not a child's: a running mean of latents, say."""
    return {
        key: tensor for key, tensor in game.state_dict().items() if "." not in key and torch.is_tensor(tensor)
    }


def _check_shape(name: str, each: Input, value: Tensor, what: str) -> None:
    """Raise ValueError unless a value has the axes of an input."""
    found = value.shape[1:]
    fits = len(found) == len(each.shape) and all(
        isinstance(want, str) or want == have for want, have in zip(each.shape, found, strict=True)
    )
    if not fits:
        wanted = ", ".join(["N", *map(str, each.shape)])
        raise ValueError(f"{name} is {list(value.shape)}, but this {what} model takes [{wanted}]")
