"""Model card: the README beside a saved model, with a YAML head."""

from typing import Any

import yaml

from ganarium.data.conditions.base import Condition
from ganarium.tasks.base import Input, Task


def model_card(model: Any) -> str:
    """Return the card of a model: what it does, where it comes from, how it is used."""
    head = {
        "library_name": "ganarium",
        "tags": ["gan", model.provenance.what, *model.tasks],
    }
    details = "".join(f"- {name}: {value}\n" for name, value in model.provenance.details().items())
    does = "\n".join(_does(model, task) for task in model.tasks.values())
    uses = "\n".join(_use(model, task) for task in model.tasks.values())
    return f"""---
{yaml.safe_dump(head, sort_keys=False).strip()}
---

# {model.provenance.title}

{does}

{details}- this folder: `config.json` holds all settings

```python
import ganarium as gan

model = gan.load("path/to/this/folder")
{uses}
```
"""


def _does(model: Any, task: Task) -> str:
    options = task.checked(model.game, _first_options(model, task))
    shapes = [
        f"{each.name} `[N{_axes(each)}]` ({each.kind.meaning(each.shape)})"
        for each in task.inputs(model.game, model.spec, options)
    ]
    outputs = [
        f"`[N{_axes(each)}]` ({each.kind.meaning(each.shape) or each.name})"
        for each in task.outputs(model.game, model.spec, options)
    ]
    variants = [each.name for each in task.variants(model.game, model.spec) if each.name]
    directions = f" ({', '.join(name.replace('-', ' ') for name in variants)})" if variants else ""
    takes = ", ".join(shapes) or "nothing"
    return f"{task.description}{directions} `{task.name}`: {takes} to {', '.join(outputs)}."


def _use(model: Any, task: Task) -> str:
    options = task.checked(model.game, _first_options(model, task))
    inputs = [each for each in task.inputs(model.game, model.spec, options) if not each.is_latent]
    names = [each.name for each in inputs if not each.optional and each.modality is not None]
    words = [each for each in inputs if isinstance(each.kind, Condition) and each.modality is None]
    given = [*names, *(f"{each.name}={_word(each)!r}" for each in words)]
    if not names:
        given = ["count=16", "seed=3", *given]
    (first, *_) = task.outputs(model.game, model.spec, options)
    result = f"{first.name} = model.apply({', '.join([repr(task.name), *given])})"
    return f"{result}  # [N{_axes(first)}]"


def _first_options(model: Any, task: Task) -> dict[str, Any]:
    return dict(task.variants(model.game, model.spec)[0].options)


def _axes(each: Any) -> str:
    return "".join(f", {axis}" for axis in each.shape)


def _word(each: Input) -> str:
    names = getattr(each.kind, "classes", None) or getattr(each.kind, "names", None) or ("",)
    return str(names[0])
