"""ONNX files do what PyTorch does, for every method and network, at sizes that they were not traced at."""

import functools
import json

import onnx
import onnxruntime
import pytest
import torch
from torch import nn

import ganarium as gan
from ganarium import methods
from ganarium.core.game import Game
from ganarium.data.conditions.companion import Map, Pair
from ganarium.data.modalities.image import Image
from ganarium.data.modalities.label_map import LabelMap
from ganarium.data.spec import DataSpec
from ganarium.exporting import onnx as onnx_files
from ganarium.exporting.onnx import onnx_file, plain
from ganarium.models.model import Model
from ganarium.models.network import NETWORKS, NetworkModel, Origin
from ganarium.models.trained import Trained
from ganarium.recipes.assemble import build_game
from ganarium.recipes.resolve import TINY, resolve
from ganarium.tasks.base import Task
from ganarium.tasks.generate import Generate
from ganarium.tasks.latents import Latent, streams
from ganarium.tasks.translate import Translate
from ganarium.tasks.windows import Sizes
from ganarium.testing import MethodUnderTest

QUICK = ("gan", "infogan", "cgan")
"""Methods whose files are made among the quick tests: a latent alone, with codes, with labels."""
CLASSIFIER = methods.find("semi-supervised-gan")
TRIALS = {name: MethodUnderTest(method) for name, method in methods.table().items()} | {
    "points": MethodUnderTest(methods.find("gan"), {"data": {"source": "ring", "size": None}}),
    "attributes": MethodUnderTest(methods.find("cgan"), {"data": {"condition": "attributes"}}),
    "images alone": MethodUnderTest(
        methods.find("cgan"), {"data": {"condition": "edges"}, "game": {"noise": "none"}}
    ),
    "virtual batch norm": MethodUnderTest(
        methods.find("dcgan"), {"networks": {"generator": {"norm": "virtual"}}}
    ),
}
TRIED_NETWORKS = {
    "resnet": ("translator", {"inputs": 3, "outputs": 2, "width": 4, "blocks": 1}),
    "unet": ("translator", {"inputs": 1, "outputs": 3, "width": 4, "downsamplings": 3, "norm": "instance"}),
    "local-enhancer": (
        "translator",
        {"inputs": 4, "outputs": 3, "width": 2, "downsamplings": 2, "blocks": 1, "enhancer_blocks": 1},
    ),
    "spade": ("translator", {"labels": 5, "outputs": 3, "width": 2, "hidden": 4}),
    "spade with a style": (
        "translator",
        {"labels": 5, "outputs": 3, "width": 2, "hidden": 4, "style_dim": 6, "bottom_area": 8},
    ),
    "patch": ("discriminator", {"inputs": 3, "width": 4}),
    "multi-scale": ("discriminator", {"inputs": 3, "width": 4, "spectral_norm": True}),
    "style": ("encoder", {"inputs": 3, "width": 4, "style_dim": 6}),
    "instance": ("encoder", {"inputs": 3, "features": 2, "width": 4, "downsamplings": 2}),
}
SIZES = {"spade with a style": ((64, 128),), "instance": ((16, 40), (32, 12))}
"""What a network takes, where it is not images of any size."""


def model_of(trial):
    torch.manual_seed(0)
    return trial.model(trial.game())


def files_of(model, name=None):
    """Of each variant of a task, its main one by default."""
    task = model.task(name)
    return [onnx_file(model, task, each, {}) for each in task.variants(model.game, model.spec)]


def graphs_of(model):
    """Of each variant of the main task, with the model's own weights."""
    task = model.task()
    return [task.graph(model.game, model.spec, each) for each in task.variants(model.game, model.spec)]


def latents_of(model, count, seed):
    """What the model draws by a seed."""
    generators = streams(model.game.latents, seed)
    return {
        each.argument: each.draw(count, each.size, generators[each.argument]) for each in model.game.latents
    }


def lone(name, **changes):
    role, settings = TRIED_NETWORKS[name]
    kind = name.split(" ")[0]
    torch.manual_seed(0)
    network = NETWORKS[role][kind](**settings | changes)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and not hasattr(module, "parametrizations"):
            nn.init.normal_(module.weight, std=0.2)  # large enough that differences would show
    return NetworkModel(role, kind, settings | changes, network, Origin("owner/name", "BSD-2-Clause"))


@functools.cache
def file_of(name):
    """Of a lone network; a file takes seconds."""
    model = lone(name)
    (variant,) = model.task().variants(model.game, model.spec)
    return onnx_file(model, model.task(), variant, {"licence": "BSD"})


def run(content, **inputs):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    taken = [each.name for each in session.get_inputs()]
    return [torch.from_numpy(x) for x in session.run(None, {name: inputs[name].numpy() for name in taken})]


def alike(found, wanted):
    assert found.shape == wanted.shape
    assert float((found - wanted).abs().max()) < 1e-4 * float(wanted.abs().max())


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in TRIALS]
)
def test_every_method_does_the_same_as_onnx(name):
    model = model_of(TRIALS[name])
    rng = torch.Generator().manual_seed(3)
    for file, graph in zip(files_of(model), graphs_of(model), strict=True):
        assert file.difference < 1e-4
        for count, size in ((1, (75, 90)), (5, (82, 67))):
            values = graph.draw(count, size, rng)
            with torch.no_grad():
                wanted = graph(*values.values())
            for ours, theirs in zip(run(file.content, **values), wanted, strict=True):
                alike(ours, theirs)


def mapped(name, classes, planes, **changes):
    """A model of label maps."""
    method = methods.find(name)
    recipe = resolve(method, TINY, method.tiny, changes)
    spec = DataSpec(Image(), (3, 32, 32), Map(LabelMap(classes), (planes, 32, 32), "map"))
    game = build_game(method, recipe, spec)
    for module in game.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and not hasattr(module, "parametrizations"):
            nn.init.normal_(module.weight, std=0.1)
    return Model(game, spec, Trained(method, recipe, spec))


@pytest.mark.slow
@pytest.mark.parametrize("planes", [1, 2], ids=["classes", "classes and instances"])
def test_maps_go_in_as_integers(planes):
    model = mapped("pix2pix", ("sky", "road", "tree"), planes)
    (file,) = files_of(model)
    assert file.name == "translate.onnx"
    assert (file.inputs[0].name, file.inputs[0].dtype) == ("images", "int64")
    maps = torch.randint(3, (2, planes, 70, 37))
    (found,) = run(file.content, images=maps)
    alike(found, model.translate(maps))
    (others,) = run(file.content, images=(maps + 1) % 3)
    assert not torch.allclose(found, others, atol=1e-4)


@pytest.mark.parametrize("multiple", [2, 4])
def test_graphs_are_traced_with_padding(multiple):
    """Or they would refuse all lengths that need some."""
    (graph,) = graphs_of(lone("resnet"))
    for seed in range(9):
        sizes = Sizes(multiple)
        tried, traced = (
            onnx_files._values(graph, sizes, 1, seed, 1.0, traced=traced)["images"].shape[2:]
            for traced in (False, True)
        )
        assert len(set(tried)) == len(set(traced)) == 2
        assert min(*tried, *traced) >= 64
        assert all(length % multiple for length in traced)
        strict = onnx_files._values(graph, Sizes(multiple, 256, strict=True), 1, seed, 1.0, traced=True)
        assert not any(length % multiple for length in strict["images"].shape[2:])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "changes"),
    [("gaugan", (32, 32), {}), ("pix2pixhd", (35, 46), {"game": {"encoder_features": 2}})],
)
def test_a_style_is_drawn_or_given(name, size, changes):
    model = mapped(name, ("sky", "road", "tree"), 2, **changes)
    drawn, given = files_of(model)
    assert (drawn.name, given.name) == ("random-style.onnx", "reference-style.onnx")
    assert [each.name for each in drawn.inputs] == ["images", "z"]
    assert [each.shape[1:] for each in given.inputs][1:] == [(3, "h", "w")]
    maps, style = torch.randint(3, (2, 2, *size)), torch.rand(2, 3, 51, 70) * 2 - 1
    (found,) = run(drawn.content, images=maps, **latents_of(model, 2, seed=7))
    alike(found, model.translate(maps, seed=7))
    (found,) = run(given.content, images=maps, style=style)
    alike(found, model.translate(maps, style=style))


def test_what_is_generated_is_what_the_model_generates():
    """From the model's own latents, with labels."""
    model = model_of(TRIALS["cgan"])
    (file,) = files_of(model)
    labels = torch.tensor([0, 2, 1, 5])
    z = latents_of(model, 4, seed=7)["z"]
    (found,) = run(file.content, z=z, condition=labels)
    alike(found, model.generate(4, seed=7, condition=labels.tolist()))
    (others,) = run(file.content, z=z, condition=labels.flip(0))
    assert not torch.allclose(found, others, atol=1e-4)


def test_each_code_is_an_input():
    model = model_of(TRIALS["infogan"])
    (file,) = files_of(model)
    assert [each.name for each in file.inputs] == ["z", "categorical_0", "continuous"]
    (found,) = run(file.content, **latents_of(model, 4, seed=7))
    alike(found, model.generate(4, seed=7))


def test_classes_are_named_as_by_the_model():
    model = model_of(MethodUnderTest(CLASSIFIER))
    (file,) = files_of(model, "classify")
    images = torch.rand(3, *model.spec.shape) * 2 - 1
    (found,) = run(file.content, images=images)
    alike(found, model.classify(images))


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n == "resnet" else pytest.mark.slow) for n in TRIED_NETWORKS],
)
def test_every_network_does_the_same_as_onnx(name):
    model, file = lone(name), file_of(name)
    (graph,) = graphs_of(model)
    assert file.difference < 1e-4
    rng = torch.Generator().manual_seed(5)
    for count, size in zip((1, 3), SIZES.get(name, ((77, 90), (131, 68))), strict=False):
        values = graph.draw(count, size, rng)
        found = run(file.content, **values)
        made = model.apply(model.task().name, **values)
        wanted = list(made.values()) if isinstance(made, dict) else [made]
        for ours, theirs in zip(found, wanted, strict=True):
            alike(ours, theirs)


def test_files_name_their_axes_and_keep_nothing_of_this_machine():
    content = file_of("resnet").content
    graph = onnx.load_from_string(content)
    onnx.checker.check_model(graph, full_check=True)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["N", 3, "H", "W"]
    assert session.get_outputs()[0].shape == ["N", 2, "H", "W"]
    metadata = session.get_modelmeta().custom_metadata_map
    images = {"name": "images", "kind": {"name": "image"}}
    assert json.loads(metadata.pop("inputs")) == [images]
    assert json.loads(metadata.pop("outputs")) == [images | {"name": "translations"}]
    assert metadata == {"licence": "BSD"}
    assert b"/ganarium/" not in content
    assert b"site-packages" not in content


def test_the_same_model_makes_the_same_file():
    model = model_of(TRIALS["gan"])
    (once,), (again,) = files_of(model), files_of(model)
    assert once.content == again.content


def test_a_copy_without_parametrizations_computes_the_same_and_the_model_stays():
    model = lone("multi-scale")
    before = model.network.state_dict()
    images = torch.rand(1, 3, 64, 64)
    copy = plain(model.network)
    for ours, theirs in zip(copy(images), model.network(images), strict=True):
        alike(ours, theirs)
    assert not any("parametrizations" in key for key in copy.state_dict())
    assert model.network.state_dict().keys() == before.keys()


def test_weights_in_half_precision_leave_as_float32():
    model = model_of(TRIALS["gan"])
    model.game.bfloat16()
    (file,) = files_of(model)
    z = latents_of(model, 4, seed=7)["z"]
    (found,) = run(file.content, z=z)
    assert found.dtype == torch.float32
    alike(found, plain(model.game).generate(z).clamp(-1, 1))


class Small(Game):
    """A game of one layer."""

    tasks = (Generate(),)
    latents = (Latent("z", (4,)),)
    saved_networks = ("generator",)

    def __init__(self):
        super().__init__()
        self.generator = nn.Linear(4, 3 * 8 * 8)

    def play(self, data, clock):
        raise NotImplementedError

    def paint(self, z):
        return self.generator(z).view(-1, 3, 8, 8)


class Truncated(Small):
    """Options: one that becomes an input, one that the network has no use for, two that stay fixed."""

    def generate(
        self, z, *, truncation: float = 1.0, ignored: float = 2.0, negative: bool = False, layer: int = 1
    ):
        images = self.paint(truncation * z) * layer
        return -images if negative else images


def small(game, **spec):
    torch.manual_seed(0)
    return Model(game(), DataSpec(**{"modality": Image(), "shape": (3, 8, 8)} | spec), Provenance())


class Provenance:
    title, what = "Small", "small"

    def details(self):
        return {"licence": "none"}


def test_options_of_type_float_are_inputs():
    model = small(Truncated)
    (file,) = files_of(model)
    assert [(each.name, each.shape, each.dtype) for each in file.inputs] == [
        ("z", ("N", 4), "float32"),
        ("truncation", (), "float32"),
    ]
    assert "1 by default" in file.inputs[1].meaning
    z = torch.randn(3, 4)
    for truncation in (1.0, 0.3):
        (found,) = run(file.content, z=z, truncation=torch.tensor(truncation))
        alike(found, model.apply("generate", z=z, truncation=truncation))
    metadata = {each.key: each.value for each in onnx.load_from_string(file.content).metadata_props}
    assert {"name": "truncation", "kind": {"name": "option", "default": 1.0}} in json.loads(
        metadata["inputs"]
    )


class Normed(Small):
    def __init__(self):
        super().__init__()
        nn.utils.parametrizations.spectral_norm(self.generator)

    def generate(self, z):
        return self.paint(z)


def test_a_file_has_the_weights_without_parametrizations():
    model = small(Normed)
    (file,) = files_of(model)
    names = {each.name for each in onnx.load_from_string(file.content).graph.initializer}
    assert {"game.generator.weight", "game.generator.bias"} <= names
    assert not any("parametrizations" in name for name in names)
    z = torch.randn(3, 4)
    alike(run(file.content, z=z)[0], model.apply("generate", z=z))
    assert hasattr(model.game.generator, "parametrizations")


class Branching(Small):
    def generate(self, z, *, truncation: float = 1.0):
        return self.paint(z) if truncation > 0.6 else self.paint(z) * 2


def test_an_option_that_the_method_branches_on_is_refused():
    with pytest.raises(ValueError, match=r"PyTorch cannot write generate.onnx .* safetensors"):
        files_of(small(Branching))


class Segmenting(Small):
    """Images to label maps, of lengths that the task fixes."""

    class Task(Translate):
        def sizes(self, game, spec, options=()):
            return Sizes(fixed=(12, 20))

    tasks = (Task(),)
    latents = ()

    def __init__(self):
        super().__init__()
        self.generator = nn.Conv2d(2, 5, 3, padding=1)

    def translate(self, images):
        return self.generator(images).argmax(1, keepdim=True)


def segmenting():
    maps = LabelMap(tuple("abcde"))
    condition = Pair(Image(), (2, 12, 20), "pair")
    return small(Segmenting, modality=maps, shape=(1, 12, 20), condition=condition)


def test_lengths_that_a_task_fixes_are_fixed():
    model = segmenting()
    (file,) = files_of(model)
    assert file.inputs[0].shape == ("N", 2, 12, 20)
    assert file.outputs[0].shape == ("N", 1, 12, 20)
    assert (file.outputs[0].dtype, file.multiples, file.difference) == ("int64", {}, 0.0)
    images = torch.rand(3, 2, 12, 20)
    (found,) = run(file.content, images=images)
    assert torch.equal(found, model.translate(images))


class Repeated(Small):
    class Task(Generate):
        name = "repeat"

    tasks = (Task(),)

    def repeat(self, z, *, times: int = 3):
        return self.paint(z.repeat_interleave(times, 0))


def test_outputs_may_be_a_multiple_of_the_batch():
    model = small(Repeated)
    (file,) = files_of(model)
    assert (file.name, file.outputs[0].shape) == ("repeat.onnx", ("3N", 3, 8, 8))
    session = onnxruntime.InferenceSession(file.content, providers=["CPUExecutionProvider"])
    assert session.get_outputs()[0].shape == ["3N", 3, 8, 8]
    z = torch.randn(2, 4)
    alike(run(file.content, z=z)[0], model.apply("repeat", z=z))


class Drifting(Small):
    """What is traced is not what it does next: each pass adds more."""

    passes = 0

    def generate(self, z):
        self.passes += 1
        return self.paint(z).tanh() / self.passes


def test_a_file_that_differs_is_refused():
    with pytest.raises(ValueError, match=r"generate.onnx would differ from PyTorch by .* safetensors"):
        files_of(small(Drifting))


class Fickle(Small):
    def generate(self, z):
        return self.paint(z if z.mean() > 0 else -z)


def test_what_pytorch_cannot_write_is_told():
    with pytest.raises(ValueError, match=r"PyTorch cannot write generate.onnx .* safetensors"):
        files_of(small(Fickle))


class Both(Small):
    """A main task that is no graph, and one that is."""

    class Project(Task):
        name, exported = "project", False
        inputs, outputs = Generate.inputs, Generate.outputs

    tasks = (Project(), *Small.tasks)

    def project(self, z):
        return self.paint(z)

    def generate(self, z):
        return self.paint(z)


class Kept(Both):
    tasks = Both.tasks[:1]


def test_tasks_that_are_no_graphs_are_left_out(tmp_path):
    (file,) = gan.export(small(Both), out=tmp_path / "a")
    assert file.path.name == "generate.onnx"
    with pytest.raises(ValueError, match="no task 'project'; it has generate"):
        gan.export(small(Both), out=tmp_path / "b", task="project")
    with pytest.raises(
        ValueError, match=r"small model can be an ONNX file \(its tasks: project\).*safetensors"
    ):
        gan.export(small(Kept), out=tmp_path / "b")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("missing", onnx_files.NEEDED)
def test_a_missing_package_is_named(missing, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, missing, None)
    with pytest.raises(ValueError, match=rf"need {missing}: pip install 'ganarium\[onnx\]'"):
        gan.export(lone("resnet"), out="nowhere")
