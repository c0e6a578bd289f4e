"""Recipes: layers, kinds, overrides, and faults told in the user's words."""

import dataclasses
import inspect
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ganarium import methods
from ganarium.common.schema import merge, schema
from ganarium.core import optimizers, schedules
from ganarium.data.settings import Data
from ganarium.methods.resolve import chosen_recipe
from ganarium.networks import GENERATORS
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Evaluate, Every, Recipe
from ganarium.recipes.resolve import TINY, changed, complete, resolve, tiny
from ganarium.recipes.yaml import from_yaml, override, settings, to_yaml
from small_runs import DUEL, base

DCGAN = methods.find("dcgan")


def plan(*texts, method=DCGAN):
    return resolve(method, settings(texts))


# -- values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("200_000", 200_000),
        ("1e-4", 1e-4),
        ("-2.5E3", -2500.0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("~", None),
        ("hinge", "hinge"),
        ("'12'", "12"),
        ("a b", "a b"),
        ("[0, 0.99]", [0, 0.99]),
        ("[1e-4, x]", [1e-4, "x"]),
        ("{kind: sgd, lr: 0.1}", {"kind": "sgd", "lr": 0.1}),
        ("/a/b=c/photos", "/a/b=c/photos"),
        ("runs/0001", "runs/0001"),
    ],
)
def test_a_value(text, value):
    assert override(f"a.b={text}") == {"a": {"b": value}}


@pytest.mark.parametrize("text", ["images", "=3", " = 3", ""])
def test_no_setting(text):
    with pytest.raises(ValueError, match="is no setting; write key=value, for example images=200_000"):
        override(text)


@pytest.mark.parametrize("value", ["[1, 2", "{a", "'x", "@"])
def test_a_value_that_cannot_be_read(value):
    with pytest.raises(ValueError, match="not YAML"):
        override(f"data.size={value}")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    )
)
def test_any_value_written_as_json_is_read(value):
    assert override(f"key={json.dumps(value)}") == {"key": value}


def test_settings_come_in_any_order():
    """A kind drops the settings of another kind, yet not those said beside it."""
    for texts in (
        ["networks.generator.kind=mlp", "networks.generator.depth=2"],
        ["networks.generator.depth=2", "networks.generator.kind=mlp"],
    ):
        assert plan(*texts).networks["generator"] == {"kind": "mlp", "width": 256, "depth": 2}


@pytest.mark.parametrize("text", ["fid,kid", "fid, kid", "[fid, kid]"])
def test_measures_may_be_written_with_commas(text):
    recipe = plan(f"evaluate.metrics={text}", "evaluate.every=20_000")
    assert recipe.evaluate.metrics == ("fid", "kid")
    assert from_yaml(to_yaml(recipe))["evaluate"]["metrics"] == ["fid", "kid"]


def test_the_last_of_two_settings_counts():
    assert plan("images=5", "images=6").images == 6
    assert plan("data.size=16", "data={size: 32}").data.size == 32
    assert plan("data=5", "data={size: 32}").data.size == 32


def test_numbers_may_be_written_as_people_write_them():
    recipe = plan("images=1e5", "optimizers.generator.lr=1e-4", "optimizers.generator.betas=[0, 9e-1]")
    assert (recipe.images, recipe.optimizers["generator"]["lr"]) == (100_000, 1e-4)
    assert recipe.optimizers["generator"]["betas"] == [0.0, 0.9]


# -- layers ----------------------------------------------------------------------------------------------


def test_each_layer_lies_over_the_one_before(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("method: dcgan\nbatch_size: 32\ngame: {noise_dim: 7}\ndata: {size: 16, flip: true}\n")
    recipe = chosen_recipe(file, changes={"data": {"size": 32}}, overrides=("game.noise=normal",))
    assert recipe.batch_size == 32
    assert (recipe.game["noise_dim"], recipe.game["noise"]) == (7, "normal")
    assert (recipe.data.size, recipe.data.flip) == (32, True)
    assert recipe.optimizers["generator"]["lr"] == 2e-4, "the paper's, which nobody changed"


def test_another_kind_keeps_no_old_settings():
    recipe = plan("networks.discriminator.norm=layer", "optimizers.generator.kind=rmsprop")
    assert recipe.networks["discriminator"]["norm"] == "layer"
    recipe = resolve(DCGAN, recipe.model_dump(), {"networks": {"discriminator": {"kind": "mlp"}}})
    own = {"width": 256, "depth": 3, "dropout": 0.0, "minibatch_discrimination": 0}
    assert recipe.networks["discriminator"] == {"kind": "mlp", **own}
    rmsprop = recipe.optimizers["generator"]
    assert rmsprop["lr"] == optimizers.RMSprop().lr, "no learning rate of adam's"
    assert "betas" not in rmsprop
    assert recipe.optimizers["discriminator"]["betas"] == [0.5, 0.999]


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_kind_that_is_in_force_already_keeps_its_settings(player):
    """Also over a recipe that writes no kind, since adam is the default."""

    def recipe():
        adam = {"lr": 7e-4, "betas": (0.1, 0.9)}
        return DCGAN.recipe().model_copy(update={"optimizers": {"generator": adam, "discriminator": adam}})

    method = dataclasses.replace(DCGAN, recipe=recipe)
    assert "kind" not in method.recipe().optimizers[player]
    entry = plan(f"optimizers.{player}.kind=adam", method=method).optimizers[player]
    assert (entry["kind"], entry["lr"], entry["betas"]) == ("adam", 7e-4, [0.1, 0.9])
    entry = plan(f"optimizers.{player}.kind=sgd", method=method).optimizers[player]
    assert (entry["kind"], entry["lr"]) == ("sgd", optimizers.SGD().lr)


def test_the_same_kind_keeps_them():
    tree = merge({"o": {"kind": "adam", "lr": 1}}, {"o": {"kind": "adam", "eps": 2}})
    assert tree == {"o": {"kind": "adam", "lr": 1, "eps": 2}}
    assert merge({"o": {"kind": "adam", "lr": 1}}, {"o": {"kind": "sgd"}}) == {"o": {"kind": "sgd"}}


def test_merging_changes_neither():
    base_tree, change = {"a": {"b": 1}}, {"a": {"c": [1]}}
    merged = merge(base_tree, change)
    assert (base_tree, change) == ({"a": {"b": 1}}, {"a": {"c": [1]}})
    assert merged == {"a": {"b": 1, "c": [1]}}


def test_the_length_said_last_counts():
    assert plan("epochs=2").epochs == 2
    recipe = resolve(DCGAN, {"epochs": 2}, {"images": 500})
    assert (recipe.images, recipe.epochs) == (500, None)
    recipe = resolve(DCGAN, {"images": 500}, {"epochs": 2})
    assert recipe.epochs == 2
    with pytest.raises(ValueError, match="images and epochs both"):
        plan("images=5", "epochs=2")
    assert changed({"images": 5, "epochs": None}, {"images": 5, "epochs": None})["images"] == 5


# -- complete and back -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", methods.table().values(), ids=lambda method: method.name)
def test_a_recipe_reads_back_from_its_file(method):
    for recipe in (resolve(method), tiny(method)):
        assert complete(method, from_yaml(to_yaml(recipe))) == recipe
        assert complete(method, recipe.model_dump(mode="json")) == recipe
        assert resolve(method, from_yaml(to_yaml(recipe))) == recipe


def test_every_default_is_written_out():
    tree = yaml.safe_load(to_yaml(plan()))
    for key in ("penalty", "objective", "discriminator_updates", "noise"):
        assert key in tree["game"]
    assert tree["networks"]["generator"].keys() == {"kind", "width", "norm"}
    assert tree["optimizers"]["generator"]["schedule"] == {"kind": "constant"}
    assert tree["version"] == 2
    assert tree["data"]["source"] == "world"


def test_a_recipe_is_a_value():
    recipe = plan()
    with pytest.raises(ValueError, match="frozen"):
        recipe.images = 5
    with pytest.raises(ValueError, match="frozen"):
        recipe.data.size = 5


def test_constructors_are_the_schema():
    for kind, maker in GENERATORS.items():
        keys = schema(maker).model_fields.keys()
        parameters = inspect.signature(maker).parameters.values()
        assert set(keys) == {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}, kind


def test_sizes_may_be_two_numbers():
    assert plan("data.size=[20, 28]").data.size == (20, 28)
    assert complete(DCGAN, from_yaml(to_yaml(plan("data.size=[20, 28]")))).data.size == (20, 28)


@pytest.mark.parametrize("kind", optimizers.OPTIMIZERS)
@pytest.mark.parametrize("schedule", schedules.SCHEDULES)
def test_any_optimizer_with_any_schedule(kind, schedule):
    recipe = plan(f"optimizers.generator.kind={kind}", f"optimizers.generator.schedule.kind={schedule}")
    entry = recipe.optimizers["generator"]
    assert entry["schedule"]["kind"] == schedule
    factor = optimizers.schedule(entry)
    assert all(0 <= factor(progress / 10) <= 1 for progress in range(11))


# -- faults ----------------------------------------------------------------------------------------------

FAULTS = {
    "imags=5": "unknown key imags; known here: .*images.*Did you mean 'images'",
    "data.sise=5": "unknown key data.sise; known here: source, size.*Did you mean 'size'",
    "every.logs=5": "unknown key every.logs; known here: log, samples, checkpoint. Did you mean 'log'",
    "game.objectiv=hinge": "unknown key game.objectiv;.*Did you mean 'objective'",
    "networks.generator.widht=8": "unknown key networks.generator.widht;.*Did you mean 'width'",
    "networks.generater.width=8": "unknown key networks.generater.*Did you mean 'generator'",
    "optimizers.generator.learning=1": "unknown key optimizers.generator.learning; known here: lr",
    "averages.generator.half_life=1": "unknown key averages.generator.half_life.*'half_life_kimg'",
    "optimizers.generator.schedule.kind=linear optimizers.generator.schedule.end=0": (
        "unknown key optimizers.generator.schedule.end; known here: start, end_factor"
    ),
    "networks.generator.kind=dcgam": "networks.generator.kind is 'dcgam'; choose from .*Did you mean 'dcgan'",
    "optimizers.generator.kind=adan": "optimizers.generator.kind is 'adan'; choose from .*mean 'adam'",
    "optimizers.generator.schedule.kind=cosin": r"schedule.kind is 'cosin'; choose from .*'cosine'",
    "game.objective=hing": "game.objective: .*'hinge'.*given was 'hing'",
    "game.penalty=r3": "game.penalty: .*'r1'.*given was 'r3'",
    "images=many": "images: .*integer.*given was 'many'",
    "images=0": "images: .*greater than 0.*given was 0",
    "images=1.5": "images: .*given was 1.5",
    "images=null": "images: .*given was None",
    "batch_size=-4": "batch_size: .*greater than 0.*given was -4",
    "seed=-1": "seed: .*greater than or equal to 0.*given was -1",
    "precision=float16": "precision: .*'float32' or 'bfloat16'.*given was 'float16'",
    "compile=perhaps": "compile: .*boolean.*given was 'perhaps'",
    "data.size=big": "data.size: .*given was 'big'",
    "data.size=[1,x]": r"data.size: .*given was",
    "data.channels=0": "data.channels: .*greater than 0",
    "data=photos": "data: .*given was 'photos'",
    "every.log=often": "every.log: .*given was 'often'",
    "optimizers.generator.lr=0": "optimizers.generator.lr: .*greater than 0",
    "optimizers.generator.lr=fast": "optimizers.generator.lr: .*given was 'fast'",
    "optimizers.generator.betas=[0.5]": "optimizers.generator.betas.*",
    "optimizers.generator=adam": "optimizers.generator: .*given was 'adam'",
    "averages.generator.half_life_kimg=-1": "averages.generator.half_life_kimg: .*greater than 0",
    "averages.discriminator.ramp_up=0.1": "averages.discriminator.half_life_kimg is missing",
    "keep_checkpoints=0": "keep_checkpoints: .*greater than 0",
    "version=1": "this recipe is of version 1, this program reads version 2",
    "method=gan": "method is 'gan', but this is the recipe of 'dcgan'",
}


@pytest.mark.parametrize("texts", FAULTS)
def test_a_fault_names_the_key_what_was_given_and_what_is_near(texts):
    with pytest.raises(ValueError, match=FAULTS[texts]) as told:
        plan(*texts.split(" "))
    assert "validation error" not in str(told.value), "in the user's words, not in pydantic's"
    assert "pydantic" not in str(told.value)


def test_every_fault_is_told_at_once():
    with pytest.raises(ValueError, match="images") as told:
        plan("images=many", "batch_size=0", "imags=5")
    assert len(str(told.value).splitlines()) == 3


def test_a_union_is_told_once():
    with pytest.raises(ValueError, match=r"data.size") as told:
        plan("data.size=big")
    assert len(str(told.value).splitlines()) == 1


def test_an_unknown_method_names_the_nearest():
    with pytest.raises(ValueError, match=r"no method 'wgangp'. Did you mean 'wgan-gp'"):
        chosen_recipe("wgangp")


@pytest.mark.parametrize("text", ["a: [", "\t- x", "a: b: c"])
def test_a_file_that_is_no_yaml_is_named(text):
    with pytest.raises(ValueError, match=r"mine.yaml is not YAML"):
        from_yaml(text, "mine.yaml")


@pytest.mark.parametrize("text", ["", "- 1", "word", "3"])
def test_a_file_that_is_no_table_is_named(text):
    with pytest.raises(ValueError, match=r"mine.yaml must be a table of keys"):
        from_yaml(text, "mine.yaml")


def test_the_card_is_the_docstring_of_the_recipes_module():
    assert DUEL.card.startswith("Small runs")
    assert Method("x", DUEL.game, lambda: base("x"), {}).card == inspect.cleandoc(__doc__)


def test_tiny_is_tiny():
    for method in methods.BUILT_IN:
        recipe = tiny(method)
        assert recipe.images == TINY["images"]
        assert recipe.batch_size == 8


def test_keys_are_documented():
    """`ganarium show` and editors tell what a key means: each has a sentence, or a name that needs none."""
    plain = {
        "version",
        "method",
        "precision",
        "game",
        "networks",
        "optimizers",
        "averages",
        "data",
        "every",
        "evaluate",
    }
    for table in (Recipe, Data, Every, Evaluate):
        source = inspect.getsource(table)
        for key in table.model_fields.keys() - plain:
            after = source.split(f"    {key}: ", 1)[1].split("\n", 1)[1]
            assert after.lstrip().startswith('"""') or key in ("batch_size", "seed"), key
