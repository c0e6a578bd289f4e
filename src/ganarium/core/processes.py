"""Several processes in one run: replicas have equal weights because they apply equal gradients.

`torchrun` starts the processes. Averaging gradients after backward is correct for every way in which a game
calls its networks. A wrapper around `forward` is not: games call networks several times, call other methods,
and run backward twice through one forward pass.
"""

import contextlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

T = TypeVar("T")

PATIENCE = timedelta(days=1)
"""Timeout while one process works alone; a process that has ended is noticed at once."""
_waiting: Any = None


def start(device: torch.device) -> None:
    """Join the process group that `torchrun` sets in the environment, if any."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def stop() -> None:
    """Leave the process group, if any."""
    global _waiting
    _waiting = None
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """Return the number of this process; 0 without a group."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """Return the number of processes; 1 without a group."""
    return dist.get_world_size() if dist.is_initialized() else 1


def local_rank() -> int:
    """Return the number of this process on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


class ProcessLostError(RuntimeError):
    """Error: another process of this run has ended."""


@contextlib.contextmanager
def stop_together() -> Iterator[None]:
    """Stop this process with a clear error if another one ends within the block.

    Raises:
        ProcessLostError: another process has ended, or does not answer.
    """
    try:
        yield
    except RuntimeError as error:
        lost = any(sign in str(error).lower() for sign in ("connection", "broken pipe", "timed out"))
        if size() == 1 or not lost:
            raise
        raise ProcessLostError(
            f"another process of this run has ended, or does not answer ({str(error).splitlines()[0]}); "
            "see the message of that process. The run can be resumed, with any number of processes"
        ) from None


def _mean_in_place(tensors: Sequence[Tensor]) -> None:
    flat = torch.cat([t.flatten() for t in tensors])
    dist.all_reduce(flat)
    flat /= size()
    for tensor, piece in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(piece.view_as(tensor))


@torch.no_grad()
def broadcast(module: nn.Module) -> None:
    """Copy the parameters and buffers of the first process to all others."""
    if size() > 1:
        for tensor in [*module.parameters(), *module.buffers()]:
            dist.broadcast(tensor, src=0)


def check_turn(label: str, device: torch.device | str = "cpu") -> None:
    """Raise RuntimeError naming the turn of each process unless all are at the turn `label`.

    Processes at different turns would deadlock, or average gradients that do not belong together.
    """
    if size() == 1:
        return
    own = torch.tensor([zlib.crc32(label.encode())], device=device)
    gathered = [torch.empty_like(own) for _ in range(size())]
    dist.all_gather(gathered, own)
    if any(int(other) != int(own) for other in gathered):
        sides = "; ".join(f"process {i} at {text}" for i, text in enumerate(gather(label)))
        raise RuntimeError(
            f"processes disagree about the turn: {sides}. "
            "Turns may depend on the clock and clock.shared_random(), not on data or other random numbers."
        )


@torch.no_grad()
def average_gradients(params: Sequence[nn.Parameter]) -> None:
    """Average gradients over processes; a parameter without any keeps None, so its optimizer skips it."""
    if size() == 1:
        return
    has = torch.tensor([p.grad is not None for p in params], dtype=torch.uint8, device=params[0].device)
    dist.all_reduce(has, op=dist.ReduceOp.MAX)
    for p, any_has in zip(params, has.tolist(), strict=True):
        if any_has and p.grad is None:
            p.grad = torch.zeros_like(p)
    if grads := [p.grad for p in params if p.grad is not None]:
        _mean_in_place(grads)


@torch.no_grad()
def mean(value: Tensor) -> Tensor:
    """Return the mean of a tensor over processes."""
    if size() == 1:
        return value
    total = value.clone()
    dist.all_reduce(total)
    return total / size()


@torch.no_grad()
def average_buffers(module: nn.Module) -> None:
    """Average the floating-point buffers (running statistics) over processes."""
    buffers = [b for b in module.buffers() if b.is_floating_point()]
    if size() > 1 and buffers:
        _mean_in_place(buffers)


def gather(value: Any) -> list[Any]:
    """Return the value of every process, in order of rank."""
    values: list[Any] = [value]
    if size() > 1:
        values = [None] * size()
        dist.all_gather_object(values, value)
    return values


def on_first_process(make: Callable[[], T]) -> T:
    """Call `make` on the first process and return its result on all; the others wait up to `PATIENCE`."""
    global _waiting
    if size() == 1:
        return make()
    if _waiting is None:  # separate group: turns keep the default timeout
        _waiting = dist.new_group(backend="gloo", timeout=PATIENCE)
    made: list[Any] = [make() if rank() == 0 else None]
    dist.broadcast_object_list(made, src=0, group=_waiting)
    return made[0]


def any_process(value: bool) -> bool:
    """Return True if `value` is true on any process."""
    return any(gather(value)) if size() > 1 else value


def check_replicas(tensors: Iterable[tuple[str, Tensor]]) -> None:
    """Raise RuntimeError naming the first tensors that differ between processes."""
    if size() == 1:
        return
    sums = {name: _checksum(tensor) for name, tensor in tensors}
    gathered = gather(sums)
    if differing := [name for name in sums if any(other[name] != sums[name] for other in gathered)]:
        raise RuntimeError(
            f"tensors differ between processes: {', '.join(differing[:3])}"
            f"{' ...' if len(differing) > 3 else ''}; keep all state in the game, use clock.shared_random()"
        )


def _checksum(tensor: Tensor) -> int:
    return zlib.crc32(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
