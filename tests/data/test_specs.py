"""Specifications of data as plain trees, and back."""

import json

import numpy as np
import pytest
from PIL import Image as PILImage

from ganarium.data.conditions.attributes import Attributes
from ganarium.data.conditions.companion import Map, Pair
from ganarium.data.conditions.derived import Edges
from ganarium.data.conditions.domains import Domains
from ganarium.data.conditions.label import Label
from ganarium.data.conditions.partial import PartialLabels
from ganarium.data.dataset import open_data
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.modalities.points import Points
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec

SHAPE = (3, 8, 8)
CLASSES = ("a", "b")
MAPS = LabelMap(CLASSES, ("#000000", "#ff0000"), (0, 7))
SPECS = {
    "points": DataSpec(Points(), (2,)),
    "images": DataSpec(Image(), SHAPE),
    "label": DataSpec(Image(), SHAPE, Label(CLASSES)),
    "attributes": DataSpec(Image(), SHAPE, Attributes(("left", "round"), ("left",))),
    "domains": DataSpec(Image(), SHAPE, Domains(CLASSES)),
    "partial labels": DataSpec(Image(), SHAPE, PartialLabels(CLASSES)),
    "edges": DataSpec(Image(), SHAPE, Edges((1, 8, 8))),
    "pair": DataSpec(Image(), SHAPE, Pair(Image(), (1, 8, 8), "pair")),
    "map": DataSpec(Image(), SHAPE, Map(MAPS, (2, 8, 8), "map")),
    "maps from images": DataSpec(MAPS, (1, 8, 8), Pair(Image(), SHAPE, "map")),
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_specification_comes_back_from_json(spec):
    assert DataSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    ("name", "classes", "shape"),
    [
        ("images", (), ()),
        ("label", CLASSES, ()),
        ("domains", CLASSES, ()),
        ("partial labels", CLASSES, ()),
        ("attributes", (), (2,)),
        ("edges", (), (1, 8, 8)),
        ("map", CLASSES, (2, 8, 8)),
    ],
)
def test_classes_and_shape_of_a_condition(name, classes, shape):
    assert SPECS[name].classes == classes
    assert SPECS[name].condition_shape == shape


def test_what_is_not_known_here_is_named():
    tree = SPECS["label"].to_dict()
    with pytest.raises(ValueError, match="there is no kind 'sound'; known are image, point, label-map"):
        DataSpec.from_dict(tree | {"modality": {"name": "sound"}})
    with pytest.raises(ValueError, match="there is no kind 'mood'; known are label"):
        DataSpec.from_dict(tree | {"condition": {"name": "mood"}})
    with pytest.raises(ValueError, match="label has no size"):
        DataSpec.from_dict(tree | {"condition": {"name": "label", "classes": ["a"], "size": 3}})


@pytest.mark.parametrize(
    ("condition", "direction"), [("pair", "a-to-b"), ("pair", "b-to-a"), (None, "a-to-b")]
)
def test_the_specification_of_images_side_by_side_comes_back(tmp_path, condition, direction):
    """Their files are halves; the samples are images as any other."""
    for number in range(2):
        PILImage.fromarray(np.full((8, 16), number, np.uint8)).save(tmp_path / f"{number}.png")
    spec = open_data(Data(source=str(tmp_path), condition=condition, direction=direction)).spec
    assert spec.modality == Image()
    assert DataSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize("condition", [None, "label", "attributes", "domains", "map", "style", "edges"])
def test_the_specification_of_the_world_comes_back(condition):
    spec = open_data(Data(condition=condition, count=8, size=16)).spec
    assert DataSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
