"""Self-training learns what a teacher hears of public speech beside all else, and reads no transcript of it."""

from dataclasses import replace

from support.learning import Says, learner
from support.toy_speech import made_up, small_recogniser

from fedasr.corpora.speech import Speech
from fedasr.protection.adamix.speech import labelled_public, private_alone
from fedasr.training.learner import Learner
from fedasr.training.objectives.self_trained import SelfTrained
from fedasr.training.taken import Taken


class HearsSome(Says):
    """A teacher that hears nothing in one utterance."""

    def text(self, utterance_id: str) -> str:
        return "" if utterance_id == "n1" else "ab"


def _learner(private: int) -> Learner:
    found = learner(small_recogniser(), made_up(private), public=made_up(2, name="p"), objective=SelfTrained())
    unlabelled = made_up(3, name="n")
    assert isinstance(unlabelled, Speech)
    held = replace(found.held, unlabelled=unlabelled.untranscribed(), teacher=HearsSome())
    return replace(found, held=held)


def _said(learner: Learner) -> list[tuple[str, str]]:
    return [(learner.examples.id(place), learner.examples.text(place)) for place in range(len(learner.examples))]


def test_public_speech_is_learnt_as_the_teacher_hears_it_and_silence_teaches_nothing() -> None:
    known = made_up(2, name="p")
    assert _said(_learner(0)) == [("p0", known.text(0)), ("p1", known.text(1)), ("n0", "ab"), ("n2", "ab")]


def test_what_is_heard_in_public_speech_is_public() -> None:
    mixed = _learner(4)
    assert [name for name, _ in _said(mixed)][:4] == [f"u{place}" for place in range(4)]
    assert mixed.taken([0, 3, 4, 7]) == Taken(2, 2)
    alone = private_alone(mixed)
    assert [name for name, _ in _said(alone)] == [f"u{place}" for place in range(4)]
    public = labelled_public(mixed, 4)
    assert [public.id(place) for place in range(len(public))] == ["p0", "p1", "n0", "n2"]
