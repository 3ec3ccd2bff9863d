"""Arrays, tensors and generators of random numbers."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from fedasr.server.state.objects import MISSING
from fedasr.server.state.reader import Reader
from fedasr.server.state.refusal import UnsavableError
from fedasr.server.state.writer import Form, Json, Writer

DICE = {
    kind.__name__: kind
    for kind in (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64)
}
AS_BITS = {torch.bfloat16: torch.int16}
"""Types that NumPy has not, and those of the same size that carry their bits."""


def _tensor(value: Any, writer: Writer, where: str) -> Json:
    if value.device.type != "cpu" or value.layout is not torch.strided or not value.is_leaf or value._backward_hooks:
        raise UnsavableError(f"{where}: a tensor elsewhere than in memory, or in a graph of gradients, cannot be saved")
    data = value.detach()
    try:
        array = (data.view(AS_BITS[data.dtype]) if data.dtype in AS_BITS else data).numpy()
    except (TypeError, RuntimeError) as error:
        raise UnsavableError(f"{where}: a tensor of {data.dtype} cannot be saved") from error
    gradient, more = writer.value(value.grad, f"{where}.grad"), writer.mapping(vars(value), where)
    return [writer.array(array, where), str(data.dtype)[6:], value.requires_grad, gradient, more]


def _make_tensor(content: Json, reader: Reader, current: Any) -> torch.Tensor:
    array, kind, _, _, _ = content
    found = torch.from_numpy(reader.array(array))
    return found.view(torch.bfloat16) if kind == "bfloat16" else found


def _fill_tensor(value: torch.Tensor, content: Json, reader: Reader, current: Any) -> None:
    _, _, requires_grad, gradient, more = content
    value.requires_grad_(requires_grad)
    value.grad = reader.value(gradient)
    vars(value).update(reader.mapping(more, getattr(current, "__dict__", {})))


def _die(value: Any, writer: Writer, where: str) -> Json:
    return [type(value).__name__, writer.value(value.state, where), writer.value(value.seed_seq, where)]


def _make_die(content: Json, reader: Reader, current: Any) -> Any:
    name, state, sequence = content
    found = DICE[name](reader.value(sequence))
    found.state = reader.value(state)
    return found


def _sequence(value: Any, writer: Writer, where: str) -> Json:
    fields = (value.entropy, value.spawn_key, value.pool_size, value.n_children_spawned)
    return [writer.value(field, where) for field in fields]


def _make_sequence(content: Json, reader: Reader, current: Any) -> np.random.SeedSequence:
    entropy, key, size, children = (reader.value(field) for field in content)
    return np.random.SeedSequence(entropy, spawn_key=key, pool_size=size, n_children_spawned=children)


def _old(value: Any, writer: Writer, where: str) -> Json:
    state = value.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise UnsavableError(f"{where}: a RandomState of {state['bit_generator']} cannot be saved")
    return writer.value(state, where)


def _make_old(content: Json, reader: Reader, current: Any) -> np.random.RandomState:
    found = np.random.RandomState(0)
    found.set_state(reader.value(content))
    return found


def _make_random(content: Json, reader: Reader, current: Any) -> random.Random:
    found = random.Random()
    found.setstate(reader.value(content))
    return found


def _make_torch(content: Json, reader: Reader, current: Any) -> torch.Generator:
    found = torch.Generator()
    found.set_state(reader.value(content))
    return found


def _torch(value: torch.Generator, writer: Writer, where: str) -> Json:
    if value.device.type != "cpu":
        raise UnsavableError(f"{where}: a generator elsewhere than in memory cannot be saved")
    return writer.value(value.get_state(), where)


NUMERIC: dict[type, Form] = {
    np.ndarray: Form("array", lambda v, w, where: w.array(v, where), lambda c, r, now: r.array(c)),
    torch.Tensor: Form("tensor", _tensor, _make_tensor, _fill_tensor),
    torch.nn.Parameter: Form(
        "parameter", _tensor, lambda c, r, now: torch.nn.Parameter(_make_tensor(c, r, now), requires_grad=False),
        _fill_tensor,
    ),
    np.random.Generator: Form(
        "generator", lambda v, w, where: w.value(v.bit_generator, where),
        lambda c, r, now: np.random.Generator(r.value(c, MISSING)),
    ),
    np.random.SeedSequence: Form("seed sequence", _sequence, _make_sequence),
    np.random.RandomState: Form("random state", _old, _make_old),
    random.Random: Form("random", lambda v, w, where: w.value(v.getstate(), where), _make_random),
    torch.Generator: Form("torch generator", _torch, _make_torch),
    **{kind: Form("die", _die, _make_die) for kind in DICE.values()},
}  # fmt: skip
"""By exact type."""
