"""What networks of several domains have in common, and what not."""

import pytest
import torch

from ganarium.networks import DISCRIMINATORS, GENERATORS
from ganarium.networks.layers.padding import pad_replicate, padded_forward
from ganarium.networks.shared_latent import (
    DomainDecoders,
    DomainEncoders,
    EncoderDecoder,
    coupled_discriminators,
    coupled_generators,
)

SHAPE = (3, 16, 16)
DOMAINS = torch.tensor([1, 0, 2, 1])


def count(net):
    return sum(p.numel() for p in net.parameters())


def generators(kind="dcgan"):
    return [GENERATORS[kind](4, SHAPE, width=4) for _ in range(3)]


def discriminators(kind="dcgan"):
    return [DISCRIMINATORS[kind](SHAPE, width=4) for _ in range(3)]


def test_codes_have_a_common_form_and_every_way_keeps_sizes():
    encoders = DomainEncoders(2, 3, width=4, blocks=1, shared_blocks=1)
    decoders = DomainDecoders(encoders.channels, 2, 3, blocks=1, shared_blocks=1)
    pictures = torch.randn(2, 2, 14, 19)
    for source in range(3):
        for target in range(3):
            made = padded_forward(EncoderDecoder(encoders, decoders, source, target), pictures)
            assert made.shape == pictures.shape
            assert made.abs().max() <= 1


def test_a_term_of_one_domain_reaches_what_is_its_own_and_what_is_shared():
    encoders = DomainEncoders(3, 3, width=4, blocks=1, shared_blocks=1)
    encoders(torch.randn(1, 3, 8, 8), 1).sin().sum().backward()
    reached = {tuple(name.split(".")[:2]) for name, p in encoders.named_parameters() if p.grad is not None}
    assert reached == {("own", "1"), ("shared", "0")}


def test_without_norms_weights_are_not_too_small_to_be_seen():
    encoders = DomainEncoders(3, 1, width=8, norm="none")
    assert encoders(torch.randn(4, 3, 16, 16), 0).std() > 0.05


@pytest.mark.parametrize(
    ("make", "couple", "layers"),
    [(generators, coupled_generators, 3), (discriminators, coupled_discriminators, 3)],
)
def test_the_more_layers_are_shared_the_fewer_weights_there_are(make, couple, layers):
    one = count(make()[0])
    sizes = [count(couple(make(), shared)) for shared in range(layers + 1)]
    assert (sizes[0], sizes[-1]) == (3 * one, one)
    assert sizes == sorted(set(sizes), reverse=True)
    assert count(couple(make())) == sizes[-2], "all but one where it is not said"
    with pytest.raises(ValueError, match=r"shared_.*_layers=99.*0 to"):
        couple(make(), 99)


def test_each_sample_goes_through_its_own_domains_network():
    nets = generators()
    coupled = coupled_generators(nets).eval()
    noise = torch.randn(4, 4)
    made = coupled(noise, DOMAINS)
    for i, domain in enumerate(DOMAINS.tolist()):
        torch.testing.assert_close(made[i : i + 1], nets[domain](noise[i : i + 1]))
    judges = coupled_discriminators(discriminators()).eval()
    scores = judges(made, DOMAINS)
    assert scores.shape == (4,)
    torch.testing.assert_close(judges.networks[0].score(judges.features(made, DOMAINS)).squeeze(1), scores)


def test_the_first_layers_of_generators_and_the_last_of_discriminators_are_shared():
    first, second, _ = coupled_generators(generators(), 2).networks
    assert first.project is second.project
    own = [a is not b for a, b in zip(first.layers, second.layers, strict=True)]
    assert own == sorted(own)
    assert 0 < sum(own) < len(own)
    first, second, _ = coupled_discriminators(discriminators(), 2).networks
    assert first.score is second.score
    own = [a is not b for a, b in zip(first.layers, second.layers, strict=True)]
    assert own == sorted(own, reverse=True)
    assert 0 < sum(own) < len(own)


def test_pictures_are_widened_by_their_edges():
    picture = torch.arange(6.0).view(1, 1, 2, 3)
    assert pad_replicate(picture, 2)[0, 0].tolist() == [[0, 1, 2, 2], [3, 4, 5, 5]]
    assert pad_replicate(picture, 1) is picture
