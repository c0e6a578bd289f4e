"""Evaluate a model, or a folder of samples, beside data."""

import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganarium.common.files import write_text
from ganarium.data.batches import real_samples
from ganarium.data.conditions.label import Label
from ganarium.data.dataset import Dataset, open_data
from ganarium.data.modalities.base import Modality
from ganarium.data.order import spread
from ganarium.data.settings import Data
from ganarium.evaluation.cases import classes_of, contexts, known_truth, real_data, trials_of
from ganarium.evaluation.measure import check_resamples, fewest, tree_of
from ganarium.metrics.base import ClassConditionalSamples, Context, Offers
from ganarium.metrics.features import load_features
from ganarium.metrics.lpips import load_heads
from ganarium.metrics.reference import reference
from ganarium.metrics.table import METRICS, chosen_metrics
from ganarium.models.loading import load
from ganarium.models.model import Model
from ganarium.models.trained import Trained
from ganarium.recipes.sources import source_name

MAX_SIZE = 256
"""Longest side, in pixels, that images of a folder keep; features are computed on smaller ones still."""
RESULT = "evaluation.json"
"""File in a run's folder with its newest evaluation."""
_AT_A_TIME = 64


def evaluate(
    judged: str | os.PathLike[str] | Model,
    *,
    data: Any = None,
    features: str | Path | Sequence[str | Path] | None = None,
    lpips: str | Path | None = None,
    metrics: Sequence[str] | None = None,
    count: int = 1000,
    seed: int = 0,
    resamples: int = 100,
    cache: bool = True,
    device: str = "cpu",
) -> dict[str, Any]:
    """Evaluate a model, or a folder of samples, beside data; see `ganarium.evaluation.measure.measured`.

    A model is compared with the data that it was trained on unless `data` names others. Conditions come
    from the data; labels of other data are not used: the model then generates every class in turn, as it
    does for `class_accuracy`. Images of the built-in world are scored by the world, without a file. Folders
    with one sub-folder a class hold samples that were asked for by class.

    A model that translates is given samples that the data hold back from training, all where nothing is
    held back, and is evaluated in each of its directions.

    The result of a run's folder is also written to `evaluation.json` there.

    Args:
        judged: folder of a run or of a model (the best one of a run is `RUN/model-best`), a Run or a Model;
            or a folder or file of samples.
        data: the real samples as for training, one source or several, or an array; they are brought into the
            format of the judged.
        features: files of pretrained networks on whose features images are compared; one, or several.
        lpips: file of the linear heads of LPIPS, for one of these networks; for models trained on pairs.
        metrics: names of metrics, such as `fid` and `kid`; all that apply if None.
        count: number of samples; up to 10,000 real ones are compared with.
        seed: seed of the latents.
        resamples: number of half-samples from which the 95 % intervals follow; 0 for none.
        cache: keep what the networks say of the real samples on disk, under `GANARIUM_CACHE`, else
            `~/.cache/ganarium`, and look for it there.
        device: device of the model and the networks.

    Returns:
        A tree of plain values: `judged`, `data`, `seed`, `shape` of one sample, and what `measured` returns.
        Of a model that translates there are `split`, the part of the data that it was given, instead of
        `seed`, and under `directions`, by their names, what `measured` returns of each.

    Raises:
        FileNotFoundError: there is no model, folder, data or file of features.
        ValueError: nothing can be measured; the message says what to give.
    """
    result = result_of(
        judged,
        data=data,
        features=features,
        lpips=lpips,
        metrics=metrics,
        count=count,
        seed=seed,
        resamples=resamples,
        cache=cache,
        device=device,
    )
    try:
        save_result(judged, result)
    except OSError as error:
        warnings.warn(f"the result was not written: {error}", stacklevel=2)
    return result


def save_result(judged: str | os.PathLike[str] | Model, result: dict[str, Any]) -> None:
    """Write the result of a run's folder there; nothing for a model or a folder of samples."""
    if not isinstance(judged, Model) and (Path(judged) / "recipe.yaml").is_file():
        write_text(Path(judged) / RESULT, json.dumps(result, indent=1) + "\n")


def result_of(
    judged: str | os.PathLike[str] | Model,
    *,
    data: Any,
    features: str | Path | Sequence[str | Path] | None,
    lpips: str | Path | None,
    metrics: Sequence[str] | None,
    count: int,
    seed: int,
    resamples: int,
    cache: bool,
    device: str,
) -> dict[str, Any]:
    """Return what `evaluate` does; write nothing."""
    if count < 1:
        raise ValueError(f"count is {count}; it must be at least 1")
    check_resamples(resamples)
    files = [features] if isinstance(features, str | Path) else features or ()
    given: dict[str, Any] = {
        "networks": [load_features(file).to(device) for file in files],
        "heads": None if lpips is None else load_heads(lpips),
        "resamples": resamples,
    }
    model = _model(judged, device)
    if model is None:
        cases, about = _cases_of_folder(str(judged), data, count, cached=cache, **given)
    else:
        cases, about = _cases_of_model(model, data, cached=cache, count=count, seed=seed, **given)
    offers = [each.offers for each in cases.values()]
    _check_heads(offers)
    chosen = chosen_metrics(metrics, offers, fewest(cases.values()))
    name = f"{judged.provenance.what} model" if isinstance(judged, Model) else os.fspath(judged)
    origin = {} if "split" in about else {"seed": seed}
    shape = {"shape": list(offers[0].shape)}
    return {"judged": name, **about, **origin, **shape, **tree_of(cases, chosen)}


def _model(judged: str | os.PathLike[str] | Model, device: str) -> Model | None:
    """Return the model to evaluate; None if it is a folder of samples."""
    if isinstance(judged, Model):
        return judged.to(device)
    folder = Path(judged)
    of_a_model = ("config.json", "model/config.json", "recipe.yaml")
    return load(folder, device=device) if any((folder / name).exists() for name in of_a_model) else None


def _cases_of_model(
    model: Model, data: Any, *, cached: bool, **settings: Any
) -> tuple[dict[str, Context], dict[str, Any]]:
    """Return the contexts of a model, and what is to be said of the data."""
    if not isinstance(model.provenance, Trained):
        raise ValueError(
            f"this {model.provenance.what} was imported, so that nothing is known of the data that it was "
            "trained on: only models that were trained here can be evaluated"
        )
    generated = all(trial.generated for trial in trials_of(model)[1])
    form = model.provenance.recipe.data
    if data is not None:
        condition = None if generated and classes_of(model.spec) else form.condition
        form = form.model_copy(update={"source": source_name(data), "count": None, "condition": condition})
    form = _in_format(form, model.spec.modality, model.spec.shape)
    try:
        real = real_data(model, form, model.provenance.recipe.seed, cached=cached)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}; name the data to compare with: --data PATH") from None
    about = {"data": form.place} | ({} if generated else {"split": real.data.split})
    return contexts(model, real, **settings), about


def _cases_of_folder(
    judged: str, data: Any, count: int, *, cached: bool, **settings: Any
) -> tuple[dict[str, Context], dict[str, Any]]:
    """Return the context of the samples in a folder, with their classes if it has some."""
    if not Path(judged).exists():
        raise FileNotFoundError(f"there is no run, model or folder of samples {judged}")
    if data is None:
        raise ValueError(
            f"{judged} is neither a run nor a model, so that nothing is known of what its samples should "
            "look like: name the data to compare with: --data PATH"
        )
    form = Data(source=judged, max_size=MAX_SIZE)
    dataset = open_data(form)
    names = tuple(dataset.report.classes)
    if names:
        dataset = open_data(form.model_copy(update={"condition": Label.name}))
    samples, labels = read_samples(dataset, count)
    real = _in_format(Data(source=source_name(data)), dataset.modality, dataset.spec.shape)
    things: dict[str, Any] = {
        "samples": samples,
        "reference": reference(open_data(real), real, 0, cached=cached),
        "generated": True,
        **known_truth(real.source, dataset.spec.shape, 0),
    }
    if labels is not None:
        things["labels"] = ClassConditionalSamples(samples, labels, names)
    context = Context(
        things,
        modality=dataset.modality,
        shape=dataset.spec.shape,
        count=len(samples),
        classes=len(names),
        **settings,
    )
    return {"": context}, {"data": real.place}


def _in_format(data: Data, modality: Modality, shape: tuple[int, ...]) -> Data:
    """Return settings of data that bring them into the format of samples of this shape."""
    if not modality.windowed:
        return data
    return data.model_copy(update={"channels": shape[0], "size": shape[1:]})


def read_samples(dataset: Dataset, count: int) -> tuple[Tensor, Tensor | None]:
    """Return at most `count` samples, evenly spread, and their class labels, if the data have them."""
    samples, labels = [], []
    for part in torch.as_tensor(spread(len(dataset), count)).split(_AT_A_TIME):
        batch = dataset.batch(part.tolist())
        samples.append(real_samples(batch))
        if dataset.condition and dataset.condition.is_label:
            labels.append(dataset.condition.values(batch, len(part)))
    return torch.cat(samples), torch.cat([each for each in labels if each is not None]) if labels else None


def _check_heads(offers: Sequence[Offers]) -> None:
    """Raise ValueError if there are heads of LPIPS that cannot be used."""
    needs = [METRICS["lpips"].applies(each) for each in offers]
    if offers[0].heads is not None and None not in needs:
        given = ", ".join(network.name for network in offers[0].networks) or "none"
        raise ValueError(f"--lpips: lpips needs {needs[0]}; given as --features: {given}")
