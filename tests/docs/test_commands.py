"""Tests that every command and program of the READMEs and the site runs, shortened and in page order."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import doc_commands
import pytest
from reading import GUIDE, blocks, commands, scripts, text_of

from ganarium.methods.table import BUILT_IN
from ganarium.training.run import Run
from small_runs import environment, free_port

HEAVY = ["guide/laboratory.md"]
"""Pages whose commands take longer than those of all other pages together."""
SHOWN = ("gan",)
"""Methods whose pages belong to the quick tests; the pages of the others are slow together."""


def slow(pages):
    return [pytest.param(page, marks=pytest.mark.slow) for page in pages]


@pytest.mark.parametrize("page", ["README.md", *(page for page in GUIDE if page not in HEAVY), *slow(HEAVY)])
def test_every_command_of_a_page_runs(page, readers_folder):
    text = text_of(page)
    for words in commands(text):
        doc_commands.run(words, scripts(text))


@pytest.mark.parametrize(
    "name", [*SHOWN, *slow(method.name for method in BUILT_IN if method.name not in SHOWN)]
)
def test_every_command_of_a_methods_page_runs(name, readers_folder):
    typed = commands(text_of(f"methods/{name}.md"))
    first = ["ganarium", "train", name]
    assert first in typed
    for words in [first, *typed]:
        doc_commands.run(words, {})


def test_every_example_of_the_command_lines_help_runs(readers_folder):
    text = text_of("reference/command-line.md")
    typed = commands(text)
    assert len(typed) > 15
    runs = set(re.findall(r"runs/(\d{4})-([\w-]+)", text))
    runs |= {(number, name) for name in re.findall(r"runs/\*-([\w-]+)", text) for number in ("0100", "0101")}
    for number, name in sorted(runs):
        evaluation = "evaluate.every=32 evaluate.count=24"
        doc_commands.run(f"ganarium train {name} --out runs/{number}-{name} {evaluation}".split(), {})
    for words in typed:
        for place in (word for word in words if word.endswith("/") and not Path(word).exists()):
            shutil.copytree("photos", place)
        doc_commands.run(words, {})


def programs(page):
    """Return the blocks of Python that are complete programs; the others are excerpts."""
    code = [block.code for block in blocks(text_of(page)) if block.language == "python"]
    return [each for each in code if re.match(r"(import|from) ", each) and "--8<--" not in each]


@pytest.mark.parametrize("page", [page for page in ["README.md", *GUIDE] if programs(page)])
def test_every_program_of_a_page_runs(page, readers_folder, monkeypatch):
    for code in programs(page):
        doc_commands.program(code, monkeypatch)


def script_for_a_cluster():
    (script,) = scripts(text_of("guide/resume-and-scale-out.md")).values()
    return script


def test_the_script_for_a_cluster_is_a_script(tmp_path):
    (tmp_path / "train.sbatch").write_text(script_for_a_cluster())
    subprocess.run(["bash", "-n", tmp_path / "train.sbatch"], check=True)


@pytest.mark.slow
def test_the_script_for_a_cluster_trains_and_goes_on(readers_folder):
    """Replace SLURM's commands by stubs, and two of its nodes by two launchers on this machine."""
    tiny = " ".join([*doc_commands.TINY, *doc_commands.tiny_parts("dcgan")])
    script = script_for_a_cluster().replace("images=5_000_000 batch_size=256", tiny)
    script = script.replace("29500", str(free_port())).replace('"$run")', '"$run" images=96)')
    assert tiny in script
    assert "images=96" in script
    stands_in("scontrol", "echo localhost")
    stands_in("srun", '"$@" & first=$!; "$@" || exit; wait $first')
    Path("train.sbatch").write_text(script)
    path = os.pathsep.join(["bin", str(Path(sys.executable).parent), os.environ["PATH"]])
    slurm = {"SLURM_NNODES": "2", "SLURM_GPUS_ON_NODE": "1", "SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "all"}
    for played in (64, 96):
        done = subprocess.run(
            ["bash", "train.sbatch"],
            env=environment() | slurm | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        assert Run("runs/photos").records[-1]["images"] == played
    assert "2 processes" in Path("runs/photos/speed.jsonl").read_text()


def stands_in(name, line):
    path = Path("bin") / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/bash\n{line}\n")
    path.chmod(0o755)
