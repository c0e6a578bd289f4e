"""What the READMEs say is so: their tables come from the cards, and their commands run."""

import importlib.util
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ganarium.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "README.zh-CN.md"]
SHORT = [
    "images=64",
    "batch_size=16",
    "data.size=16",
    "data.count=64",
    "networks.generator.width=4",
    "networks.discriminator.width=4",
]
"""What is said beside each training command, so that it takes a second."""


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES)
def test_the_table_of_methods_is_the_cards(page):
    docs = generator()
    text = (ROOT / page).read_text(encoding="utf-8")
    assert docs.generated(text, docs.PAGES[page]) == text, "run python docs/generate.py"
    assert "`wgan-gp`" in text


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_leads_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def commands(page: str) -> list[list[str]]:
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [words[1:] for words in lines if words and words[0] == "ganarium"]


@pytest.fixture
def users_folder(tmp_path, monkeypatch, real_data):
    chance = np.random.default_rng(0)
    for i in range(24):
        digit = tmp_path / "digits" / str(i % 2) / f"{i}.png"
        photo = tmp_path / "photos" / f"{i}.jpg"
        for path in (digit, photo):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(chance.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(path)
    # A digit reader lies where the README's user has put his.
    (weights,) = (real_data / "weights" / "mnist_lenet").glob("*.pth")
    (tmp_path / "lenet.pth").write_bytes(weights.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_every_command_runs(page, users_folder):
    """In the order of the page, in one folder, as a reader would type them."""
    run = CliRunner()
    runs = 0
    for words in commands(page):
        if words[0] == "train":
            words = [*words, *SHORT]
        if words[0] == "generate" and "--class" in words:
            words[words.index("--class") + 1] = "1"
        result = run.invoke(app, words, catch_exceptions=False)
        assert result.exit_code == 0, f"ganarium {' '.join(words)}\n{result.output}"
        runs += 1
    assert runs > 8
