"""Gradient threshold compression (Strom, Interspeech 2015): signs of the values that reached a threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fedasr.common.settings import Mistake, Settings, number, one_of
from fedasr.wire.codec import Arrays, Delivery, Layout, State, WireError
from fedasr.wire.codecs.threshold_schedule import Schedule
from fedasr.wire.header import peek, seal, unpack, unseal
from fedasr.wire.packing.forms import FORM, FORMS, decode_sparse, encode_sparse, plan
from fedasr.wire.packing.sparse import Sparse, take
from fedasr.wire.packing.vectors import Vector, gather

DEFAULT_DENSITY = 0.005


@dataclass(frozen=True)
class ThresholdSettings(Settings):
    """How the threshold τ is chosen: at most one of ``tau``, ``density`` and ``band``; none is a density of 0.005.

    Attributes
    ----------
    tau : float, optional
        A fixed threshold.
    density : float, optional
        The share of values to send: τ follows the quantile of the residuals, at most doubled or halved a message.
    band : (float, float), optional
        Multiply or divide τ by 0.965936 where the share sent leaves this band.
    residual_clip : float, optional
        Clip the residual to so many τ after each message; what is discarded is booked.
    form : str
        ``"auto"`` (the smallest), ``"words"``, ``"golomb-rice"`` or ``"map"``.
    """

    tau: float | None = number(None, above=2.0**-127, most=2.0**126)
    density: float | None = number(None, above=0, most=1)
    band: tuple[float, float] | None = number(None, above=0, most=1)
    residual_clip: float | None = number(None, above=0, most=2.0**64)
    form: str = one_of("auto", "auto", *FORMS)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse two ways at once, and a band that does not rise."""
        if sum(choice is not None for choice in (self.tau, self.density, self.band)) > 1:
            yield Mistake("give only one of {0}, {1} and {2}", ("tau", "density", "band"))
        if self.band is not None and self.band[0] >= self.band[1]:
            yield Mistake(f"{{0}} must rise from low to high, not {list(self.band)}", ("band",))


@dataclass(frozen=True)
class Threshold(ThresholdSettings):
    """Send ±τ for each value whose residual reached τ, and take exactly that off the residual.

    The state of a sender holds ``residual`` (float32), ``threshold`` (the τ that the next message starts from; absent
    until a value is not zero) and, with ``residual_clip``, ``discarded`` (float64): at any time
    Σ τ_t · sent_t + residual + discarded is the sum of all that was put in.
    """

    is_exact: ClassVar[bool] = False

    def encode(self, arrays: Arrays, state: State) -> tuple[bytes, State]:
        """Return the header, τ and the signs in the chosen form, and what waits for the next message."""
        sparse, threshold, elements, after = self._step(arrays, state)
        return self._write(sparse, threshold, elements), after

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[np.float32]]:
        """Return the arrays; see `Codec.decode` for errors."""
        sparse, threshold = read(blob, layout)
        return layout.split(sparse.dense(threshold, layout.elements))

    def deliver(self, arrays: Arrays, state: State) -> Delivery:
        """Return what is decoded at the other end, the share of values sent, and τ."""
        sparse, threshold, elements, after = self._step(arrays, state)
        blob = self._write(sparse, threshold, elements)
        decoded = Layout.of(arrays).split(sparse.dense(threshold, elements))
        return Delivery(decoded, len(blob), after, self.facts(blob))

    def facts(self, blob: bytes) -> Mapping[str, float]:
        """Return the ``density``, the share of values that were sent, and the ``threshold`` τ."""
        elements, body = peek(blob, "threshold")
        (_, _, _, threshold, count), _ = unpack(FORM, body)
        return {"density": count / max(elements, 1), "threshold": threshold}

    def _write(self, sparse: Sparse, threshold: np.float32, elements: int) -> bytes:
        chosen = plan(sparse, elements, self.form)
        return seal("threshold", elements, encode_sparse(sparse, threshold, elements, chosen))

    def _step(self, arrays: Arrays, state: State) -> tuple[Sparse, np.float32, int, State]:
        values = gather(arrays, state)
        schedule = Schedule(self.tau, self._target, self.band)
        tau = schedule.before(values, _threshold(state))
        after: dict[str, NDArray[Any]] = {"residual": values}
        if tau is None:
            return Sparse.empty(), np.float32(0), values.size, {**state, **after}
        threshold = np.float32(tau)
        sparse = take(values, threshold)
        if self.residual_clip is not None:
            after["discarded"] = _clip(values, np.float32(self.residual_clip) * threshold, state)
        next_tau = schedule.after(values, tau, sparse.count / max(values.size, 1))
        after["threshold"] = np.array(next_tau, np.float64)
        return sparse, threshold, values.size, after

    @property
    def _target(self) -> float | None:
        return DEFAULT_DENSITY if self.tau is None and self.density is None and self.band is None else self.density


def read(blob: bytes, layout: Layout) -> tuple[Sparse, np.float32]:
    """Return the signs and the threshold of a blob; see `Codec.decode` for errors."""
    return decode_sparse(unseal(blob, "threshold", layout), layout.elements)


def decode_into(total: NDArray[np.floating], blob: bytes, layout: Layout, weight: float = 1.0) -> None:
    """Add the values of a blob, times a weight, to a dense sum, touching only those that are not zero.

    Raises
    ------
    WireError
        As `Codec.decode`, or where the sum has another length. The sum is then unchanged.
    """
    if total.shape != (layout.elements,):
        raise WireError(f"a sum of shape {total.shape} for a layout of {layout.elements} values")
    sparse, threshold = read(blob, layout)
    sparse.add_to(total, threshold, weight)


def _clip(values: Vector, limit: np.float32, state: State) -> NDArray[np.float64]:
    before = values.astype(np.float64)
    np.clip(values, -limit, limit, out=values)
    before -= values
    earlier = state.get("discarded")
    if earlier is None:
        return before
    if earlier.shape != before.shape:
        raise WireError(f"the state books {earlier.size} discarded values instead of {before.size}")
    return np.add(before, earlier, out=before)


def _threshold(state: State) -> float | None:
    if "threshold" not in state:
        return None
    threshold = float(state["threshold"])
    if not 0 < threshold < np.inf:
        raise WireError(f"the state holds a threshold of {threshold}")
    return threshold
