"""Every important GAN on one engine: train, resume, evaluate and use each by one command."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganarium.core.campaign import Campaign, Stage
    from ganarium.core.game import Clock, Game, Turn, turn
    from ganarium.data.batches import Conditioned
    from ganarium.data.conditions.base import Condition, SampleCondition
    from ganarium.data.conditions.derived import Derived
    from ganarium.data.conditions.table import CONDITIONS
    from ganarium.data.kinds import Kind
    from ganarium.data.modalities.base import Header, Modality
    from ganarium.data.modalities.table import MODALITIES
    from ganarium.data.rows import Rows
    from ganarium.data.settings import Data
    from ganarium.data.spec import DataSpec
    from ganarium.evaluation.evaluate import evaluate
    from ganarium.evaluation.inspect import inspect
    from ganarium.exporting import Exported, export
    from ganarium.inference.apply import apply
    from ganarium.inference.classify import classify
    from ganarium.inference.samples import save_samples
    from ganarium.inference.translate import translate
    from ganarium.interop import import_network
    from ganarium.models.loading import load
    from ganarium.models.model import Model
    from ganarium.models.network import NetworkModel
    from ganarium.monitoring.doctor import Diagnosis, doctor
    from ganarium.recipes.method import Method
    from ganarium.recipes.recipe import Average, Recipe
    from ganarium.reports import compare, report
    from ganarium.tasks.base import Case, Input, Output, Task, Variant
    from ganarium.tasks.classify import Classify
    from ganarium.tasks.generate import Generate
    from ganarium.tasks.latents import Latent
    from ganarium.tasks.translate import Translate
    from ganarium.tasks.windows import Sizes
    from ganarium.training.loop import Progress, TrainingInterrupted
    from ganarium.training.run import Run, prepare, resume, train

__version__ = "0.1.0"

_HOMES = {
    "Campaign": "core.campaign",
    "Stage": "core.campaign",
    "Clock": "core.game",
    "Game": "core.game",
    "Turn": "core.game",
    "turn": "core.game",
    "Exported": "exporting",
    "export": "exporting",
    "import_network": "interop",
    "NetworkModel": "models.network",
    "evaluate": "evaluation.evaluate",
    "inspect": "evaluation.inspect",
    "Model": "models.model",
    "load": "models.loading",
    "compare": "reports",
    "report": "reports",
    "Average": "recipes.recipe",
    "Data": "data.settings",
    "Method": "recipes.method",
    "Recipe": "recipes.recipe",
    "Run": "training.run",
    "prepare": "training.run",
    "resume": "training.run",
    "train": "training.run",
    "save_samples": "inference.samples",
    "translate": "inference.translate",
    "classify": "inference.classify",
    "apply": "inference.apply",
    "Task": "tasks.base",
    "Input": "tasks.base",
    "Output": "tasks.base",
    "Variant": "tasks.base",
    "Case": "tasks.base",
    "Sizes": "tasks.windows",
    "Latent": "tasks.latents",
    "Generate": "tasks.generate",
    "Translate": "tasks.translate",
    "Classify": "tasks.classify",
    "Kind": "data.kinds",
    "Modality": "data.modalities.base",
    "MODALITIES": "data.modalities.table",
    "Header": "data.modalities.base",
    "Condition": "data.conditions.base",
    "SampleCondition": "data.conditions.base",
    "Derived": "data.conditions.derived",
    "CONDITIONS": "data.conditions.table",
    "Conditioned": "data.batches",
    "Rows": "data.rows",
    "DataSpec": "data.spec",
    "Diagnosis": "monitoring.doctor",
    "doctor": "monitoring.doctor",
    "TrainingInterrupted": "training.loop",
    "Progress": "training.loop",
}

__all__ = [  # noqa: RUF022 - in the order in which users meet them
    "train",
    "prepare",
    "resume",
    "Run",
    "Progress",
    "TrainingInterrupted",
    "load",
    "Model",
    "import_network",
    "NetworkModel",
    "save_samples",
    "translate",
    "classify",
    "apply",
    "export",
    "Exported",
    "evaluate",
    "inspect",
    "doctor",
    "Diagnosis",
    "report",
    "compare",
    "Method",
    "Recipe",
    "Data",
    "Average",
    "Game",
    "Turn",
    "turn",
    "Clock",
    "Campaign",
    "Stage",
    "Task",
    "Input",
    "Output",
    "Variant",
    "Case",
    "Sizes",
    "Generate",
    "Translate",
    "Classify",
    "Latent",
    "Kind",
    "Modality",
    "MODALITIES",
    "Header",
    "Condition",
    "SampleCondition",
    "Derived",
    "CONDITIONS",
    "Conditioned",
    "Rows",
    "DataSpec",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import ganarium` is instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ganarium' has no attribute {name!r}")
    return getattr(importlib.import_module(f"ganarium.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
