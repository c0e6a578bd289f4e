"""A package of somebody else's brings a method by the entry point `ganarium.methods`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from small_runs import environment

PACKAGE = Path(__file__).with_name("third_party")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder of installed packages that holds it."""
    parent = tmp_path_factory.mktemp("third party")
    source = shutil.copytree(PACKAGE, parent / "source")  # building leaves files beside the source
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*pip, "--target", parent / "target", source], check=True, capture_output=True)
    return parent / "target"


def ganarium(*arguments, packages):
    """The command line, with these packages installed beside the others."""
    here = environment()
    here["PYTHONPATH"] = os.pathsep.join([str(packages), here["PYTHONPATH"]])
    command = [sys.executable, "-m", "ganarium", *map(str, arguments)]
    return subprocess.run(command, env=here, capture_output=True, text=True, timeout=120)


def test_it_is_listed_shown_trained_and_used(installed, tmp_path):
    listed = ganarium("methods", packages=installed)
    assert "ringmaster" in listed.stdout, listed.stderr
    assert "from a package of its own" in listed.stdout.replace("\n", " ")
    trained = ganarium("train", "ringmaster", "images=640", "--out", tmp_path / "run", packages=installed)
    assert trained.returncode == 0, trained.stderr
    resumed = ganarium("resume", tmp_path / "run", "images=1280", packages=installed)
    assert resumed.returncode == 0, resumed.stderr
    code = "import ganarium as gan, sys; print(gan.load(sys.argv[1]).generate(3).shape)"
    here = {**environment(), "PYTHONPATH": os.pathsep.join([str(installed), environment()["PYTHONPATH"]])}
    used = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "run"], env=here, capture_output=True, text=True
    )
    assert used.stdout == "torch.Size([3, 2])\n", used.stderr


def test_its_presets_and_networks_come_along(installed, tmp_path):
    shown = ganarium("show", "ringmaster", packages=installed)
    assert "line: Points on a line: a linear generator." in shown.stdout, shown.stderr
    command = ("train", "ringmaster", "--preset", "line", "--out", tmp_path / "run")
    trained = ganarium(*command, packages=installed)
    assert trained.returncode == 0, trained.stderr
    recipe = yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text())
    assert recipe["networks"]["generator"] == {"kind": "straight", "gain": 2.0}
    assert recipe["images"] == 320


def test_without_the_package_its_runs_are_told_apart(installed, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    said = ganarium("train", "ringmaster", packages=empty)
    assert said.returncode != 0
    assert "there is no method 'ringmaster'" in said.stderr + said.stdout


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise ImportError('no such thing as torchgames')", "no such thing as torchgames"),
        ("METHOD = 3", "ganarium.Method"),
        ("from ganarium.methods.noise_to_image.gan import METHOD", "is named 'gan'"),
    ],
)
def test_a_package_that_is_broken_leaves_the_rest_at_work(tmp_path, code, told):
    (tmp_path / "broken.py").write_text(code + "\n")
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ganarium.methods]\nbroken = broken:METHOD\n")
    listed = ganarium("methods", packages=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert "wgan-gp" in listed.stdout
    assert told in listed.stderr
    assert "'broken'" in listed.stderr
