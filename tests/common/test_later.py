"""Work of one thread: done when it is asked for, once."""

import threading

import pytest

from fedasr.common.later import LATER


def test_work_is_done_once_and_in_the_thread_that_asks() -> None:
    done = []

    def work(number: int) -> int:
        done.append((number, threading.get_ident()))
        return 2 * number

    first, second, _ = (LATER.submit(work, number) for number in range(1, 4))
    assert done == []
    assert [second.result(), first.result(), second.result()] == [4, 2, 4]
    assert done == [(2, threading.get_ident()), (1, threading.get_ident())]


def test_what_goes_wrong_is_raised_where_it_is_asked_for() -> None:
    work = LATER.submit(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        work.result()
