"""A recogniser: subsampling, encoder, heads and tokens; trained by their losses, decoded greedily."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fedasr.asr.batch import Batch
from fedasr.asr.component import Choice
from fedasr.asr.encoders.encoder import ENCODERS, EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.heads.head import HEADS, Head
from fedasr.asr.subsampling import SUBSAMPLINGS
from fedasr.asr.tokens import Tokens

Weights = dict[str, NDArray[np.floating]]
"""A recogniser's parameters by name: float32, or float64 where a part of it computes so."""


class HeardBatch(NamedTuple):
    """What is heard in each utterance of a batch: greedily, and decoded where a decoder was given; and the losses."""

    texts: list[str]
    losses: list[float]
    decoded: list[str]


@dataclass(frozen=True)
class RecogniserSpec:
    """The shape of a recogniser.

    Parameters
    ----------
    features : FeatureSpec
    encoder : EncoderSpec
    head : str
        ``"ctc"``, ``"transducer"``, ``"joint"`` (a transducer with CTC as auxiliary loss), another registered name,
        or ``module:Class``.
    ctc_weight : float
        The share of the CTC loss where the head is joint.
    predictor_units : int
        Units of the transducer's prediction network and joiner.
    head_options : mapping
        Settings that other heads do not have.
    subsampling : str
        How frames of 10 ms become those of the encoder, a name in `fedasr.asr.subsampling.SUBSAMPLINGS`.
    """

    features: FeatureSpec = field(default_factory=FeatureSpec)
    encoder: EncoderSpec = field(default_factory=EncoderSpec)
    head: str = "ctc"
    ctc_weight: float = 0.3
    predictor_units: int = 256
    head_options: Mapping[str, Any] = field(default_factory=dict)
    subsampling: str = "stacked"

    @property
    def frames_stacked(self) -> int:
        """Frames of 10 ms that become one encoding: batches are stacked by so many."""
        return SUBSAMPLINGS[self.subsampling].frames_stacked

    @property
    def is_aligned(self) -> bool:
        """Whether the head labels frames, and leaves words to a search."""
        return HEADS.find(self.head).is_aligned

    @property
    def head_choice(self) -> Choice:
        """The head and its settings, for `HEADS`."""
        shared = {"ctc_weight": self.ctc_weight, "predictor_units": self.predictor_units}
        return Choice(self.head, {**shared, "dropout": self.encoder.dropout}, self.head_options)


class Recogniser(nn.Module):
    """Maps features to token probabilities.

    Parameters
    ----------
    spec : RecogniserSpec
    tokens : Tokens
        What it writes; learnt on public text.
    """

    def __init__(self, spec: RecogniserSpec, tokens: Tokens) -> None:
        super().__init__()
        self.spec = spec
        self.tokens = tokens
        self.subsampling = SUBSAMPLINGS[spec.subsampling](spec.features.mels)
        self.encoder = spec.encoder.choice.made(ENCODERS, self.subsampling.outputs)
        head = spec.head_choice.made(HEADS, self.encoder.outputs, tokens.size)
        for name, part in head.parts().items():
            self.add_module(name, part)
        vars(self)["head"] = head  # not as a module of its own: the parameters carry the names of the head's parts

    head: Head

    @property
    def device(self) -> torch.device:
        """Where the parameters are; batches are moved there."""
        return next(self.parameters()).device

    def losses(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Return each utterance's negative log-likelihood a token, shape (batch,).

        Parameters
        ----------
        batch : Batch
        generator : torch.Generator or None
            The source of dropout masks; None trains without dropout.
        """
        batch = batch.to(self.device)
        return self.losses_of(batch, self.encode(batch.features_BTF, batch.lengths_B, generator), generator)

    def encode(self, features_BTF: Tensor, lengths_B: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return what the encoder makes of features: each part is given numbers of its own type."""
        frames_BTF = self.subsampling(features_BTF.to(_type_of([self.subsampling, self.encoder])))
        encodings_BTF: Tensor = self.encoder(frames_BTF.to(_type_of([self.encoder])), lengths_B, generator)
        return encodings_BTF.to(self.encoding_type)

    @property
    def encoding_type(self) -> torch.dtype:
        """The type of the head's parameters."""
        return _type_of(self.head.parts().values())

    def fits(self, batch: Batch) -> Tensor:
        """Say which targets can be said in their frames, shape (batch,): the others cannot be learnt."""
        return self.head.fits(batch.lengths_B, batch.targets_BU, batch.target_lengths_B)

    def losses_of(self, batch: Batch, encodings_BTF: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return the same as `losses` of encodings that were made; the batch is where the parameters are."""
        losses_B = self.head.losses(
            encodings_BTF, batch.lengths_B, batch.targets_BU, batch.target_lengths_B, generator
        )  # fmt: skip
        return losses_B / batch.target_lengths_B.clamp_min(1)

    def transcribe(self, batch: Batch) -> list[str]:
        """Return what it hears in each utterance of the batch, by greedy decoding."""
        return self.hear(batch).texts

    @torch.inference_mode()
    def hear(self, batch: Batch, with_losses: bool = False, decode: Decode | None = None) -> HeardBatch:
        """Return what it hears in each utterance and, where asked, the losses of the targets: encoded once for all.

        Parameters
        ----------
        batch : Batch
        with_losses : bool
        decode : callable, optional
            Turns encodings into texts, such as a `fedasr.asr.decoding.decoder.Decoder`.
        """
        batch = batch.to(self.device)
        encodings_BTF = self.encode(batch.features_BTF, batch.lengths_B)
        heard = [self.tokens.decode(numbers) for numbers in self.head.greedy(encodings_BTF, batch.lengths_B)]
        losses = self.losses_of(batch, encodings_BTF, None).tolist() if with_losses else []
        return HeardBatch(heard, losses, decode(self, encodings_BTF, batch.lengths_B) if decode else [])

    def weights(self) -> Weights:
        """Return a copy of the parameters."""
        return {name: value.detach().cpu().numpy().copy() for name, value in self.named_parameters()}

    @torch.no_grad()
    def load(self, weights: Mapping[str, NDArray[np.floating]]) -> None:
        """Copy parameters in.

        Raises
        ------
        ValueError
            Where names or shapes are not this recogniser's.
        """
        own = dict(self.named_parameters())
        if own.keys() != weights.keys():
            odd = sorted(own.keys() ^ weights.keys())
            raise ValueError(f"the parameters are not this recogniser's: {', '.join(odd[:3])}")
        for name, parameter in own.items():
            if tuple(parameter.shape) != weights[name].shape:
                raise ValueError(f"{name} has shape {weights[name].shape}, not {tuple(parameter.shape)}")
            parameter.copy_(torch.from_numpy(np.require(weights[name], requirements="W")))


Decode = Callable[[Recogniser, Tensor, Tensor], list[str]]
"""Returns the texts of encodings, shape (batch, frames, outputs), of so many frames each."""


def _type_of(parts: Iterable[nn.Module]) -> torch.dtype:
    return next((parameter.dtype for part in parts for parameter in part.parameters()), torch.float32)


def best_device() -> torch.device:
    """Return the GPU that torch sees, else the CPU (``CUDA_VISIBLE_DEVICES=""`` hides one)."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def in_types_of(model: Weights, weights: Mapping[str, NDArray[Any]]) -> Weights:
    """Return weights in the types of a model that has arrays of the same names: a strategy may compute in others."""
    return {name: np.asarray(array, model[name].dtype if name in model else None) for name, array in weights.items()}


def digest(weights: Mapping[str, NDArray[np.floating]]) -> str:
    """Return the SHA-256 of names, shapes, types other than float32, and values, in the order of the names."""
    total = hashlib.sha256()
    for name in sorted(weights):
        array = np.ascontiguousarray(weights[name])
        kind = "" if array.dtype == np.float32 else f" {array.dtype}"
        total.update(f"{name} {array.shape}{kind}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def spec_from_json(data: Mapping[str, object]) -> RecogniserSpec:
    """Return the specification that ``dataclasses.asdict`` wrote; a Conformer that names no positions knows none."""
    fields = dict(data)
    features, encoder = fields.pop("features"), {"positions": "none", **fields.pop("encoder")}  # type: ignore[dict-item]
    return RecogniserSpec(FeatureSpec(**features), EncoderSpec(**encoder), **fields)  # type: ignore[arg-type]
