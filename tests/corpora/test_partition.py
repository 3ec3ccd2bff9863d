import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.common.errors import UserError
from fedasr.corpora.partition import SPEAKER_PARTS, Partition, divide, told_of_fold
from fedasr.corpora.spec import CorpusSpec
from fedasr.corpora.synthetic import SpokenText
from fedasr.corpora.synthetic.voices import voices
from fedasr.corpora.utterance import Utterance

AUDIO = SpokenText("a", voices(0, 1)[0], -20.0, 30.0, 0.5, 0)


def _accent(number: int) -> dict[str, str]:
    return {"accent": f"a{number}"}


def _corpus(sizes: list[int], accents: int = 3, name: str = "s") -> list[Utterance]:
    return [
        Utterance(f"{name}{speaker}/{n}", f"{name}{speaker}", "one", 1.0 + n, AUDIO, _accent(speaker % accents))
        for speaker, size in enumerate(sizes)
        for n in range(size)
    ]


def _spec(**changes: object) -> CorpusSpec:
    plain = CorpusSpec(public_speakers=2, development_speakers=1, test_speakers=2)
    return replace(plain, **changes)  # type: ignore[arg-type]


def _divide(utterances: list[Utterance], spec: CorpusSpec, seed: int = 0, public: tuple = ()) -> Partition:
    return divide(utterances, spec, np.random.default_rng(seed), public)


sizes = st.lists(st.integers(1, 6), min_size=10, max_size=25)
rules = st.sampled_from(["natural", "grouped", "dirichlet", "iid"])


@given(sizes=sizes, rule=rules, silos=st.integers(1, 5), seed=st.integers(0, 50), labelled=st.floats(0, 1))
def test_every_utterance_has_one_holder_and_no_speaker_two_parts(
    sizes: list[int], rule: str, silos: int, seed: int, labelled: float
) -> None:
    corpus = _corpus(sizes)
    spec = _spec(partition=rule, silos=0 if rule == "natural" else silos, public_labelled=labelled)
    found = _divide(corpus, spec, seed)
    speaker = {u.id: u.speaker for u in corpus}
    held = [name for silo in found.silos for name in silo]
    parts = {name: set(getattr(found, name)) for name in SPEAKER_PARTS}
    parts["silos"] = {speaker[name] for name in held}
    assert Counter(s for part in parts.values() for s in part) == Counter(set(speaker.values()))
    assert sorted(held) == sorted(u.id for u in corpus if u.speaker in parts["silos"])
    assert all(found.silos)
    assert len(parts["public_labelled"] | parts["public_unlabelled"]) == 2
    assert parts["public_labelled"]
    assert (len(parts["development"]), len(parts["test"])) == (1, 2)
    assert len(found.silos) == (len(sizes) - 5 if rule == "natural" else silos)
    if rule != "iid":
        owners = Counter(s for silo in found.silos for s in {speaker[name] for name in silo})
        assert set(owners.values()) == {1}


def test_the_seed_decides_and_repeats() -> None:
    corpus = _corpus([3] * 20)
    assert _divide(corpus, _spec(), 1) == _divide(corpus, _spec(), 1)
    assert _divide(corpus, _spec(), 1) != _divide(corpus, _spec(), 2)


def test_test_speakers_stay_where_only_the_silos_change() -> None:
    corpus = _corpus([3] * 20)
    found = [
        _divide(corpus, _spec(partition=rule, silos=silos), 1)
        for rule, silos in (("natural", 0), ("natural", 4), ("grouped", 3), ("iid", 5))
    ]
    assert len({(p.test, p.development, p.public_labelled) for p in found}) == 1


def test_grouped_silos_hold_about_as_much() -> None:
    found = _divide(_corpus([2, 3, 4, 5] * 10), _spec(partition="grouped", silos=5))
    seconds = [sum(1.0 + int(name.split("/")[1]) for name in silo) for silo in found.silos]
    assert max(seconds) < 1.3 * min(seconds)


def test_speakers_are_grouped_from_the_largest_on() -> None:
    """Dealt in any other order one large speaker on top of equal loads leaves silos apart."""
    corpus = [replace(u, duration_seconds=1.0) for u in _corpus([1] * 20 + [10])]
    for seed in range(8):
        found = _divide(corpus, _spec(partition="grouped", silos=3, public_speakers=0, test_speakers=0), seed)
        counts = sorted(map(len, found.silos))
        assert counts[-1] - counts[0] <= 1 or "s20" in found.development, counts


def test_utterances_dealt_at_random_mix_the_speakers() -> None:
    corpus = _corpus([12] * 15)
    for seed in range(4):
        found = _divide(corpus, _spec(partition="iid", silos=5), seed)
        owners = [{name.split("/")[0] for name in silo} for silo in found.silos]
        assert min(map(len, owners)) >= 7, "24 of 120 utterances of ten speakers"
        assert max(map(len, found.silos)) - min(map(len, found.silos)) <= 1
    assert _divide(corpus, _spec(partition="iid", silos=5), 0).silos != found.silos


def test_a_small_alpha_makes_unlike_silos() -> None:
    corpus = _corpus([4] * 80)

    def spread(alpha: float) -> float:
        spec = _spec(partition="dirichlet", silos=6, dirichlet_alpha=alpha)
        return float(np.mean([np.std([len(s) for s in _divide(corpus, spec, seed).silos]) for seed in range(12)]))

    assert spread(0.1) > 2 * spread(100.0)


def test_silos_differ_in_accent() -> None:
    corpus = _corpus([4] * 80)
    accent = {u.id: u.fields["accent"] for u in corpus}
    spec = _spec(partition="dirichlet", silos=5, dirichlet_alpha=0.05, dirichlet_over="accent")
    largest = [
        max(Counter(accent[name] for name in silo).values()) / len(silo)
        for seed in range(10)
        for silo in _divide(corpus, spec, seed).silos
        if len(silo) >= 20
    ]
    mixed = replace(spec, dirichlet_alpha=100.0)
    even = [
        max(Counter(accent[name] for name in silo).values()) / len(silo)
        for seed in range(10)
        for silo in _divide(corpus, mixed, seed).silos
    ]
    assert np.mean(largest) > np.mean(even) + 0.15


def test_public_speech_of_another_accent() -> None:
    corpus = _corpus([2] * 21, accents=3)[2:]  # accent a0 has a speaker fewer than the others
    corpus = [u for u in corpus if u.speaker != "s0"]
    found = _divide(corpus, _spec(public="other accent", public_speakers=3))
    accent = {u.speaker: u.fields["accent"] for u in corpus}
    by_id = {u.id: u for u in corpus}
    assert {accent[s] for s in found.public_labelled} == {"a0"}
    assert len(found.public_labelled) == 3
    others = {by_id[n].fields["accent"] for silo in found.silos for n in silo}
    assert others == {"a1", "a2"} == others | {accent[s] for s in found.test + found.development}


def test_public_speech_of_another_corpus() -> None:
    elsewhere = tuple(_corpus([2] * 4, name="p"))
    found = _divide(_corpus([2] * 10), _spec(public="x", public_speakers=3), public=elsewhere)
    assert found.public_labelled == ("p0", "p1", "p2")
    assert len(found.silos) == 10 - 3
    with pytest.raises(UserError, match=r"'s\d' is in both"):
        _divide(_corpus([2] * 10), _spec(public="x", test_speakers=0), public=tuple(_corpus([2] * 4)))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"silos": 9}, "9 silos were asked for, but only 5 speakers"),
        ({"partition": "grouped", "silos": 6}, "6 silos"),
        ({"partition": "dirichlet", "silos": 6}, "6 silos"),
        ({"partition": "iid", "silos": 99}, "only 10 utterances"),
        ({"test_speakers": 8}, "too few"),
        ({"public_speakers": 10}, "too few"),
        ({"public": "other accent", "public_speakers": 9}, "no accent apart"),
        ({"partition": "dirichlet", "silos": 2, "dirichlet_over": "hat"}, "'hat'"),
    ],
)
def test_too_little_is_refused(changes: dict, named: str) -> None:
    with pytest.raises(UserError, match=named):
        _divide(_corpus([2] * 10), _spec(**changes))


def test_fewer_silos_than_speakers_leave_speakers_out() -> None:
    found = _divide(_corpus([2] * 20), _spec(silos=4))
    assert [len(silo) for silo in found.silos] == [2] * 4


@given(sizes=sizes, unlabelled=st.integers(0, 3), seed=st.integers(0, 20), rule=rules)
def test_unlabelled_speakers_are_public_and_nobodys_else(
    sizes: list[int], unlabelled: int, seed: int, rule: str
) -> None:
    corpus = _corpus(sizes)
    silos = 0 if rule == "natural" else 2
    found = _divide(corpus, _spec(unlabelled_speakers=unlabelled, partition=rule, silos=silos), seed)
    assert len(found.public_unlabelled) == unlabelled
    held = {name.split("/")[0] for silo in found.silos for name in silo}
    others = {*found.public_labelled, *found.development, *found.test, *held}
    assert not others & set(found.public_unlabelled)
    assert len(others) + unlabelled == len(sizes)
    plain = _divide(corpus, _spec(partition=rule, silos=silos), seed)
    for part in ("public_labelled", "development", "test"):
        assert getattr(found, part) == getattr(plain, part), "the rows that are compared stay comparable"


def test_too_few_speakers_for_the_unlabelled_is_one_line_that_names_them() -> None:
    with pytest.raises(UserError, match="5 unlabelled speakers and a silo"):
        _divide(_corpus([1] * 10), _spec(unlabelled_speakers=5))


@pytest.mark.parametrize("rule", ["natural", "grouped"])
def test_a_large_corpus_is_divided_in_a_moment(rule: str) -> None:
    """In time linear in its utterances: to look up 5,000 speakers anew for each of 20,000 utterances took 13 s."""
    corpus = _corpus([4] * 5_000)
    before = time.process_time()
    _divide(corpus, _spec(partition=rule, silos=0 if rule == "natural" else 2_000))
    assert time.process_time() - before < 2.0


@given(sizes=st.lists(st.integers(1, 3), min_size=10, max_size=20), seeds=st.lists(st.integers(0, 99), min_size=2))
def test_folds_test_each_speaker_once_whatever_the_seed(sizes: list[int], seeds: list[int]) -> None:
    corpus = _corpus(sizes)
    spec = _spec(kind="manifest", test_speakers=3)
    blocks = len(sizes) // 3
    folds = [
        _divide(corpus, replace(spec, test_fold=fold), seeds[fold % len(seeds)]).test for fold in range(1, blocks + 1)
    ]
    tested = [name for fold in folds for name in fold]
    assert len(tested) == len(set(tested)) == 3 * blocks
    again = _divide(corpus, replace(spec, test_fold=blocks + 1), seeds[0]).test
    assert set(again) == set(folds[0]), "past the last block they begin anew"
    told = [told_of_fold(corpus, replace(spec, test_fold=fold)) for fold in range(blocks + 2)]
    assert told[:-1] == [""] * (blocks + 1)
    assert told[-1].startswith(f"draw {blocks + 1} tests the same speakers as draw 1: the corpus has {blocks} blocks")


def test_a_fold_takes_no_speaker_of_the_accent_that_is_public() -> None:
    corpus = _corpus([2] * 18, accents=3)
    for fold in (1, 2, 3):
        found = _divide(corpus, _spec(kind="manifest", public="other accent", test_fold=fold))
        accents = {utterance.speaker: utterance.fields["accent"] for utterance in corpus}
        public = {accents[name] for name in found.public_labelled}
        assert len(public) == 1
        assert public.isdisjoint(accents[name] for name in found.test)
