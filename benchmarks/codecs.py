"""Codecs in one run: sizes beside the entropy bound, times beside a fresh copy of the array.

python benchmarks/codecs.py [--values N] [--repeats N]
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np
from rich.console import Console
from rich.table import Table

from fedasr.wire.codec import Arrays, Layout
from fedasr.wire.codecs.changed import changed_size, decode_changed, encode_changed
from fedasr.wire.codecs.threshold import Threshold, decode_into
from fedasr.wire.codecs_by_name import CODECS

DENSITIES = (1e-2, 1e-3, 1e-4)
LARGEST_EXCESS, LARGEST_RATIO = 1.05, 6.0


def main() -> int:
    """Print both tables and a line for each; exit code 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    random = np.random.default_rng(0)
    gradient = {"g": random.standard_normal(options.values, np.float32)}
    console = Console(width=110, highlight=False)
    missed = [sizes(console, gradient), times(console, gradient, options.repeats)]
    changes(console, gradient, options.repeats)
    others(console, gradient)
    return int(any(missed))


def sizes(console: Console, gradient: Arrays) -> bool:
    """Compare the blobs of three densities with the entropy of their gaps and signs."""
    elements = gradient["g"].size
    table = Table(title=f"{elements:,} values: bytes, header included")
    for column in ("density", "entropy bound", "auto", "excess", "dense over auto", "words", "map"):
        table.add_column(column, justify="right")
    excesses = []
    for density in DENSITIES:
        tau = float(np.quantile(np.abs(gradient["g"]), 1 - density))
        forms = {form: Threshold(tau=tau, form=form).encode(gradient, {})[0] for form in ("auto", "words", "map")}
        bound = entropy_bytes(elements, Threshold().facts(forms["auto"])["density"])
        size = {form: len(blob) for form, blob in forms.items()}
        excesses.append(size["auto"] / bound)
        row = (f"{density:g}", f"{bound:,.0f}", f"{size['auto']:,}", f"{excesses[-1] - 1:.2%}")
        table.add_row(*row, f"{4 * elements / size['auto']:,.0f}", f"{size['words']:,}", f"{size['map']:,}")
    console.print(table)
    console.print(f"sizes: at most {max(excesses) - 1:.1%} above the entropy bound (allowed: 5%)")
    return max(excesses) > LARGEST_EXCESS


def times(console: Console, gradient: Arrays, repeats: int) -> bool:
    """Compare a message at density 1e-3, after some messages, and its decoding with a copy."""
    codec, layout, state = Threshold(density=1e-3), Layout.of(gradient), {}
    for _ in range(4):
        blob, state = codec.encode(gradient, state)
    total = np.zeros(layout.elements, np.float32)
    works: dict[str, Callable[[], object]] = {
        "array.copy()": gradient["g"].copy,
        "first message": lambda: codec.encode(gradient, {}),
        "threshold, residual, encoding": lambda: codec.encode(gradient, state),
        "decoding into a dense sum": lambda: decode_into(total, blob, layout, 0.5),
    }
    seconds = measure(works, repeats)
    ratios = {name: seconds[name] / seconds["array.copy()"] for name in works}
    table = Table(title=f"{layout.elements:,} values at density {codec.facts(blob)['density']:.1e}: median times")
    for column in ("work", "milliseconds", "copies"):
        table.add_column(column, justify="right")
    for name in works:
        table.add_row(name, f"{1e3 * seconds[name]:.2f}", f"{ratios[name]:.2f}")
    console.print(table)
    encoding, decoding = list(ratios.values())[2:]
    console.print(f"times: encoding {encoding:.1f} copies, decoding into a sum {decoding:.2f} (allowed: 6 each)")
    return max(encoding, decoding) > LARGEST_RATIO


def changes(console: Console, base: Arrays, repeats: int) -> None:
    """Print times of the exact downlink codec where one value in 1,000 changed."""
    arrays = {"g": base["g"].copy()}
    arrays["g"][::1000] += np.float32(1)
    blob = encode_changed(arrays, base)
    works: dict[str, Callable[[], object]] = {
        "size": lambda: changed_size(arrays, base),
        "encoding": lambda: encode_changed(arrays, base),
        "decoding": lambda: decode_changed(blob, base),
    }
    line = ", ".join(f"{name} {1e3 * second:.1f} ms" for name, second in measure(works, repeats).items())
    console.print(f"changed: {len(blob):,} bytes; {line}")


def others(console: Console, gradient: Arrays) -> None:
    """Print one line for each codec: bytes, and seconds of one encoding and one decoding."""
    arrays = {"g": gradient["g"][: gradient["g"].size // 1000 * 1000].reshape(-1, 1000)}
    for name in CODECS.known():
        kind = CODECS.find(name)
        codec = kind()
        start = time.perf_counter()
        blob, _ = codec.encode(arrays, {})
        middle = time.perf_counter()
        codec.decode(blob, Layout.of(arrays))
        spent = f"encoding {middle - start:.3f} s, decoding {time.perf_counter() - middle:.3f} s"
        console.print(f"{name}: {len(blob):,} bytes ({4 * arrays['g'].size / len(blob):.1f} times fewer); {spent}")


def measure(works: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median seconds of each work, all of them in turn so that a busy moment hits them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(spent) for name, spent in seconds.items()}


def entropy_bytes(elements: int, density: float) -> float:
    """Return n · (H(p) + p) bits, as bytes: where the values are, and a sign for each."""
    entropy = -density * math.log2(density) - (1 - density) * math.log2(1 - density)
    return elements * (entropy + density) / 8


if __name__ == "__main__":
    raise SystemExit(main())
