"""How much speech a run had, what was left out and why, as it is written and read again."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fedasr.corpora.checking.summary import CorpusSummary
from fedasr.corpora.faults import Fault
from fedasr.corpora.synthetic import synthetic_corpus
from fedasr.report import write_page
from fedasr.runs.data import PartData, PartitionData, SiloData
from fedasr.runs.reading import read_run
from fedasr.runs.speech_data import ExtentData, SpeechData
from fedasr.runs.speech_record import speech_data

NONE = PartData((), 0, 0.0)
PARTITION = PartitionData(
    "iid", (SiloData(0, ("a", "b"), 3, 1800.0), SiloData(1, ("b",), 2, 5400.0)), PartData(("p",), 4, 360.0), NONE, NONE,
    PartData(("t", "u"), 6, 36.0),
)  # fmt: skip
FAULTS = tuple(Fault(f"list:{n}", "no <text>", "odd" if n % 2 else "even") for n in range(25))


def speech() -> SpeechData:
    return speech_data({"corpus": CorpusSummary(15, 5, 7596.0, FAULTS)}, PARTITION, ["resampled"])


def test_hours_and_speakers_of_each_part_are_those_of_the_partition() -> None:
    found = speech()
    assert found.parts["silos"] == ExtentData(2.0, 2, 5)
    assert found.parts["public_labelled"] == ExtentData(0.1, 1, 4)
    assert found.parts["test"] == ExtentData(0.01, 2, 6)
    assert found.parts["development"] == ExtentData(0.0, 0, 0)
    assert found.corpora["corpus"].extent == ExtentData(2.11, 5, 15)
    assert found.corpora["corpus"].reasons == {"even": 13, "odd": 12}


def test_what_is_written_is_read(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    assert read_run(folder).speech is None
    (folder / "corpus.json").write_text(json.dumps(asdict(speech())))
    assert read_run(folder).speech == speech()


def test_the_page_tells_of_it_and_the_released_page_does_not(make_run: Callable[..., Path], make_row: Any) -> None:
    folder = make_run([make_row("fedavg")])
    assert 'id="speech"' not in write_page(folder).read_text()
    (folder / "corpus.json").write_text(json.dumps(asdict(speech())))
    page = write_page(folder).read_text()
    assert "25 entries that could not be used (13 even, 12 odd)" in page
    assert "<li>list:19: no &lt;text&gt;</li>" in page
    assert "list:20" not in page
    assert "and 5 more" in page
    assert "<p>resampled</p>" in page
    assert "list:1" not in write_page(folder, release=True).read_text()


def test_hours_that_nobody_knows_are_null_and_no_zero(make_run: Callable[..., Path], make_row: Any) -> None:
    """Speech that is yet to be rendered has no length."""
    rendered = CorpusSummary.of(synthetic_corpus(speakers=2, utterances_per_speaker=1, grammar="digits", seed=1))
    assert str(rendered) == "2 speakers, 2 utterances"
    found = speech_data({"corpus": rendered}, PARTITION)
    assert found.corpora["corpus"].extent == ExtentData(None, 2, 2)
    folder = make_run([make_row("fedavg")])
    (folder / "corpus.json").write_text(json.dumps(asdict(found)))
    assert read_run(folder).speech == found
    assert '<td class="number">–</td>' in write_page(folder).read_text()
