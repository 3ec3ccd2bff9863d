import random
from zlib import crc32

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.devices import DEVICES

from fedasr.common.randomness import SERVER, Streams, seeded_libraries, torch_generator


def test_a_stream_is_the_one_that_the_contract_names() -> None:
    expected = np.random.SeedSequence(entropy=7, spawn_key=(crc32(b"local"), 3, 11))
    found = Streams(7).sequence("local", 3, 11)
    np.testing.assert_array_equal(found.generate_state(8), expected.generate_state(8))
    np.testing.assert_array_equal(
        Streams(7).numpy("local", 3, 11).integers(0, 2**32, 5),
        np.random.default_rng(expected).integers(0, 2**32, 5),
    )
    assert SERVER == 2**32 - 1


def test_golden_values() -> None:
    """Published numbers rest on these streams: a change of one breaks every earlier result."""
    assert Streams(1).sequence("local", 2, 3).generate_state(2).tolist() == [GOLDEN[0], GOLDEN[1]]
    assert Streams(1).numpy("partition").permutation(8).tolist() == GOLDEN[2]
    assert torch.randint(0, 2**31, (2,), generator=Streams(1).torch("b")).tolist() == GOLDEN[3]


GOLDEN: tuple = (4015451498, 1628503179, [5, 1, 4, 6, 3, 0, 7, 2], [1333995377, 2049549919])


small = st.integers(0, 3)
places = st.tuples(small, small, st.sampled_from(["p", "q"]), small, small)


@given(places, places)
def test_streams_are_the_same_only_where_everything_is(one: tuple, other: tuple) -> None:
    def drawn(seed: int, generation: int, purpose: str, round: int, silo: int) -> list[int]:
        return Streams(seed, generation).numpy(purpose, round, silo).integers(0, 2**32, 4).tolist()  # type: ignore[no-any-return]

    assert (drawn(*one) == drawn(*other)) == (one == other)


def _draw() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), float(torch.rand(()))


def test_libraries_are_seeded_inside_and_restored_outside() -> None:
    sequence = Streams(3).sequence("x")
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    expected = _draw()
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    with seeded_libraries(sequence):
        inside = _draw()
    assert _draw() == expected
    with seeded_libraries(sequence):
        assert _draw() == inside
    assert inside != expected


def test_libraries_are_restored_after_an_error() -> None:
    before = random.getstate(), torch.get_rng_state()

    def fail() -> None:
        with seeded_libraries(Streams(3).sequence("x")):
            _draw()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert random.getstate() == before[0]
    assert torch.get_rng_state().equal(before[1])


def test_torch_generators_follow_their_sequence() -> None:
    drawn = [torch.rand(3, generator=torch_generator(np.random.SeedSequence(seed))) for seed in (1, 1, 2)]
    assert drawn[0].equal(drawn[1])
    assert not drawn[1].equal(drawn[2])


def test_a_generator_is_one_of_the_device_asked_for() -> None:
    for device in DEVICES:
        drawn = [torch.rand(3, generator=Streams(1).torch("b", device=device), device=device) for _ in range(2)]
        assert drawn[0].equal(drawn[1])
        assert drawn[0].device.type == device.type
    with pytest.raises(RuntimeError, match=r"(?i)meta"):  # a device that has no generators
        Streams(1).torch("b", device=torch.device("meta"))
