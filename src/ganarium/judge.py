"""What data hold, and how good samples are beside them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganarium.data.batches import Conditioned
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.points import POINTS
from ganarium.data.sources.base import SURVEYED, Report, spread
from ganarium.data.sources.recognise import WORLD
from ganarium.data.world import World
from ganarium.metrics import evaluate_samples, load_features
from ganarium.model import Model, load
from ganarium.recipe import Data
from ganarium.run import Run
from ganarium.tables import checked
from ganarium.watch import grids

REAL = 5_000
"""So many real samples, evenly spread over the data, are compared with; all of fewer."""
LARGEST = 256
"""Pictures in a folder that is judged are taken as they are up to this side; features are smaller still."""
ON_A_SHEET = 64
_CHUNK = 64


def inspect(data: str | Path, *, sheet: str | Path | None = None, **keys: Any) -> Report:
    """What is recognised in data, which of its files are broken, and how a network would see it.

    Up to 2,000 samples, evenly spread, are decoded.

    Args:
        data: a folder, a file or a name, as in `data.source` of a recipe.
        sheet: PNG that shows 64 samples, evenly spread, in the form in which a network would see them.
        keys: those of `ganarium.Data`: `size=64`, `condition="label"` ...

    Raises:
        FileNotFoundError, ValueError: there are no such data, or nothing in them can be used.
    """
    dataset = open_data(checked(Data, {"source": str(data), **keys}, "data"))
    for part in torch.as_tensor(spread(len(dataset), SURVEYED)).split(_CHUNK):
        dataset.batch(part.tolist())
    if sheet is not None:
        count = ON_A_SHEET if len(dataset.facts.shape) == 3 else SURVEYED
        grids.save(grids.grid(_real(dataset, count)), Path(sheet))
    return dataset.report


def evaluate(
    judged: str | Path | Model | Run,
    *,
    data: str | Path | None = None,
    features: str | Path | None = None,
    metrics: Sequence[str] | None = None,
    count: int = 1000,
    seed: int = 0,
    device: str = "cpu",
) -> dict[str, Any]:
    """How good samples are beside data: see `ganarium.metrics.evaluate_samples` for the measures.

    A model is judged beside the data that it was trained on unless `data` names others; it is told the
    conditions that come with them, save that of labels in other data nothing is known: then it draws every
    class in turn. Pictures of the built-in world are judged by the world, with no file.

    Args:
        judged: a run's folder, a model's, or a folder of pictures; a Run or a Model.
        data: the real samples; brought into the form of the judged ones.
        features: file of a pretrained network whose features pictures are compared on.
        metrics: names of what to measure, `fid` and `kid` say; all that apply where not said.
        count: how many samples are judged; up to 5,000 real ones are compared with.
        seed: of the samples' noise.
        device: where samples and features are computed.

    Returns:
        A tree of plain values: `judged`, `data`, `seed`, `shape` of one sample, the numbers `samples` and
        `real` that were compared, and the measures; with features also their network and resizing.

    Raises:
        FileNotFoundError: there is no model, folder, data or file of features.
        ValueError: nothing can be measured; the message says what to give.
    """
    if count < 1:
        raise ValueError(f"count is {count}; it must be at least 1")
    network = load_features(features).to(device) if features is not None else None
    model = _model(judged, device)
    if model is not None:
        real, samples = _drawn(model, data, count, seed)
        own_seed = model.recipe.seed
    else:
        real, samples = _pictures(str(judged), data, count)
        own_seed = 0
    source = real.report.source
    shape = tuple(samples.shape[1:])
    world = World((shape[1], shape[2]), seed=own_seed, channels=shape[0]) if source == WORLD else None
    unseen = world is not None and network is None  # the world looks at no real pictures
    measures = evaluate_samples(
        samples,
        samples[:0] if unseen else _real(real, REAL),
        features=network,
        world=world,
        points=POINTS.get(source),
        metrics=metrics,
    )
    return {"judged": _name(judged), "data": source, "seed": seed, "shape": list(shape), **measures}


def _name(judged: str | Path | Model | Run) -> str:
    if isinstance(judged, Model):
        return f"{judged.method.name} model"
    return str(judged.folder if isinstance(judged, Run) else judged)


def _model(judged: str | Path | Model | Run, device: str) -> Model | None:
    """The model that is judged; None where it is a folder of pictures."""
    if isinstance(judged, Model):
        return judged.to(device)
    folder = Path(judged.folder if isinstance(judged, Run) else judged)
    of_a_model = ("config.json", "model/config.json", "recipe.yaml")
    return load(folder, device=device) if any((folder / name).exists() for name in of_a_model) else None


def _drawn(model: Model, data: str | Path | None, count: int, seed: int) -> tuple[Dataset, Tensor]:
    """The real data in the form of the model's samples, and these, drawn for the data's conditions."""
    facts, own = model.facts, model.recipe.data
    by_turns = data is not None and facts.condition == "label"
    changes: dict[str, Any] = {"condition": None} if by_turns else {}
    if data is not None:
        changes |= {"source": str(data), "count": None}
    try:
        real = open_data(_formed(own.model_copy(update=changes), facts.shape), seed=model.recipe.seed)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}; name the data to compare with: --data PATH") from None
    if by_turns or facts.condition is None:
        return real, torch.cat(list(model.stream(count, seed=seed)))
    there = real.facts
    if (there.classes, there.attributes, there.condition_shape) != (
        facts.classes,
        facts.attributes,
        facts.condition_shape,
    ):
        raise ValueError(
            f"the model was told {_in_words(facts)}, but {real.report.source} has {_in_words(there)}; "
            "compare with data that have the same"
        )
    batch = real.batch(_indices(real, count))
    condition = batch.condition if isinstance(batch, Conditioned) else None
    return real, torch.cat(list(model.drawn(count, condition, seed=seed)))


def _in_words(facts: Any) -> str:
    names = facts.classes if facts.condition == "label" else facts.attributes
    shape = "x".join(map(str, facts.condition_shape))
    return f"{facts.condition} {shape}" + (f" ({', '.join(names)})" if names else "")


def _pictures(judged: str, data: str | Path | None, count: int) -> tuple[Dataset, Tensor]:
    """The real data in the form of the pictures that are judged, and these."""
    if not Path(judged).exists():
        raise FileNotFoundError(f"there is no run, model or folder of pictures {judged}")
    if data is None:
        raise ValueError(
            f"{judged} is neither a run nor a model, so nothing tells what its pictures should look like: "
            "name the data to compare with: --data PATH"
        )
    dataset = open_data(Data(source=judged, largest=LARGEST))
    samples = _real(dataset, count)
    return open_data(_formed(Data(source=str(data)), dataset.facts.shape)), samples


def _formed(data: Data, shape: tuple[int, ...]) -> Data:
    """The data brought into the form of samples of this shape."""
    if len(shape) != 3:
        return data
    return data.model_copy(update={"channels": shape[0], "size": shape[1:]})


def _indices(dataset: Dataset, count: int) -> list[int]:
    """`count` samples, evenly spread, again from the start where there are fewer."""
    some = spread(len(dataset), count).tolist()
    return [some[i % len(some)] for i in range(count)]


def _real(dataset: Dataset, count: int) -> Tensor:
    """At most `count` samples, evenly spread."""
    parts = torch.as_tensor(spread(len(dataset), count)).split(_CHUNK)
    batches = (dataset.batch(part.tolist()) for part in parts)
    return torch.cat([batch if isinstance(batch, Tensor) else batch.real for batch in batches])
