"""Base classes of two-player games: noise, order of turns, and stabilizers of any of them."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn

from ganarium.common.schema import split
from ganarium.core.game import Clock, Game, Turn, turn
from ganarium.data.batches import Batch, Conditioned, real_samples
from ganarium.data.conditions.partial import PartialLabels
from ganarium.data.spec import DataSpec
from ganarium.losses.adversarial import AdversarialLoss
from ganarium.losses.stabilizers import History, feature_distance, with_instance_noise
from ganarium.networks import DISCRIMINATORS, GENERATORS
from ganarium.networks.layers.virtual_batch_norm import choose_references
from ganarium.ops import latents
from ganarium.ops.scoring import frozen
from ganarium.tasks.generate import Generate
from ganarium.tasks.latents import Latent


class TurnData(NamedTuple):
    """Data of one turn."""

    real: Tensor
    fake: Tensor
    condition: Any
    """Condition of the generator (labels, images, codes) or None; labeled samples if semi-supervised."""


class TwoPlayerGame(Game):
    """A generator against a discriminator: Goodfellow et al. 2014, algorithm 1.

    A subclass defines the losses of both sides (`discriminator_terms`, `generator_terms`). A conditional game
    also overrides `assemble`, `condition_of`, `sample` and `generate`.

    Args:
        generator: maps noise `[N, noise_dim]`, and a condition if there is one, to samples.
        discriminator: maps samples to scores.
        noise_dim: length of the noise vector.
        noise: `normal`, or `uniform` in [-1, 1].
        discriminator_updates: updates of the discriminator in a round, the paper's k.
        resample_noise: generate a new fake batch for the generator's turn.
        generator_first: update the generator before the discriminator.
        feature_matching_weight: weight of the distance between the discriminator's mean features of real and
            fake samples, a loss of the generator (Salimans et al. 2016, sec. 3.1).
        adversarial_weight: weight of the generator's adversarial terms; 0 leaves only feature matching.
        historical_averaging_weight: weight of each side's distance from its mean weights so far (sec. 3.2).
        instance_noise: initial standard deviation of noise on the discriminator's inputs; it falls to zero
            over the run (Sønderby et al. 2017, arXiv:1610.04490).

    Raises:
        ValueError: the generator has no loss, or the discriminator has no features to match.
    """

    roles: ClassVar = {"generator": GENERATORS, "discriminator": DISCRIMINATORS}
    tasks: tuple[Any, ...] = (Generate(),)

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        noise_dim: int = 100,
        noise: latents.Noise = "normal",
        discriminator_updates: int = 1,
        resample_noise: bool = False,
        generator_first: bool = False,
        feature_matching_weight: float = 0.0,
        adversarial_weight: float = 1.0,
        historical_averaging_weight: float = 0.0,
        instance_noise: float = 0.0,
    ):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.noise_dim = noise_dim
        self.noise_kind = noise
        self.latents = (Latent("z", (noise_dim,), noise),)
        self.discriminator_updates = discriminator_updates
        self.resample_noise = resample_noise
        self.generator_first = generator_first
        self.feature_matching_weight = feature_matching_weight
        self.adversarial_weight = adversarial_weight
        self.historical_averaging_weight = historical_averaging_weight
        self.instance_noise = instance_noise
        if not adversarial_weight and not feature_matching_weight:
            raise ValueError(
                "game.adversarial_weight and game.feature_matching_weight are both 0: "
                "the generator has no loss; set one"
            )
        if feature_matching_weight and not hasattr(discriminator, "features"):
            raise ValueError(
                f"game.feature_matching_weight={feature_matching_weight} needs discriminator features, "
                f"but {type(discriminator).__name__} has none; set another networks.discriminator.kind, or 0"
            )
        if historical_averaging_weight:
            self.generators_history = History(generator)
            self.discriminators_history = History(discriminator)

    @abstractmethod
    def discriminator_terms(self, turn_data: TurnData, clock: Clock) -> dict[str, Tensor]:
        """Return the discriminator's loss terms; `turn_data.fake` has no gradient."""

    @abstractmethod
    def generator_terms(self, turn_data: TurnData) -> dict[str, Tensor]:
        """Return the generator's loss terms."""

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: DataSpec, **settings: Any) -> Self:
        """Build the networks for samples of the data's shape, without a condition."""
        refuse_condition(spec)
        generator = network("generator", settings["noise_dim"], spec.shape)
        return cls(generator, network("discriminator", spec.shape), **settings)

    def sample(self, count: int, condition: Any = None) -> Tensor:
        """Return `count` fake samples from new noise."""
        return self.generator(self.noise_for(count))

    def generate(self, z: Tensor) -> Tensor:
        """Return samples of latents `[N, noise_dim]`."""
        return self.generator(z)

    def condition_of(self, batch: Any) -> Any:
        """Return the condition of a batch; None if it has none."""
        return batch.condition if isinstance(batch, Conditioned) else None

    def after_discriminator(self) -> None:
        """Do what follows each step of the discriminator; by default nothing."""

    def play(self, data: Iterator[Any], clock: Clock) -> Iterator[Turn]:
        """Play algorithm 1; unless noise is resampled, both sides use the last fake batch."""
        if self.generator_first:
            yield from self.play_generator_first(data, clock)
        else:
            for left in reversed(range(self.discriminator_updates)):
                turn_data = self.turn_data(next(data), clock, shared=left == 0 and not self.resample_noise)
                yield self.discriminator_turn(turn_data, clock)
                self.after_discriminator()
            yield self.generator_turn(
                self.with_new_fakes(turn_data, clock) if self.resample_noise else turn_data
            )
        if clock.first_micro_batch and self.historical_averaging_weight:
            self.generators_history.remember(self.generator)
            self.discriminators_history.remember(self.discriminator)

    def play_generator_first(self, data: Iterator[Any], clock: Clock) -> Iterator[Turn]:
        """Update the generator against the discriminator of the last round, then the discriminator."""
        turn_data = self.turn_data(next(data), clock, shared=True)
        yield self.generator_turn(turn_data)
        for update in range(self.discriminator_updates):
            if update:
                turn_data = self.turn_data(next(data), clock, shared=False)
            elif self.resample_noise:
                with torch.no_grad():
                    turn_data = self.with_new_fakes(turn_data, clock)
            yield self.discriminator_turn(turn_data, clock)
            self.after_discriminator()

    def turn_data(self, batch: Batch, clock: Clock, *, shared: bool) -> TurnData:
        """Return a batch and as many fake samples; if `shared`, these have gradients for the generator."""
        real = real_samples(batch)
        condition = self.condition_of(batch)
        if clock.round == 0:
            choose_references(self.generator, lambda: self.sample(len(real), condition))
            choose_references(self.discriminator, lambda: self.features(real, condition))
        with torch.set_grad_enabled(shared):
            fake = self.sample(len(real), condition)
        return TurnData(
            self.discriminator_input(real, clock), self.discriminator_input(fake, clock), condition
        )

    def with_new_fakes(self, turn_data: TurnData, clock: Clock) -> TurnData:
        """Return the same batch with new fake samples."""
        return turn_data._replace(
            fake=self.discriminator_input(self.sample(len(turn_data.real), turn_data.condition), clock)
        )

    def discriminator_input(self, samples: Tensor, clock: Clock) -> Tensor:
        """Return samples with instance noise."""
        return with_instance_noise(samples, self.instance_noise * (1 - clock.progress))

    def discriminator_turn(self, turn_data: TurnData, clock: Clock) -> Turn:
        """Return the discriminator's turn."""
        terms = self.discriminator_terms(turn_data._replace(fake=turn_data.fake.detach()), clock)
        if self.historical_averaging_weight:
            distance = self.discriminators_history.distance(self.discriminator)
            terms["history"] = self.historical_averaging_weight * distance
        return turn(self.discriminator, **terms)

    def generator_turn(self, turn_data: TurnData) -> Turn:
        """Return the generator's turn."""
        weight = self.adversarial_weight
        terms = self.generator_terms(turn_data) if weight else {}
        if weight != 1:
            terms = {name: weight * term for name, term in terms.items()}
        if self.feature_matching_weight:
            terms["feature_matching"] = self.feature_matching_weight * self.feature_distance(turn_data)
        if self.historical_averaging_weight:
            distance = self.generators_history.distance(self.generator)
            terms["history"] = self.historical_averaging_weight * distance
        return turn(self.generator, **terms)

    def feature_distance(self, turn_data: TurnData) -> Tensor:
        """Return the distance between the discriminator's mean features of real and of fake samples."""
        with torch.no_grad():
            real_features = self.features(turn_data.real, turn_data.condition)
        return feature_distance(real_features, self.features(turn_data.fake, turn_data.condition))

    def features(self, samples: Tensor, condition: Tensor | None) -> Tensor:
        """Return the discriminator's features of samples; its weights are constant."""
        return frozen(self.discriminator, "features")(samples)

    def realness(self, samples: Tensor, condition: Tensor | None) -> Tensor | None:
        """Return the discriminator's scores."""
        scores: Tensor = self.discriminator(samples)
        return scores

    def noise_for(self, count: int) -> Tensor:
        """Return noise `[count, noise_dim]` on the generator's device."""
        device = next(self.generator.parameters()).device
        return latents.noise(self.noise_kind, count, self.noise_dim, device=device)


def refuse_condition(spec: DataSpec) -> None:
    """Raise ValueError if the data have a condition, which the method cannot use."""
    if isinstance(spec.condition, PartialLabels):
        raise ValueError(
            "data.labeled_samples adds labeled samples to each batch, which this method cannot use; "
            "leave it out, or choose semi-supervised-gan"
        )
    if spec.condition is not None:
        raise ValueError(
            f"data.condition={spec.condition.name}, but this method generates without a condition; "
            "leave data.condition out, or choose cgan"
        )


class ScoredTwoPlayerGame(TwoPlayerGame):
    """Two-player game with an `AdversarialLoss`; its objective and penalty are settings of the game."""

    settings_from: ClassVar = (AdversarialLoss,)

    def __init__(self, generator: nn.Module, discriminator: nn.Module, **settings: Any):
        loss_settings, others = split(settings, AdversarialLoss)
        super().__init__(generator, discriminator, **others)
        self.adversarial_loss = AdversarialLoss(**loss_settings)
        self.adversarial_loss.check(discriminator)

    def after_discriminator(self) -> None:
        """Clip the discriminator's weights, if the penalty is clipping."""
        self.adversarial_loss.clip(self.discriminator)
