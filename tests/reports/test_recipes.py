"""Differences between recipes."""

from ganarium import methods
from ganarium.recipes.resolve import resolve
from ganarium.recipes.yaml import to_yaml
from ganarium.reports.recipe_differences import marked, table

DCGAN, GAN = methods.find("dcgan"), methods.find("gan")
CHANGES = {
    "seed": 5,
    "data": {"source": "a: b # c", "condition": None},
    "optimizers": {"generator": {"lr": 1e-4}},
}


def test_values_are_as_a_recipe_has_them():
    rows = table([resolve(DCGAN, CHANGES), resolve(DCGAN)])
    assert rows == [
        ("seed", "5", "0"),
        ("optimizers.generator.lr", "0.0001", "0.0002"),
        ("data.source", "'a: b # c'", "world"),
    ]


def test_the_same_recipes_differ_in_nothing_and_none_has_no_key():
    assert table([resolve(DCGAN), resolve(DCGAN)]) == []
    rows = {key: values for key, *values in table([resolve(DCGAN), None])}
    assert rows["method"] == ["dcgan", "–"]


def test_keys_of_one_table_stand_together():
    keys = [key for key, *_ in table([resolve(GAN), resolve(DCGAN)])]
    parents = [key.rpartition(".")[0] for key in keys]
    assert [parent for i, parent in enumerate(parents) if parent not in parents[:i]] == [
        parent for i, parent in enumerate(parents) if i == 0 or parent != parents[i - 1]
    ]
    assert "networks.generator.kind" in keys


def test_exactly_the_lines_of_these_keys_are_marked():
    recipe = resolve(DCGAN, CHANGES)
    text = to_yaml(recipe)
    keys = {key for key, *_ in table([recipe, resolve(DCGAN)])}
    lines = list(marked(text, keys))
    assert [line for line, _ in lines] == text.splitlines()
    assert [line.strip() for line, differs in lines if differs] == [
        "seed: 5",
        "lr: 0.0001",
        "source: 'a: b # c'",
    ]
    assert sum(line.strip() == "lr: 0.0002" for line, _ in lines) == 1, "the other player's is not marked"


def test_a_list_is_marked_with_its_key():
    lines = list(marked("a:\n- 1\n- 2\nb:\n- 3\n", {"a"}))
    assert [differs for _, differs in lines] == [True, True, True, False, False]
