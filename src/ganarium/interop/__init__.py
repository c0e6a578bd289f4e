"""Official checkpoints: recognition by the names and shapes of their tensors, and import into our networks.

Each repository has a file with the tables of its networks: `junyanz`, `pix2pixhd`, `spade`.
"""

from ganarium.interop.layout import Family, Fit
from ganarium.interop.layouts import FAMILIES
from ganarium.interop.reading import import_network, recognize, states_in

__all__ = ["FAMILIES", "Family", "Fit", "import_network", "recognize", "states_in"]
