"""Every important GAN on one engine: train, resume, judge and use each by one command."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganarium.campaign import Campaign, Stage
    from ganarium.desk import Interrupted, Progress
    from ganarium.exporting import Exported, export
    from ganarium.game import Clock, Game, Turn, turn
    from ganarium.interop import import_network
    from ganarium.judge import evaluate, inspect
    from ganarium.lone import LoneNetwork
    from ganarium.model import Model, load
    from ganarium.pages import compare, report
    from ganarium.recipe import Average, Data, Method, Recipe
    from ganarium.run import Run, prepare, resume, train
    from ganarium.samples import save_samples
    from ganarium.translation import translate
    from ganarium.watch.doctor import Diagnosis, doctor

__version__ = "0.1.0"

_HOMES = {
    "Campaign": "campaign",
    "Stage": "campaign",
    "Clock": "game",
    "Game": "game",
    "Turn": "game",
    "turn": "game",
    "Exported": "exporting",
    "export": "exporting",
    "import_network": "interop",
    "LoneNetwork": "lone",
    "evaluate": "judge",
    "inspect": "judge",
    "Model": "model",
    "load": "model",
    "compare": "pages",
    "report": "pages",
    "Average": "recipe",
    "Data": "recipe",
    "Method": "recipe",
    "Recipe": "recipe",
    "Run": "run",
    "prepare": "run",
    "resume": "run",
    "train": "run",
    "save_samples": "samples",
    "translate": "translation",
    "Diagnosis": "watch.doctor",
    "doctor": "watch.doctor",
    "Interrupted": "desk",
    "Progress": "desk",
}

__all__ = [  # noqa: RUF022 - in the order in which one meets them
    "train",
    "prepare",
    "resume",
    "Run",
    "Progress",
    "Interrupted",
    "load",
    "Model",
    "import_network",
    "LoneNetwork",
    "save_samples",
    "translate",
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
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import ganarium` itself is instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ganarium' has no attribute {name!r}")
    return getattr(importlib.import_module(f"ganarium.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
