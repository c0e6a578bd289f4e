"""Write what is generated into the documents: `python docs/generate.py`."""

import re
from pathlib import Path

from ganarium.methods import BUILT_IN

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": ("method", "what it is", "paper", "try it"),
    "README.zh-CN.md": ("方法", "是什么", "论文", "试一试"),
}


def methods_table(head: tuple[str, ...]) -> str:
    """The methods, a row each, from the first lines of their cards."""
    rows = []
    for method in BUILT_IN:
        name = method.name
        what, paper = method.headline
        authors, _, number = paper.partition(", arXiv:")
        link = f"[{authors}](https://arxiv.org/abs/{number})"
        folder = method.recipe.__module__.replace(".", "/")
        rows.append(f"| [`{name}`](src/{folder}.py) | {what} | {link} | `ganarium train {name}` |")
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *rows])


def generated(text: str, head: tuple[str, ...]) -> str:
    """A page with the table in its place."""
    place = r"(<!-- methods -->\n).*?(<!-- /methods -->)"
    return re.sub(place, lambda m: f"{m[1]}{methods_table(head)}\n{m[2]}", text, flags=re.DOTALL)


def main() -> None:
    """Bring every page up to date."""
    for name, head in PAGES.items():
        page = ROOT / name
        page.write_text(generated(page.read_text(encoding="utf-8"), head), encoding="utf-8")


if __name__ == "__main__":
    main()
