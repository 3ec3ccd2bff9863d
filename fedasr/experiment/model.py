"""The recogniser of an experiment, its tokens and its start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from fedasr.asr.encoders.encoder import ENCODERS, POSITIONS, EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.heads.head import HEADS
from fedasr.asr.recogniser import RecogniserSpec
from fedasr.asr.subsampling import SUBSAMPLINGS
from fedasr.common.settings import Mistake, Settings, least, number, one_of, share
from fedasr.common.settings.settings import default_of

MADE_STARTS = ("public", "scratch")
"""Starts that a run makes; anything else is the path of a model."""
AS_RECORDED, DECLARED = "as recorded", "declared public"
"""What is taken of the speech that a start from a file has heard."""


@dataclass(frozen=True)
class ModelSpec(Settings):
    """The recogniser, its tokens and its start.

    Parameters
    ----------
    start : str
        ``"public"`` (trained on labelled public speech first), ``"scratch"``, or the path of a
        ``model.safetensors``.
    start_speech : str
        Of a start that is a file: ``"as recorded"`` takes from the file which speech it has heard, and no row promises
        an ε after one that does not say, or has heard the silos; ``"declared public"`` declares that a model from
        elsewhere has heard nothing of the silos' speakers: page, ledger and summary call it a declaration.
    tokens : str
        ``"characters"``, ``"words"``, ``"pieces"`` or ``"phones"``; learnt on public text only, with one for what that
        text lacks. Phones are those of a pronunciation dictionary (``decoding.pronunciations``), or espeak-ng's.
    alignments : str
        Frames only: the path of a ``model.safetensors`` with ``tokens = "phones"`` and ``head = "ctc"``, by which
        speech is aligned with its transcripts. Without it synthetic speech has the times that espeak-ng reports.
    pieces : int
        At most so many sentencepieces; two more than the public text has characters, at least.
    alphabet : str
        Characters only: those that the recogniser writes, in any order; one more stands for all others. It is recorded
        with the model. Empty: English letters, the apostrophe, the space, and whatever else the public text holds.
    encoder : str
        ``"lstm"``, ``"bilstm"``, ``"conformer"``, another registered name, or ``module:Class``.
    layers : int
        Layers of the encoder.
    units : int
        Units of each layer (of each direction where there are two).
    dropout : float
        Probability of dropping an activation between layers.
    heads : int
        Conformer only: attention heads; they divide the units.
    kernel : int
        Conformer only: the width of its convolutions, odd.
    positions : str
        Conformer only: what attention knows of the places of two frames: ``"rotary"``, how far they are apart;
        ``"none"``, nothing, as in models of fedasr 0.1.
    subsampling : str
        How frames of 10 ms become those that the encoder reads: ``"stacked"``, three side by side, one every 30 ms;
        ``"convolutional"``, by two convolutions of stride 2 over time and frequency, one every 40 ms.
    head : str
        ``"ctc"``, ``"transducer"``, ``"joint"`` (a transducer with CTC as auxiliary loss), ``"frames"`` (the phone of
        each frame, learnt from alignments), another registered name, or ``module:Class``.
    ctc_weight : float
        Joint head only: the share of the CTC loss.
    predictor_units : int
        Transducers only: units of the prediction network and the joiner.
    encoder_options : mapping
        Settings of an encoder that are none of these.
    head_options : mapping
        Settings of a head that are none of these.
    mels : int
        Mel bands of each 10 ms frame (25 ms window).
    sample_rate_hz : int
        The rate audio is resampled to.
    """

    start: str = "public"
    start_speech: str = one_of(AS_RECORDED, AS_RECORDED, DECLARED)
    tokens: str = one_of("characters", "characters", "words", "pieces", "phones")
    alignments: str = ""
    pieces: int = least(128, 4)
    alphabet: str = ""
    encoder: str = "bilstm"
    layers: int = least(3, 1)
    units: int = least(256, 1)
    dropout: float = number(0.2, least=0.0, most=0.95)
    heads: int = least(4, 1)
    kernel: int = least(15, 1)
    positions: str = one_of("rotary", *POSITIONS)
    subsampling: str = one_of("stacked", *SUBSAMPLINGS)
    head: str = "ctc"
    ctc_weight: float = share(0.3)
    predictor_units: int = least(256, 1)
    encoder_options: Mapping[str, Any] = field(default_factory=dict)
    head_options: Mapping[str, Any] = field(default_factory=dict)
    mels: int = least(64, 8)
    sample_rate_hz: int = number(16_000, least=4_000, most=48_000)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse what the encoder and the head cannot be."""
        spec = self.recogniser()
        wrong = [*spec.encoder.choice.mistakes(ENCODERS), *spec.head_choice.mistakes(HEADS)]
        is_aligned = not wrong and HEADS.find(self.head).is_aligned
        if self.start in MADE_STARTS:
            wrong += self.without_effect("start_speech", unless="start is the path of a model")
        if not wrong and not is_aligned:
            wrong += self.without_effect("alignments", unless="head = 'frames'")
        if self.tokens != "characters":
            wrong += self.without_effect("alphabet", unless="tokens = 'characters'")
        if not self.recogniser().features.is_carried:
            words = (
                f"{{0}} is {self.mels}: some bands would hold no frequency at {{1}} = {self.sample_rate_hz}; lower it"
            )
            wrong.append(Mistake(words, ("mels", "sample_rate_hz")))
        if is_aligned and self.tokens != "phones":
            words = f"{{0}} is '{self.head}', which labels frames; set {{1}} = 'phones'"
            wrong.append(Mistake(words, ("head", "tokens")))
        return wrong

    def unused(self) -> set[str]:
        """Return which settings are not as they are by default, though encoder, head and tokens do not take them."""
        spec, usual = self.recogniser(), {field.name: default_of(field) for field in fields(self)}
        encoder, head = spec.encoder.choice, spec.head_choice
        taken = {*encoder.shared} - encoder.unused(ENCODERS) | {*head.shared} - head.unused(HEADS)
        idle = {*encoder.shared, *head.shared} - taken | ({"pieces"} if self.tokens != "pieces" else set())
        return {key for key in idle if getattr(self, key) != usual[key]}

    def recogniser(self) -> RecogniserSpec:
        """Return the shape of the recogniser."""
        encoder = EncoderSpec(
            self.encoder, self.layers, self.units, self.dropout, self.heads, self.kernel, self.positions,
            self.encoder_options,
        )  # fmt: skip
        features = FeatureSpec(self.sample_rate_hz, self.mels)
        return RecogniserSpec(
            features, encoder, self.head, self.ctc_weight, self.predictor_units, self.head_options, self.subsampling
        )  # fmt: skip
