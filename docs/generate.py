"""Generated parts of the documents. `python docs/generate.py` writes the tables of the READMEs.

The pages of the site (`make docs`) are not stored in the repository: `pages` generates them for each build
from cards, games, recipes, the command line and the laboratory.
"""

import inspect
import json
import re
import sys
import textwrap
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cards
import yaml
from PIL import Image
from typer.models import ArgumentInfo, OptionInfo

from ganarium import __all__ as public_names
from ganarium.cli.app import VERBS, options
from ganarium.common.schema import schema
from ganarium.core.campaign import Campaign
from ganarium.core.game import Game
from ganarium.lab import EXPERIMENTS
from ganarium.methods.table import BUILT_IN
from ganarium.recipes.method import Method
from ganarium.recipes.presets import presets
from ganarium.recipes.resolve import resolve
from ganarium.recipes.yaml import settings, to_yaml

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "pictures"
Words = dict[str, Any]
WORDS: dict[str, Words] = yaml.safe_load((ROOT / "docs" / "words.yml").read_text(encoding="utf-8"))
"""Texts of the generated pages, by language."""
PAGES = {
    "README.md": ("method", "description", "paper", "command"),
    "README.zh-CN.md": ("方法", "说明", "论文", "命令"),
}


def methods_table(head: tuple[str, ...]) -> str:
    """Return a table of the methods from the first lines of their cards."""
    rows = []
    for method in BUILT_IN:
        name = method.name
        what, _ = method.headline
        rows.append(
            f"| [`{name}`](src/{_file(method)}) | {what} | {_paper(method)} | `ganarium train {name}` |"
        )
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *rows])


def generated(text: str, head: tuple[str, ...]) -> str:
    """Return a page with the current table of methods."""
    place = r"(<!-- methods -->\n).*?(<!-- /methods -->)"
    return re.sub(place, lambda m: f"{m[1]}{methods_table(head)}\n{m[2]}", text, flags=re.DOTALL)


def pages(language: str) -> dict[str, str]:
    """Return the generated pages in `en` or `zh`: Markdown by path."""
    words = WORDS[language]
    made = {f"methods/{method.name}.md": method_page(method, words) for method in BUILT_IN}
    made["methods/index.md"] = methods_index(language)
    made["reference/command-line.md"] = command_page(words)
    made["reference/python.md"] = python_page(words)
    return made


def groups() -> dict[str, list[Method]]:
    """Return the methods by the folder of their files."""
    found: dict[str, list[Method]] = {}
    for method in BUILT_IN:
        found.setdefault(method.recipe.__module__.split(".")[-2], []).append(method)
    return found


def group_title(group: str, language: str) -> str:
    """Return the title of a folder of methods."""
    return str(WORDS[language]["groups"].get(group, group.replace("_", " ").capitalize()))


def title(method: Method) -> str:
    """Return the name of a method as its card spells it."""
    return cards.parse(method.card).title


def methods_index(language: str) -> str:
    """Return the page that lists all methods, by folder."""
    words = WORDS[language]
    parts = [f"# {words['methods']}", words["methods intro"]]
    for group, methods in groups().items():
        parts.append(f"## {group_title(group, language)}")
        rows = [(f"[{title(m)}]({m.name}.md)", m.headline[0], _paper(m), _thumbnail(m)) for m in methods]
        parts.append(_table((words["method"], words["what"], words["paper"], ""), rows))
    return "\n\n".join(parts) + "\n"


def method_page(method: Method, words: Words) -> str:
    """Return a page from the card, script and recipe of a method."""
    card = cards.parse(method.card.replace(" RUN ", f" runs/0001-{method.name} "))
    links = {other.name: f"{other.name}.md" for other in BUILT_IN if other is not method}
    headline = f'<p class="headline" markdown>{method.headline[0]} · {_paper(method)}</p>'
    parts = [f"# {card.title}", headline]
    if words["card note"]:
        parts.append(f'<p class="note" markdown>{words["card note"].format(name=method.name)}</p>')
    parts += [cards.markdown(card.body, links), _figure(method, words)]
    for name in ("confused", "deviations", "tested"):
        if name in card.sections:
            text = cards.markdown(card.sections[name], links)
            parts += [f"## {words[name]}", text[:1].upper() + text[1:]]
    parts += [f"## {words['try']}", _commands(method, words)]
    parts += [f"## {words['round']}", _script_intro(method, words), _code("python", script(method.game))]
    parts += [
        f"## {words['recipe']}",
        words["recipe intro"].format(name=method.name),
        *_recipe(method, words),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def script(game: type[Game] | type[Campaign]) -> str:
    """Return the source of a game's script and of the methods that return its turns and terms."""
    names = [game.script_name]
    for name in names:
        for called in re.findall(r"\bself\.(\w+)\(", inspect.getsource(getattr(game, name))):
            function = getattr(game, called, None)
            if called not in names and inspect.isfunction(function) and _is_of_the_script(function):
                names.append(called)
    parts, before = [], ""
    for function in (inspect.unwrap(getattr(game, name)) for name in names):
        place = f"# src/{function.__module__.replace('.', '/')}.py"
        parts.append(("" if place == before else f"{place}\n") + textwrap.dedent(inspect.getsource(function)))
        before = place
    return "\n".join(parts)


def _is_of_the_script(function: Any) -> bool:
    """Return True if the function returns turns, or the terms of one."""
    returned = str(inspect.signature(function).return_annotation)
    return "Turn" in returned or ("dict" in returned and "Tensor" in returned)


def _script_intro(method: Method, words: Words) -> str:
    module = inspect.unwrap(getattr(method.game, method.game.script_name)).__module__
    owner = next((row.name for row in BUILT_IN if row.recipe.__module__ == module), method.name)
    text = words["round intro" if owner == method.name else "round shared"]
    return text.format(name=owner, module=f"src/{module.replace('.', '/')}.py")


def _recipe(method: Method, words: Words) -> Iterator[str]:
    recipe = resolve(method)
    yield _folded(words["recipe whole"], _code("yaml", to_yaml(recipe)))
    for name, path in presets(method).items():
        yield _folded(f"{words['preset']} `{name}`", _code("yaml", path.read_text(encoding="utf-8")))
    if recipe.game:
        meanings = _arguments(method.game)
        rows = [
            (f"`game.{key}`", f"`{_plain(value)}`", _meaning(method, key, meanings.get(key, ""), words))
            for key, value in recipe.game.items()
        ]
        yield f"## {words['keys']}"
        yield _table((words["key"], words["value"], words["meaning"]), rows)


def _meaning(method: Method, key: str, meaning: str, words: Words) -> str:
    annotation = schema(method.game).model_fields[key].annotation
    choices = ", ".join(f"`{choice}`" for choice in typing.get_args(annotation) if isinstance(choice, str))
    return meaning + (f" ({words['choices'].format(choices=choices)})" if choices else "")


def _arguments(owner: Any) -> dict[str, str]:
    """Collect the descriptions under `Args:` of a docstring and of the classes that it refers to."""
    found: dict[str, str] = {}
    for base in reversed(inspect.getmro(owner) if inspect.isclass(owner) else (owner,)):
        text = inspect.cleandoc(base.__doc__ or "")
        for part in vars(base).get("settings_from", ()) if inspect.isclass(base) else ():
            found = _arguments(part) | found
        for name in re.findall(r"those of `(\w+)`", text):
            other = vars(sys.modules[base.__module__]).get(name)
            if other is not None and other is not base:
                found = _arguments(other) | found
        block = re.search(r"^Args:\n((?: +.*\n?|\n)+)", text, re.MULTILINE)
        for match in re.finditer(r"^    (\w+): (.*(?:\n {5,}.*)*)", block[1] if block else "", re.MULTILINE):
            found[match[1]] = " ".join(match[2].split())
    return found


def _commands(method: Method, words: Words) -> str:
    name = method.name
    lines = [(f"ganarium show {name}", words["show"]), (f"ganarium train {name}", words["train"])]
    if "generate" in _tasks(method):
        lines.append((f"ganarium generate runs/0001-{name} --count 64 --grid {name}.png", words["generate"]))
    lines += _with_own_data(method, words)
    lines += [(f"ganarium train {name} --preset {preset}", words["preset"]) for preset in presets(method)]
    for setting in dict.fromkeys(
        re.findall(r"`((?:(?:game|networks|optimizers)\.[\w.]+=[^`*\s]+ ?)+)`", method.card)
    ):
        if _is_variant(method, setting):
            lines.append((f"ganarium train {name} {setting} --dry-run", words["variation"]))
    width = max(len(command) for command, _ in lines)
    return _code("bash", "\n".join(f"{command:<{width}}  # {why}" for command, why in lines))


def _tasks(method: Method) -> list[str]:
    return [task.name for task in method.game.tasks]


def _with_own_data(method: Method, words: Words) -> Iterator[tuple[str, str]]:
    """Yield commands for data of one's own, if the data of the recipe are the built-in world."""
    recipe, train = method.recipe(), f"ganarium train {method.name} --data"
    if recipe.data.source != "world":
        return
    match recipe.data.condition:
        case "map":
            yield f"{train} streets/ --out runs/streets", words["own maps"]
            yield "ganarium translate runs/streets streets/labels/ painted/", words["paint"]
        case "edges":
            yield f"{train} photos/ --out runs/photos", words["own data"]
            painted = "photos/ painted/ --from picture --grid painted.png"
            yield f"ganarium translate runs/photos {painted}", words["repaint"]
        case "domains":
            yield f"{train} horses/ --data zebras/ --out runs/zebras", words["own domains"]
            if "translate" in _tasks(method):
                striped = "horses/ striped/ --to zebras --grid striped.png"
                yield f"ganarium translate runs/zebras {striped}", words["translate"]
        case None | "label":
            labeled = recipe.data.condition == "label" or recipe.data.labeled_samples
            yield f"{train} {'digits/' if labeled else 'photos/'} images=200_000", words["own data"]


def _is_variant(method: Method, written: str) -> bool:
    """Return True if these settings alone are valid and change the recipe."""
    try:
        return resolve(method, settings(written.split())) != resolve(method)
    except ValueError:
        return False


def _figure(method: Method, words: Words) -> str:
    path = IMAGES / f"{method.name}.png"
    if not path.is_file():
        return ""
    with Image.open(path) as image:
        command, shows, width = image.info["command"], image.info["shows"], image.width
    element = f'<img src="../pictures/{path.name}" alt="{title(method)}" width="{width}" loading="lazy">'
    caption = f"<figcaption>{words['image of'][shows]}</figcaption>"
    lines = textwrap.wrap(command, 96, break_long_words=False, break_on_hyphens=False)
    made = _folded(words["image made"], _code("bash", " \\\n  ".join(lines)))
    return f"<figure>{element}{caption}</figure>\n\n{made}"


def _thumbnail(method: Method) -> str:
    name = f"{method.name}.png"
    return f"![{title(method)}](../pictures/{name}){{ width=90 }}" if (IMAGES / name).is_file() else ""


def experiment(name: str, words: Words) -> str:
    """Return the command, figure, table and settings of an experiment."""
    function = EXPERIMENTS[name]
    parts = [_code("bash", f"ganarium lab {name}")]
    image, table = (IMAGES / "lab" / f"{name}.{suffix}" for suffix in ("png", "json"))
    if image.is_file():
        parts.append(f"![ganarium lab {name}](../pictures/lab/{name}.png){{ .wide loading=lazy }}")
    if table.is_file():
        rows = json.loads(table.read_text(encoding="utf-8"))["rows"]
        cells = [[_number(cell) for cell in row.values()] for row in rows]
        parts.append(
            f'??? note "{words["experiment table"]}"\n\n' + textwrap.indent(_table(rows[0], cells), "    ")
        )
    meanings = _arguments(function)
    rows = [
        (f"`{key}`", f"`{_plain(field.default)}`", meanings.get(key, ""))
        for key, field in schema(function).model_fields.items()
    ]
    settings = _table((words["key"], words["default"], words["meaning"]), rows)
    parts.append(_folded(words["experiment settings"], settings))
    return "\n\n".join(parts)


def with_experiments(text: str, words: Words) -> str:
    """Insert each experiment at its mark, and all others at the mark `others`."""
    marked = re.findall(r"<!-- experiment: (\w+) -->", text)
    for name in marked:
        section = experiment(name, words) if name in EXPERIMENTS else ""
        text = text.replace(f"<!-- experiment: {name} -->", section)
    others = [name for name in EXPERIMENTS if name not in marked]
    rest = "\n\n".join(
        f"## `lab {name}`\n\n{(inspect.getdoc(EXPERIMENTS[name]) or '').partition(chr(10))[0]}\n\n"
        + experiment(name, words)
        for name in others
    )
    return text.replace("<!-- experiment: others -->", rest)


def command_page(words: Words) -> str:
    """Return a page of the command line's help."""
    about = inspect.getdoc(options) or ""
    parts = [f"# {words['commands']}", words["commands intro"], _code("text", about)]
    for name, verb in VERBS.items():
        parts += [f"## {name}", *_verb(name, verb, words)]
    return "\n\n".join(parts) + "\n"


def _verb(name: str, verb: Any, words: Words) -> Iterator[str]:
    text = inspect.getdoc(verb) or ""
    table: dict[str, list[tuple[str, ...]]] = {"arguments": [], "options": []}
    usage = [f"ganarium {name}"]
    for parameter in inspect.signature(verb).parameters.values():
        notes = getattr(parameter.annotation, "__metadata__", ())
        info = next((each for each in notes if isinstance(each, ArgumentInfo | OptionInfo)), None)
        if info is None:
            continue
        kind = typing.get_args(parameter.annotation)[0]
        needed = parameter.default is inspect.Parameter.empty
        help_text = info.help or ""
        if isinstance(info, ArgumentInfo):
            shown = info.metavar or parameter.name.upper()
            many = "list[" in str(kind)
            usage.append((shown if needed else f"[{shown}]") + ("..." if many else ""))
            table["arguments"].append((f"`{shown}`", help_text))
        else:
            # In an annotation, typer stores the first name as the default.
            declared = [
                each for each in (info.default, *(info.param_decls or ())) if str(each).startswith("-")
            ]
            names = declared or [f"--{parameter.name.replace('_', '-')}"]
            hidden = needed or parameter.default is None or parameter.default is False
            default = "" if hidden else f"`{parameter.default}`"
            table["options"].append((", ".join(f"`{each}`" for each in names), default, help_text))
    usage.append("[OPTIONS]" if table["options"] else "")
    yield _code("text", " ".join(filter(None, usage)))
    for paragraph in text.split("\n\n"):
        lines = paragraph.splitlines()
        shown = textwrap.dedent(paragraph)
        if lines[0].lstrip().startswith(cards.COMMANDS):
            yield _code("bash", shown)
        else:
            yield _code("text", shown) if lines[0].startswith("    ") else paragraph
    if table["arguments"]:
        yield _table((words["argument"], words["meaning"]), table["arguments"])
    if table["options"]:
        yield _table((words["option"], words["default"], words["meaning"]), table["options"])


def python_page(words: Words) -> str:
    """Return a page of the public names; mkdocstrings inserts their documentation."""
    names = "\n\n".join(f"::: ganarium.{name}" for name in public_names)
    return f"# {words['python']}\n\n{words['python intro']}\n\n{names}\n"


def _paper(method: Method) -> str:
    authors, _, number = method.headline[1].partition(", arXiv:")
    return f"[{authors}](https://arxiv.org/abs/{number})" if number else authors


def _file(method: Method) -> str:
    return method.recipe.__module__.replace(".", "/") + ".py"


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text.strip(chr(10))}\n```"


def _folded(title: str, text: str) -> str:
    return f'??? note "{title}"\n\n{textwrap.indent(text, "    ")}'


def _table(head: Any, rows: Any) -> str:
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in [list(head), *map(list, rows)]]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(cells[0]), *lines[1:]])


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value


def _number(cell: Any) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def main() -> None:
    """Update the tables of the READMEs."""
    for name, head in PAGES.items():
        page = ROOT / name
        page.write_text(generated(page.read_text(encoding="utf-8"), head), encoding="utf-8")


if __name__ == "__main__":
    main()
