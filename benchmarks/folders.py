"""Translation of a folder of images: `ganarium translate`, the official test script and onnxruntime.

    python -m benchmarks.folders [--network resnet9|unet256] [--pictures 32] [--side 256] [--repeats 7]
                                 [--threads 2] [--device cpu] [--sides official,float32]

The official script (`test.py` of pytorch-CycleGAN-and-pix2pix, `--model test --eval`) is reimplemented: its
network, with its layers in its order, and its loop, which loads, translates and saves one image after
another. It saves the input as well as the output; `official-fake` saves only the output, as all other sides
do. All sides use the weights of the official network. Sides:

    official        real and fake saved
    official-fake   only fake saved
    float32         ganarium translate
    bfloat16        ganarium translate --precision bfloat16
    network         only ganarium's network, on images in memory; nothing is saved
    onnxruntime     ganarium export --to onnx, one image at a time, with the official loading and saving

Half of the images are JPEG, half PNG: smooth random images of the size that the official script resizes to,
so all sides translate the same pixels. Each repeat translates the folder once by every side, in turn, with
models that are built and warm. `levels` is the difference of the files from the first side's, of 255, maximum
and mean; the official program truncates and ganarium rounds, so 1 (0.5) means equal. Peak memory is measured
in a separate process for each side, after its model is built. `best`, the GFLOP/s and the CPU seconds per
image are those of the fastest repeat, which other users of the machine affect least.
"""

import argparse
import gc
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

import ganarium as gan
from ganarium.core.devices import described, device_named
from ganarium.models.network import NetworkModel
from ganarium.monitoring.log import peak_memory_mib

SIDES = ("official", "official-fake", "float32", "bfloat16", "network", "onnxruntime")
WEIGHTS_PER_PIXEL = 192
"""Weights for each pixel of a batch on a CPU, as in `ganarium translate`."""
COLUMNS = "| network | side | images/s | best | faster | best | GFLOP/s | CPU s | peak MiB | levels |"

Translate = Callable[[Path, Path], object]
"""Function that translates one folder into another."""


class Case(NamedTuple):
    """Settings shared by all sides."""

    network: str
    side: int
    threads: int
    device: torch.device


def instance_norm(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=False, track_running_stats=False)


class Residual(nn.Module):
    """Residual block of two convolutions."""

    def __init__(self, channels: int):
        super().__init__()

        def half() -> tuple[nn.Module, ...]:
            return nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), instance_norm(channels)

        self.conv_block = nn.Sequential(*half(), nn.ReLU(True), *half())

    def forward(self, maps: Tensor) -> Tensor:
        """Map `[N, C, H, W]` to the same shape."""
        return maps + self.conv_block(maps)


class Level(nn.Module):
    """Level of the U-Net with all levels below."""

    def __init__(self, *layers: nn.Module, outermost: bool = False):
        super().__init__()
        self.model, self.outermost = nn.Sequential(*layers), outermost

    def forward(self, maps: Tensor) -> Tensor:
        """Concatenate the input and the output of the levels below."""
        return self.model(maps) if self.outermost else torch.cat([maps, self.model(maps)], 1)


class Official(nn.Module):
    """Generator with the official names of its tensors."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Translate images in [-1, 1]."""
        return self.model(images)


def resnet9() -> nn.Module:
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7), instance_norm(64), nn.ReLU(True)]
    for width in (64, 128):
        halving = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        layers += [halving, instance_norm(2 * width), nn.ReLU(True)]
    layers += [Residual(256) for _ in range(9)]
    for width in (256, 128):
        doubling = nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1)
        layers += [doubling, instance_norm(width // 2), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Tanh())


def unet256() -> nn.Module:
    def down(inputs: int, outputs: int) -> nn.Module:
        return nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)

    def up(inputs: int, outputs: int, *, bias: bool = False) -> nn.Module:
        return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=bias)

    def rectified() -> tuple[nn.Module, nn.Module]:
        return nn.LeakyReLU(0.2, True), nn.ReLU(True)

    falling, rising = rectified()
    level = Level(falling, down(512, 512), rising, up(512, 512), nn.BatchNorm2d(512))
    for above, here in itertools.pairwise([512, 512, 512, 512, 256, 128, 64]):
        (falling, rising), drops = rectified(), [nn.Dropout(0.5)] * (above == here)
        before = [falling, down(here, above), nn.BatchNorm2d(above)]
        level = Level(*before, level, rising, up(2 * above, here), nn.BatchNorm2d(here), *drops)
    return Level(down(3, 64), level, nn.ReLU(True), up(128, 3, bias=True), nn.Tanh(), outermost=True)


NETWORKS = {"resnet9": resnet9, "unet256": unet256}


def official_network(name: str) -> Official:
    """Return a network with fixed weights and with batch statistics of some images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Official(NETWORKS[name]())
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # its running statistics are means
        if name == "unet256":
            with torch.no_grad():
                network(torch.stack([tensor_of(smooth_image(seed, 256)) for seed in range(4)]))
    return network.eval().requires_grad_(False)


def smooth_image(seed: int, side: int) -> Image.Image:
    """Return random waves of all lengths, the long ones higher; files are about as large as photographs."""
    rng = torch.Generator().manual_seed(seed)
    waves = torch.zeros(1, 3, side, side)
    for cells in (2**k for k in range(1, side.bit_length())):
        colors = torch.randn(1, 3, cells, cells, generator=rng)
        waves += interpolate(colors, (side, side), mode="bicubic") / cells
    levels = (waves - waves.mean()) / waves.std() * 50 + 128
    return Image.fromarray(levels[0].clamp(0, 255).byte().permute(1, 2, 0).numpy())


def write_images(folder: Path, count: int, side: int) -> None:
    folder.mkdir()
    for i in range(count):
        name = folder / f"{i:03d}.{'png' if i % 2 else 'jpg'}"
        smooth_image(i, side).save(name, **({} if i % 2 else {"quality": 92}))


def tensor_of(image: Image.Image) -> Tensor:
    """Convert an image to `[3, H, W]` in [-1, 1]."""
    levels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
    return (levels.float() / 255 - 0.5) / 0.5


class Single(Dataset):
    """Resized images of a folder."""

    def __init__(self, folder: Path, side: int):
        self.paths, self.side = sorted(folder.iterdir()), side

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, str]:
        image = Image.open(self.paths[index]).convert("RGB")
        small = image.resize((self.side, self.side), Image.Resampling.BICUBIC)
        return tensor_of(small), str(self.paths[index])


def save(images: Tensor, path: Path) -> None:
    levels = (images[0].cpu().float().numpy().transpose(1, 2, 0) + 1) / 2 * 255
    Image.fromarray(levels.astype(np.uint8)).save(path)


def one_by_one(case: Case, network: Callable[[Tensor], Tensor], *, real: bool = False) -> Translate:
    """Return the official loop."""

    def translate(given: Path, out: Path) -> None:
        out.mkdir()
        for images, (path,) in DataLoader(Single(given, case.side), batch_size=1, num_workers=0):
            with torch.no_grad():
                fake = network(images.to(case.device))
            if real:
                save(images, out / f"{Path(path).stem}_real.png")
            save(fake, out / f"{Path(path).stem}.png")

    return translate


def ours(case: Case) -> NetworkModel:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "latest_net_G.pth"
        torch.save(official_network(case.network).state_dict(), file)
        return gan.import_network(file).to(case.device)


def exported(case: Case) -> Callable[[Tensor], Tensor]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = case.threads
    with tempfile.TemporaryDirectory() as folder:
        (file,) = gan.export(ours(case._replace(device=torch.device("cpu"))), "onnx", out=folder)
        session = onnxruntime.InferenceSession(file.path, options, providers=["CPUExecutionProvider"])
    (name,) = (given.name for given in session.get_inputs())
    return lambda images: torch.from_numpy(session.run(None, {name: images.numpy()})[0])


def alone(case: Case) -> Translate:
    """Return a loop over the network only: images are read once and batched as in `ganarium translate`."""
    model, batches = ours(case), dict[Path, list[Tensor]]()
    weights = sum(p.numel() for p in model.network.parameters())
    fastest = 8 if case.device.type != "cpu" else weights // (WEIGHTS_PER_PIXEL * case.side**2)

    def translate(given: Path, out: Path) -> None:
        if given not in batches:
            images = Single(given, case.side)
            stacked = torch.stack([images[i][0] for i in range(len(images))])
            batches[given] = list(stacked.split(max(1, min(8, fastest))))
        for batch in batches[given]:
            model.translate(batch)

    return translate


def side(name: str, case: Case) -> Translate:
    if name in ("official", "official-fake"):
        network = official_network(case.network).to(case.device)
        return one_by_one(case, network, real=name == "official")
    if name == "onnxruntime":
        return one_by_one(case._replace(device=torch.device("cpu")), exported(case))
    if name == "network":
        return alone(case)
    model = ours(case)
    return lambda given, out: gan.translate(model, given, out, precision=name)


def official_flags(name: str) -> AbstractContextManager:
    """Let cuDNN benchmark its kernels, as the official program does."""
    return torch.backends.cudnn.flags(benchmark=True) if name.startswith("official") else nullcontext()


def seconds(name: str, translate: Translate, given: Path, out: Path) -> tuple[float, float]:
    """Return wall-clock seconds and CPU seconds of all cores."""
    with official_flags(name):
        started, used = time.perf_counter(), time.process_time()
        translate(given, out)  # writing the files waits for the device
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()
        return time.perf_counter() - started, time.process_time() - used


def levels_apart(one: Path, other: Path) -> str:
    """Return the maximum and (mean) difference of files with the same names."""
    names = [path.name for path in other.iterdir() if not path.stem.endswith("_real")]
    pairs = ((np.asarray(Image.open(folder / name), int) for folder in (one, other)) for name in names)
    apart = np.stack([np.abs(a - b) for a, b in pairs])
    return f"{apart.max()} ({apart.mean():.2f})"


def gigaflops(case: Case) -> float:
    """Return the GFLOP per image; a multiplication and an addition count as two."""
    network = official_network(case.network)
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, case.side, case.side))
    return counter.get_total_flops() / 1e9


def forget_peak() -> None:
    """Reset the peak of memory, so that building a network does not count."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
    if (file := Path("/proc/self/clear_refs")).exists():
        file.write_text("5")


def peak_mib(name: str, case: Case, pictures: int) -> int:
    """Return the peak memory of a process that translates a folder by one side."""
    options = {"alone": name, "network": case.network, "pictures": pictures, "side": case.side}
    options |= {"threads": case.threads, "device": case.device}
    command = [
        sys.executable,
        "-m",
        "benchmarks.folders",
        *(f"--{key}={value}" for key, value in options.items()),
    ]
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(out.stdout.split()[-1])


def compare(case: Case, names: list[str], pictures: int, repeats: int) -> None:
    translators = {name: side(name, case) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    cores: dict[str, list[float]] = {name: [] for name in names}
    apart = dict.fromkeys(names, "")
    each = gigaflops(case)
    with tempfile.TemporaryDirectory() as place:
        given = Path(place) / "given"
        write_images(given, pictures, case.side)
        for repeat in range(-1, repeats):  # the first is not counted
            for name, translate in translators.items():
                out = Path(place) / f"{name} {repeat}"
                taken, used = seconds(name, translate, given, out)
                if repeat >= 0:
                    times[name].append(taken)
                    cores[name].append(used)
                elif name not in (names[0], "network"):
                    apart[name] = levels_apart(out, Path(place) / f"{names[0]} -1")
    slow, fastest = statistics.median(times[names[0]]), min(times[names[0]])
    for name in names:
        median, least = statistics.median(times[name]), min(times[name])
        memory = peak_mib(name, case, min(pictures, 16))
        print(
            f"| {case.network} | {name} | {pictures / median:.2f} | {pictures / least:.2f} "
            f"| {slow / median:.2f} | {fastest / least:.2f} | {each * pictures / least:.0f} "
            f"| {min(cores[name]) / pictures:.3f} | {memory} "
            f"| {apart[name]} |",
            flush=True,
        )
    print(f"\n{case.network}: {each:.1f} GFLOP per image of {case.side}x{case.side}")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, default="resnet9")
    parser.add_argument("--pictures", type=int, default=32)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sides", default="", help="sides to run; the first is the reference; default: all")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    torch.set_num_threads(arguments.threads)
    case = Case(arguments.network, arguments.side, arguments.threads, device_named(arguments.device))
    if arguments.alone:
        with tempfile.TemporaryDirectory() as place:
            write_images(Path(place) / "given", arguments.pictures, case.side)
            translate = side(arguments.alone, case)
            forget_peak()
            seconds(arguments.alone, translate, Path(place) / "given", Path(place) / "out")
        print(peak_memory_mib())
        return
    print(f"{date.today()}, {described(case.device)}, torch {torch.__version__},", end=" ")
    print(f"{arguments.pictures} images, {arguments.repeats} interleaved repeats\n")
    print(f"{COLUMNS}\n|{'---|' * (COLUMNS.count('|') - 1)}")
    names = arguments.sides.split(",") if arguments.sides else list(SIDES)
    compare(case, names, arguments.pictures, arguments.repeats)


if __name__ == "__main__":
    main()
