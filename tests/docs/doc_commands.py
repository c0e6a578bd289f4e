"""Runner of the commands on the pages; long ones are shortened so that each takes a second."""

import contextlib
import glob
import os
import runpy
import sys
import types
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from reading import ROOT
from torch.distributed.run import parse_args
from typer.testing import CliRunner

from ganarium.cli.app import app
from ganarium.common.text import leaves
from ganarium.data.conditions.table import CONDITIONS
from ganarium.data.modalities.table import MODALITIES
from ganarium.data.sources.densities import POINTS
from ganarium.methods.resolve import chosen_recipe
from ganarium.methods.table import METHODS, table
from ganarium.training import run as training_run
from small_runs import side_by_side

TINY = ["images=64", "batch_size=16", "device=cpu", "data.size=16", "data.count=64", "data.workers=0"]
LAB = {"rounds": 4, "looks": 2, "steps": 4, "deep_rounds": 2, "lessons_each": 4, "stages": [0, 2]}
"""Settings that make an experiment short, if it has them."""


def run(words: list[str], scripts: dict[str, str]) -> None:
    """Run a command line in the current folder.

    Raises:
        AssertionError: the command failed, or its program is unknown here.
    """
    match words[0]:
        case "ganarium":
            ganarium(words[1:])
        case "torchrun":
            torchrun(words[1:])
        case "python":
            script(words[1:])
        case "make":
            targets = (ROOT / "Makefile").read_text(encoding="utf-8")
            assert all(f"\n{target}:" in targets for target in words[1:]), words
        case "pip":
            assert words[:-1] == ["pip", "install", "-c", "constraints.txt"], words
            assert words[-1] in (".", ".[onnx]"), words
            assert (ROOT / "constraints.txt").exists()
        case "sbatch":
            assert words[-1] in scripts, f"{words[-1]} is not on the page"
        case _:
            raise AssertionError(f"unknown program in {' '.join(words)!r}")


def ganarium(words: list[str]) -> None:
    """Run a verb of the command line in this process."""
    words = [
        word.replace("/shared/", "shared/", 1) if word.startswith("/shared/") else word for word in words
    ]
    words = [each for word in words for each in (sorted(glob.glob(word)) if "*" in word else [word])]
    place = None
    if ">" in words:
        *words, _, place = words
    result = CliRunner().invoke(app, short(words), catch_exceptions=False)
    assert result.exit_code == 0, f"ganarium {' '.join(words)}\n{result.output}"
    if place is not None:
        Path(place).write_text(result.stdout, encoding="utf-8")


def short(words: list[str]) -> list[str]:
    """Return the same command, shortened to about a second."""
    verb, *rest = words
    if verb == "train":
        kept = [word for word in words if not word.startswith("epochs=")]
        tiny = tiny_keys(points=any(word in POINTS for word in rest))
        from_the_net = ["data.source=world"] if "--preset" in rest else []
        preset = rest[rest.index("--preset") + 1] if from_the_net else None
        parts = tiny_parts(rest[0], preset, [word for word in rest if "=" in word and word[0] != "-"])
        return [*kept, *tiny, *parts, *from_the_net]
    if verb == "resume":
        return [verb, *("images=96" if word.startswith("images=") else word for word in rest)]
    if verb == "lab" and rest and not rest[0].startswith("-"):
        from ganarium.common.schema import schema
        from ganarium.lab import EXPERIMENTS

        known = schema(EXPERIMENTS[rest[0]]).model_fields
        return [*words, *(f"{key}={value}" for key, value in LAB.items() if key in known)]
    if verb == "evaluate" and "--count" not in rest:
        return [*words, "--count", "12"]
    return words


def tiny_keys(*, points: bool) -> list[str]:
    """Return the settings of a run of a second; points have no size."""
    return [word for word in TINY if not points or word != "data.size=16"]


def tiny_parts(method: str, preset: str | None = None, given: Sequence[str] = ()) -> list[str]:
    """Return settings that make a method's networks tiny; those of a recipe file are tiny already.

    Settings that networks of another kind (of a preset or `given`) do not have are omitted.
    """
    tree = table()[method].tiny if method in table() else {}
    networks = leaves({"networks": tree.get("networks", {})}, ".")
    parts = [f"{path}={value}" for path, value in networks if not path.endswith(".kind")]
    parts = [part for part in parts if is_known(part, method, preset, given)]
    return [*parts, "data.labeled_samples=12"] if "labeled_samples" in tree.get("data", {}) else parts


def is_known(part: str, method: str, preset: str | None, given: Sequence[str]) -> bool:
    """Return True if the recipe has this key."""
    try:
        chosen_recipe(method, preset=preset, overrides=[*given, part])
    except ValueError as error:
        return "unknown key" not in str(error)
    return True


def torchrun(words: list[str]) -> None:
    """Run two processes on this machine, after checking the launcher's options."""
    options = parse_args(words)
    assert options.module
    assert options.training_script == "ganarium"
    outputs = side_by_side(lambda: ganarium(options.training_script_args), Path.cwd() / ".said", timeout=120)
    assert not any("Traceback" in text for text in outputs), outputs


def script(words: list[str]) -> None:
    """Run a Python file of the repository, or after -m a comparison of translators, shortened.

    For `benchmarks.real_pictures`, whose data are not available, only the options are parsed.
    """
    if words[:2] == ["-m", "benchmarks.real_pictures"]:
        runpy.run_path(str(ROOT / "benchmarks/real_pictures.py"))["options"](words[2:])
        return
    if words[0] == "-m":
        path, *arguments = words[1:]
        play = partial(runpy.run_module, path)
        arguments += ["--seeds", "0", "--images", "8", "--scenes", "4", "--device", "cpu"]
    else:
        path, *arguments = words
        play = partial(runpy.run_path, str(ROOT / path))
        arguments += ["images=256", "device=cpu"]
    before, paths, sys.argv = sys.argv, sys.path.copy(), [path, *arguments]
    sys.path.insert(0, str(ROOT))  # as Python does with its working folder
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            play(run_name="__main__")
    finally:
        sys.argv, sys.path[:] = before, paths


def program(code: str, monkeypatch) -> None:
    """Run a program of a page as a module; its trainings are as short as those of the command line.

    What it adds to the tables of methods, modalities and conditions is removed afterwards.
    """
    whole = chosen_recipe

    def chosen(method, *, overrides=(), **settings):
        networks = tiny_parts(method) if isinstance(method, str) else []
        source = whole(method, overrides=overrides, **settings).data.source
        tiny = tiny_keys(points=source in POINTS)
        return whole(method, overrides=[*overrides, *tiny, *networks], **settings)

    monkeypatch.setattr(training_run, "chosen_recipe", chosen)
    monkeypatch.syspath_prepend(str(ROOT))
    for registry in (METHODS, MODALITIES, CONDITIONS):
        monkeypatch.setattr(registry, "_added", dict(registry._added))
    module = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)
    exec(compile(code, "page", "exec"), module.__dict__)
