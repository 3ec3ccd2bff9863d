"""What left the private side is on disk before it is used, and charged once for each time it was made."""

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.toys import open_toy, train_messages

from fedasr.common.errors import RowError, UserError
from fedasr.common.randomness import Streams
from fedasr.engine.summary import promise
from fedasr.grid.in_process import InProcess
from fedasr.privacy.accounting.exact import gaussian_epsilon
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.allowances import GaussianBudget
from fedasr.privacy.mechanisms.gaussian import GaussianSum
from fedasr.privacy.mechanisms.noisy_max import GNMax
from fedasr.privacy.noise import Noise
from fedasr.protection.inheritance import Inheritance
from fedasr.protection.release_digest import digest_of
from fedasr.protection.releases import Charge, Releases
from fedasr.runs.release_folder import ReleaseFolder

VOTE = Charge(GNMax(20.0), 3)


def _releases(folder: Path, **options: Any) -> Releases:
    found = Releases(ReleaseFolder(folder), Streams(1), **options)
    found.promise(Promise("silo", "replace-one", 1e-5, ((GaussianBudget(10.0), 1),)))
    return found


def _make(releases: Releases, key: str = "a", value: float = 1.0) -> np.ndarray:
    made = releases.make(key, lambda _: [VOTE], lambda noise: {"sum": value + noise.normal(4)})
    return np.asarray(made["sum"])


def _never(noise: Noise) -> dict[str, np.ndarray]:
    raise AssertionError("drawn again")


def test_a_stored_release_comes_back_byte_for_byte_and_is_not_charged_twice(tmp_path: Path) -> None:
    first = _releases(tmp_path)
    made = _make(first)
    again = _releases(tmp_path)
    assert [r.count for r in again.ledger.releases] == [3], "the charge outlived the process"
    for releases in (first, again):
        found = releases.make("a", lambda _: [VOTE], _never)
        np.testing.assert_array_equal(found["sum"], made)
        assert releases.ledger.state() == first.ledger.state()
        assert releases.account() == first.account()


def test_a_release_without_its_charge_is_charged_when_it_is_read(tmp_path: Path) -> None:
    """A crash between the two."""
    _make(_releases(tmp_path))
    (tmp_path / "releases" / "ledger.jsonl").unlink()
    again = _releases(tmp_path)
    assert again.ledger.releases == ()
    again.make("a", lambda _: [VOTE], _never)
    assert [r.count for r in again.ledger.releases] == [3]


def test_a_charge_without_its_release_stays_and_another_draw_is_charged_beside_it(tmp_path: Path) -> None:
    _make(_releases(tmp_path))
    (tmp_path / "releases" / "a.safetensors").unlink()
    again = _releases(tmp_path)
    _make(again)
    assert [(r.key, r.count) for r in again.ledger.releases] == [("a.gnmax", 3)] * 2


def test_a_release_that_is_gone_is_told_and_one_of_the_row_before_is_not_missed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = _releases(tmp_path / "before")
    _make(before)
    after = Releases(ReleaseFolder(tmp_path / "after"), Streams(0))
    after.inherit(Inheritance(tuple(before.store.ledger()), promise=before.promised))
    after.promise(Promise("silo", "replace-one", 1e-5, ((GNMax(3.0), 1),)))
    _make(after)
    assert len(after.ledger.releases) == 2
    assert not caplog.records
    (tmp_path / "before" / "releases" / "a.safetensors").unlink()
    _make(before)
    assert [record.message for record in caplog.records] == [
        "the release 'a' is gone from the row's folder: another is made, and charged beside it"
    ]


def test_a_redraw_that_happens_to_be_the_same_is_charged_too(tmp_path: Path) -> None:
    for _ in range(2):
        releases = _releases(tmp_path)
        releases.make("a", lambda _: [VOTE], lambda noise: {"answers": np.array([4, 2])})
        (tmp_path / "releases" / "a.safetensors").unlink()
    assert len(releases.ledger.releases) == 2


def test_nothing_is_charged_for_what_was_not_made(tmp_path: Path) -> None:
    releases = _releases(tmp_path)
    with pytest.raises(AssertionError):
        releases.make("a", lambda _: [VOTE], _never)
    releases.make("none", lambda _: [Charge(GNMax(1.0), 0)], lambda noise: {"answers": np.zeros(0)})
    assert releases.ledger.releases == ()
    assert promise(releases) == {}


def test_reproducible_noise_repeats_by_key_and_voids_the_promise(tmp_path: Path) -> None:
    one, two = (_releases(tmp_path / name, reproducible=True) for name in "xy")
    np.testing.assert_array_equal(_make(one), _make(two))
    assert not np.array_equal(_make(one, "b"), _make(one))
    assert (tmp_path / "x" / "releases" / "a.safetensors").read_bytes() == (
        tmp_path / "y" / "releases" / "a.safetensors"
    ).read_bytes()
    found = promise(one)
    assert (found["epsilon_kind"], found["privacy_unit"], found["adjacency"]) == ("void", "silo", "replace-one")
    assert (found["epsilon"], found["epsilon_spent"], found["epsilon_bound"]) == (None, None, None)
    secure = [_releases(tmp_path / name) for name in "vw"]
    assert not np.array_equal(_make(secure[0]), _make(secure[1]))
    assert promise(secure[0])["epsilon_kind"] == "data-independent"


def test_attempts_of_others_are_charged_when_they_are_announced(tmp_path: Path) -> None:
    _releases(tmp_path).announce("a", VOTE)
    again = _releases(tmp_path)
    again.announce("a", VOTE)
    again.announce("b", VOTE)
    assert [(r.key, r.digest) for r in again.ledger.releases] == [
        ("a.gnmax", "attempt 1"), ("a.gnmax", "attempt 2"), ("b.gnmax", "attempt 1"),
    ]  # fmt: skip


def test_charges_grow_by_a_line_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written and parsed is linear in the charges; the disk's own time to be sure is left out."""
    monkeypatch.setattr("os.fsync", lambda _: None)
    releases, begun = _releases(tmp_path), time.process_time()
    for number in range(2000):
        releases.announce(f"round.{number}", VOTE)
    assert time.process_time() - begun < 4
    assert len(_releases(tmp_path).ledger.releases) == 2000


def test_an_attempt_stays_charged_though_a_crash_tore_its_second_witness(tmp_path: Path) -> None:
    for _ in range(2):
        _releases(tmp_path).announce("a", VOTE)
    path = tmp_path / "releases" / "announced.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    again = _releases(tmp_path)
    again.announce("a", VOTE)
    again.announce("b", VOTE)
    assert [(r.key, r.digest) for r in _releases(tmp_path).ledger.releases] == [
        ("a.gnmax", "attempt 1"), ("a.gnmax", "attempt 2"), ("a.gnmax", "attempt 3"), ("b.gnmax", "attempt 1"),
    ]  # fmt: skip


def test_what_was_announced_is_missed_in_the_ledger(tmp_path: Path) -> None:
    for key in "abc":
        _releases(tmp_path).announce(key, VOTE)
    path = tmp_path / "releases" / "ledger.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:1]))
    with pytest.raises(UserError, match="lacks attempt 1 at 'b', which was announced; put it back"):
        _releases(tmp_path)


@pytest.mark.parametrize(
    "change", [{"count": "many"}, {"adjacency": "near"}, {"mechanism": {"kind": "magic"}}, {"covers": 1}]
)
def test_a_line_that_is_no_charge_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    _make(_releases(tmp_path))
    path = tmp_path / "releases" / "ledger.jsonl"
    path.write_text(json.dumps(json.loads(path.read_text()) | change) + "\n")
    with pytest.raises(UserError, match=r"ledger\.jsonl: corrupt in line 1"):
        _releases(tmp_path)


def test_what_is_spent_grows_with_what_is_released_and_what_is_promised_does_not(tmp_path: Path) -> None:
    releases = _releases(tmp_path)
    told = []
    for key in "abc":
        _make(releases, key)
        told.append(releases.account())
        assert releases.account() == told[-1]
    spent = [account.epsilon_spent for account in told if account]
    assert spent[0] < spent[1] < spent[2]
    assert {account.epsilon for account in told if account} == {gaussian_epsilon(10.0, 1e-5)}
    assert promise(releases)["epsilon_spent"] == spent[2] < promise(releases)["epsilon"]


def test_an_infinite_epsilon_promises_nothing_and_is_written_as_json(tmp_path: Path) -> None:
    releases = Releases(ReleaseFolder(tmp_path), Streams(1))
    releases.promise(Promise("silo", "replace-one", 1e-5, ((GaussianSum(0.0), 1),)))
    releases.make("a", lambda _: [Charge(GaussianSum(0.0), 1)], lambda noise: {"sum": np.ones(2)})
    account = releases.account()
    assert account is not None
    assert (account.promise.epsilon, account.epsilon) == (math.inf, None)
    assert promise(releases) == {}
    releases.save()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    written = json.loads((tmp_path / "privacy.json").read_text(), parse_constant=refuse)
    assert written["epsilon"] is None
    assert len(written["ledger"]) == 1


def test_who_promised_nothing_writes_nothing(tmp_path: Path) -> None:
    releases = Releases(ReleaseFolder(tmp_path), Streams(1))
    releases.save()
    assert promise(releases) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("unit", "adjacency"), [("utterance", "replace-one"), ("silo", "add-remove")])
def test_units_and_adjacencies_are_never_added(unit: str, adjacency: Any, tmp_path: Path) -> None:
    _make(_releases(tmp_path))
    again = Releases(ReleaseFolder(tmp_path), Streams(1))
    again.promise(Promise(unit, adjacency, 1e-5, ((VOTE.mechanism, 9),)))
    with pytest.raises(UserError, match="do not add up"):
        _make(again, "other")


def test_a_row_promises_once(tmp_path: Path) -> None:
    releases = _releases(tmp_path)
    assert releases.promised is not None
    releases.promise(releases.promised)
    with pytest.raises(RowError, match="promises twice"):
        releases.promise(Promise("silo", "replace-one", 1e-5, ((VOTE.mechanism, 9),)))


def test_the_bytes_of_a_stored_release_are_counted_as_when_it_was_made(tmp_path: Path) -> None:
    traffic = []
    for _ in range(2):
        grid = open_toy(InProcess(), 3)
        releases = _releases(tmp_path, log=grid.log)

        def draw(noise: Noise) -> dict[str, np.ndarray]:
            return {"replies": np.array(len(list(grid.send_and_receive(train_messages(grid)))))}  # noqa: B023

        releases.make("a", lambda _: [VOTE], draw)
        traffic.append(grid.log.traffic)
    assert len(traffic[0]) == 6
    assert traffic[0] == traffic[1]
    assert releases.store.messages("a")[0].direction == "down"


def test_a_digest_tells_names_types_shapes_bytes_and_draws_apart() -> None:
    array = np.arange(4, dtype=np.float32)
    others = [{"b": array}, {"a": array.astype(np.float64)}, {"a": array.reshape(2, 2)}, {"a": array[::-1]}]
    digests = {digest_of({"a": array}), digest_of({"a": array}, "1"), *(digest_of(other) for other in others)}
    assert len(digests) == 6
    assert digest_of({"a": array, "b": array}) == digest_of({"b": array, "a": array})


@pytest.mark.parametrize(("delta", "says"), [(0.5, "must be below 0.1"), (0.1, "must be below 0.1")])
def test_a_delta_that_allows_to_publish_a_silo_as_it_is_is_refused(delta: float, says: str, tmp_path: Path) -> None:
    releases = Releases(ReleaseFolder(tmp_path), Streams(1), units={"silo": 10})
    with pytest.raises(RowError, match=rf"delta = {delta:g} for 10 silos .* {says}"):
        releases.promise(Promise("silo", "replace-one", delta, ((VOTE.mechanism, 9),)))
    releases.promise(Promise("utterance", "replace-one", delta, ((VOTE.mechanism, 9),)))


@pytest.mark.parametrize(("delta", "warnings"), [(0.05, 1), (0.01, 0), (1e-5, 0)])
def test_a_large_delta_is_warned_of_once(
    delta: float, warnings: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    releases = Releases(ReleaseFolder(tmp_path), Streams(1), units={"silo": 10})
    for _ in range(2):
        releases.promise(Promise("silo", "replace-one", delta, ((VOTE.mechanism, 9),)))
    assert [record.message for record in caplog.records] == [
        "delta = 0.05 for 10 silos is large; the usual is below 0.01"
    ] * warnings
