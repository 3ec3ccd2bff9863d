"""Ogg: one stream, to the page that is marked as its last."""

import pytest
from support.encoded import SAMPLES, encoded, read

from fedasr.common.errors import UserError

FILES = {"Vorbis": encoded("OGG", "VORBIS"), "Opus": encoded("OGG", "OPUS", 48_000)}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_stream_whose_last_page_is_not_there_is_refused(content: bytes) -> None:
    for cut in (content[: content.rindex(b"OggS")], content[:-1], content[: content.rindex(b"OggS") + 13]):
        with pytest.raises(UserError, match="the last page is not marked as the end"):
            read(cut)


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_of_several_streams_none_is_read(content: bytes) -> None:
    with pytest.raises(UserError, match="several Ogg streams in one file; convert"):
        read(content + content)


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_what_follows_the_last_page_is_no_sound(content: bytes) -> None:
    assert len(read(content + bytes(100))) == SAMPLES
