"""A run that stopped and went on leaves the same bytes as one that never stopped."""

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

import ganarium as gan
from ganarium import methods
from ganarium.recipes.resolve import TINY, resolve
from ganarium.training.checkpoint import Checkpoints
from ganarium.training.run import Run
from ganarium.training.trainer import Trainer
from small_runs import (
    DUEL,
    LADDER,
    assert_same,
    differing,
    ended,
    finished,
    forked,
    newest,
    spawn,
)

SHORT = {"images": 64, "batch_size": 8, "device": "cpu", "every": {"log": 16}, "game": {"noise_dim": 4}}
FIVE = ("gan", "dcgan", "wgan-gp", "sngan", "cgan")


def begun(method, folder, lines, **changes):
    """A run that was iterated for so many lines of its log, and left."""
    for _ in itertools.islice(gan.prepare(method, out=folder, **changes), lines):
        pass
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Uninterrupted runs, each played once."""
    parent, runs = tmp_path_factory.mktemp("whole"), {}

    def run(method, **changes):
        key = f"{method.name}{changes}"
        if key not in runs:
            runs[key] = gan.train(method, out=parent / str(len(runs)), **changes).folder
        return runs[key]

    return run


@pytest.mark.parametrize("lines", [1, 2, 7, 19])
def test_a_run_left_while_iterating_goes_on_bit_equal(tmp_path, whole, lines):
    run = begun(DUEL, tmp_path / "run", lines)
    assert newest(run)["images"] == 32 * lines
    gan.resume(run)
    assert_same(run, whole(DUEL))


def test_left_and_taken_up_at_every_line(tmp_path, whole):
    run = gan.prepare(DUEL, out=tmp_path / "run")
    for lines in range(1, 21):
        images = [progress.images for progress in itertools.islice(run, lines)]
        assert images == list(range(32, 32 * lines + 1, 32)), "first the log so far, then one new line"
    assert_same(run.folder, whole(DUEL))


def test_a_pool_goes_on_with_its_history(tmp_path, whole):
    pooled = {"game": {"pool": 24}}
    run = begun(DUEL, tmp_path / "run", 6, **pooled)
    history = newest(run)["per_process_state"][0]["pool._extra_state"]
    assert history.shape == (24, 2)
    gan.resume(run)
    assert_same(run, whole(DUEL, **pooled))


def test_a_resumed_run_would_differ_if_the_pool_were_lost(tmp_path, whole, monkeypatch):
    monkeypatch.setattr(
        "ganarium.training.trainer.set_per_process_state", lambda game, gathered: game.pool.history.zero_()
    )
    run = begun(DUEL, tmp_path / "run", 6, game={"pool": 24})
    gan.resume(run)
    assert differing(newest(run)["engine"], newest(whole(DUEL, game={"pool": 24}))["engine"])


def test_in_a_new_process(tmp_path, whole):
    run = begun(DUEL, tmp_path / "run", 5)
    finished(spawn("resume", run))
    assert_same(run, whole(DUEL))


@pytest.mark.parametrize("keys", [{"accumulate": 2}, {"precision": "bfloat16"}, {"data": {"workers": 2}}])
def test_however_it_is_played(tmp_path, whole, keys):
    run = begun(DUEL, tmp_path / "run", 3, **keys)
    gan.resume(run)
    assert_same(run, whole(DUEL, **keys))


@pytest.mark.parametrize("name", FIVE)
def test_each_method(tmp_path, name):
    method = methods.find(name)
    every = {"log": 8, "samples": 32, "checkpoint": 16}
    plan = resolve(method, TINY, method.tiny, {"device": "cpu", "every": every})
    whole = Run(tmp_path / "whole", recipe=plan).finish()
    for _ in itertools.islice(Run(tmp_path / "part", recipe=plan).play(), 3):
        pass
    gan.resume(tmp_path / "part")
    assert_same(tmp_path / "part", whole.folder)


def test_a_finished_run_has_nothing_to_do(tmp_path, whole):
    run = Path(shutil.copytree(whole(DUEL), tmp_path / "run"))
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in run.rglob("*") if p.is_file()}
    gan.resume(run)
    gan.resume(run, optimizers={"generator": {"lr": 0.5}})
    kept = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in before if p.name != ".lock"}
    assert kept == {p: value for p, value in before.items() if p.name != ".lock"}


def test_a_longer_run_follows_the_longer_schedule(tmp_path, whole):
    run = begun(DUEL, tmp_path / "run", 5)  # a quarter; the rate begins to fall at a half
    gan.resume(run, images=1280)
    assert newest(run)["images"] == 1280
    rates = {record["images"]: record["rates"]["generator"] for record in Run(run).records}
    assert rates[640] == 1e-3
    assert rates[960] == pytest.approx(1e-3 * (1 - (944 / 1280 - 0.5) / 0.5))
    assert Run(run).recipe.images == 1280
    assert_same(run, whole(DUEL, images=1280))


def test_a_finished_run_can_be_made_longer(tmp_path):
    run = gan.train(DUEL, out=tmp_path / "run", images=320)
    longer = gan.resume(run.folder, images=640)
    assert [record["images"] for record in longer.records] == list(range(32, 641, 32))


def test_a_changed_rate_takes_effect(tmp_path, whole):
    run = begun(DUEL, tmp_path / "run", 5)
    gan.resume(run, optimizers={"generator": {"lr": 5e-3}})
    rates = [record["rates"] for record in Run(run).records]
    assert [rate["generator"] for rate in rates[:10]] == [1e-3] * 5 + [5e-3] * 5
    assert {rate["discriminator"] for rate in rates[:10]} == {1e-3}
    assert Run(run).recipe.optimizers["generator"]["lr"] == 5e-3
    assert differing(newest(run)["engine"]["game"], newest(whole(DUEL))["engine"]["game"])


def refused(run, match, **changes):
    """Going on like this is refused, and changes nothing: going on as it was gives the same run."""
    before = (run / "recipe.yaml").read_bytes(), (run / "log.jsonl").read_bytes()
    with pytest.raises(ValueError, match=match):
        gan.resume(run, **changes)
    assert before == ((run / "recipe.yaml").read_bytes(), (run / "log.jsonl").read_bytes())


def test_what_cannot_change_is_refused_by_key(tmp_path, whole):
    run = begun(DUEL, tmp_path / "run", 5)
    refused(run, r"networks.generator.width was 8, now 9", networks={"generator": {"width": 9}})
    refused(
        run,
        r"optimizers.generator.kind was 'adam', now 'rmsprop'",
        optimizers={"generator": {"kind": "rmsprop"}},
    )
    refused(run, r"averages was \['generator'\]", averages={"discriminator": {"half_life_kimg": 1}})
    refused(run, r"the data have changed.*data.source, data.size", data={"source": "world", "size": 16})
    refused(run, r"images: .*given was 'many'", images="many")
    refused(run, r"unknown key imags.*Did you mean 'images'", imags=5)
    gan.resume(run)
    assert_same(run, whole(DUEL))


def test_weights_of_another_shape_are_refused_in_words(tmp_path):
    tiny = {"images": 64, "batch_size": 8, "data": {"source": "ring", "count": 64, "workers": 0}}
    run = begun("gan", tmp_path / "run", 30, device="cpu", **tiny)
    refused(run, "does not fit the recipe any more", game={"noise_dim": 5})


def test_data_that_moved_are_given_again(tmp_path):
    """By their new place alone; all else stays as the recipe says."""
    arrays = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    old, new = tmp_path / "old.npz", tmp_path / "new.npz"
    np.savez(old, images=arrays)
    run = begun("gan", tmp_path / "run", 1, data=old, **SHORT)
    old.rename(new)
    with pytest.raises(FileNotFoundError, match=r"data\.source=.*old\.npz"):
        gan.resume(run)
    assert gan.resume(run, data=new).recipe.data.source == str(new)


def test_data_that_grew_are_told(tmp_path):
    run, said = begun(DUEL, tmp_path / "run", 5), []
    gan.resume(run, data={"count": 300}, notify=said.append)
    assert any("had 200 samples" in line and "now 300" in line for line in said)


def test_a_recipe_of_another_version(tmp_path):
    run = begun(DUEL, tmp_path / "run", 1)
    file = run / "recipe.yaml"
    tree = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**tree, "version": 7}))
    with pytest.raises(ValueError, match=r"recipe.yaml.*version 7.*reads version 2"):
        gan.resume(run)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is no run: it has no recipe.yaml"):
        gan.resume(tmp_path / "nowhere")


def test_a_run_of_an_unknown_method_says_so(tmp_path):
    run = begun(DUEL, tmp_path / "run", 1)
    file = run / "recipe.yaml"
    file.write_text(file.read_text().replace("method: duel", "method: duet"))
    with pytest.raises(ValueError, match=r"no method 'duet'. Did you mean 'duel'"):
        gan.resume(run)


def test_a_run_is_not_written_over(tmp_path):
    run = begun(DUEL, tmp_path / "run", 1)
    with pytest.raises(FileExistsError, match="there is a run"):
        gan.train(DUEL, out=run)


def test_a_run_that_never_began_leaves_the_folder_free(tmp_path):
    with pytest.raises(FileNotFoundError):
        gan.train("dcgan", data=tmp_path / "missing", out=tmp_path / "run")
    gan.train(DUEL, out=tmp_path / "run", images=32)


def test_epochs_are_images(tmp_path):
    run = begun(DUEL, tmp_path / "run", 4, epochs=1.6)
    assert gan.resume(run).recipe.images == 320 == newest(run)["images"]
    assert gan.resume(run, epochs=2).recipe.images == 400
    assert gan.resume(run, images=480).recipe.images == 480


def test_every_checkpoint_is_a_whole_one(tmp_path, whole):
    run = gan.train(DUEL, out=tmp_path / "run", keep_checkpoints=10).folder
    for path in Checkpoints(run / "checkpoints").paths()[:-1]:
        part = tmp_path / path.stem
        shutil.copytree(run, part)
        for later in Checkpoints(part / "checkpoints").paths():
            if later.name > path.name:
                later.unlink()
        gan.resume(part)
        assert differing(newest(part), newest(run)) == []
        assert (part / "log.jsonl").read_bytes() == (run / "log.jsonl").read_bytes()


@pytest.mark.parametrize("lines", [1, 5, 8, 12, 19])
def test_a_campaign_left_in_or_between_stages(tmp_path, whole, lines):
    run = begun(LADDER, tmp_path / "run", lines)
    gan.resume(run)
    assert_same(run, whole(LADDER))


def test_a_campaign_made_longer_keeps_what_is_finished(tmp_path):
    run = begun(LADDER, tmp_path / "run", 8)  # in the second stage
    stages = [record["stage"] for record in gan.resume(run, images=1280).records]
    assert stages == ["step 0/3"] * 5 + ["step 1/3"] * 10 + ["step 2/3"] * 20


@pytest.mark.slow
def test_forks_do_not_change_the_numbers(tmp_path, whole):
    """The kills of the other tests happen in forked processes; a new one gives the same run."""
    child = forked(lambda: gan.train(DUEL, out=tmp_path / "forked"))
    assert ended(child) == 0
    finished(spawn("train", "duel", tmp_path / "new"))
    for run in ("forked", "new"):
        assert_same(tmp_path / run, whole(DUEL))


def test_a_run_is_prepared_without_being_played(tmp_path):
    run = gan.prepare(DUEL, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert isinstance(run.trainer(), Trainer)
    assert not (tmp_path / "run").exists()
