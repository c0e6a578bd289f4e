"""Two small trained runs."""

from pathlib import Path

import pytest

from command_line import TINY, done


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "dcgan"
    done("train", "dcgan", "--out", folder, *TINY)
    return folder


@pytest.fixture(scope="session")
def run_of_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "cgan"
    done("train", "cgan", "--out", folder, *TINY)
    return folder


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
