"""Training rounds of the engine against the loops that tutorials teach, interleaved in one process.

    python -m benchmarks.rounds [--cases dcgan,wgan-gp] [--repeats 9] [--threads 2]

Both sides have the same networks, batch and data. The tutorial's side runs separate discriminator
passes, freezes nothing (in WGAN-GP's most copied loop the discriminator's gradient runs on into the
generator) and steps with plain Adam. Each repeat times one round of either side, in turn;
the table gives medians, and the ratio of medians. Losses of the first round are shown beside each
other. Peak memory is that of a process of its own for each side.
"""

import argparse
import copy
import itertools
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from ganarium import methods
from ganarium.builder import engine_for
from ganarium.data.batches import Facts
from ganarium.model import assemble
from ganarium.recipe import Recipe, resolve
from ganarium.watch.log import peak_memory_mib

Side = Callable[[], dict[str, float]]

CASES: dict[str, tuple[str, int, dict]] = {
    "dcgan": ("dcgan", 64, {}),
    "wgan-gp": ("wgan-gp", 32, {}),
}
"""Method, batch size, and what differs from its recipe; pictures are 3x64x64."""


def recipe_of(case: str, precision: str) -> Recipe:
    name, batch_size, changes = CASES[case]
    return resolve(methods.find(name), {"batch_size": batch_size, "precision": precision}, changes)


def batches(size: int) -> Iterator[Tensor]:
    chance = torch.Generator().manual_seed(0)
    return itertools.cycle(torch.rand(4, size, 3, 64, 64, generator=chance) * 2 - 1)


def players(case: str) -> tuple[nn.Module, nn.Module, int]:
    game = assemble(methods.find(CASES[case][0]), recipe_of(case, "float32"), Facts((3, 64, 64)))
    return game.generator, game.discriminator, game.noise_dim


def tutorial(case: str) -> Side:
    generator, discriminator, noise_dim = copy.deepcopy(players(case))
    size, data = CASES[case][1], batches(CASES[case][1])
    rule = {"dcgan": (2e-4, (0.5, 0.999)), "wgan-gp": (1e-4, (0.0, 0.9))}[case]
    step_g = torch.optim.Adam(generator.parameters(), lr=rule[0], betas=rule[1])
    step_d = torch.optim.Adam(discriminator.parameters(), lr=rule[0], betas=rule[1])
    ones, zeros = torch.ones(size), torch.zeros(size)

    def dcgan() -> dict[str, float]:
        real = next(data)
        discriminator.zero_grad()
        loss_real = bce(discriminator(real), ones)
        loss_real.backward()
        fake = generator(torch.rand(size, noise_dim) * 2 - 1)
        loss_fake = bce(discriminator(fake.detach()), zeros)
        loss_fake.backward()
        step_d.step()
        generator.zero_grad()
        loss_g = bce(discriminator(fake), ones)
        loss_g.backward()
        step_g.step()
        return {"discriminator": (loss_real + loss_fake).item(), "generator": loss_g.item()}

    def wgan_gp() -> dict[str, float]:
        losses = []
        for _ in range(5):
            real = next(data)
            discriminator.zero_grad()
            noise = torch.randn(size, noise_dim)
            fake = generator(noise)
            share = torch.rand(size, 1, 1, 1)
            between = (share * fake.detach() + (1 - share) * real).requires_grad_()
            scores = discriminator(between)
            (slope,) = torch.autograd.grad(scores, between, torch.ones_like(scores), create_graph=True)
            penalty = ((slope.view(size, -1).norm(2, dim=1) - 1) ** 2).mean()
            loss_d = discriminator(fake).mean() - discriminator(real).mean() + 10 * penalty
            loss_d.backward()
            step_d.step()
            losses.append(loss_d.item())
        generator.zero_grad()
        loss_g = -discriminator(generator(noise)).mean()
        loss_g.backward()
        step_g.step()
        return {"discriminator": statistics.mean(losses), "generator": loss_g.item()}

    return {"dcgan": dcgan, "wgan-gp": wgan_gp}[case]


def ours(case: str, precision: str) -> Side:
    recipe = recipe_of(case, precision)
    game = assemble(methods.find(recipe.method), recipe, Facts((3, 64, 64)))
    engine = engine_for(game, recipe, torch.device("cpu"))
    data = (batch.contiguous(memory_format=torch.channels_last) for batch in batches(recipe.batch_size))

    def round() -> dict[str, float]:
        terms = engine.round(data)
        sides = {"discriminator": 0.0, "generator": 0.0}
        for name, value in terms.items():
            sides[name.split("/")[0]] += value.item()
        return sides

    return round


def side(name: str, case: str) -> Side:
    return tutorial(case) if name == "tutorial" else ours(case, name)


def peak_mib(name: str, case: str, threads: int) -> int:
    """Peak resident memory of a process that plays three rounds of one side."""
    command = [sys.executable, "-m", "benchmarks.rounds", "--alone", name, "--cases", case]
    out = subprocess.run([*command, "--threads", str(threads)], check=True, capture_output=True, text=True)
    return int(out.stdout.split()[-1])


def compare(case: str, repeats: int, threads: int) -> None:
    names = ["tutorial", "float32", "bfloat16"]
    sides = {name: side(name, case) for name in names}
    first = {}
    for name, play in sides.items():
        torch.manual_seed(0)  # as the engine seeds round 0
        first[name] = play()
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(repeats):
        for name, play in sides.items():
            started = time.perf_counter()
            play()
            times[name].append(time.perf_counter() - started)
    slow = statistics.median(times["tutorial"])
    for name in names:
        median = statistics.median(times[name])
        losses = ", ".join(f"{value:.4f}" for value in first[name].values())
        memory = peak_mib(name, case, threads)
        print(
            f"| {case} | {name} | {median:.3f} | {slow / median:.2f} "
            f"| {min(times['tutorial']) / min(times[name]):.2f} | {memory} | {losses} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.alone:
        play = side(arguments.alone, arguments.cases)
        for _ in range(3):
            play()
        print(peak_memory_mib())
        return
    print(
        f"{date.today()}, {platform.processor() or platform.machine()}, torch {torch.__version__},", end=" "
    )
    print(f"{arguments.threads} threads, {arguments.repeats} interleaved repeats\n")
    print("| case | side | s/round | faster | faster (minima) | peak MiB | first losses (D, G) |")
    print("|---|---|---|---|---|---|---|")
    for case in arguments.cases.split(","):
        compare(case, arguments.repeats, arguments.threads)


if __name__ == "__main__":
    main()
