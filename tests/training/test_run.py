"""Runs as Python sees them: begun, iterated, changed, shown in TensorBoard."""

import subprocess
import sys
import threading

import pytest

import ganarium as gan
from ganarium import methods
from ganarium.methods.resolve import chosen_recipe
from ganarium.monitoring import tensorboard
from ganarium.recipes.presets import presets
from ganarium.training.run import Run, new_folder
from ganarium.training.trainer import Trainer
from small_runs import DUEL, LADDER, environment

SHORT = {"images": 128, "every": {"log": 32, "samples": 64, "checkpoint": 64}}


def test_training_returns_the_run(tmp_path):
    run = gan.train(DUEL, out=tmp_path / "run", **SHORT)
    assert [record["images"] for record in run.records] == [32, 64, 96, 128]
    assert run.grid.name == "000000000128.png"
    assert run.model().images == 128
    assert repr(run) == f"Run('{tmp_path / 'run'}', method='duel', images=128)"
    assert sorted(p.name for p in run.folder.iterdir()) == sorted(
        [
            ".lock",
            "checkpoints",
            "data.json",
            "data.png",
            "log.jsonl",
            "model",
            "recipe.yaml",
            "samples",
            "speed.jsonl",
        ]
    )


def test_iterating_plays(tmp_path):
    seen = list(gan.prepare(DUEL, out=tmp_path / "run", **SHORT))
    assert [(p.round, p.images) for p in seen] == [(2, 32), (4, 64), (6, 96), (8, 128)]
    assert {p.length for p in seen} == {128}
    assert set(seen[0].terms) == {"discriminator/judge", "generator/fool"}
    assert [p.samples.name for p in seen] == [f"{n:012d}.png" for n in (0, 64, 64, 128)]
    assert seen[0].seconds_left == pytest.approx(96 / seen[0].images_per_second)
    again = list(Run(tmp_path / "run"))
    assert [p.terms for p in again] == [p.terms for p in seen]


def test_in_a_thread_a_run_trains_without_signals(tmp_path):
    """A notebook or a web page plays runs in threads, where no signal can be caught."""
    thread = threading.Thread(target=gan.train, args=(DUEL,), kwargs={"out": tmp_path / "run", **SHORT})
    thread.start()
    thread.join(60)
    assert Run(tmp_path / "run").model().images == 128


def test_folders_are_numbered(tmp_path):
    assert new_folder("dcgan", tmp_path).name == "0001-dcgan"
    for name in ("0001-dcgan", "0009-gan", "0100x", "notes"):
        (tmp_path / name).mkdir()
    assert new_folder("gan", tmp_path).name == "0101-gan"


def test_a_method_of_ones_own_is_known_by_its_name(tmp_path):
    gan.train(DUEL, out=tmp_path / "run", **SHORT)
    assert methods.find("duel") is DUEL
    assert gan.load(tmp_path / "run").method is DUEL


def test_a_name_that_is_taken_is_refused():
    taken = gan.Method("dcgan", DUEL.game, DUEL.recipe, {})
    with pytest.raises(ValueError, match="'dcgan' is a built-in method"):
        gan.prepare(taken)


def test_a_run_of_a_method_that_this_process_does_not_know_says_what_to_do(tmp_path):
    gan.train(DUEL, out=tmp_path / "run", **SHORT)
    code = f"import ganarium as gan; gan.load({str(tmp_path / 'run')!r})"
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True
    ).stderr
    assert "there is no method 'duel'" in said
    assert "ganarium.methods.add" in said


def test_layers_of_a_recipe(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("method: dcgan\nimages: 1000\nbatch_size: 10\n")
    plan = chosen_recipe(file, data=tmp_path, changes={"batch_size": 20}, overrides=("batch_size=30",))
    assert (plan.images, plan.batch_size, plan.data.source) == (1000, 30, str(tmp_path))
    assert chosen_recipe(file, changes={"batch_size": 20}).batch_size == 20
    assert chosen_recipe({"method": "gan", "images": 5}).images == 5


def test_a_recipe_file_that_is_not_there_or_says_no_method(tmp_path):
    with pytest.raises(FileNotFoundError, match="no recipe file"):
        chosen_recipe(tmp_path / "none.yaml")
    file = tmp_path / "mine.yaml"
    file.write_text("images: 5\n")
    with pytest.raises(ValueError, match=r"mine.yaml: the key `method` is missing"):
        chosen_recipe(file)


def test_a_fault_in_a_recipe_file_names_the_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("method: dcgan\nimags: 5\n")
    with pytest.raises(ValueError, match=r"mine.yaml: unknown key imags.*Did you mean 'images'"):
        chosen_recipe(file)


def test_a_preset_that_is_not_there_names_those_that_are():
    dcgan = methods.find("dcgan")
    with pytest.raises(FileNotFoundError, match="dcgan has no preset 'mnst'; it has"):
        chosen_recipe("dcgan", preset="mnst")
    for name in presets(dcgan):
        assert chosen_recipe("dcgan", preset=name).method == "dcgan"


def test_an_estimate_before_the_start(tmp_path):
    trainer = Trainer(gan.prepare(DUEL, out=tmp_path / "run", **SHORT).recipe, tmp_path / "run")
    estimate = trainer.estimate()
    assert estimate.seconds > 0
    assert estimate.memory_mib > 10
    assert estimate.parameters == {"generator": 2 * 8 + 16 + 18, "discriminator": 24 + 9}
    assert not (tmp_path / "run").exists()


def test_devices_and_optimizers_that_cannot_be_are_told(tmp_path):
    with pytest.raises(ValueError, match=r"device=warp .*try device=cpu"):
        gan.train(DUEL, out=tmp_path / "run", device="warp")
    with pytest.raises(
        ValueError, match=r"differ in critic; the players of duel are generator, discriminator"
    ):
        gan.train(DUEL, out=tmp_path / "run", optimizers={"critic": {"lr": 1e-3}})


# -- TensorBoard ---------------------------------------------------------------------------------------


def events(folder):
    """Steps and values of each scalar, and the steps of the sheets, as TensorBoard reads them."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    board = reader.EventAccumulator(str(folder / "tensorboard"), size_guidance={"images": 0, "scalars": 0})
    board.Reload()
    scalars = {tag: [(e.step, e.value) for e in board.Scalars(tag)] for tag in board.Tags()["scalars"]}
    return scalars, [e.step for e in board.Images("samples")]


@pytest.mark.parametrize(("method", "drawn"), [(DUEL, [0, 64, 128]), (LADDER, [0, 32, 64, 128])])
def test_tensorboard_shows_the_log_and_the_sheets(tmp_path, method, drawn):
    run = gan.train(method, out=tmp_path / "run", tensorboard=True, **SHORT)
    scalars, sheets = events(run.folder)
    for name in ("discriminator/judge", "generator/fool"):
        shown = [(r["images"], pytest.approx(r["terms"][name])) for r in run.records]
        assert scalars[name] == shown
    rates = [(r["images"], pytest.approx(r["rates"]["generator"])) for r in run.records]
    assert scalars["learning rate/generator"] == rates
    assert sheets == drawn


def test_tensorboard_forgets_what_a_resumed_run_plays_again(tmp_path, monkeypatch):
    """Ended without saving at 96, it goes on from 64: the line at 96 is not shown twice."""
    run = gan.prepare(DUEL, out=tmp_path / "run", tensorboard=True, **SHORT)
    with monkeypatch.context() as patch:
        patch.setattr("ganarium.training.loop.TrainingLoop._yielded", _dying_at_96)
        with pytest.raises(ZeroDivisionError):
            run.finish()
    run = gan.resume(run.folder)
    scalars, sheets = events(run.folder)
    shown = [(r["images"], pytest.approx(r["terms"]["generator/fool"])) for r in run.records]
    assert scalars["generator/fool"] == shown
    assert [step for step, _ in shown] == [32, 64, 96, 128]
    assert sheets == [0, 64, 128]


def _dying_at_96(loop, progress):
    yield progress
    if progress.images == 96:
        raise ZeroDivisionError


def test_without_tensorboard_the_error_names_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'ganarium\[tensorboard\]'"):
        gan.train(DUEL, out=tmp_path / "run", tensorboard=True, **SHORT)
    assert not (tmp_path / "run").exists()


def test_without_the_key_nothing_of_it_is_imported(tmp_path):
    code = (
        "import small_runs, sys; from ganarium.training.run import prepare; small_runs.known(); "
        f"prepare('duel', out={str(tmp_path / 'run')!r}, images=32).finish(); "
        "print([m for m in sys.modules if m.startswith('tensorboard')])"
    )
    said = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert said.stdout == "[]\n", said.stderr
