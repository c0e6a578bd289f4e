"""Harness of the prototypes: a method of one file on the whole way from data to an exported file."""

import pytest
import torch
from typer.testing import CliRunner

import ganarium as gan
from ganarium.cli.app import app
from ganarium.testing import CHECKS, MethodUnderTest, check_card

torch.set_num_threads(1)
ADAM = {"lr": 1e-3, "betas": (0.5, 0.9)}
"""Optimizer of the prototypes' players."""


@pytest.fixture
def whole_way(tmp_path):
    """Check the conformance, train, look at the grids, evaluate, go from files to files, export.

    Returns what was measured.
    """

    def go(method, command, *, exported, data=None):
        gan.methods.add(method)
        changes = {} if data is None else {"data": {"source": str(data), "count": None}}
        for check in CHECKS:
            if check is not check_card:
                check(MethodUnderTest(method, changes))
        overrides = ["images=64", "batch_size=8", "every.samples=32", "data.workers=0"]
        run = gan.train(method, data=data, out=tmp_path / "run", overrides=overrides)
        assert len(list((run.folder / "samples").glob("*.png"))) == 3, "grids"
        measured = gan.evaluate(run, count=8, resamples=0)
        done = CliRunner().invoke(app, [str(word).replace("RUN", str(run.folder)) for word in command])
        assert done.exit_code == 0, done.output
        (written,) = gan.export(run.folder, out=tmp_path / "exported")
        assert written.path.name == exported
        assert written.difference < 1e-3
        return measured

    return go
