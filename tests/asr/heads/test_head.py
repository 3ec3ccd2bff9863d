"""What holds for every head, those of other packages among them."""

import copy
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from support.toy_recognisers import TOKENS, features, recogniser
from torch import Tensor, nn

from fedasr.asr.batch import make_batch
from fedasr.asr.component import Choice
from fedasr.asr.decoding.prefix import prefix_scorer
from fedasr.asr.encoders.encoder import ENCODERS, Encoder
from fedasr.asr.heads.head import HEADS, Head
from fedasr.asr.recogniser import Recogniser
from fedasr.common.errors import RowError, UserError
from fedasr.common.settings import Settings, least
from fedasr.experiment.model import ModelSpec

NAMES = {
    "ctc": {"ctc.output"},
    "transducer": {f"transducer.{p}" for p in ("embedding", "predictor", "from_encoder", "from_predictor", "output")},
    "frames": {"frames.output"},
}
NAMES["joint"] = NAMES["ctc"] | NAMES["transducer"]


@dataclass(frozen=True)
class LoudSettings(Settings):
    loudness: float = least(1.0, 0.0)
    dropout: float = 0.0


class Loud(Head):
    """Says the same of every utterance, the louder the longer."""

    settings: ClassVar[type[Settings]] = LoudSettings

    def __init__(self, inputs: int, tokens: int, settings: LoudSettings) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(settings.loudness))
        self.sizes, self.dropout = (inputs, tokens), settings.dropout

    def losses(
        self, encodings_BTF: Tensor, lengths_B: Tensor, targets_BU: Tensor, target_lengths_B: Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:  # fmt: skip
        return self.scale * lengths_B

    def greedy(self, encodings_BTF: Tensor, lengths_B: Tensor) -> list[list[int]]:
        return [[1, 2] for _ in lengths_B]


class Copying(Encoder):
    def __init__(self, inputs: int, settings: Settings) -> None:
        super().__init__()
        self.outputs = inputs

    def forward(self, x_BTF: Tensor, lengths_B: Tensor, generator: torch.Generator | None) -> Tensor:
        return x_BTF


def parts_of(model: Recogniser) -> set[str]:
    names = {name.rpartition(".")[0] for name, _ in model.named_parameters()}
    return {name for name in names if not name.startswith("encoder.")}


@pytest.mark.parametrize("kind", ENCODERS.known())
@pytest.mark.parametrize("head", HEADS.known())
def test_parameters_are_called_as_checkpoints_and_layer_patterns_call_them(kind: str, head: str) -> None:
    model = recogniser(kind, head)
    assert parts_of(model) == NAMES[head]
    assert all(name.startswith(("encoder.", "ctc.", "transducer.", "frames.")) for name in model.weights())


@pytest.mark.parametrize("head", HEADS.known())
def test_a_copy_of_a_recogniser_has_a_head_of_its_own(head: str) -> None:
    model, batch = recogniser(head=head), make_batch(features(40), [[1, 2]])
    before, other = model.losses(batch), copy.deepcopy(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.3)
    assert model.losses(batch).equal(before)
    assert not other.losses(batch).equal(before)


def test_another_package_s_head_and_encoder_are_used_by_their_import_path() -> None:
    here = __name__
    options = {"loudness": 3}
    model = ModelSpec(head=f"{here}:Loud", encoder=f"{here}:Copying", dropout=0.4, head_options=options, mels=8)
    made = Recogniser(model.recogniser(), TOKENS)
    assert isinstance(made.head, Loud)
    assert (made.head.sizes, made.head.dropout) == ((24, TOKENS.size), 0.4)
    assert list(made.weights()) == ["head.scale"]
    batch = make_batch(features(30, 60), [[1], [1, 2, 3, 4]])
    torch.testing.assert_close(made.losses(batch), torch.tensor([30.0, 15.0]))
    assert made.transcribe(batch) == [TOKENS.decode([1, 2])] * 2
    assert made.head.frame_scores(batch.features_BTF) is None
    with pytest.raises(RowError, match=r"Loud.*set model\.head"):
        prefix_scorer(made, batch.features_BTF, batch.lengths_B)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"head": "cct"}, "'head' is 'cct'; did you mean 'ctc'"),
        ({"encoder": "decimal:Decimal"}, "'encoder': 'decimal:Decimal' is no encoder"),
        ({"head": f"{__name__}:Copying"}, "is no head"),
        ({"head_options": {"loudness": 1}}, "unknown key 'head_options.loudness'"),
        ({"head": f"{__name__}:Loud", "head_options": {"loudness": -1}}, "'head_options.loudness' must be"),
        ({"encoder_options": {"depth": 1}}, "unknown key 'encoder_options.depth'"),
        ({"encoder": "conformer", "kernel": 4}, "'kernel' must be odd"),
        ({"encoder": "conformer", "units": 6, "heads": 4}, r"'units' \(6\) must be a multiple of 'heads' \(4\)"),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(changes: dict, says: str) -> None:
    with pytest.raises(UserError, match=says):
        ModelSpec(**changes)


def test_a_recogniser_that_cannot_be_is_not_made() -> None:
    spec = replace(recogniser().spec, head_options={"loudness": 1})
    with pytest.raises(UserError, match=r"head_options\.loudness"):
        Recogniser(spec, TOKENS)
    with pytest.raises(UserError, match="no encoder 'lstn'"):
        Choice("lstn", {}, {}).made(ENCODERS, 3)
