import pytest
import torch
from support.toy_recognisers import recogniser

from fedasr.common.errors import UserError
from fedasr.training.parameters import ALL, trained_parameters, zero_untrained_


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
