import pytest

from fedasr.common.errors import UserError
from fedasr.wire.codecs.threshold import Threshold
from fedasr.wire.codecs_by_name import CODECS, build_codec
from fedasr.wire.header import NUMBERS


def test_each_codec_is_built_by_its_name_and_has_a_number() -> None:
    for name in CODECS.known():
        kind = CODECS.find(name)
        assert isinstance(build_codec(name, {}), kind)
        assert name in NUMBERS
    assert len(set(NUMBERS.values())) == len(NUMBERS)


def test_options_arrive() -> None:
    assert build_codec("threshold", {"band": [0.001, 0.01], "form": "words"}) == Threshold(
        band=(0.001, 0.01), form="words"
    )
    assert build_codec("top-k", {"density": 1}).density == 1


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("int9", {}, "did you mean 'int8'"),
        ("dense", {"density": 1}, "no options"),
        ("top-k", {"densty": 0.1}, "did you mean 'density'"),
        ("top-k", {"density": 0}, "above 0"),
        ("top-k", {"density": 1.5}, "at most 1"),
        ("top-k", {"density": True}, "density"),
        ("top-k", {"density": "0.1"}, "density"),
        ("int8", {"error_feedback": 1}, "true or false"),
        ("sign", {"error_feedback": None}, "true or false"),
        ("powersgd", {"rank": 0}, "whole number"),
        ("powersgd", {"rank": 2.0}, "whole number"),
        ("powersgd", {"rank": 65536}, "65535"),
        ("threshold", {"tau": 1, "density": 0.1}, "only one"),
        ("threshold", {"tau": 0}, "tau"),
        ("threshold", {"tau": float("nan")}, "tau"),
        ("threshold", {"tau": float("inf")}, "tau"),
        ("threshold", {"tau": 1e-60}, "tau"),
        ("threshold", {"density": -0.1}, "density"),
        ("threshold", {"band": [0.1]}, "2 entries"),
        ("threshold", {"band": "ab"}, "a list of 2 numbers"),
        ("threshold", {"band": 3}, "a list of 2 numbers"),
        ("threshold", {"band": [0.1, 0.1]}, "rise"),
        ("threshold", {"band": [0, 0.1]}, "band"),
        ("threshold", {"residual_clip": 0}, "residual_clip"),
        ("threshold", {"form": "golomb"}, "did you mean 'golomb-rice'"),
        ("threshold", {"form": 3}, "form"),
        ("threshold", {"form": ["auto"]}, "form"),
    ],
)
def test_a_mistake_is_told_in_one_line(name: str, options: dict[str, object], told: str) -> None:
    with pytest.raises(UserError, match=told) as raised:
        build_codec(name, options)
    assert "\n" not in str(raised.value)
    assert name in str(raised.value)


@pytest.mark.parametrize(
    ("name", "options"), [("top-k", {"density": 0}), ("powersgd", {"rank": 0}), ("sign", {"error_feedback": 1})]
)
def test_a_codec_made_without_a_file_refuses_the_same(name: str, options: dict[str, object]) -> None:
    with pytest.raises(UserError) as direct:
        CODECS.find(name)(**options)
    with pytest.raises(UserError) as built:
        build_codec(name, options, "mine.toml")
    assert built.value.lines == tuple(f"mine.toml: {line}" for line in direct.value.lines)
