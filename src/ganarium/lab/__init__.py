"""The laboratory: the theory of GANs, to be seen in a minute each.

An experiment is a function: keyword settings in, a `ExperimentResult` out, the same for the same seed.

    from ganarium import lab

    finding = lab.ring(seed=1)
    finding.rows                            # its table
    finding.draw().savefig("ring.png")      # its picture; finding.arrays has the figures behind it

From the command line: `ganarium lab` lists the experiments, `ganarium lab ring --seed 1` does one.
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
"""Every experiment by its name; the first line of its docstring says what it shows."""
