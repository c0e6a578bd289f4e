"""The log: means of terms, the same for the same run, cut back to where a run goes on."""

import json
import math

import pytest
import torch

from ganarium.monitoring import log
from ganarium.monitoring.log import BEGINNING, Log, NonFiniteError

CPU = torch.device("cpu")


def terms(**values):
    return {name: torch.tensor(value) for name, value in values.items()}


def test_a_line_holds_the_means_since_the_last(tmp_path):
    book = Log(tmp_path)
    for value in (1.0, 2.0, 6.0):
        book.add(terms(a=value))
    book.add(terms(b=5.0))
    record = book.write(4, 64, {"generator": 0.1})
    assert record["terms"] == {"a": 3.0, "b": 5.0}, "b came once: its mean is over the rounds that had it"
    book.add(terms(a=7.0))
    book.write(5, 80, {"generator": 0.05}, stage="second")
    assert log.read(tmp_path) == [
        {"version": 2, "round": 4, "images": 64, "terms": {"a": 3.0, "b": 5.0}, "rates": {"generator": 0.1}},
        {"round": 5, "images": 80, "terms": {"a": 7.0}, "rates": {"generator": 0.05}, "stage": "second"},
    ]


def test_sums_do_not_round_as_float32_would(tmp_path):
    book = Log(tmp_path)
    book.add(terms(a=1e8))
    for _ in range(100):
        book.add(terms(a=1.0))
    assert book.write(101, 101, {})["terms"]["a"] == (1e8 + 100) / 101


def test_half_a_line_at_the_end_is_left_out(tmp_path):
    book = Log(tmp_path)
    for images in (16, 32):
        book.add(terms(a=1.0))
        book.write(images // 16, images, {})
    text = (tmp_path / "log.jsonl").read_text()
    for length in range(1, 40):
        (tmp_path / "log.jsonl").write_text(text[:-length])
        assert [record["images"] for record in log.read(tmp_path)] in ([16], [16, 32])
    assert log.read(tmp_path / "nowhere") == []


def test_going_on_takes_later_lines_back(tmp_path):
    book = Log(tmp_path)
    book.add(terms(a=1.0))
    book.write(1, 16, {})
    book.add(terms(a=2.0))
    state = json.loads(json.dumps(book.state_dict(), default=lambda t: t.item()))
    state["sums"] = {name: torch.tensor(total) for name, total in state["sums"].items()}
    kept = (tmp_path / "log.jsonl").read_bytes()
    book.add(terms(a=100.0))
    book.write(3, 48, {})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"round": 4, "ima')
    again = Log(tmp_path)
    again.load_state_dict(state, CPU)
    assert (tmp_path / "log.jsonl").read_bytes() == kept
    again.add(terms(a=4.0))
    assert again.write(3, 48, {})["terms"] == {"a": 3.0}
    again.load_state_dict(BEGINNING, CPU)
    assert log.read(tmp_path) == []


def test_a_log_shorter_than_it_was_is_not_filled_up(tmp_path):
    (tmp_path / "log.jsonl").write_text("{}\n")
    Log(tmp_path).load_state_dict({"bytes": 100, "sums": {}, "counts": {}}, CPU)
    assert (tmp_path / "log.jsonl").read_text() == "{}\n"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_terms_that_are_no_number_are_named(tmp_path, value):
    book = Log(tmp_path)
    for each in (1.0, value, 2.0):
        book.add(terms(fine=1.0, bad=each))
    with pytest.raises(NonFiniteError, match=r"^bad became infinite .* before image 1,234"):
        book.write(3, 1234, {})
    assert log.read(tmp_path) == []


def test_what_depends_on_the_machine_stands_apart(tmp_path):
    book = Log(tmp_path)
    book.mark(0, 0.0)
    book.add(terms(a=1.0))
    book.write(1, 64, {})
    speed = book.write_speed(64, 0.0)
    assert speed["images_per_second"] > 0
    assert 0 <= speed["data_wait_share"] <= 1
    assert log.read(tmp_path)[0].keys() == {"version", "round", "images", "terms", "rates"}
    (line,) = (tmp_path / "speed.jsonl").read_text().splitlines()
    assert json.loads(line) == speed
    assert log.peak_memory_mib() > 10


def test_a_log_of_another_process_writes_nothing(tmp_path):
    book = Log(None)
    book.add(terms(a=1.0))
    assert book.write(1, 16, {})["terms"] == {"a": 1.0}
    book.write_speed(16, 0.0)
    assert list(tmp_path.iterdir()) == []
