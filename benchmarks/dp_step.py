"""A DP-SGD step of the transducer against a plain step: same batch, same weights, one thread, taken in turns.

    python benchmarks/dp_step.py
    python benchmarks/dp_step.py --batch 16 --repeats 20

Sizes are those of ``simulations/quickstart.toml`` with the transducer head; utterances are 2 to 3 s of made-up
features and texts of digits. A step ends with the optimizer's (SGD). The private one clips every utterance, and adds
noise from the operating system's secure source; "not secure" is the same with a seeded source. Opacus' own
hooks and `DPOptimizer`, its noise not secure either, need its `DPLSTM` in place of torch's. Before anything is timed,
the unclipped sums of all three are compared.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from opacus import GradSampleModule
from opacus.layers import DPLSTM
from opacus.optimizers import DPOptimizer
from torch import nn

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.recogniser import Recogniser
from fedasr.asr.tokens import CharacterTokens
from fedasr.corpora.synthetic.grammar import DIGITS
from fedasr.experiment.experiment import Experiment
from fedasr.privacy.noise import Noise, ReproducibleNoise, SecureNoise
from fedasr.protection.dp_sgd.plan import DPSGDPlan, DPSGDSpec
from fedasr.protection.per_example.clipping import clipped_gradient_sum
from fedasr.training.gradients import batch_gradient
from fedasr.training.objectives.supervised import Supervised

MOST, AIM = 2.1, 1.5
RATE = 1e-4
Step = Callable[[], object]


def recogniser() -> Recogniser:
    model = Experiment.load("quickstart", {"model.head": "transducer"}).model
    torch.manual_seed(0)
    letters = "".join(sorted(set(" ".join(DIGITS))))
    return Recogniser(model.recogniser(), CharacterTokens(letters))


def batch_for(model: Recogniser, size: int) -> Batch:
    random = np.random.default_rng(0)
    mels = model.spec.features.mels
    features = [random.standard_normal((int(n), mels)).astype(np.float32) for n in random.integers(200, 301, size)]
    texts = [" ".join(random.choice(DIGITS, int(n))) for n in random.integers(3, 7, size)]
    return make_batch(features, [model.tokens.encode(text) for text in texts])


def stepping(model: Recogniser, gradient: Callable[[], list[torch.Tensor]]) -> Step:
    optimizer = torch.optim.SGD(model.parameters(), RATE)

    def step() -> None:
        for parameter, part in zip(model.parameters(), gradient(), strict=True):
            parameter.grad = part.to(parameter.dtype)
        optimizer.step()

    return step


def plain_step(batch: Batch) -> Step:
    model = recogniser()
    return stepping(model, lambda: batch_gradient(model, Supervised().losses, batch, None)[1])


def private_step(batch: Batch, noise: Noise | None) -> Step:
    model, plan = recogniser(), DPSGDPlan(DPSGDSpec(batch_size=len(batch)), 100 * len(batch))
    size = sum(parameter.numel() for parameter in model.parameters())

    def gradient() -> list[torch.Tensor]:
        total = clipped_gradient_sum(model, Supervised().losses, batch, plan.spec.clip_norm, None).gradient
        return total if noise is None else plan.noised_mean(total, plan.drawn_noise(size, noise))

    return stepping(model, gradient)


def opacus_model() -> GradSampleModule:
    model = recogniser()
    for layer in list(model.modules()):
        for name, child in list(layer.named_children()):
            if type(child) is nn.LSTM:
                replaced = DPLSTM(child.input_size, child.hidden_size, batch_first=True)
                replaced.load_state_dict(child.state_dict())
                setattr(layer, name, replaced)
    return GradSampleModule(model.train(), loss_reduction="sum")


def opacus_step(batch: Batch) -> Step:
    hooked = opacus_model()
    optimizer = DPOptimizer(
        torch.optim.SGD(hooked.parameters(), RATE), noise_multiplier=1.0, max_grad_norm=1.0,
        expected_batch_size=len(batch),
    )  # fmt: skip

    def step() -> None:
        optimizer.zero_grad()
        hooked._module.losses(batch).sum().backward()
        optimizer.step()

    return step


def check_that_all_compute_the_same(batch: Batch) -> None:
    model, hooked = recogniser(), opacus_model()
    plain = batch_gradient(model, Supervised().losses, batch, None)[1]
    ours = clipped_gradient_sum(model, Supervised().losses, batch, float("inf"), None).gradient
    hooked._module.losses(batch).sum().backward()
    norms = [float(sum((p.double() * len(batch)).square().sum() for p in plain)) ** 0.5]
    norms.append(float(sum(p.double().square().sum() for p in ours)) ** 0.5)
    norms.append(float(sum(p.grad_sample.sum(0).double().square().sum() for p in hooked.parameters())) ** 0.5)
    # torch's two biases of a gate have the same gradient; so have DPLSTM's.
    if not np.allclose(norms, norms[0], rtol=1e-3):
        raise SystemExit(f"the gradients differ: their norms are {norms}")


def timed(steps: dict[str, Step], repeats: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(repeats + 1):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            if turn:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8, help="utterances of a step")
    parser.add_argument("--repeats", type=int, default=12)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="Secure RNG|Full backward hook")
    torch.set_num_threads(1)
    model = recogniser()
    batch = batch_for(model, options.batch)
    size = sum(parameter.numel() for parameter in model.parameters())
    frames, tokens = batch.features_BTF.shape[1], batch.targets_BU.shape[1]
    print(f"{size:,} parameters; {len(batch)} utterances of up to {frames} frames and {tokens} tokens; one thread")
    check_that_all_compute_the_same(batch)
    steps = {
        "plain": plain_step(batch),
        "clipped, no noise": private_step(batch, None),
        "DP-SGD, not secure": private_step(batch, ReproducibleNoise(0)),
        "DP-SGD": private_step(batch, SecureNoise()),
        "Opacus' hooks": opacus_step(batch),
    }
    seconds = timed(steps, options.repeats)
    for name, taken in seconds.items():
        # Taken in turns: the ratio within a turn is disturbed least by what else the machine does.
        ratio = statistics.median(a / b for a, b in zip(taken, seconds["plain"], strict=True))
        print(f"{name:20} {1e3 * min(taken):7.1f} ms at best, {1e3 * statistics.median(taken):7.1f} ms in the median; "
              f"{ratio:5.2f} plain steps")  # fmt: skip
    ratio = statistics.median(a / b for a, b in zip(seconds["DP-SGD"], seconds["plain"], strict=True))
    print(f"a DP-SGD step takes {ratio:.2f} plain steps (at most {MOST}, the aim is {AIM})")
    return int(ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
