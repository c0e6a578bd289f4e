"""Small runs, and comparisons of what they leave: for the tests of what holds.

As a program it trains or resumes one in a process of its own:

    python small_runs.py train duel FOLDER images=640
    python small_runs.py resume FOLDER
"""

import os
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganarium import methods
from ganarium.core.campaign import Campaign, Stage
from ganarium.core.game import Clock, Game, turn
from ganarium.data.settings import Data
from ganarium.data.spec import DataSpec
from ganarium.ops.image_pool import Pool
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Average, Every, Recipe
from ganarium.tasks.generate import Generate
from ganarium.tasks.latents import Latent
from ganarium.training import checkpoint

ROOT = Path(__file__).parents[1]


class Points(nn.Module):
    """A perceptron from the plane to `outputs` numbers, with batch statistics or without."""

    def __init__(self, shape: tuple[int, ...], *, outputs: int = 2, width: int = 8, norm: bool = True):
        super().__init__()
        normed = [nn.BatchNorm1d(width)] if norm else []
        self.layers = nn.Sequential(
            nn.Linear(shape[0], width, bias=not norm),
            *normed,
            nn.LeakyReLU(0.2),
            nn.Linear(width, outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def critic(shape: tuple[int, ...], *, width: int = 8, norm: bool = False) -> nn.Module:
    return Points(shape, outputs=1, width=width, norm=norm)


class TwoPlayerGame(Game):
    """Least squares on points; the noise is drawn, or follows from the data."""

    roles: ClassVar = {"generator": {"points": Points}, "discriminator": {"points": critic}}
    tasks = (Generate(),)

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        pool: int = 0,
        noise: str = "drawn",
        fault: str = "",
        after: int = 0,
    ):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.pool = Pool(pool)
        self.noise, self.fault, self.after = noise, fault, after
        self.latents = (Latent("z", (2,)),)

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> "TwoPlayerGame":
        return cls(network("generator", spec.shape), network("discriminator", spec.shape), **settings)

    def play(self, data: Iterator[Tensor], clock: Clock) -> Iterator:
        real = next(data)
        noise = torch.randn_like(real) if self.noise == "drawn" else real.flip(1) * 1.5 + 0.25
        fake = self.generator(noise)
        due = self.fault if clock.round >= self.after else ""
        if due == "chance" and os.environ.get("RANK") == "1":
            yield turn(self.generator, judge=self.discriminator(fake).square().mean())
        if due == "early" and os.environ.get("RANK") == "1":
            return
        if due == "drift" and os.environ.get("RANK") == "1":
            with torch.no_grad():
                self.generator.layers[0].weight += 1.0
        if due == "die" and os.environ.get("RANK", "1") == "1":
            os.kill(os.getpid(), 9)
        judged = self.discriminator(self.pool(fake))
        loss = (self.discriminator(real) - 1).square().mean() + judged.square().mean()
        yield turn(self.discriminator, judge=loss)
        fool = (self.discriminator(fake) - 1).square().mean()
        if due == "loss" or (due == "loss there" and os.environ.get("RANK") == "1"):
            fool = fool * float("nan")
        yield turn(self.generator, fool=fool)
        if due == "weights":
            with torch.no_grad():
                self.generator.layers[0].weight[0, 0] = float("inf")
            self.after = sys.maxsize  # the terms of later rounds are not asked

    def generate(self, z: Tensor) -> Tensor:
        return self.generator(z)


def base(method: str, **changes: Any) -> Recipe:
    adam = {"kind": "adam", "lr": 1e-3, "schedule": {"kind": "linear", "start": 0.5}}
    keys: dict[str, Any] = {
        "images": 640,
        "batch_size": 16,
        "device": "cpu",
        "networks": {"generator": {"kind": "points"}, "discriminator": {"kind": "points"}},
        "optimizers": {"generator": adam, "discriminator": adam},
        "averages": {"generator": Average(half_life_kimg=0.2)},
        "data": Data(source="ring", count=200, workers=0),
        "every": Every(log=32, samples=320, checkpoint=64),
    }
    return Recipe(method=method, **{**keys, **changes})


DUEL = Method("duel", TwoPlayerGame, lambda: base("duel"), {})


class Step(Game):
    """One stage of a ladder: it corrects the samples of the stage below it."""

    saved_networks = ("below", "generator")
    tasks = (Generate(),)
    latents = (Latent("z", (2,)),)

    def __init__(self, below: nn.Module | None, width: int):
        super().__init__()
        self.below = below if below is not None else nn.Identity()
        self.generator, self.discriminator = Points((2,), width=width), critic((2,), width=width)

    def play(self, data: Iterator[Tensor], clock: Clock) -> Iterator:
        real = next(data)
        fake = self.generate(torch.randn(len(real), 2))
        yield turn(self.discriminator, judge=self.judged(real, fake.detach()))
        yield turn(self.generator, fool=self.fooled(fake))

    def judged(self, real: Tensor, fake: Tensor) -> Tensor:
        return (self.discriminator(real) - 1).square().mean() + self.discriminator(fake).square().mean()

    def fooled(self, fake: Tensor) -> Tensor:
        return (self.discriminator(fake) - 1).square().mean()

    def generate(self, z: Tensor) -> Tensor:
        return z + self.generator(self.below(z))


class Ladder(Campaign):
    """Three stages, each with a batch size, data and rates of its own."""

    tasks = Step.tasks

    def __init__(self, *, twins: bool = False):
        self.twins = twins

    def stages(self, images: int) -> Iterator:
        below = None
        for level in range(3):
            averages = yield Stage(
                f"step {0 if self.twins else level}/3",
                Step(below, 4 + 4 * level),
                images // 4 if level < 2 else images - 2 * (images // 4),
                changes={
                    "batch_size": 8 * 2**level,
                    "data": {"count": 100 + 50 * level},
                    "optimizers": {"generator": {"lr": 1e-3 / (1 + level)}},
                },
            )
            below = averages["generator"].requires_grad_(False)


LADDER = Method("ladder", Ladder, lambda: base("ladder", networks={}), {})


def known() -> None:
    """Make the methods of this file known by name: for processes that have not begun a run of them."""
    for own in (DUEL, LADDER):
        methods.add(own)


def newest(run: Path) -> dict[str, Any]:
    """The state in the newest checkpoint."""
    return checkpoint.read(max((run / "checkpoints").glob("[0-9]*.pt")))


def differing(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Where two trees differ; tensors are compared bit for bit."""
    if isinstance(ours, Tensor) and isinstance(theirs, Tensor):
        same = ours.dtype == theirs.dtype and ours.shape == theirs.shape
        same = same and ours.numpy().tobytes() == theirs.numpy().tobytes()
    elif isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        lost = [f"{path}/{key}" for key in ours.keys() ^ theirs.keys()]
        return lost + [
            d for k in ours.keys() & theirs.keys() for d in differing(ours[k], theirs[k], f"{path}/{k}")
        ]
    elif isinstance(ours, list | tuple) and isinstance(theirs, list | tuple) and len(ours) == len(theirs):
        return [
            d
            for i, pair in enumerate(zip(ours, theirs, strict=True))
            for d in differing(*pair, f"{path}/{i}")
        ]
    else:
        same = type(ours) is type(theirs) and ours == theirs
    return [] if same else [path]


def assert_same(ours: Path, theirs: Path) -> None:
    """Weights, averages, optimizers, log, model and newest sheet are equal, bit for bit."""
    assert differing(newest(ours), newest(theirs)) == []
    for name in (
        "log.jsonl",
        "recipe.yaml",
        "model/model.safetensors",
        "model/config.json",
        "model/README.md",
    ):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
    best = [{p.name: p.read_bytes() for p in (run / "model-best").glob("*")} for run in (ours, theirs)]
    assert best[0] == best[1], "the best model"
    sheets = [{p.name: p.read_bytes() for p in (run / "samples").glob("*.png")} for run in (ours, theirs)]
    assert sheets[0] == sheets[1], "sheets of samples"
    assert left_over(ours) == []


def left_over(run: Path) -> list[Path]:
    """Files that were begun and not finished."""
    return list(run.rglob(".*.part"))


def environment() -> dict[str, str]:
    """For processes that know the package and this file."""
    paths = [str(ROOT / "src"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo",
    }


def spawn(*arguments: str | Path, processes: int = 1) -> subprocess.Popen:
    """This program in a process of its own, or in several under torchrun."""
    launcher = [sys.executable]
    if processes > 1:
        launcher += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return subprocess.Popen(
        [*launcher, __file__, *map(str, arguments)],
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def finished(process: subprocess.Popen, timeout: float = 120) -> str:
    """What a process said, when it has ended well."""
    said, _ = process.communicate(timeout=timeout)
    assert process.returncode == 0, said
    return said


def failed(process: subprocess.Popen, timeout: float = 120) -> str:
    """What a process said, when it has ended badly."""
    said, _ = process.communicate(timeout=timeout)
    assert process.returncode != 0, said
    return said


def forked(work: Callable[[], Any]) -> int:
    """The process number of a copy of this process that does `work` and ends: quicker than a new one."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            torch.set_num_threads(1)
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def ended(child: int) -> int:
    """How a forked process ended: its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def side_by_side(
    work: Callable[[], Any], folder: Path, *, processes: int = 2, timeout: float = 60
) -> list[str]:
    """What each of several processes said that played as one group, as under torchrun but quicker.

    A process that fails says its traceback; one that has not ended in time is killed, and the test fails.
    """
    group = {"WORLD_SIZE": processes, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    folder.mkdir(parents=True, exist_ok=True)

    def one(rank: int) -> None:
        said = os.open(folder / f"said by {rank}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1), os.dup2(said, 2)
        sys.stdout = sys.stderr = open(1, "w", closefd=False)  # noqa: SIM115
        here = {**group, "RANK": rank, "LOCAL_RANK": rank, "GLOO_SOCKET_IFNAME": "lo"}
        os.environ.update({key: str(value) for key, value in here.items()})
        try:
            work()
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            sys.stdout.flush()

    children = [forked(lambda rank=rank: one(rank)) for rank in range(processes)]
    patience, codes = time.monotonic() + timeout, dict.fromkeys(children)
    while None in codes.values() and time.monotonic() < patience:
        for child in (child for child, code in codes.items() if code is None):
            if os.waitpid(child, os.WNOHANG)[0]:
                codes[child] = 0
        time.sleep(0.01)
    hanging = [child for child, code in codes.items() if code is None]
    for child in hanging:
        os.kill(child, 9)
        os.waitpid(child, 0)
    said = [(folder / f"said by {rank}").read_text() for rank in range(processes)]
    assert not hanging, f"{len(hanging)} of {processes} processes hang: {said}"
    return said


def main(verb: str, *arguments: str) -> None:
    """`train METHOD FOLDER key=value ...`, or `resume FOLDER key=value ...`."""
    from ganarium.training.run import prepare, resume

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    known()
    if verb == "train":
        method, folder, *overrides = arguments
        prepare(method, out=folder, overrides=overrides, notify=print).finish()
    else:
        folder, *overrides = arguments
        from ganarium.recipes.yaml import override

        changes: dict[str, Any] = {}
        for text in overrides:
            changes.update(override(text))
        resume(folder, notify=print, **changes)


if __name__ == "__main__":
    main(*sys.argv[1:])
