"""What data hold, and how good samples are beside them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganarium.data.batches import Conditioned, real_samples
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.order import spread
from ganarium.data.selection import LABEL
from ganarium.data.settings import Data, Sources, source_of
from ganarium.evaluation.during_training import asked, generated, known_truth
from ganarium.evaluation.held_out import evaluate_translations, test_split
from ganarium.evaluation.samples import ClassConditionalSamples, evaluate_samples
from ganarium.metrics import load_features, load_heads
from ganarium.metrics.base import by_class
from ganarium.metrics.reference import reference
from ganarium.models.loading import load_model
from ganarium.models.model import Model

LARGEST = 256
"""Pictures in a folder that is judged are taken as they are up to this side; features are smaller still."""


ON_A_SHEET = 64


CHUNK = 64


def evaluate(
    judged: str | os.PathLike[str] | Model,
    *,
    data: Sources | None = None,
    features: str | Path | Sequence[str | Path] | None = None,
    lpips: str | Path | None = None,
    metrics: Sequence[str] | None = None,
    count: int = 1000,
    seed: int = 0,
    resamples: int = 100,
    cache: bool = True,
    device: str = "cpu",
) -> dict[str, Any]:
    """How good samples are beside data: see `ganarium.metrics.evaluate_samples` for the measures.

    A model is judged beside the data that it was trained on unless `data` names others; it is told the
    conditions that come with them, save that of labels in other data nothing is known: then it draws every
    class in turn. So it does for `class_accuracy`. Pictures of the built-in world are judged by the world,
    with no file. Of a folder of pictures with a sub-folder a class, these are what was asked for.

    A model that translates is shown the half of the data that is held back from training, all of them where
    nothing is, and judged each way that it goes: see `ganarium.metrics.ways.evaluate_way`.

    Args:
        judged: a run's folder, a model's (the best one of a run is `RUN/model-best`), or a folder or file of
            pictures; a Run or a Model.
        data: the real samples, a source or several as for training; brought into the form of the judged.
        features: files of pretrained networks whose features pictures are compared on; one, or several.
        lpips: file of the linear heads of LPIPS, for one of these networks; for models taught by pairs.
        metrics: names of what to measure, `fid` and `kid` say; all that apply where not said.
        count: how many samples are judged; up to 10,000 real ones are compared with.
        seed: of the samples' noise.
        resamples: halves of the samples from which the 95 % intervals follow; 0 for none.
        cache: keep what the networks say of the real samples on disk, under `GANARIUM_CACHE`, else
            `~/.cache/ganarium`, and look for it there.
        device: where samples and features are computed.

    Returns:
        A tree of plain values: `judged`, `data`, `seed`, `shape` of one sample, and what `evaluate_samples`
        returns: the numbers `samples` and `real` that were compared, values with their intervals, and under
        `features` those of each network, by its name. Of a model that translates `split`, which half of the
        data it was shown, no `seed`, as nothing is drawn, and under `ways`, by each way's name, such a tree.

    Raises:
        FileNotFoundError: there is no model, folder, data or file of features.
        ValueError: nothing can be measured; the message says what to give.
    """
    if count < 1:
        raise ValueError(f"count is {count}; it must be at least 1")
    look_by_class = metrics is None or by_class(metrics)
    files = [features] if isinstance(features, str | Path) else features or ()
    networks = [load_features(file).to(device) for file in files]
    classes: ClassConditionalSamples | None = None
    model = _model(judged, device)
    if lpips is not None and (model is None or not model.directions):
        raise ValueError(
            "--lpips compares translations with their truth, but this is no model that translates"
        )
    if model is not None:
        form, own_seed = _form(model, data), model.recipe.seed
        try:
            real, form = (
                test_split(form, own_seed) if model.directions else (open_data(form, seed=own_seed), form)
            )
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{error}; name the data to compare with: --data PATH") from None
        if model.directions:
            heads = None if lpips is None else load_heads(lpips)
            keys: dict[str, Any] = {
                "metrics": metrics,
                "count": count,
                "resamples": resamples,
                "cached": cache,
            }
            directions = evaluate_translations(model, real, form, features=networks, heads=heads, **keys)
            told = {"judged": _name(judged), "data": form.place, "split": form.split}
            return {**told, "shape": list(model.spec.shape), "ways": directions}
        samples = generated(model, real, count, seed)
        if look_by_class:
            classes = asked(model, count, seed)
    else:
        samples, classes = _pictures(str(judged), data, count)
        assert data is not None, "without data nothing is known of the pictures"
        form, own_seed = _formed(Data(source=source_of(data)), tuple(samples.shape[1:])), 0
        real = open_data(form)
    shape = tuple(samples.shape[1:])
    world, points = known_truth(form.source, shape, own_seed)
    measures = evaluate_samples(
        samples,
        reference(real, form, own_seed, cached=cache),
        features=networks,
        world=world,
        points=points,
        asked=classes,
        metrics=metrics,
        resamples=resamples,
    )
    return {"judged": _name(judged), "data": form.place, "seed": seed, "shape": list(shape), **measures}


def _name(judged: str | os.PathLike[str] | Model) -> str:
    if isinstance(judged, Model):
        return f"{judged.method.name} model"
    return os.fspath(judged)


def _model(judged: str | os.PathLike[str] | Model, device: str) -> Model | None:
    """The model that is judged; None where it is a folder of pictures."""
    if isinstance(judged, Model):
        return judged.to(device)
    folder = Path(judged)
    of_a_model = ("config.json", "model/config.json", "recipe.yaml")
    return load_model(folder, device=device) if any((folder / name).exists() for name in of_a_model) else None


def _form(model: Model, data: Sources | None) -> Data:
    """The data in the form of a model's samples: its own, or others, of whose labels nothing is known."""
    own = model.recipe.data
    if data is not None:
        condition = None if own.condition == LABEL else own.condition
        own = own.model_copy(update={"source": source_of(data), "count": None, "condition": condition})
    return _formed(own, model.spec.shape)


def _pictures(judged: str, data: Sources | None, count: int) -> tuple[Tensor, ClassConditionalSamples | None]:
    """The pictures in a folder that is judged; with their classes where it has some."""
    if not Path(judged).exists():
        raise FileNotFoundError(f"there is no run, model or folder of pictures {judged}")
    if data is None:
        raise ValueError(
            f"{judged} is neither a run nor a model, so nothing tells what its pictures should look like: "
            "name the data to compare with: --data PATH"
        )
    form = Data(source=judged, max_size=LARGEST)
    dataset = open_data(form)
    if not dataset.report.classes:
        return read_samples(dataset, count)[0], None
    samples, labels = read_samples(open_data(form.model_copy(update={"condition": LABEL})), count)
    return samples, ClassConditionalSamples(samples, torch.cat(labels), tuple(dataset.report.classes))


def _formed(data: Data, shape: tuple[int, ...]) -> Data:
    """The data brought into the form of samples of this shape."""
    if len(shape) != 3:
        return data
    return data.model_copy(update={"channels": shape[0], "size": shape[1:]})


def read_samples(dataset: Dataset, count: int) -> tuple[Tensor, list[Tensor]]:
    """At most `count` samples, evenly spread, and their conditions."""
    parts = torch.as_tensor(spread(len(dataset), count)).split(CHUNK)
    batches = [dataset.batch(part.tolist()) for part in parts]
    samples = torch.cat([real_samples(batch) for batch in batches])
    return samples, [batch.condition for batch in batches if isinstance(batch, Conditioned)]
