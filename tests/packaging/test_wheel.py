"""The built wheel, installed where nothing of the checkout is: it holds all that it needs."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy of what is in the checkout, which stays clean."""
    parent = tmp_path_factory.mktemp("wheel")
    copy = parent / "copy"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", parent, copy], check=True, capture_output=True)
    (built,) = parent.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The interpreter of a new environment with the wheel, which sees the dependencies installed here."""
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site]
    subprocess.run([*pip, wheel], check=True, capture_output=True)
    return home / "bin" / "python"


def run(python, *arguments, folder):
    here = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [python, *map(str, arguments)],
        cwd=folder,
        env={**here, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_every_file_of_the_package_is_in_it(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("ganarium/")}
    package = ROOT / "src" / "ganarium"
    wanted = {
        f"ganarium/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not path.name.startswith(".")
    }
    assert wanted == held
    assert "ganarium/py.typed" in held
    assert any(name.startswith("ganarium/presets/") and name.endswith(".yaml") for name in held)


def test_it_imports_from_where_it_was_installed(python, tmp_path):
    said = run(python, "-c", "import ganarium; print(ganarium.__file__)", folder=tmp_path)
    assert str(python.parents[1]) in said.stdout, said.stderr


def test_it_trains_resumes_and_draws(python, tmp_path):
    tiny = ["images=64", "batch_size=8", "data.size=16", "data.count=32", "device=cpu"]
    tiny += ["networks.generator.width=4", "networks.discriminator.width=4"]
    for arguments in (
        ["--help"],
        ["methods"],
        ["train", "dcgan", "--out", "run", *tiny],
        ["resume", "run", "images=96"],
        ["generate", "run", "--count", "4", "--out", "samples"],
    ):
        done = run(python, "-m", "ganarium", *arguments, folder=tmp_path)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()
    assert list((tmp_path / "samples").glob("*.png"))


def test_presets_come_along(python, tmp_path):
    code = (
        "from ganarium import methods; from ganarium.methods.resolve import chosen_recipe\n"
        "from ganarium.recipes.presets import presets\n"
        "for method in methods.table().values():\n"
        "    for name in presets(method): print(chosen_recipe(method.name, preset=name).method, name)"
    )
    said = run(python, "-c", code, folder=tmp_path)
    there = sorted(f"{p.parent.name} {p.stem}" for p in (ROOT / "src/ganarium/presets").glob("*/*.yaml"))
    assert sorted(said.stdout.split("\n")[:-1]) == there, said.stderr
    assert there
