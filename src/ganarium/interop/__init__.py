"""Official checkpoints: told by the names and shapes of their tensors, and carried over to our networks.

One file a family of networks, each a table: `junyanz`, `pix2pixhd`, `spade`.
"""

from ganarium.interop.layout import Family, Fit
from ganarium.interop.layouts import FAMILIES
from ganarium.interop.reading import import_network, recognize, states_in

__all__ = ["FAMILIES", "Family", "Fit", "import_network", "recognize", "states_in"]
