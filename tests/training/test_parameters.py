import pytest
import torch
from numpy.random import default_rng
from support.toy_recognisers import recogniser
from support.toy_speech import TOKENS, made_up, small_recogniser

from fedasr.asr.augment import NO_AUGMENTATION
from fedasr.common.errors import UserError
from fedasr.training.batches import training_batch
from fedasr.training.gradients import batch_gradient
from fedasr.training.objectives.supervised import Supervised
from fedasr.training.parameters import ALL, only_trained, trained_parameters, zero_untrained_


def test_patterns_choose_by_name_in_the_models_order() -> None:
    model = recogniser(head="joint")
    names = [name for name, _ in model.named_parameters()]
    assert list(trained_parameters(model, ALL)) == names
    found = trained_parameters(model, ["transducer.*", "encoder.norms.0.*"])
    assert list(found) == [n for n in names if n.startswith(("encoder.norms.0.", "transducer."))]
    assert all(parameter is dict(model.named_parameters())[name] for name, parameter in found.items())


def test_a_pattern_that_fits_nothing_is_refused() -> None:
    with pytest.raises(UserError, match=r"'decoder\.\*'.*ctc, encoder"):
        trained_parameters(recogniser(), ["*", "decoder.*"])
    with pytest.raises(UserError, match="layers"):
        trained_parameters(recogniser(), [])


def test_gradients_of_what_is_not_trained_become_zero_and_the_others_stay_to_the_bit() -> None:
    model = recogniser()
    gradient = [torch.rand_like(parameter) + 1 for parameter in model.parameters()]
    before = [part.clone() for part in gradient]
    chosen = zero_untrained_(model, gradient, ["ctc.*"])
    assert sum(chosen) == 2
    for part, old, is_chosen in zip(gradient, before, chosen, strict=True):
        assert part.equal(old if is_chosen else torch.zeros_like(old))


def test_what_is_not_trained_is_not_differentiated_and_what_is_has_the_same_bits() -> None:
    model, batch = small_recogniser(), training_batch(made_up(4), range(4), TOKENS, NO_AUGMENTATION, default_rng(0))
    loss, whole = batch_gradient(model, Supervised().losses, batch, None)
    with only_trained(model, ["ctc.*"]):
        assert not next(model.encoder.parameters()).requires_grad
        same_loss, part = batch_gradient(model, Supervised().losses, batch, None)
    assert loss == same_loss
    for (name, parameter), mine, theirs in zip(model.named_parameters(), part, whole, strict=True):
        assert parameter.requires_grad
        assert torch.equal(mine, theirs if name.startswith("ctc.") else torch.zeros_like(theirs)), name


def test_parameters_are_trained_again_after_a_failure() -> None:
    model = small_recogniser()
    with pytest.raises(ZeroDivisionError), only_trained(model, ["ctc.*"]):
        1 / 0  # noqa: B018
    assert all(parameter.requires_grad for parameter in model.parameters())
