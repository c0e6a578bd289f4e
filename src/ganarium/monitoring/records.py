"""Records of a run: `log.jsonl` and `speed.jsonl`, one JSON object a line."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True)
class Records:
    """Content of a file of records.

    Attributes:
        valid: records in their order: objects with a whole number of `images`.
        damaged: numbers of the lines, from 1, that are no records.
        unfinished: True if the last line has no end: it is still being written, or the program was killed.
        sound: number of records before the first line that is none.
    """

    valid: list[Record]
    damaged: list[int]
    unfinished: bool
    sound: int


def read_records(path: Path) -> Records:
    """Read a file of records; a file that does not exist has none.

    Raises:
        OSError: the file cannot be read.
    """
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    lines = text.split("\n")
    unfinished = bool(lines.pop())
    valid, damaged = [], []
    for number, line in enumerate(lines, 1):
        record = _record(line)
        if record is None:
            damaged.append(number)
        else:
            valid.append(record)
    return Records(valid, damaged, unfinished, damaged[0] - 1 if damaged else len(valid))


def _record(line: str) -> Record | None:
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        return None
    if isinstance(record, dict) and type(images := record.get("images")) is int and 0 <= images < 2**53:
        return record
    return None
