"""Devices and precisions that a recipe can name."""

import torch

from ganarium.core import processes

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def device_named(name: str) -> torch.device:
    """Return the device of that name; `auto` is cuda, else mps, else cpu.

    Under torchrun each process of a machine uses its own GPU.

    Raises:
        ValueError: torch cannot use the device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{processes.local_rank()}"
    try:
        return torch.zeros(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device={name} cannot be used here ({error}); try device=cpu") from None


def described(device: torch.device) -> str:
    """Describe the device: `NVIDIA H100`, `cpu, 2 threads`, `cpu, 1 thread, 2 processes`."""
    threads, count = torch.get_num_threads(), processes.size()
    words = [torch.cuda.get_device_name(device) if device.type == "cuda" else device.type]
    words += [f"{threads} thread{'s' * (threads > 1)}"] * (device.type == "cpu")
    words += [f"{count} processes"] * (count > 1)
    return ", ".join(words)
