"""The transducer's loss, and a place without torchaudio: refused before training in a line, and nothing else is."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.running import Refused
from support.toy_recognisers import TOKENS, features, recogniser
from support.without import absent

from fedasr.asr.batch import make_batch
from fedasr.asr.decoding.nbest import nbest
from fedasr.asr.heads.rnnt_loss import loss_missing, transducer_losses
from fedasr.common.errors import UserError

TRANSDUCERS = ["transducer", "joint"]


@pytest.fixture
def no_torchaudio(monkeypatch: pytest.MonkeyPatch) -> None:
    absent("torchaudio", monkeypatch)


def test_the_loss_of_one_frame_is_a_product_of_probabilities() -> None:
    pytest.importorskip("torchaudio")
    logits = torch.randn(1, 1, 3, 5, generator=torch.Generator().manual_seed(0))
    scores = logits.log_softmax(-1)[0, 0]
    found = transducer_losses(logits, torch.tensor([1]), torch.tensor([[3, 2]]), torch.tensor([2]))
    assert loss_missing() is None
    torch.testing.assert_close(found, -(scores[0, 3] + scores[1, 2] + scores[2, 0])[None])


@pytest.mark.parametrize("head", TRANSDUCERS)
def test_without_torchaudio_a_transducer_is_no_less_good_at_hearing(head: str, no_torchaudio: None) -> None:
    model, batch = recogniser(head=head), make_batch(features(40, 31), [TOKENS.encode("ab"), TOKENS.encode("c")])
    assert len(model.transcribe(batch)) == len(nbest(model, batch.features_BTF, batch.lengths_B, 1, 2, 3)) == 2
    with pytest.raises(UserError, match=r"the transducer's loss needs torchaudio, which fits torch < 2\.12"):
        model.losses(batch)


@pytest.mark.parametrize("error", [ImportError("libtorchaudio.so: undefined symbol: x\nmore"), OSError("no such file")])
def test_a_torchaudio_of_another_torch_is_as_good_as_none(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name.startswith("torchaudio"):
                raise error

    absent("torchaudio", monkeypatch)
    monkeypatch.delitem(sys.modules, "torchaudio")
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    line = loss_missing()
    assert line is not None
    assert str(error).splitlines()[0] in line
    assert "\n" not in line


@pytest.mark.parametrize("head", TRANSDUCERS)
def test_training_one_is_refused_before_anything_is_done(
    head: str, no_torchaudio: None, refused: Refused, write_toml: Callable[..., Path]
) -> None:
    line = refused(write_toml(model={"head": head}), "--grid", "process")
    assert f"model.head is '{head}': the transducer's loss needs torchaudio" in line
    assert "head = 'ctc'" in line


def test_so_is_a_role_that_is_one(no_torchaudio: None, refused: Refused, write_toml: Callable[..., Path]) -> None:
    roles: dict[str, Any] = {"roles": {"teacher": {"head": "joint"}}}
    assert "roles.teacher.head is 'joint': the transducer's loss needs" in refused(write_toml(**roles))
