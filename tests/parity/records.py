"""What official implementations were recorded to say: one `.json` and one `.safetensors` a record."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

FOLDER = Path(os.environ.get("GANARIUM_PARITY", Path(__file__).parents[3] / "shared/parity"))

JUNYANZ, PIX2PIXHD, SPADE = "junyanz/pytorch-CycleGAN-and-pix2pix", "NVIDIA/pix2pixHD", "NVlabs/SPADE"
COVERED = {
    (JUNYANZ, "ResnetGenerator"),
    (JUNYANZ, "UnetGenerator"),
    (JUNYANZ, "NLayerDiscriminator"),
    (JUNYANZ, "PixelDiscriminator"),
    (PIX2PIXHD, "GlobalGenerator"),
    (PIX2PIXHD, "LocalEnhancer"),
    (PIX2PIXHD, "Encoder"),
    (PIX2PIXHD, "MultiscaleDiscriminator"),
    (SPADE, "SPADEGenerator"),
    (SPADE, "ConvEncoder"),
    (SPADE, "MultiscaleDiscriminator"),
}
"""The official classes that an importer claims to read."""
STEPS = {(JUNYANZ, "CycleGANModel"), (JUNYANZ, "Pix2PixModel")}
"""Recorded steps of training, with several networks that an importer claims to read."""


@dataclass(frozen=True)
class Record:
    """One record; `official` is its repository and class."""

    name: str
    told: dict[str, Any]

    @property
    def official(self) -> tuple[str, str]:
        return self.told["repo"].removeprefix("https://github.com/"), self.told["class_name"].split(".")[-1]

    @cached_property
    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """By what they are (`weights`, `in`, `out`), then by name."""
        found: dict[str, dict[str, Tensor]] = {"weights": {}, "in": {}, "out": {}}
        with safe_open(FOLDER / f"{self.name}.safetensors", "pt") as file:
            for key in file.keys():  # noqa: SIM118 - the file is no mapping
                what, _, name = key.partition("/")
                found.setdefault(what, {})[name] = file.get_tensor(key)
        return found

    @property
    def is_network(self) -> bool:
        with safe_open(FOLDER / f"{self.name}.safetensors", "pt") as file:
            return any(key.startswith("weights/") for key in file.keys())  # noqa: SIM118

    def noise(self, output: str) -> float:
        """How far the official float32 is from the official float64, relative to the largest value."""
        told = self.told.get("float32_vs_float64") or {}
        found = told.get(output) or told.get(f"out/{output}")
        return found["max_abs_diff"] / found["max_abs_value"] if found else 0.0


def all_records() -> list[Record]:
    files = sorted(FOLDER.glob("*.json")) if FOLDER.is_dir() else []
    return [Record(file.stem, json.loads(file.read_text())) for file in files]


RECORDS = [record for record in all_records() if record.is_network]
"""Networks alone; recorded losses and measures are for the tests of those."""
