"""Rules of the source as text: where kinds may be asked for, how docstrings open, words that are not used."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "ganarium"
MODULES = sorted(PACKAGE.rglob("*.py"))

OPENINGS = {
    "What", "How", "Where", "Which", "Why", "Whether", "Of", "As", "Be", "These", "Those", "Who", "Whose",
    "When", "From", "For", "At", "In", "On", "To", "With", "Within", "After", "So", "It", "There",
}  # fmt: skip
"""First words of docstrings that make a reader guess the subject."""

WORDS = re.compile(
    r"\b(told|wish|wishes|wished|lone|deal|dealt|deals|dispute|disputes|duel|duels|kin|desk|anew|"
    r"sick|somebody|everybodys|so many|so much|is not said|not said|lent|lender|"
    r"patients|hands? out|handed out|is said|says nothing|what goes in|what went in|what comes out|"
    r"laid out|there and back|beat(?= =|,|\)| is)|dice|sheets?|chance(?=[.:,)\]]| = )|facts|quiet)\b"
)
"""Words and phrases of a private dialect; plain technical terms say the same."""

_GAMES = (
    r"\w*Translator|Campaign|Painter|Conditioned|Unpaired|PartlyLabelled|SemiSupervisedBatch|LoneNetwork|"
    r"NetworkModel|\w*Duel|TwoPlayerGame"
)
_CONDITIONS = (
    r"""["'](label|attributes|domains|pair|map|edges|grey|mask|lowres)["']|"""
    r"\b(LABEL|ATTRIBUTES|DOMAINS|PAIR|MAP)\b"
)
KINDS = re.compile(
    "|".join(
        (
            rf"is(instance|subclass)\([^)]*\b({_GAMES})\b",
            r"(hasattr|getattr)\(\s*(self\.|model\.|stage\.|engine\.)*(game|model|played)\b",
            r"\bcondition\s*(==|!=|in|not in)(?=\W)",
            r"(spec|facts|data)\.condition is (not )?None",
            rf"(==|!=|\bin)\s*\(?({_CONDITIONS})",
            r"len\([\w.]*shape\)\s*(==|!=)\s*[123]",
            r"samples\.ndim\s*==|model\.ways\b|\.translates\b|\.draws\b",
        )
    )
)
"""Questions about the kind of a game, sample or condition."""

MAY_ASK = (
    "methods/", "tasks/", "networks/", "losses/", "ops/", "parts/", "data/modalities/", "data/conditions",
    "data/batches",
)  # fmt: skip
"""Folders in which such a question is at home."""


def plain(line: str) -> str:
    """Return a line with its identifiers split into words: `_told`, `told_apart`, `LoneNetwork`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", line).replace("_", " ").lower()


def questions(path: Path, text: str) -> list[str]:
    """Return the lines of a module outside `MAY_ASK` that ask for a kind."""
    if path.as_posix().startswith(MAY_ASK):
        return []
    return [
        f"{path}:{number} {line.strip()}"
        for number, line in enumerate(text.splitlines(), 1)
        if KINDS.search(line) and not line.lstrip().startswith(("#", '"""', "`"))
    ]


def docstrings(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each docstring: of modules, classes, functions, fields and constants."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found = ast.get_docstring(node)
            if found:
                yield getattr(node, "lineno", 1), found
        if isinstance(node, ast.Module | ast.ClassDef):
            for before, after in zip(node.body, node.body[1:], strict=False):
                value = getattr(after, "value", None)
                if (
                    isinstance(before, ast.Assign | ast.AnnAssign)
                    and isinstance(after, ast.Expr)
                    and isinstance(value, ast.Constant)
                    and isinstance(value.value, str)
                    and value.value.strip()
                ):
                    yield after.lineno, value.value


def riddles(path: Path, text: str) -> list[str]:
    """Return the docstrings of a module that open with one of `OPENINGS`."""
    return [
        f"{path}:{line} {found.splitlines()[0]}"
        for line, found in docstrings(text)
        if found.split()[0].strip("`*,.:;()") in OPENINGS
    ]


def dialect(path: Path, text: str) -> list[str]:
    """Return the lines of a text with one of `WORDS`."""
    return [
        f"{path}:{number} {match.group()!r}: {line.strip()[:120]}"
        for number, line in enumerate(text.splitlines(), 1)
        for match in WORDS.finditer(plain(line))
    ]


def all_texts() -> list[Path]:
    """Return the source, its pages, the README files, the guide, the examples and the benchmarks."""
    texts = [*MODULES, *PACKAGE.rglob("*.html"), *PACKAGE.rglob("*.js"), *ROOT.glob("*.md")]
    texts += [*(ROOT / "docs" / "en").rglob("*.md"), *(ROOT / "examples").rglob("*.py")]
    texts += (ROOT / "benchmarks").rglob("*.py")
    return [path for path in texts if path.name != "CHANGELOG.md"]


def found_in(paths: list[Path], rule, root: Path = PACKAGE) -> list[str]:
    return [line for path in paths for line in rule(path.relative_to(root), path.read_text(encoding="utf-8"))]


def test_no_code_asks_for_kinds_outside_the_folders_that_know_them():
    assert found_in(MODULES, questions) == []


def test_docstrings_open_with_what_a_thing_is():
    assert found_in(MODULES, riddles) == []


def test_words_of_a_private_dialect_are_not_used():
    assert found_in(all_texts(), dialect, ROOT) == []


@pytest.mark.parametrize(
    "line",
    [
        "if isinstance(game, PairedTranslator):",
        "if isinstance(batch, Unpaired):",
        "if isinstance(played, Game | Campaign):",
        'if hasattr(game, "generate"):',
        'walkable = getattr(self.model.game, "walkable", ())',
        'if spec.condition == "label":',
        'if name in ("pair", "map"):',
        "if spec.condition is None:",
        "if len(spec.shape) == 3:",
        "if samples.ndim == 4:",
        "for way in model.ways:",
    ],
)
def test_a_question_about_kinds_is_found(line):
    assert questions(Path("training/loop.py"), line) == [f"training/loop.py:1 {line}"]
    assert questions(Path("methods/gan.py"), line) == []
    assert questions(Path("training/loop.py"), f"# {line}") == []


@pytest.mark.parametrize(
    "line",
    ["if spec.condition_modality is None:", "game.tasks[0] if game.tasks else None", "len(shape) == 4"],
)
def test_other_questions_are_not(line):
    assert questions(Path("training/loop.py"), line) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('"""What is drawn."""', 1),
        ('def f():\n    """Whether it is."""', 1),
        ('class A:\n    """Size."""\n    size: int\n    """Of what is drawn."""', 1),
        ('x = 1\n"""How many."""', 1),
        ('"""Return what is drawn."""\nx = 1\n"""Number of samples."""', 0),
    ],
)
def test_an_opening_is_found(text, count):
    assert len(riddles(Path("a.py"), text)) == count


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("it is told the label", ["told"]),
        ("told_apart = LoneNetwork()", ["told", "lone"]),
        ("run_facts", ["facts"]),
        ("by chance, or by chance alone", ["chance"]),
        ("a sheet of samples", ["sheet"]),
        ("stolen, quietly, chances, skin, idea", []),
    ],
)
def test_a_word_is_found(line, words):
    assert [each.split("'")[1] for each in dialect(Path("a.md"), line)] == words
