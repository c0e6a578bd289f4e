"""Estimate of a run's time and memory, from a trial of a few rounds of every stage."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from ganarium.core.campaign import Campaign, Stage
from ganarium.core.engine import Engine
from ganarium.data.feed import Feed
from ganarium.monitoring.log import peak_memory_mib

ROUNDS = 2
"""Number of timed rounds, after one that warms up."""


@dataclass(frozen=True)
class Estimate:
    """Cost of a run.

    Attributes:
        seconds: time of all stages.
        memory_mib: peak memory.
        parameters: trainable parameters by player, of all stages.
    """

    seconds: float
    memory_mib: int
    parameters: Mapping[str, int]


def estimate(
    campaign: Campaign,
    trial: Callable[[Stage], tuple[Engine, Feed]],
    *,
    images: int,
    seed: int,
) -> Estimate:
    """Measure the cost of a campaign by three rounds of every stage, on networks that are then discarded.

    Args:
        campaign: campaign of the run.
        trial: function that builds the engine and the feed of a stage.
        images: length of the run.
        seed: seed of the run.
    """
    seconds, parameters = 0.0, dict[str, int]()
    script, averages, number = campaign.stages(images), None, 0
    with torch.random.fork_rng(devices=[]):
        while True:
            torch.manual_seed(seed + number)
            try:
                stage = script.send(averages)  # type: ignore[arg-type]
            except StopIteration:
                return Estimate(seconds, peak_memory_mib(), parameters)
            engine, feed = trial(stage)
            try:
                seconds += _seconds_per_image(engine, feed) * stage.images
            finally:
                feed.close()
            for name, params in engine.params.items():
                parameters[name] = max(parameters.get(name, 0), sum(p.numel() for p in params))
            averages, number = stage.game.players(), number + 1


def _seconds_per_image(engine: Engine, feed: Feed) -> float:
    engine.round(feed)
    started, images = time.perf_counter(), engine.clock.images
    for _ in range(ROUNDS):
        terms = engine.round(feed)
    sum(float(value) for value in terms.values())  # wait for the device
    return (time.perf_counter() - started) / (engine.clock.images - images)
