"""Text files beside an exported file: a model card, and a program that runs the file by itself."""

from collections.abc import Mapping, Sequence

from ganarium.exporting.onnx import TOLERANCE, Array, OnnxFile

SHOWN = 16
"""Number of samples that an example generates."""


def examples(description: str, files: Sequence[OnnxFile]) -> dict[str, str]:
    """Return programs that run ONNX files with numpy, onnxruntime and Pillow, by the names of their files.

    Files with the same inputs share a program; that of the first file is `example.py`.
    """
    groups: dict[tuple[str, ...], list[OnnxFile]] = {}
    for file in files:
        groups.setdefault(tuple(each.name for each in file.inputs), []).append(file)
    programs: dict[str, str] = {}
    for group in groups.values():
        name = f"example-{group[0].name.removesuffix('.onnx')}.py" if programs else "example.py"
        programs[name] = _example(name, description, group)
    return programs


def _example(name: str, description: str, files: Sequence[OnnxFile]) -> str:
    first, count = files[0], _count(files[0].inputs)
    words, inputs = [], ""
    for each in first.inputs:
        code = each.code(count)
        if "sys.argv[1]" in code:
            words.append(each.name.upper() + ".npy" * ("np.load" in code))
            code = code.replace("sys.argv[1]", f"sys.argv[{len(words)}]")
        inputs += f'    "{each.name}": {code},\n'
    file = f'"{first.name}"'
    if len(files) > 1:
        words.append("[FILE.onnx]")
        file = f"sys.argv[{len(words)}] if len(sys.argv) > {len(words)} else {file}"
    names = ", ".join(each.name for each in first.outputs)
    results = "".join(each.code(count) for each in first.outputs)
    pillow = "Image." in inputs + results
    parts = {
        "usage": " ".join([name, *words]),
        "packages": "numpy, onnxruntime and pillow" if pillow else "numpy and onnxruntime",
        "system": "import sys\n" * bool(words),
        "pillow": "from PIL import Image\n" * pillow,
        "random": "rng = np.random.default_rng()\n" * ("rng." in inputs),
        "names": f"({names},)" if len(first.outputs) == 1 else names,
    }
    return '''"""{description} Usage: python {usage}. Needs {packages}."""

{system}from pathlib import Path

import numpy as np
import onnxruntime
{pillow}
{random}session = onnxruntime.InferenceSession(Path(__file__).with_name({file}))
inputs = {{
{inputs}}}
{names} = session.run(None, inputs)
{results}'''.format(description=description, file=file, inputs=inputs, results=results, **parts)


def _count(inputs: Sequence[Array]) -> int:
    """Return the number of samples of an example: one if all inputs are files of the user, or large."""
    batches = [each for each in inputs if each.open_axes]
    given = all("sys.argv" in each.code(1) for each in batches)
    varies = any(len(each.open_axes) > 1 for each in batches)
    return 1 if given or varies else SHOWN


def arrays(given: Sequence[Array]) -> str:
    """Return names and shapes: `z [N, 100], condition [N]`."""
    return ", ".join(each.name + f" [{', '.join(map(str, each.shape))}]" * bool(each.shape) for each in given)


def onnx_card(
    title: str, about: Mapping[str, str], files: Sequence[OnnxFile], programs: Sequence[str]
) -> str:
    """Return the README beside ONNX files."""
    lengths = {name: multiple for file in files for name, multiple in file.multiples.items()}
    any_ = "".join(
        f", `{name}` any {f'multiple of {multiple}' if multiple > 1 else 'length'}"
        for name, multiple in lengths.items()
    )
    run_by = " and ".join(f"`{name}`" for name in programs)
    return f"""# {title}

{_listed(about)}
`N` is any number{any_}.

Before it was written, each file was run by onnxruntime on random inputs and compared with PyTorch: no value
was off by more than {TOLERANCE:.0e} of the largest. The list above is in its metadata, too. Run it without
PyTorch and without ganarium by {run_by}.
{"".join(map(_file, files))}"""


def _file(file: OnnxFile) -> str:
    rows = [
        f"| {way} | {arrays([each])} | {each.dtype} | {each.meaning} |\n"
        for way, group in (("in", file.inputs), ("out", file.outputs))
        for each in group
    ]
    return f"\n## {file.name}\n\n| | array | type | values |\n|---|---|---|---|\n{''.join(rows)}"


def safetensors_card(title: str, about: Mapping[str, str]) -> str:
    """Return the README beside weights in one file."""
    return f"""# {title}

{_listed(about)}
`model.safetensors` holds the weights under plain names. Its metadata hold, under `ganarium` and as JSON, the
licence and everything from which the networks are built: of a trained model the recipe, which contains the
path of the data.

```python
import ganarium as gan

model = gan.load("model.safetensors")
```
"""


def _listed(about: Mapping[str, str]) -> str:
    return "".join(f"- {key}: {value}\n" for key, value in about.items())
