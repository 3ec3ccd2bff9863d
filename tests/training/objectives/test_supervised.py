import torch
from support.examples import THERE_AND_BACK, batch_of
from support.tolerance import assert_rounded
from support.toy_recognisers import recogniser

from fedasr.training.objectives.supervised import Supervised


def test_the_loss_is_the_negative_log_likelihood_a_token_with_the_dropout_it_is_given() -> None:
    model, batch = recogniser(dropout=0.4), batch_of()
    losses = Supervised().losses

    def seeded(seed: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    encodings = model.encoder(batch.features_BTF, batch.lengths_B, None)
    whole = model.head.losses(encodings, batch.lengths_B, batch.targets_BU, batch.target_lengths_B)
    assert_rounded(losses(model, batch, None), whole / batch.target_lengths_B, THERE_AND_BACK)
    assert losses(model, batch, seeded(1)).equal(losses(model, batch, seeded(1)))
    assert not losses(model, batch, seeded(1)).equal(losses(model, batch, seeded(2)))
