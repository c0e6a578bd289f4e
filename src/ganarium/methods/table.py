"""Table of the built-in and the installed methods."""

from collections.abc import Mapping

from ganarium.common.registry import Registry
from ganarium.methods.conditional import acgan, cgan, projection_cgan
from ganarium.methods.noise_to_image import (
    dcgan,
    ebgan,
    f_gan,
    gan,
    infogan,
    loss_sensitive_gan,
    lsgan,
    relativistic_gan,
    semi_supervised_gan,
    sngan,
    wgan,
    wgan_gp,
)
from ganarium.methods.paired import gaugan, pix2pix, pix2pixhd
from ganarium.methods.unpaired import (
    cogan,
    combogan,
    cyclegan,
    direct_translation,
    discogan,
    dtn,
    dualgan,
    unit,
    xgan,
)
from ganarium.recipes.method import Method

BUILT_IN = (
    gan.METHOD,
    dcgan.METHOD,
    lsgan.METHOD,
    wgan.METHOD,
    wgan_gp.METHOD,
    sngan.METHOD,
    relativistic_gan.METHOD,
    loss_sensitive_gan.METHOD,
    f_gan.METHOD,
    ebgan.METHOD,
    infogan.METHOD,
    semi_supervised_gan.METHOD,
    cgan.METHOD,
    acgan.METHOD,
    projection_cgan.METHOD,
    pix2pix.METHOD,
    pix2pixhd.METHOD,
    gaugan.METHOD,
    cyclegan.METHOD,
    discogan.METHOD,
    dualgan.METHOD,
    direct_translation.METHOD,
    dtn.METHOD,
    cogan.METHOD,
    unit.METHOD,
    xgan.METHOD,
    combogan.METHOD,
)


def _check(method: Method) -> None:
    if not isinstance(method, Method):
        raise TypeError(f"{type(method).__name__} is not a ganarium.Method")


METHODS: Registry[Method] = Registry(
    "method", "ganarium.methods", BUILT_IN, name_of=lambda method: method.name, check=_check
)
"""Methods by name: the built-in ones, those of installed packages, and those added in this process."""


def table() -> Mapping[str, Method]:
    """Return the methods by name; those of packages that cannot be loaded are omitted with a warning."""
    return METHODS


def find(name: str) -> Method:
    """Return the method of a name.

    Raises:
        ValueError: no method has that name; the message suggests the nearest.
    """
    return METHODS.find(name, " (ganarium methods lists all; ganarium.methods.add registers your own)")


def add(method: Method) -> None:
    """Register your own method by its name, in this process.

    Raises:
        ValueError: a built-in method has that name.
    """
    METHODS.add(method)
