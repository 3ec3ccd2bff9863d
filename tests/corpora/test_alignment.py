import numpy as np

from fedasr.corpora.alignment import SILENT, Alignment, labelled


def test_a_frame_has_the_phone_that_sounds_when_it_stands() -> None:
    found = labelled([("a", 0.015), ("b", 0.02), ("c", 0.03)], 5, 100)
    assert found == [SILENT, SILENT, "b", "c", "c"]


def test_places_take_the_nearest_frame() -> None:
    alignment = Alignment(("", "a", "b"), np.array([0, 1, 2, 1], np.uint16))
    assert alignment.at(np.array([-1.0, 0.4, 0.6, 1.9, 3.2, 9.0])).tolist() == [0, 0, 1, 2, 1, 1]
    assert alignment.part(1, 3).numbers_T.tolist() == [1, 2]
