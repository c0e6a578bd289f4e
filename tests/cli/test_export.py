"""Export on the command line."""

import sys
from pathlib import Path

import ganarium as gan
from command_line import done, refused


def test_a_run_becomes_an_onnx_file(run):
    said = done("export", run, "--out", "a")
    assert "generate.onnx" in said
    assert "z [N, 4] to samples [N, 3, 16, 16]" in said
    assert "differs from PyTorch by at most" in said
    assert sorted(path.name for path in Path("a").iterdir()) == ["README.md", "example.py", "generate.onnx"]
    assert "no task 'classify'" in refused("export", run, "--task", "classify")


def test_a_run_becomes_one_file_that_the_other_verbs_take(run):
    done("export", run, "--to", "safetensors", "--out", "a")
    done("generate", "a/model.safetensors", "--count", "1")
    assert Path("a/generated/seed0-000000.png").exists()
    assert gan.load("a/model.safetensors").images == 64
    Path("a/README.md").write_text("mine")
    assert "is there already" in refused("export", run, "--to", "safetensors", "--out", "a")


def test_without_onnxruntime_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "pip install 'ganarium[onnx]'" in refused("export", run, "--out", "a")
    assert not Path("a").exists()
    assert "there is no format" in refused("export", run, "--to", "tflite")
