"""Table of the built-in and the installed methods."""

import functools
import warnings
from importlib.metadata import EntryPoint, entry_points

from ganarium.common.text import nearest
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


@functools.cache
def table() -> dict[str, Method]:
    """Return every method by name: the built-in ones, then those of installed packages.

    A method that cannot be loaded is omitted with a warning, so that the others stay usable.
    """
    rows = {method.name: method for method in BUILT_IN}
    for entry in entry_points(group="ganarium.methods"):
        try:
            method = _installed(entry)
            if method.name in rows:
                raise ValueError(f"a method named {method.name!r} already exists")
        except Exception as error:  # code of another package may raise anything
            warnings.warn(f"method {entry.name!r} of {entry.value} is omitted: {error}", stacklevel=2)
        else:
            rows[method.name] = method
    return rows


def _installed(entry: EntryPoint) -> Method:
    method = entry.load()
    if not isinstance(method, Method):
        raise TypeError(f"{type(method).__name__} is not a ganarium.Method")
    return method


def find(name: str) -> Method:
    """Return the method of a name.

    Raises:
        ValueError: no method has that name; the message suggests the nearest.
    """
    rows = table()
    if name not in rows:
        raise ValueError(
            f"there is no method {name!r}{nearest(name, rows)} (ganarium methods lists all; "
            "ganarium.methods.add registers your own)"
        )
    return rows[name]


def add(method: Method) -> None:
    """Register a method of your own by its name, in this process.

    Raises:
        ValueError: a built-in method has that name.
    """
    if any(row.name == method.name and row is not method for row in BUILT_IN):
        raise ValueError(f"{method.name!r} is a built-in method; give yours another name")
    table()[method.name] = method
