"""ONNX files do what PyTorch does, for every method and network, at sizes that they were not traced at."""

import functools

import onnx
import onnxruntime
import pytest
import torch
from torch import nn

import ganarium as gan
from ganarium import methods
from ganarium.data.spec import DataSpec
from ganarium.exporting import onnx as onnx_files
from ganarium.exporting.onnx import plain, written
from ganarium.exporting.tasks import Input, Task, tasks
from ganarium.models.model import Model
from ganarium.models.network import NETWORKS, NetworkModel, Origin
from ganarium.recipes.assemble import assemble
from ganarium.recipes.resolve import tiny
from ganarium.testing import MethodUnderTest

QUICK = ("gan", "infogan", "cgan")
"""Methods whose files are made among the quick tests: noise alone, with codes, with labels."""
CLASSIFIER = methods.find("semi-supervised-gan")
TRIALS = {name: MethodUnderTest(method) for name, method in methods.table().items()} | {
    "points": MethodUnderTest(methods.find("gan"), {"data": {"source": "ring", "size": None}}),
    "attributes": MethodUnderTest(methods.find("cgan"), {"data": {"condition": "attributes"}}),
    "pictures alone": MethodUnderTest(
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
"""What a network takes, where it is not pictures of any size."""


def model_of(trial):
    torch.manual_seed(0)
    return Model(trial.method, trial.recipe, trial.dataset.spec, trial.game(), 64)


def lone(name, **changes):
    role, settings = NETWORKS[name]
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
    (task,) = tasks(lone(name))
    return written(task, {"licence": "BSD"})


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
    chosen = [task for task in tasks(model) if task.name == tasks(model)[0].name]
    chance = torch.Generator().manual_seed(3)
    for task in chosen:
        file = written(task, {"method": name})
        assert file.difference < 1e-4
        for count in (1, 5):
            inputs = task.drawn(count, task.size(chance), chance)
            with torch.no_grad():
                wanted = task.call(model.game, *inputs)
            named = dict(zip((given.name for given in task.inputs), inputs, strict=True))
            (found,) = run(file.content, **named)
            alike(found, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("planes", [1, 2], ids=["classes", "classes and instances"])
def test_maps_go_in_as_integers(planes):
    method = methods.find("pix2pix")
    recipe = tiny(method)
    spec = DataSpec((3, 32, 32), ("sky", "road", "tree"), (), "map", (planes, 32, 32))
    model = Model(method, recipe, spec, assemble(method, recipe, spec))
    task = tasks(model)[0]
    assert task.stem == "map-to-picture"
    maps = torch.randint(3, (2, planes, 70, 37))
    (found,) = run(written(task, {}).content, maps=maps)
    alike(found, model.translate(maps))
    (others,) = run(written(task, {}).content, maps=(maps + 1) % 3)
    assert not torch.allclose(found, others, atol=1e-4)


def test_what_is_generated_is_what_the_model_generates():
    """From the model's own noise, labels told."""
    model = model_of(TRIALS["cgan"])
    (task,) = tasks(model)
    labels = torch.tensor([0, 2, 1, 5])
    noise = model.game.draw_noise(4, torch.Generator().manual_seed(7))
    (found,) = run(written(task, {}).content, noise=noise, labels=labels)
    alike(found, model.generate(4, seed=7, classes=labels.tolist()))
    (others,) = run(written(task, {}).content, noise=noise, labels=labels.flip(0))
    assert not torch.allclose(found, others, atol=1e-4)


def test_classes_are_named_as_by_the_model():
    model = model_of(MethodUnderTest(CLASSIFIER))
    task = {task.name: task for task in tasks(model)}["classify"]
    images = torch.rand(3, *model.spec.shape) * 2 - 1
    (found,) = run(written(task, {}).content, images=images)
    alike(found, model.classify(images))


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n == "resnet" else pytest.mark.slow) for n in NETWORKS],
)
def test_every_network_does_the_same_as_onnx(name):
    model, file = lone(name), file_of(name)
    task = file.task
    assert file.difference < 1e-4
    chance = torch.Generator().manual_seed(5)
    for count, size in zip((1, 3), SIZES.get(name, ((77, 90), (131, 68))), strict=False):
        inputs = task.drawn(count, size, chance)
        named = dict(zip((given.name for given in task.inputs), inputs, strict=True))
        found = run(file.content, **named)
        if model.role == "translator":
            (images, *styles) = inputs
            wanted = [model.translate(images, **({"styles": styles[0]} if styles else {}))]
        else:
            with torch.no_grad():
                given = model.network(*inputs)
            wanted = [given] if isinstance(given, torch.Tensor) else list(given)
        for ours, theirs in zip(found, wanted, strict=True):
            alike(ours, theirs)


def test_files_name_their_axes_and_keep_nothing_of_this_machine():
    content = file_of("resnet").content
    graph = onnx.load_from_string(content)
    onnx.checker.check_model(graph, full_check=True)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["N", 3, "H", "W"]
    assert session.get_outputs()[0].shape == ["N", 2, "H", "W"]
    assert session.get_modelmeta().custom_metadata_map == {"licence": "BSD"}
    assert b"/ganarium/" not in content
    assert b"site-packages" not in content


def test_the_same_model_makes_the_same_file():
    (task,) = tasks(model_of(TRIALS["gan"]))
    assert written(task, {"a": "1", "b": "2"}).content == written(task, {"a": "1", "b": "2"}).content


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
    (task,) = tasks(model)
    noise = model.game.draw_noise(4, torch.Generator().manual_seed(7))
    (found,) = run(written(task, {}).content, noise=noise)
    assert found.dtype == torch.float32
    alike(found, plain(model.game).generate(noise))


class Drifting(nn.Module):
    """What is traced is not what it does next: each pass adds more."""

    def __init__(self):
        super().__init__()
        self.passes = 0

    def forward(self, images):
        self.passes += 1
        return images * self.passes


def task_of(network):
    def draw(count, size, chance):
        return torch.rand(count, 1, *size, generator=chance)

    images = Input("images", ("N", 1, "H", "W"), "", draw, "")
    outputs = {"translations": ("N", 1, "H", "W")}
    return Task("translate", "translate", network, lambda net, x: net(x), (images,), outputs)


def test_a_file_that_differs_is_refused():
    with pytest.raises(ValueError, match=r"translate.onnx would differ from PyTorch by .* safetensors"):
        written(task_of(Drifting()), {})


class Fickle(nn.Module):
    def forward(self, images):
        return images if images.mean() > 0 else -images


def test_what_pytorch_cannot_write_is_told():
    with pytest.raises(ValueError, match=r"PyTorch cannot write translate.onnx .* safetensors"):
        written(task_of(Fickle()), {})


@pytest.mark.parametrize("missing", onnx_files.NEEDED)
def test_a_missing_package_is_named(missing, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, missing, None)
    with pytest.raises(ValueError, match=rf"need {missing}: pip install 'ganarium\[onnx\]'"):
        gan.export(lone("resnet"), out="nowhere")
