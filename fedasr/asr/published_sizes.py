"""Recognisers of the literature, by their sizes: what ``[model]`` says of each stands beside it."""

from __future__ import annotations

from dataclasses import replace

from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.recogniser import RecogniserSpec

MILLION_HOURS_OUTPUTS = 3_000
"""Clustered triphones of both (Parthasarathi and Strom, ICASSP 2019, arXiv 1904.01624)."""

MILLION_HOURS_TEACHER = RecogniserSpec(encoder=EncoderSpec("bilstm", 5, 832), head="frames")
"""Five bidirectional layers on 192 inputs, 78.3 million parameters with 3,000 outputs:
``encoder = "bilstm", layers = 5, units = 832, head = "frames", tokens = "phones"``. The published teacher has 78
million; five layers of 768, as many units as the student's, have 67."""

MILLION_HOURS_STUDENT = replace(MILLION_HOURS_TEACHER, encoder=EncoderSpec("lstm", 5, 768))
"""Five unidirectional layers, 24.15 million parameters: the same with ``encoder = "lstm", layers = 5, units = 768``."""
