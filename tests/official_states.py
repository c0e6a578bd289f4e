"""State dicts with official names, of networks of any settings: the tables read backwards."""

import torch

from ganarium.models.network import NETWORKS, defaults


def whole(family, settings):
    return defaults(NETWORKS[family.role][family.kind]) | settings


def random_network(family, settings, seed=0):
    """The network with weights, statistics and biases of chance."""
    torch.manual_seed(seed)
    network = NETWORKS[family.role][family.kind](**settings).eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point() and not name.endswith(("_u", "_v")):
                tensor.uniform_(0.1, 0.4)
    return network


def official_state(family, settings, network=None):
    """Its tensors under their official names."""
    network = network or random_network(family, settings)
    own = network.state_dict()
    names = family.names(whole(family, settings), network)
    assert sorted(names.values()) == sorted(own), "the table leaves tensors out"
    return {official: own[ours].clone() for official, ours in names.items()}
