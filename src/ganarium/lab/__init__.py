"""Experiments on the theory of GANs, each of about a minute.

An experiment is a function with keyword settings. It returns an `ExperimentResult`; equal settings, the seed
included, give equal results.

    from ganarium import lab

    result = lab.ring(seed=1)
    result.rows                            # table
    result.draw().savefig("ring.png")      # figure; result.arrays has the values that it shows

On the command line, `ganarium lab` lists the experiments and `ganarium lab ring --seed 1` runs one.
"""

from collections.abc import Callable

from ganarium.lab.collapse import collapse
from ganarium.lab.conjugate import conjugate
from ganarium.lab.distances import distances
from ganarium.lab.gradient import gradient
from ganarium.lab.lipschitz import lipschitz
from ganarium.lab.optimum import optimum
from ganarium.lab.result import ExperimentResult
from ganarium.lab.ring import ring

__all__ = [
    "EXPERIMENTS",
    "ExperimentResult",
    "collapse",
    "conjugate",
    "distances",
    "gradient",
    "lipschitz",
    "optimum",
    "ring",
]

EXPERIMENTS: dict[str, Callable[..., ExperimentResult]] = {
    "ring": ring,
    "distances": distances,
    "conjugate": conjugate,
    "optimum": optimum,
    "collapse": collapse,
    "lipschitz": lipschitz,
    "gradient": gradient,
}
"""Experiments by name; the first line of each docstring is its summary in `ganarium lab`."""
