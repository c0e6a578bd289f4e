"""The doctor on twelve runs, six of them sick in known ways; and on charts written by hand."""

import functools
import itertools
import json

import pytest
import yaml
from patients import PATIENTS, SICK, modes, trained

import ganarium as gan
from command_line import done, refused
from ganarium.monitoring.doctor import examined, words
from ganarium.monitoring.log import FAILURE, NonFiniteError
from small_runs import DUEL

UNSEEN = (20, 21, 22)
"""Seeds on which no threshold was set; those were 10, 11 and 12."""


@pytest.fixture(scope="session")
def patient(tmp_path_factory):
    """A run by its name, trained once; what was said on the way stands in `said`."""

    @functools.cache
    def run(name, seed=UNSEEN[0]):
        heard = []
        result = trained(name, tmp_path_factory.mktemp("patient"), seed, say=heard.append)
        result.said = heard
        return result

    return run


def sick(run):
    """The diagnoses of what will not get well by itself, by name."""
    return {each.name: each for each in gan.doctor(run) if each.severity == "sick"}


def assert_right(name, run):
    expected, found = PATIENTS[name], sick(run)
    if not expected.disease:
        assert found == {}
        return
    assert expected.disease in found, found
    diagnosis = found[expected.disease]
    assert diagnosis.remedy.startswith(expected.remedy)
    since, until = diagnosis.images
    assert 0 < since < until == run.recipe.images


@pytest.mark.parametrize("name", PATIENTS)
def test_each_of_the_twelve(name, patient):
    assert_right(name, patient(name))


@pytest.mark.slow
@pytest.mark.parametrize("seed", UNSEEN[1:])
@pytest.mark.parametrize("name", PATIENTS)
def test_each_of_the_twelve_from_any_seed(name, seed, patient):
    assert_right(name, patient(name, seed))


def test_they_are_what_they_are_said_to_be(patient):
    """The healthy ones draw the ring, the collapsed one does not."""
    assert modes(patient("non-saturating")) >= 6
    assert modes(patient("a generator fifty times as fast")) <= 1


def treated(name, run, folder, *more):
    """The same run with the doctor's remedy behind the command."""
    remedy = sick(run)[SICK[name].disease].remedy.partition(" (")[0]
    return trained(name, folder, run.recipe.seed, overrides=[remedy, *more])


def assert_healed(healed, run):
    """The samples come near the data, as they did not before."""
    assert sick(healed) == {}
    before, after = (each.records[-1]["samples"]["energy_distance"] for each in (run, healed))
    assert after < 0.1 < 0.2 < before


def test_the_remedy_heals(patient, tmp_path):
    run = patient("a generator that crawls")
    assert_healed(treated("a generator that crawls", run, tmp_path), run)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "longer"),
    [
        ("a discriminator fifty times as fast", ["images=18_000"]),  # both are slow now
        ("a generator fifty times as fast", []),
        ("a learning rate of ten", []),
    ],
)
def test_other_remedies_heal(name, longer, patient, tmp_path):
    run = patient(name)
    assert_healed(treated(name, run, tmp_path, *longer), run)


@pytest.mark.slow
def test_without_saturation_the_gradient_lives(patient, tmp_path):
    run = patient("saturated")
    assert "gradient dies" not in sick(treated("saturated", run, tmp_path))


def test_it_speaks_while_there_is_time_and_at_the_end(patient):
    name = "a generator that crawls"
    lines = [line for line in patient(name).said if line.startswith("doctor: ")]
    condition = [line for line in lines if "learning rates out of balance (sick" in line]
    assert len(condition) == 2, "when it is new, and at the end"
    assert "to 26,880)" in condition[0], "as soon as there is enough to go by"
    assert [line for line in patient("hinge").said if "doctor" in line] == ["doctor: nothing wrong seen"]


# -- charts written by hand ----------------------------------------------------------------------------


RECIPE = {
    "game": {"objective": "non-saturating", "penalty": "none"},
    "optimizers": {
        "generator": {"kind": "adam", "lr": 2e-4},
        "discriminator": {"kind": "adam", "lr": 2e-4},
    },
    "data": {"source": "photos"},
}


def healthy(at):
    """A record of a run that learns, `at` being how much of it is played."""
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
        record = healthy(number / lines)
        change(record, number / lines)
        records.append(record)
    return records


def found(change=lambda record, at: None, lines=60, recipe=RECIPE, end=""):
    return {each.name: each for each in examined(recipe, written(change, lines), end)}


def setting(path, value):
    """A change of one entry; the value may be a function of how much is played."""
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


FAR_OFF = setting("samples.distance", 0.4)
SWELLING = both(
    setting("players.discriminator.gradient", lambda at: 100 ** (2 * at)),
    setting("terms.discriminator/adversarial", lambda at: -(100 ** (2 * at))),
)


def test_a_run_that_learns_has_nothing():
    assert found() == {}
    assert words([]) == ["doctor: nothing wrong seen"]


@pytest.mark.parametrize(
    ("change", "name", "severity", "remedy"),
    [
        (both(FAR_OFF, setting("samples.told_apart", 0.99)), "discriminator has won", "sick", "half of now"),
        (both(FAR_OFF, setting("samples.told_apart", 0.5)), "discriminator too weak", "sick", "2 times now"),
        (both(FAR_OFF), "samples stay far from the data", "watch", ""),
        (
            both(FAR_OFF, setting("samples.different", lambda at: 50 if at < 0.5 else 3)),
            "samples lose diversity",
            "sick",
            "game.penalty=r1",
        ),
        (
            both(FAR_OFF, setting("samples.different", lambda at: 50 if at < 0.5 else 30)),
            "samples lose diversity",
            "watch",
            "game.penalty=r1",
        ),
        (
            both(FAR_OFF, setting("players.generator.gradient", lambda at: 10 ** (-4 * at))),
            "gradient dies",
            "sick",
            "optimizers.discriminator.lr=0.0001 (half of now)",
        ),
        (
            setting("players.generator.update", 4e-5),
            "learning rates out of balance",
            "sick",
            "optimizers.generator.lr=0.01 (50 times now)",
        ),
        (
            setting("players.discriminator.update", 2e-2),
            "learning rates out of balance",
            "watch",
            "optimizers.discriminator.lr=2e-05 (now divided by 10)",
        ),
        (
            both(FAR_OFF, SWELLING),
            "a term explodes",
            "sick",
            "optimizers.discriminator.lr=2e-05 (now divided by 10)",
        ),
        (SWELLING, "a term explodes", "watch", "optimizers.discriminator.lr="),
        (
            both(setting("players.generator.update", 1e-9), setting("players.discriminator.update", 1e-9)),
            "weights stand still",
            "sick",
            "lr=200 (1,000,000 times now)",
        ),
        (setting("data.copies", 3.0), "data repeat", "sick", "data.source without the copies (now photos)"),
        (setting("data.copies", 1.3), "data repeat", "watch", "data.source"),
        (setting("data.samples", 8), "too few data", "sick", "data.source with more samples"),
        (setting("data.samples", 15), "too few data", "sick", "data.source with more samples"),
    ],
)
def test_each_disease(change, name, severity, remedy):
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
        setting("samples.told_apart", 1.0),
        setting("samples.told_apart", 0.5),
        setting("samples.different", lambda at: 1 + 30 * at),
        both(
            setting("samples.distance", lambda at: 0.0011 - 0.0021 * at), setting("samples.told_apart", 0.5)
        ),
        setting("players.generator.gradient", lambda at: 10 ** (-4 * at)),
        setting("players.discriminator.gradient", lambda at: 10 ** (-4 * at)),
        setting("players.discriminator.update", 8e-3),
        setting("terms.generator/adversarial", lambda at: -1e5 * at),
        both(setting("players.generator.gradient", lambda at: 100 ** (2 * at))),
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
        "one picture, which is meant",
        "500 samples, each shown twelve times",
    ],
)
def test_what_looks_ill_and_is_not(change):
    assert found(change) == {}


def test_what_follows_from_an_explosion_is_not_told():
    change = both(FAR_OFF, SWELLING)
    change = both(change, setting("samples.told_apart", 1.0), setting("samples.different", 1.0))
    assert list(found(change)) == ["a term explodes"]


def test_gradients_that_are_no_numbers_have_exploded():
    lost = both(
        FAR_OFF,
        setting("players.generator.gradient", lambda at: None if at > 0.6 else 1.0),
        setting("terms.generator/adversarial", lambda at: 1e6 if at > 0.6 else 1.0),
    )
    assert "infinitely many times" in found(lost)["a term explodes"].finding


def test_a_step_of_half_the_weights_is_an_explosion_with_its_gradient():
    def change(record, at):
        record["players"]["generator"]["relative_update"] = 2.0 if at < 0.02 else 2e-3
        record["players"]["generator"]["gradient_norm"] = 1.0 if at < 0.02 else 1e5

    (diagnosis,) = found(change, lines=100).values()
    assert diagnosis.remedy == "optimizers.generator.lr=1e-06 (now divided by 200)"
    assert "One round moved generator by 2 times the size of its weights" in diagnosis.finding
    assert found(setting("players.generator.update", lambda at: 2.0 if at < 0.02 else 2e-3), lines=100) == {}


def test_early_in_a_run_it_may_get_well_by_itself():
    won = both(FAR_OFF, setting("samples.told_apart", 0.99), setting("samples.different", 3.0))
    severities = {
        name: each.severity for name, each in found(won, recipe={**RECIPE, "images": 10_000}).items()
    }
    assert severities == {"discriminator has won": "watch", "samples lose diversity": "watch"}
    severities = {
        name: each.severity for name, each in found(won, recipe={**RECIPE, "images": 8_000}).items()
    }
    assert severities == {"discriminator has won": "sick", "samples lose diversity": "sick"}


def test_a_faster_rival_is_slowed_down_to_the_other():
    recipe = {**RECIPE, "optimizers": {**RECIPE["optimizers"], "discriminator": {"kind": "adam", "lr": 2e-3}}}
    won = both(FAR_OFF, setting("samples.told_apart", 0.99))
    assert found(won, recipe=recipe)["discriminator has won"].remedy == (
        "optimizers.discriminator.lr=0.0002 (now divided by 10)"
    )
    recipe["optimizers"]["discriminator"]["kind"] = "sgd"  # its rates mean something else
    assert found(won, recipe=recipe)["discriminator has won"].remedy == (
        "optimizers.discriminator.lr=0.001 (half of now)"
    )


def test_players_and_games_of_other_packages():
    """Other names, no discriminator, no samples, and a recipe that says nothing of them."""

    def change(record, at):
        record["players"] = {
            "painter": {"gradient_norm": 1.0, "relative_update": 1e-5},
            "critic": record["players"]["generator"],
        }
        record["terms"] = {}
        del record["samples"], record["data"]

    diagnoses = found(change, recipe={"optimizers": {"painter": {"kind": "adam", "lr": 1.0}}})
    assert {name: each.remedy for name, each in diagnoses.items()} == {
        "learning rates out of balance": "optimizers.painter.lr=200 (200 times now)"
    }
    assert found(change, recipe={})["learning rates out of balance"].remedy == ""


def test_only_the_newest_stage_counts():
    def change(record, at):
        record["stage"] = "first" if at < 0.5 else "second"
        if at < 0.5:
            record["players"]["generator"]["relative_update"] = 1e-9

    assert found(change) == {}


def test_too_little_is_said_to_be_too_little():
    few_lines = found(lines=5)["too short to say"]
    assert few_lines.severity == "unclear"
    assert "600 rounds and 5 lines" in few_lines.finding
    assert (
        "8 sheets"
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
    with pytest.raises(ValueError, match=r"log.jsonl is damaged: line 7 of 61 is no line of a log"):
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
    ("fault", "said"),
    [
        ("loss", "generator/fool became infinite or no number"),
        ("weights", "weights of generator became infinite or no number"),
    ],
)
def test_a_run_that_ended_at_a_number_that_is_none(tmp_path, fault, said):
    keys = {"images": 1600, "every": {"log": 320}, "game": {"fault": fault, "after": 3}}
    with pytest.raises(NonFiniteError):
        gan.train(DUEL, out=tmp_path / "run", **keys)
    (diagnosis,) = gan.doctor(tmp_path / "run")
    assert (diagnosis.name, diagnosis.severity) == ("a term explodes", "sick")
    assert said in diagnosis.finding
    assert diagnosis.remedy == "optimizers.generator.lr=0.0001 (now divided by 10)"
    gan.resume(tmp_path / "run", game={"fault": ""})
    assert not (tmp_path / "run" / FAILURE).exists()
    assert "a term explodes" not in {each.name for each in gan.doctor(tmp_path / "run")}


def test_on_the_command_line(tmp_path):
    won = both(FAR_OFF, setting("samples.told_apart", 1.0))
    assert done("doctor", folder(tmp_path, written(won))) == (
        "doctor: discriminator has won (sick, images 4,100 to 6,000). The samples stay far from the data: at "
        "a distance of 0.40, where 1 is the most, after 0.40 a third of the run ago. The discriminator is "
        "right about 100% of all pairs of a real and a drawn one. Try optimizers.discriminator.lr=0.0001 "
        "(half of now).\n"
    )
    (tree,) = json.loads(done("doctor", tmp_path, "--json"))
    assert tree == {
        "name": "discriminator has won",
        "severity": "sick",
        "finding": tree["finding"],
        "images": [4100, 6000],
        "remedy": "optimizers.discriminator.lr=0.0001 (half of now)",
    }
    folder(tmp_path, written())
    assert done("doctor", tmp_path) == "doctor: nothing wrong seen\n"
    assert json.loads(done("doctor", tmp_path, "--json")) == []
    assert "no recipe.yaml" in refused("doctor", tmp_path / "nowhere")
    (tmp_path / "log.jsonl").write_text("x\n")
    assert "line 1 of 1" in refused("doctor", tmp_path)


def test_a_log_that_was_damaged_ends_no_run(tmp_path):
    run, heard = gan.prepare(DUEL, out=tmp_path / "run"), []
    for _ in itertools.islice(run, 4):
        pass
    log = tmp_path / "run" / "log.jsonl"
    log.write_text(log.read_text().replace('"round": 2', '"round" 2', 1))
    gan.resume(tmp_path / "run", say=heard.append)
    assert any("doctor: " in line and "line 1 of " in line for line in heard)
