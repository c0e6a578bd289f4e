"""Training rounds of the engine and of the loops of common tutorials, interleaved in one process.

    python -m benchmarks.rounds [--cases dcgan,wgan-gp] [--repeats 9] [--threads 2] [--device cuda --compile]

Both sides have the same networks, batch and data. The tutorial's side runs separate discriminator passes,
freezes nothing (in the most copied WGAN-GP loop, the gradient of the discriminator's loss also reaches the
generator) and uses plain Adam. For translation it is the round of the official program, which freezes the
discriminators during the update of the translators. Each repeat times one round of each side, in turn; the
table has medians and the ratio of medians. It also shows the losses of the first round. Peak memory is
measured in a separate process for each side.
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
from torch.nn.functional import l1_loss, mse_loss

from ganarium import methods
from ganarium.core.devices import described, device_named
from ganarium.core.game import Game
from ganarium.data.batches import Conditioned, Unpaired
from ganarium.data.conditions.companion import Pair
from ganarium.data.conditions.domains import Domains
from ganarium.data.modalities.image import Image
from ganarium.data.spec import DataSpec
from ganarium.monitoring.log import peak_memory_mib
from ganarium.recipes.assemble import build_game
from ganarium.recipes.recipe import Recipe
from ganarium.recipes.resolve import resolve
from ganarium.training.builder import engine_for

Side = Callable[[], dict[str, float]]
"""Function that plays a round; reading its losses waits for the device."""
WARM_UP = 5
"""Untimed rounds in which a GPU chooses its kernels."""

CASES: dict[str, tuple[str, int, int, dict]] = {
    "dcgan": ("dcgan", 64, 64, {}),
    "wgan-gp": ("wgan-gp", 32, 64, {}),
    "cyclegan": ("cyclegan", 1, 128, {"networks": {"translator": {"blocks": 9}}}),
    # The masks of dropout depend on the memory layout.
    "pix2pix": ("pix2pix", 1, 256, {"networks": {"generator": {"dropout": 0.0}}}),
}
"""Method, batch size, side of the images (three channels), and changes to the recipe."""


def recipe_of(case: str, kind: str) -> Recipe:
    """Return the recipe of a side: `float32` or `bfloat16`, with ` compiled` appended or not."""
    name, batch_size, _, changes = CASES[case]
    precision, _, compiled = kind.partition(" ")
    keys = {"batch_size": batch_size, "precision": precision, "compile": bool(compiled)}
    return resolve(methods.find(name), keys, changes)


def batches(
    case: str, device: torch.device, layout: torch.memory_format = torch.contiguous_format
) -> Iterator:
    """Yield four batches repeatedly."""
    name, count, side, _ = CASES[case]
    rng = torch.Generator().manual_seed(0)
    images = (torch.rand(4, 2, count, 3, side, side, generator=rng) * 2 - 1).to(device).unbind()
    for one, other in itertools.cycle(images):
        one, other = (each.contiguous(memory_format=layout) for each in (one, other))
        yield {"cyclegan": Unpaired((one, other)), "pix2pix": Conditioned(one, other)}.get(name, one)


def game_of(case: str, recipe: Recipe) -> Game:
    name, _, side, _ = CASES[case]
    shape = (3, side, side)
    conditions = {"cyclegan": Domains(("a", "b")), "pix2pix": Pair(Image(), shape, "pair")}
    return build_game(methods.find(name), recipe, DataSpec(Image(), shape, conditions.get(name)))


def adam(case: str, *networks: nn.Module) -> torch.optim.Adam:
    rate, betas = (1e-4, (0.0, 0.9)) if case == "wgan-gp" else (2e-4, (0.5, 0.999))
    return torch.optim.Adam([p for net in networks for p in net.parameters()], lr=rate, betas=betas)


def tutorial(case: str, device: torch.device) -> Side:
    game = copy.deepcopy(game_of(case, recipe_of(case, "float32"))).to(device).train()
    return {"dcgan": tutorial_gan, "wgan-gp": tutorial_gan, "cyclegan": official_cyclegan}.get(
        case, official_pix2pix
    )(case, game, device)


def official_cyclegan(case: str, game: Game, device: torch.device) -> Side:
    a_to_b, b_to_a, disc_a, disc_b = game.a_to_b, game.b_to_a, game.discriminator_a, game.discriminator_b
    step_g, step_d = adam(case, a_to_b, b_to_a), adam(case, disc_a, disc_b)
    data = batches(case, device)

    def gan_loss(net: nn.Module, images: Tensor, target: float) -> Tensor:
        scores = net(images)
        return mse_loss(scores, torch.full_like(scores, target))

    def turn(net: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
        loss = (gan_loss(net, real, 1.0) + gan_loss(net, fake.detach(), 0.0)) * 0.5
        loss.backward()
        return loss

    def round() -> dict[str, float]:
        a, b = next(data).domains
        fake_b = a_to_b(a)
        cycle_a = b_to_a(fake_b)
        fake_a = b_to_a(b)
        cycle_b = a_to_b(fake_a)
        for net in (disc_a, disc_b):
            net.requires_grad_(False)
        step_g.zero_grad()
        identity = 5 * l1_loss(a_to_b(b), b) + 5 * l1_loss(b_to_a(a), a)
        adversarial = gan_loss(disc_b, fake_b, 1.0) + gan_loss(disc_a, fake_a, 1.0)
        loss = adversarial + 10 * l1_loss(cycle_a, a) + 10 * l1_loss(cycle_b, b) + identity
        loss.backward()
        step_g.step()
        for net in (disc_a, disc_b):
            net.requires_grad_(True)
        step_d.zero_grad()
        loss_d = turn(disc_b, b, fake_b) + turn(disc_a, a, fake_a)
        step_d.step()
        return {"discriminator": loss_d.item(), "generator": loss.item()}

    return round


def official_pix2pix(case: str, game: Game, device: torch.device) -> Side:
    generator, discriminator = game.generator, game.discriminator
    step_g, step_d = adam(case, generator), adam(case, discriminator)
    data = batches(case, device)

    def gan_loss(images: Tensor, target: float) -> Tensor:
        scores = discriminator(images)
        return bce(scores, torch.full_like(scores, target))

    def round() -> dict[str, float]:
        real, condition = next(data)
        fake = generator(condition)
        discriminator.requires_grad_(True)
        step_d.zero_grad()
        loss_fake = gan_loss(torch.cat([condition, fake], 1).detach(), 0.0)
        loss_d = (loss_fake + gan_loss(torch.cat([condition, real], 1), 1.0)) * 0.5
        loss_d.backward()
        step_d.step()
        discriminator.requires_grad_(False)
        step_g.zero_grad()
        loss_g = gan_loss(torch.cat([condition, fake], 1), 1.0) + 100 * l1_loss(fake, real)
        loss_g.backward()
        step_g.step()
        return {"discriminator": loss_d.item(), "generator": loss_g.item()}

    return round


def tutorial_gan(case: str, game: Game, device: torch.device) -> Side:
    generator, discriminator, noise_dim = game.generator, game.discriminator, game.noise_dim
    size, data = CASES[case][1], batches(case, device)
    step_g, step_d = adam(case, generator), adam(case, discriminator)
    ones, zeros = torch.ones(size, device=device), torch.zeros(size, device=device)

    def dcgan() -> dict[str, float]:
        real = next(data)
        discriminator.zero_grad()
        loss_real = bce(discriminator(real), ones)
        loss_real.backward()
        fake = generator(torch.rand(size, noise_dim, device=device) * 2 - 1)
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
            noise = torch.randn(size, noise_dim, device=device)
            fake = generator(noise)
            share = torch.rand(size, 1, 1, 1, device=device)
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


def ours(case: str, kind: str, device: torch.device) -> Side:
    recipe = recipe_of(case, kind)
    game = game_of(case, recipe)
    engine = engine_for(game, recipe, device)
    apply_memory_format = any(hasattr(module, "memory_format") for module in game.modules())
    data = batches(case, device, torch.channels_last if apply_memory_format else torch.contiguous_format)

    def round() -> dict[str, float]:
        terms = engine.round(data)
        sides = {"discriminator": 0.0, "generator": 0.0}
        for name, value in terms.items():
            player = name.split("/")[0]
            sides["discriminator" if player.startswith("discriminator") else "generator"] += value.item()
        return sides

    return round


def side(name: str, case: str, device: torch.device) -> Side:
    return tutorial(case, device) if name == "tutorial" else ours(case, name, device)


def peak_mib(name: str, case: str, threads: int, device: torch.device) -> int:
    """Return the peak memory, resident or of the GPU, of a process that plays three rounds of one side."""
    command = [sys.executable, "-m", "benchmarks.rounds", "--alone", name, "--cases", case]
    command += ["--threads", str(threads), "--device", str(device)]
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(out.stdout.split()[-1])


def compare(case: str, names: list[str], repeats: int, threads: int, device: torch.device) -> None:
    sides = {name: side(name, case, device) for name in names}
    first = {}
    for name, play in sides.items():
        torch.manual_seed(0)  # as the engine seeds round 0
        first[name] = play()
        for _ in range(WARM_UP if device.type == "cuda" else 0):
            play()
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
        memory = peak_mib(name, case, threads, device)
        print(
            f"| {case} | {name} | {median:.4f} | {slow / median:.2f} "
            f"| {min(times['tutorial']) / min(times[name]):.2f} | {memory} | {losses} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="run compiled networks as well")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = device_named(arguments.device)
    if arguments.alone:
        play = side(arguments.alone, arguments.cases, device)
        for _ in range(3):
            play()
        print(peak_memory_mib())
        return
    machine = f"{platform.processor() or platform.machine()}, {described(device)}"
    print(f"{date.today()}, {machine}, torch {torch.__version__}, {arguments.repeats} interleaved repeats\n")
    print("| case | side | s/round | faster | faster (minima) | peak MiB | first losses (D, G) |")
    print("|---|---|---|---|---|---|---|")
    names = ["tutorial", "float32", "bfloat16"]
    names += ["float32 compiled", "bfloat16 compiled"] * arguments.compile
    for case in arguments.cases.split(","):
        compare(case, names, arguments.repeats, arguments.threads, device)


if __name__ == "__main__":
    main()
