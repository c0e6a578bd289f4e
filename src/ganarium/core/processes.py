"""Many processes, one match: replicas hold equal weights because they apply equal gradients.

Launched by `torchrun`. Plain averaging after backward is right for every way a game may call its
networks; a wrapper around `forward` is not, since games call networks several times, through other
methods, and walk one forward pass twice.
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
"""So long the others wait for what one process makes; that it has ended they hear at once."""
_waiting: Any = None


def start(device: torch.device) -> None:
    """Join the group that `torchrun` announces in the environment; do nothing when it does not."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def stop() -> None:
    """Leave the group, if there is one."""
    global _waiting
    _waiting = None
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """This process' number, 0 when it is alone."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """How many processes play, 1 when there is no group."""
    return dist.get_world_size() if dist.is_initialized() else 1


def local_rank() -> int:
    """This process' number on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


class ProcessLostError(RuntimeError):
    """Another process of this run has ended."""


@contextlib.contextmanager
def stop_together() -> Iterator[None]:
    """Within the block a process that ends takes the others along with a message.

    Raises:
        LostError: another process has ended, or does not answer.
    """
    try:
        yield
    except RuntimeError as error:
        silent = any(sign in str(error).lower() for sign in ("connection", "broken pipe", "timed out"))
        if size() == 1 or not silent:
            raise
        raise ProcessLostError(
            f"another process of this run has ended, or does not answer ({str(error).splitlines()[0]}); "
            "its own message says why. The run can be resumed, with any number of processes"
        ) from None


def _mean_in_place(tensors: Sequence[Tensor]) -> None:
    flat = torch.cat([t.flatten() for t in tensors])
    dist.all_reduce(flat)
    flat /= size()
    for tensor, piece in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(piece.view_as(tensor))


@torch.no_grad()
def broadcast(module: nn.Module) -> None:
    """Give every process the first one's parameters and buffers."""
    if size() > 1:
        for tensor in [*module.parameters(), *module.buffers()]:
            dist.broadcast(tensor, src=0)


def check_turn(label: str, device: torch.device | str = "cpu") -> None:
    """Raise RuntimeError naming both sides unless every process is at the turn `label`.

    Processes that disagree would wait for each other for ever, or mix unlike gradients in silence.
    """
    if size() == 1:
        return
    mine = torch.tensor([zlib.crc32(label.encode())], device=device)
    theirs = [torch.empty_like(mine) for _ in range(size())]
    dist.all_gather(theirs, mine)
    if any(int(other) != int(mine) for other in theirs):
        sides = "; ".join(f"process {i} at {text}" for i, text in enumerate(gather(label)))
        raise RuntimeError(
            f"processes disagree about whose turn it is: {sides}. "
            "Who moves may depend on the clock and clock.dice(), never on data or on chance of one's own."
        )


@torch.no_grad()
def average_gradients(params: Sequence[nn.Parameter]) -> None:
    """Mean over processes; a parameter with a gradient nowhere keeps None, so its optimizer rests."""
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
def average_buffers(module: nn.Module) -> None:
    """Give every process the mean of the floating-point buffers (running statistics)."""
    buffers = [b for b in module.buffers() if b.is_floating_point()]
    if size() > 1 and buffers:
        _mean_in_place(buffers)


def gather(value: Any) -> list[Any]:
    """Every process' value, in order of rank."""
    values: list[Any] = [value]
    if size() > 1:
        values = [None] * size()
        dist.all_gather_object(values, value)
    return values


def on_first_process(make: Callable[[], T]) -> T:
    """What the first process makes, on every process; the others wait for it, however long it takes."""
    global _waiting
    if size() == 1:
        return make()
    if _waiting is None:  # a group of its own: turns should not be waited for that long
        _waiting = dist.new_group(backend="gloo", timeout=PATIENCE)
    made: list[Any] = [make() if rank() == 0 else None]
    dist.broadcast_object_list(made, src=0, group=_waiting)
    return made[0]


def any_process(value: bool) -> bool:
    """Whether it is so on any process."""
    return any(gather(value)) if size() > 1 else value


def check_replicas(tensors: Iterable[tuple[str, Tensor]]) -> None:
    """Raise RuntimeError naming the first tensors that differ between processes."""
    if size() == 1:
        return
    sums = {name: _checksum(tensor) for name, tensor in tensors}
    gathered = gather(sums)
    if differing := [name for name in sums if any(other[name] != sums[name] for other in gathered)]:
        raise RuntimeError(
            f"the processes' copies have drifted apart: {', '.join(differing[:3])}"
            f"{' ...' if len(differing) > 3 else ''}. Is state kept outside the game, or own chance used?"
        )


def _checksum(tensor: Tensor) -> int:
    return zlib.crc32(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
