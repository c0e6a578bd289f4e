"""What lies beside an exported file: who made it and may use it, and a program that runs it by itself."""

from collections.abc import Mapping, Sequence

from ganarium.exporting.onnx import TOLERANCE, Written
from ganarium.exporting.tasks import MODES, SHOWN, Shape

DOES = {
    "generate": f"{SHOWN} samples",
    "translate": "A picture translated",
    "classify": "A picture's classes",
    "discriminator": "A picture judged",
    "encoder": "A picture's codes",
}
"""What an example shows."""


def example(files: Sequence[Written], classes: Sequence[str] = ()) -> str:
    """A program of fifteen lines that runs an ONNX file with numpy, onnxruntime and Pillow."""
    first, *others = files
    inputs = "".join(f'    "{given.name}": {given.code},\n' for given in first.inputs)
    shows = _shows(first.task.name, first.task.outputs, classes)
    told = "" if "sys.argv" not in inputs else " INPUT.npy" if "np.load" in inputs else " PICTURE"
    name = f'"{first.task.stem}.onnx"'
    if others:
        told, name = f"{told} [FILE.onnx]", f"sys.argv[2] if len(sys.argv) > 2 else {name}"
    words = {
        "system": "import sys\n" * ("sys." in inputs + name),
        "pillow": "from PIL import Image\n" * ("Image." in inputs + shows),
        "chance": "chance = np.random.default_rng()\n" * ("chance." in inputs),
    }
    return '''"""{does}: python example.py{told}. It needs numpy, onnxruntime and pillow."""

{system}from pathlib import Path

import numpy as np
import onnxruntime
{pillow}
{chance}session = onnxruntime.InferenceSession(Path(__file__).with_name({name}))
inputs = {{
{inputs}}}
{shows}'''.format(does=DOES[first.task.name], told=told, name=name, inputs=inputs, shows=shows, **words)


def _shows(name: str, outputs: Mapping[str, Shape], classes: Sequence[str]) -> str:
    """What an example does with what comes out."""
    if name == "classify":
        return (
            "(probabilities,) = session.run(None, inputs)\n"
            f"for name, share in zip({list(classes)}, probabilities[0], strict=True):\n"
            '    print(f"{name}: {share:.1%}")\n'
        )
    if name not in ("generate", "translate"):
        return (
            "for output, array in zip(session.get_outputs(), session.run(None, inputs), strict=True):\n"
            '    print(output.name, array.shape, f"mean {array.mean():.4f}")\n'
        )
    (shape,) = outputs.values()
    file, run = "samples" if name == "generate" else "translation", "(images,) = session.run(None, inputs)\n"
    if len(shape) != 4 or shape[1] not in MODES:
        return f'{run}np.save("{file}.npy", images)\n'
    run += "pixels = ((images + 1) * 127.5).round().astype(np.uint8).transpose(0, 2, 3, 1)\n"
    flat = ".squeeze(2)" if shape[1] == 1 else ""
    if name == "translate":
        return f'{run}Image.fromarray(pixels[0]{flat}).save("{file}.png")\n'
    sheet = "sheet = np.vstack([np.hstack(row) for row in np.split(pixels, 4)])\n"
    return f'{run}{sheet}Image.fromarray(sheet{flat}).save("{file}.png")\n'


def arrays(shapes: Mapping[str, Shape]) -> str:
    """`noise [N, 100], labels [N]`."""
    return ", ".join(f"{name} [{', '.join(map(str, shape))}]" for name, shape in shapes.items())


def onnx_card(title: str, about: str, files: Sequence[Written]) -> str:
    """The README beside ONNX files."""
    inputs = [given for written in files for given in written.inputs]
    multiple = max(written.task.multiple for written in files)
    sizes = f"any multiples of {multiple}" if multiple > 1 else "any height and width"
    free = f"; `H` and `W` are {sizes}" if any("H" in given.shape for given in inputs) else ""
    return f"""# {title}

{about}
`N` is any number{free}. Pictures are in [-1, 1]. Before it was written, each file was run by onnxruntime on
random inputs and compared with PyTorch: no value was off by more than {TOLERANCE:.0e} of the largest. What is
said above stands in its metadata, too. `example.py` runs it without PyTorch and without ganarium.
{"".join(map(_file, files))}"""


def _file(written: Written) -> str:
    rows = [f"| in | {arrays({g.name: g.shape})} | {g.type} | {g.meaning} |" for g in written.inputs]
    rows += [f"| out | {arrays({name: shape})} | float32 | |" for name, shape in written.task.outputs.items()]
    head = f"\n## {written.task.stem}.onnx\n\n| | array | type | values |\n|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def safetensors_card(title: str, about: str) -> str:
    """The README beside weights in one file."""
    return f"""# {title}

{about}
`model.safetensors` holds the weights under plain names. Its metadata hold, under `ganarium` and as JSON, the
licence and all that is needed to build the networks: of a game the recipe, and so the path of the data.

```python
import ganarium as gan

model = gan.load("model.safetensors")
```
"""
