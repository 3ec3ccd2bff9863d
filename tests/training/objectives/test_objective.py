"""What holds for every registered objective, and how objectives are found."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from support.learning import learner
from support.toy_speech import made_up, small_recogniser
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.common.errors import RowError, UserError
from fedasr.common.settings import number
from fedasr.training.holdings import NOTHING, Chosen, Holdings
from fedasr.training.objectives.objective import OBJECTIVES, Objective, build_objective


@dataclass(frozen=True)
class Short(Objective):
    """Learns what has at most so many frames."""

    frames: int = number(40, least=1)

    def examples(self, held: Holdings) -> Holdings:
        keep = held.private.at(np.flatnonzero(held.private.frames_of() <= self.frames))  # type: ignore[attr-defined]
        return Holdings(keep)

    def losses(self, recogniser: Recogniser, batch: Batch, generator: torch.Generator | None) -> Tensor:
        return recogniser.losses(batch, generator)


@pytest.mark.parametrize("name", OBJECTIVES.known())
def test_an_utterance_is_scored_by_itself(name: str) -> None:
    known = made_up(4, name="p")
    taught = learner(small_recogniser(), made_up(4), objective=build_objective(name, {}), labelled=known)

    def losses(indices: list[int]) -> Tensor:
        batch = taught.batch(indices, np.random.default_rng(0))
        assert batch.ids == tuple(taught.examples.id(index) for index in indices)
        return taught.objective.losses(taught.recogniser, batch, None)

    together = losses([0, 1, 2, 3])
    assert together.shape == (4,)
    # Sums of float32 over some 200 frames and units, in another order where the padding is another.
    torch.testing.assert_close(together, torch.cat([losses([index]) for index in range(4)]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES.known())
@pytest.mark.parametrize(("private", "public", "size"), [(7, 0, 3), (0, 5, 5), (4, 4, 3), (1, 0, 9)])
def test_a_pass_has_the_steps_that_are_told_and_every_example_once(
    name: str, private: int, public: int, size: int
) -> None:
    speech, known = (made_up(private), made_up(public, name="p")), made_up(3, name="k")
    for seconds in (0.0, 1.0):
        taught = learner(
            small_recogniser(), speech[0], public=speech[1], objective=build_objective(name, {}), batch_size=size,
            batch_seconds=seconds, labelled=known,
        )  # fmt: skip
        if not len(taught.objective.examples(taught.held).examples):  # its learner says so
            continue
        batches, own = taught.batches(np.random.default_rng(1)), len(taught.learnt.private)
        assert len(batches) == taught.steps
        places = Counter(index for batch in batches for index in batch)
        assert places.keys() <= set(range(len(taught.examples)))
        times = places[0] if name == "interleaved" and own else 1  # as often as its share takes to come out
        assert [places[index] for index in range(own)] == [times] * own
        if name != "interleaved":  # which draws labelled speech as often as its share asks for
            assert [places[index] for index in range(own, len(taught.examples))] == [1] * (len(taught.examples) - own)
        for batch in batches:
            padded_seconds = len(batch) * max(map(taught.examples.frames, batch)) / 100
            assert padded_seconds <= seconds if seconds else len(batch) <= size


def test_private_and_public_speech_follow_each_other() -> None:
    private, public = made_up(3, 1), made_up(2, 2, "p")
    examples = Holdings(private, public).examples
    assert [examples.id(index) for index in range(len(examples))] == ["u0", "u1", "u2", "p0", "p1"]
    assert examples.text(3) == public.text(0)
    assert examples.frames(4) == public.frames(1)
    np.testing.assert_array_equal(examples.features(4), public.features(1))
    assert len(NOTHING) == 0
    with pytest.raises(IndexError):
        examples.text(5)


def test_an_objective_chooses_its_examples_and_refuses_to_learn_from_nothing() -> None:
    speech = made_up(30)
    objective = build_objective(f"{__name__}:Short", {"frames": 35})
    taught = learner(small_recogniser(), speech, public=made_up(5, name="p"), objective=objective)
    kept = [taught.examples.id(index) for index in range(len(taught.examples))]
    assert kept == [speech.id(index) for index in range(30) if speech.frames(index) <= 35]
    assert 0 < len(kept) < 30
    with pytest.raises(RowError, match="Short finds nothing"):
        _ = learner(small_recogniser(), speech, objective=Short(1)).examples


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("supervisd", {}, "no objective 'supervisd'; did you mean 'supervised'"),
        ("decimal:Decimal", {}, "is no objective"),
        ("supervised", {"weight": 1}, r"unknown key 'objective_options\.weight'"),
        (f"{__name__}:Short", {"frames": 0}, r"'objective_options\.frames' must be"),
    ],
)
def test_what_cannot_be_is_refused(name: str, options: dict, says: str) -> None:
    with pytest.raises(UserError, match=says):
        build_objective(name, options)


def test_some_examples_are_a_sequence_of_their_own() -> None:
    speech = made_up(5)
    some = Chosen(speech, (4, 0, 4))
    assert [some.id(place) for place in range(len(some))] == ["u4", "u0", "u4"]
    assert (some.text(1), some.frames(0)) == (speech.text(0), speech.frames(4))
    np.testing.assert_array_equal(some.features(0), speech.features(4))
