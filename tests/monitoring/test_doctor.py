"""Doctor on twelve runs, six of which fail in known ways; and on logs written by hand."""

import functools
import itertools
import json

import pytest
import yaml
from diagnosed_runs import FAILING, RUNS, modes, trained

import ganarium as gan
from command_line import done, refused
from ganarium.monitoring.doctor import diagnose, words
from ganarium.monitoring.log import FAILURE, NonFiniteError
from small_runs import DUEL

UNSEEN = (20, 21, 22)
"""Seeds that were not used to set thresholds; those were 10, 11 and 12."""


@pytest.fixture(scope="session")
def diagnosed(tmp_path_factory):
    """Return a function that trains a run by its name once; its messages are in `messages`."""

    @functools.cache
    def run(name, seed=UNSEEN[0]):
        messages = []
        result = trained(name, tmp_path_factory.mktemp("run"), seed, notify=messages.append)
        result.messages = messages
        return result

    return run


def errors(run):
    """Return the diagnosed errors by name."""
    return {each.name: each for each in gan.doctor(run) if each.severity == "error"}


def assert_right(name, run):
    expected, found = RUNS[name], errors(run)
    if not expected.diagnosis:
        assert found == {}
        return
    assert expected.diagnosis in found, found
    diagnosis = found[expected.diagnosis]
    assert diagnosis.remedy.startswith(expected.remedy)
    start, end = diagnosis.images
    assert 0 < start < end == run.recipe.images


@pytest.mark.parametrize("name", RUNS)
def test_each_of_the_twelve(name, diagnosed):
    assert_right(name, diagnosed(name))


@pytest.mark.slow
@pytest.mark.parametrize("seed", UNSEEN[1:])
@pytest.mark.parametrize("name", RUNS)
def test_each_of_the_twelve_from_any_seed(name, seed, diagnosed):
    assert_right(name, diagnosed(name, seed))


def test_a_learning_run_covers_the_ring_and_a_collapsed_one_does_not(diagnosed):
    assert modes(diagnosed("non-saturating")) >= 6
    assert modes(diagnosed("a generator fifty times as fast")) <= 1


def trained_with_remedy(name, run, folder, *more):
    """Train the same run with the doctor's remedy as an override."""
    remedy = errors(run)[FAILING[name].diagnosis].remedy.partition(" (")[0]
    return trained(name, folder, run.recipe.seed, overrides=[remedy, *more])


def assert_improved(changed, run):
    """Assert that the samples come near the data, and did not without the remedy."""
    assert errors(changed) == {}
    before, after = (each.records[-1]["samples"]["energy_distance"] for each in (run, changed))
    assert after < 0.1 < 0.2 < before


def test_the_remedy_helps(diagnosed, tmp_path):
    run = diagnosed("a generator with tiny steps")
    assert_improved(trained_with_remedy("a generator with tiny steps", run, tmp_path), run)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "longer"),
    [
        ("a discriminator fifty times as fast", ["images=18_000"]),  # both are slow now
        ("a generator fifty times as fast", []),
        ("a learning rate of ten", []),
    ],
)
def test_other_remedies_help(name, longer, diagnosed, tmp_path):
    run = diagnosed(name)
    assert_improved(trained_with_remedy(name, run, tmp_path, *longer), run)


@pytest.mark.slow
def test_without_saturation_the_gradient_does_not_vanish(diagnosed, tmp_path):
    run = diagnosed("saturated")
    assert "gradient dies" not in errors(trained_with_remedy("saturated", run, tmp_path))


def test_diagnoses_are_printed_when_they_are_new_and_at_the_end(diagnosed):
    lines = [
        line for line in diagnosed("a generator with tiny steps").messages if line.startswith("doctor: ")
    ]
    balance = [line for line in lines if "learning rates out of balance (error" in line]
    assert len(balance) == 2, "when it is new, and at the end"
    assert "to 26,880)" in balance[0], "as soon as the log is long enough"
    messages = diagnosed("hinge").messages
    assert [line for line in messages if "doctor" in line] == ["doctor: nothing wrong seen"]


# -- logs written by hand ------------------------------------------------------------------------------


RECIPE = {
    "game": {"objective": "non-saturating", "penalty": "none"},
    "optimizers": {
        "generator": {"kind": "adam", "lr": 2e-4},
        "discriminator": {"kind": "adam", "lr": 2e-4},
    },
    "data": {"source": "photos"},
}


def learning(at):
    """Return the record of a run that learns, after the share `at` of the run."""
    return {
        "round": round(600 * at),
        "images": round(6000 * at),
        "terms": {"generator/adversarial": 0.7, "discriminator/adversarial": 1.3},
        "players": {
            "generator": {"gradient_norm": 1.0, "relative_update": 2e-3},
            "discriminator": {"gradient_norm": 0.5, "relative_update": 2e-3},
        },
        "samples": {"energy_distance": 0.4 * (1 - at), "effective_samples": 40.0, "discriminator_auc": 0.8},
        "data": {"samples": 20_000, "duplicates_per_sample": 1.0, "effective_samples": 60.0},
    }


def written(change=lambda record, at: None, lines=60):
    records = []
    for number in range(1, lines + 1):
        record = learning(number / lines)
        change(record, number / lines)
        records.append(record)
    return records


def found(change=lambda record, at: None, lines=60, recipe=RECIPE, error=""):
    return {each.name: each for each in diagnose(recipe, written(change, lines), error)}


def setting(path, value):
    """Return a change of one entry; the value may be a function of the share of the run."""
    *keys, last = path.split(".")

    def change(record, at):
        for key in keys:
            record = record[key]
        record[last] = value(at) if callable(value) else value

    return change


def both(*changes):
    def change(record, at):
        for each in changes:
            each(record, at)

    return change


FAR_OFF = setting("samples.energy_distance", 0.4)
SWELLING = both(
    setting("players.discriminator.gradient_norm", lambda at: 100 ** (2 * at)),
    setting("terms.discriminator/adversarial", lambda at: -(100 ** (2 * at))),
)


def test_a_run_that_learns_has_nothing():
    assert found() == {}
    assert words([]) == ["doctor: nothing wrong seen"]


@pytest.mark.parametrize(
    ("change", "name", "severity", "remedy"),
    [
        (
            both(FAR_OFF, setting("samples.discriminator_auc", 0.99)),
            "discriminator has won",
            "error",
            "half the current value",
        ),
        (
            both(FAR_OFF, setting("samples.discriminator_auc", 0.5)),
            "discriminator too weak",
            "error",
            "2 times the current value",
        ),
        (both(FAR_OFF), "samples stay far from the data", "warning", ""),
        (
            both(FAR_OFF, setting("samples.effective_samples", lambda at: 50 if at < 0.5 else 3)),
            "samples lose diversity",
            "error",
            "game.penalty=r1",
        ),
        (
            both(FAR_OFF, setting("samples.effective_samples", lambda at: 50 if at < 0.5 else 30)),
            "samples lose diversity",
            "warning",
            "game.penalty=r1",
        ),
        (
            both(FAR_OFF, setting("players.generator.gradient_norm", lambda at: 10 ** (-4 * at))),
            "gradient dies",
            "error",
            "optimizers.discriminator.lr=0.0001 (half the current value)",
        ),
        (
            setting("players.generator.relative_update", 4e-5),
            "learning rates out of balance",
            "error",
            "optimizers.generator.lr=0.01 (50 times the current value)",
        ),
        (
            setting("players.discriminator.relative_update", 2e-2),
            "learning rates out of balance",
            "warning",
            "optimizers.discriminator.lr=2e-05 (the current value divided by 10)",
        ),
        (
            both(FAR_OFF, SWELLING),
            "a term explodes",
            "error",
            "optimizers.discriminator.lr=2e-05 (the current value divided by 10)",
        ),
        (SWELLING, "a term explodes", "warning", "optimizers.discriminator.lr="),
        (
            both(
                setting("players.generator.relative_update", 1e-9),
                setting("players.discriminator.relative_update", 1e-9),
            ),
            "weights stand still",
            "error",
            "lr=200 (1,000,000 times the current value)",
        ),
        (
            setting("data.duplicates_per_sample", 3.0),
            "data repeat",
            "error",
            "data.source without duplicates (currently photos)",
        ),
        (setting("data.duplicates_per_sample", 1.3), "data repeat", "warning", "data.source"),
        (setting("data.samples", 8), "too few data", "error", "data.source with more samples"),
        (setting("data.samples", 15), "too few data", "error", "data.source with more samples"),
    ],
)
def test_each_diagnosis(change, name, severity, remedy):
    diagnosis = found(change)[name]
    assert diagnosis.severity == severity
    assert remedy in diagnosis.remedy
    assert 0 < diagnosis.images[0] <= 4100
    assert diagnosis.images[1] == 6000
    (line,) = words([diagnosis])
    assert line.startswith(f"doctor: {name} ({severity}, images ")
    assert diagnosis.to_dict()["images"] == list(diagnosis.images)


@pytest.mark.parametrize(
    "change",
    [
        setting("samples.discriminator_auc", 1.0),
        setting("samples.discriminator_auc", 0.5),
        setting("samples.effective_samples", lambda at: 1 + 30 * at),
        both(
            setting("samples.energy_distance", lambda at: 0.0011 - 0.0021 * at),
            setting("samples.discriminator_auc", 0.5),
        ),
        setting("players.generator.gradient_norm", lambda at: 10 ** (-4 * at)),
        setting("players.discriminator.gradient_norm", lambda at: 10 ** (-4 * at)),
        setting("players.discriminator.relative_update", 8e-3),
        setting("terms.generator/adversarial", lambda at: -1e5 * at),
        both(setting("players.generator.gradient_norm", lambda at: 100 ** (2 * at))),
        setting("data.samples", 1),
        setting("data.samples", 500),
    ],
    ids=[
        "a discriminator that is right while the samples come near",
        "a discriminator that guesses because they are near",
        "samples that become more different",
        "an estimate of no distance at all, which may be negative",
        "a gradient that ends where the samples are near",
        "a discriminator that has no more to learn",
        "two time scales",
        "a score without a zero",
        "a gradient that began small",
        "a single image, as intended",
        "500 samples, each shown twelve times",
    ],
)
def test_harmless_figures_are_not_diagnosed(change):
    assert found(change) == {}


def test_effects_of_an_explosion_are_not_reported():
    change = both(FAR_OFF, SWELLING)
    change = both(
        change, setting("samples.discriminator_auc", 1.0), setting("samples.effective_samples", 1.0)
    )
    assert list(found(change)) == ["a term explodes"]


def test_gradients_that_are_no_numbers_have_exploded():
    lost = both(
        FAR_OFF,
        setting("players.generator.gradient_norm", lambda at: None if at > 0.6 else 1.0),
        setting("terms.generator/adversarial", lambda at: 1e6 if at > 0.6 else 1.0),
    )
    assert "infinitely many times" in found(lost)["a term explodes"].finding


def test_a_step_of_half_the_weights_is_an_explosion_with_its_gradient():
    def change(record, at):
        record["players"]["generator"]["relative_update"] = 2.0 if at < 0.02 else 2e-3
        record["players"]["generator"]["gradient_norm"] = 1.0 if at < 0.02 else 1e5

    (diagnosis,) = found(change, lines=100).values()
    assert diagnosis.remedy == "optimizers.generator.lr=1e-06 (the current value divided by 200)"
    assert "relative_update of generator is 2." in diagnosis.finding
    assert (
        found(setting("players.generator.relative_update", lambda at: 2.0 if at < 0.02 else 2e-3), lines=100)
        == {}
    )


def test_failures_early_in_a_run_are_warnings():
    won = both(FAR_OFF, setting("samples.discriminator_auc", 0.99), setting("samples.effective_samples", 3.0))
    severities = {
        name: each.severity for name, each in found(won, recipe={**RECIPE, "images": 10_000}).items()
    }
    assert severities == {"discriminator has won": "warning", "samples lose diversity": "warning"}
    severities = {
        name: each.severity for name, each in found(won, recipe={**RECIPE, "images": 8_000}).items()
    }
    assert severities == {"discriminator has won": "error", "samples lose diversity": "error"}


def test_a_faster_rival_is_slowed_down_to_the_other():
    recipe = {**RECIPE, "optimizers": {**RECIPE["optimizers"], "discriminator": {"kind": "adam", "lr": 2e-3}}}
    won = both(FAR_OFF, setting("samples.discriminator_auc", 0.99))
    assert found(won, recipe=recipe)["discriminator has won"].remedy == (
        "optimizers.discriminator.lr=0.0002 (the current value divided by 10)"
    )
    recipe["optimizers"]["discriminator"]["kind"] = "sgd"  # its rates mean something else
    assert found(won, recipe=recipe)["discriminator has won"].remedy == (
        "optimizers.discriminator.lr=0.001 (half the current value)"
    )


def test_players_and_games_of_other_packages():
    """Other names, no discriminator, no samples, and a recipe without them."""

    def change(record, at):
        record["players"] = {
            "painter": {"gradient_norm": 1.0, "relative_update": 1e-5},
            "critic": record["players"]["generator"],
        }
        record["terms"] = {}
        del record["samples"], record["data"]

    diagnoses = found(change, recipe={"optimizers": {"painter": {"kind": "adam", "lr": 1.0}}})
    assert {name: each.remedy for name, each in diagnoses.items()} == {
        "learning rates out of balance": "optimizers.painter.lr=200 (200 times the current value)"
    }
    assert found(change, recipe={})["learning rates out of balance"].remedy == ""


def test_only_the_newest_stage_counts():
    def change(record, at):
        record["stage"] = "first" if at < 0.5 else "second"
        if at < 0.5:
            record["players"]["generator"]["relative_update"] = 1e-9

    assert found(change) == {}


def test_short_logs_are_reported():
    few_lines = found(lines=5)["too short to say"]
    assert few_lines.severity == "unknown"
    assert "600 rounds and 5 lines" in few_lines.finding
    assert (
        "8 sample grids"
        in found(lambda r, at: r.pop("samples") if at * 60 % 7 else None)["too short to say"].finding
    )
    older = found(lambda r, at: [r.pop(key) for key in ("players", "samples", "data")])
    assert "older version" in older["too short to say"].finding


# -- run folders ---------------------------------------------------------------------------------------


def folder(path, records, recipe=RECIPE):
    (path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    (path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_a_run_can_be_examined_while_its_log_is_written(tmp_path):
    whole = (folder(tmp_path, written()) / "log.jsonl").read_bytes()
    for cut in range(1, 400, 7):
        (tmp_path / "log.jsonl").write_bytes(whole[:-cut])
        assert gan.doctor(tmp_path) == []


@pytest.mark.parametrize(
    "line", ["{", "[]", "3", '{"round": 1}', '{"round": 1, "images": 1, "terms": 0}', "\xff"]
)
def test_a_damaged_log_is_named_with_the_line(tmp_path, line):
    records = folder(tmp_path, written()) / "log.jsonl"
    lines = records.read_text().splitlines(keepends=True)
    records.write_text("".join([*lines[:6], line + "\n", *lines[6:]]), encoding="latin-1")
    with pytest.raises(ValueError, match=r"log.jsonl is damaged: line 7 of 61 "):
        gan.doctor(tmp_path)


def test_an_empty_log_and_no_run_at_all(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is no run: it has no recipe.yaml"):
        gan.doctor(tmp_path)
    folder(tmp_path, [])
    with pytest.raises(ValueError, match=r"log.jsonl has no line yet.*every.log"):
        gan.doctor(tmp_path)
    (tmp_path / "log.jsonl").unlink()
    with pytest.raises(ValueError, match="has no line yet"):
        gan.doctor(tmp_path)


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        ("loss", "generator/fool became infinite"),
        ("weights", "weights of generator became infinite"),
    ],
)
def test_a_run_that_ended_with_a_value_that_is_not_finite(tmp_path, fault, finding):
    keys = {"images": 1600, "every": {"log": 320}, "game": {"fault": fault, "after": 3}}
    with pytest.raises(NonFiniteError):
        gan.train(DUEL, out=tmp_path / "run", **keys)
    (diagnosis,) = gan.doctor(tmp_path / "run")
    assert (diagnosis.name, diagnosis.severity) == ("a term explodes", "error")
    assert finding in diagnosis.finding
    assert diagnosis.remedy == "optimizers.generator.lr=0.0001 (the current value divided by 10)"
    gan.resume(tmp_path / "run", game={"fault": ""})
    assert not (tmp_path / "run" / FAILURE).exists()
    assert "a term explodes" not in {each.name for each in gan.doctor(tmp_path / "run")}


def test_on_the_command_line(tmp_path):
    won = both(FAR_OFF, setting("samples.discriminator_auc", 1.0))
    line = done("doctor", folder(tmp_path, written(won)))
    assert line.startswith("doctor: discriminator has won (error, images 4,100 to 6,000). ")
    assert "energy_distance is 0.40 (maximum 1) and was 0.40 " in line
    assert " 100% " in line
    assert line.endswith(" Try optimizers.discriminator.lr=0.0001 (half the current value).\n")
    (tree,) = json.loads(done("doctor", tmp_path, "--json"))
    assert tree == {
        "name": "discriminator has won",
        "severity": "error",
        "finding": tree["finding"],
        "images": [4100, 6000],
        "remedy": "optimizers.discriminator.lr=0.0001 (half the current value)",
    }
    folder(tmp_path, written())
    assert done("doctor", tmp_path) == "doctor: nothing wrong seen\n"
    assert json.loads(done("doctor", tmp_path, "--json")) == []
    assert "no recipe.yaml" in refused("doctor", tmp_path / "nowhere")
    (tmp_path / "log.jsonl").write_text("x\n")
    assert "line 1 of 1" in refused("doctor", tmp_path)


def test_a_log_that_was_damaged_ends_no_run(tmp_path):
    run, messages = gan.prepare(DUEL, out=tmp_path / "run"), []
    for _ in itertools.islice(run, 4):
        pass
    log = tmp_path / "run" / "log.jsonl"
    log.write_text(log.read_text().replace('"round": 2', '"round" 2', 1))
    gan.resume(tmp_path / "run", notify=messages.append)
    assert any("doctor: " in line and "line 1 of " in line for line in messages)
