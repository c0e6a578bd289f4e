"""What every test shares: one thread, since small tensors are faster on one, and where real data lie."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


def pytest_configure() -> None:
    torch.set_num_threads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the processes that tests start


@pytest.fixture(scope="session", autouse=True)
def _a_cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANARIUM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _tables_as_before() -> Iterator[None]:
    """Forget the methods, modalities, conditions, metrics and sources that a test adds."""
    from ganarium.data.conditions.table import CONDITIONS
    from ganarium.data.modalities.table import MODALITIES
    from ganarium.data.sources.table import OPENERS
    from ganarium.methods.table import METHODS
    from ganarium.metrics.table import METRICS

    before = [(table, dict(table._added)) for table in (CONDITIONS, MODALITIES, OPENERS, METHODS, METRICS)]
    yield
    for table, added in before:
        table._added = added


def _folder(variable: str, default: Path) -> Path:
    folder = Path(os.environ.get(variable, default))
    if not folder.is_dir():
        pytest.skip(f"{variable} names no folder, and {default} is not there")
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    return _folder("GANARIUM_DATA", ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def parity() -> Path:
    return _folder("GANARIUM_PARITY", ROOT.parent / "shared" / "parity")
