"""Import path of the documents' scripts, and a folder with the files that the pages use."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from ganarium.interop import FAMILIES
from ganarium.networks.classifiers import LeNet, SqueezeNet
from official_states import official_state

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))


@pytest.fixture(scope="session")
def belongings(tmp_path_factory):
    """Create folders and files with the names that the pages use, and untrained networks."""
    folder = tmp_path_factory.mktemp("belongings")
    rng = np.random.default_rng(0)

    def write_images(*names):
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(folder / name)

    for photos in ("photos", "real", "generated", "new_pictures", "shared/photos", "horses", "zebras"):
        write_images(*(f"{photos}/{i}.jpg" for i in range(12)))
    write_images(*(f"digits/{i % 10}/{i}.png" for i in range(30)))
    write_images(*(f"few_labels/{('cat', 'dog', 'unlabeled')[i % 3]}/{i}.png" for i in range(36)))
    write_images(*(f"faces/{i}.png" for i in range(24)))
    write_images(*(f"seasons/{('autumn', 'spring', 'summer')[i % 3]}/{i}.jpg" for i in range(12)))
    write_images(*(f"streets/images/{i}.png" for i in range(12)))
    write_images("sunset.jpg")
    for labels in ("streets/labels", "labels"):
        (folder / labels).mkdir()
        for i in range(12):
            ids = rng.integers(0, 4, (16, 16), dtype=np.uint8)
            Image.fromarray(ids).save(folder / labels / f"{i}.png")
    rows = "".join(f"{i}.png,{i % 2},{i // 2 % 2}\n" for i in range(24))
    (folder / "faces" / "attributes.csv").write_text(f"file,smiling,hat\n{rows}")
    shutil.make_archive(str(folder / "photos"), "zip", folder / "photos")
    images = rng.integers(0, 255, (24, 16, 16), dtype=np.uint8)
    np.savez(folder / "arrays.npz", images=images, labels=np.arange(24) % 3)
    torch.manual_seed(0)
    torch.save(LeNet().state_dict(), folder / "lenet.pth")
    squeezenet = SqueezeNet().state_dict()
    save_file(squeezenet, folder / "squeezenet1_0.safetensors")
    torch.save(squeezenet, folder / "inception.pth")  # Inception itself has twenty times as many weights
    small = {"inputs": 3, "outputs": 3, "width": 4, "blocks": 1}
    torch.save(official_state(FAMILIES[0], small), folder / "latest_net_G.pth")
    return folder


@pytest.fixture
def readers_folder(belongings, tmp_path, monkeypatch):
    """Change to a copy of the folder, so that a page finds only its own results."""
    shutil.copytree(belongings, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path
