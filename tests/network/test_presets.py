from pathlib import Path

import numpy as np
import pytest

from fedasr.common.errors import UserError
from fedasr.network import NETWORKS, SERVER, SiloWork, build_network, round_seconds

OFFICE = """
drop_out = 0.1
[link]
up_bits_per_second = 1e9
down_bits_per_second = 2e9
latency_seconds = 0.001
[devices]
kind = "file"
path = "speeds.csv"
"""


def test_presets_are_ordered_by_their_links() -> None:
    work = [SiloWork(silo, 0.0, 1e7, 1e7) for silo in range(4)]
    names = ["none", "data-centre", "cloud-2015", "home-fibre", "phones-4g"]
    seconds = [round_seconds(build_network(n), 1, work, SERVER, np.random.SeedSequence(1)).total for n in names]
    assert set(NETWORKS) == set(names)
    assert seconds[0] == 0
    assert seconds == sorted(seconds)
    assert len(set(seconds)) == 5


def test_a_network_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "office.toml").write_text(OFFICE)
    (tmp_path / "speeds.csv").write_text("1,2")
    network = build_network(str(tmp_path / "office.toml"))
    assert network.name == "office"
    assert network.drop_out == 0.1
    assert network.link is not None
    assert network.link.seconds(1e9, "down") == pytest.approx(4.001)
    assert network.devices.speeds(np.random.SeedSequence(1), 3).tolist() == [1, 2, 1]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("latency_seconds = 0.001", "latency = 1", "unknown key 'link.latency'; did you mean 'latency_seconds'?"),
        ("latency_seconds = 0.001", "", "'link.latency_seconds' is missing"),
        ("1e9", "-1", "'link.up_bits_per_second' must be a finite number above 0, not -1"),
        ("0.1", "1.5", "'drop_out' must be a number of at least 0 and below 1, not 1.5"),
        ("drop_out", "dropout", "unknown key 'dropout'; did you mean 'drop_out'?"),
        ('"file"', '"fil"', "'devices.kind' is 'fil'; did you mean 'file'?"),
        ("[link]", "link = 3\n[else]", "'link' must be a table, not 3"),
        ("[link]", "name = 3\n[link]", "'name' must be a text, not 3"),
        ('path = "speeds.csv"', "", "'devices.path' goes with 'devices.kind' = 'file', and only with it"),
        ('"file"\npath = "speeds.csv"', '"fixed"\nsigma = 1', "'devices.sigma' takes no effect"),
        ("[link]", "[link", "not a TOML file"),
    ],
)
def test_mistakes_in_a_file_are_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "office.toml"
    path.write_text(OFFICE.replace(old, new, 1))
    with pytest.raises(UserError) as error:
        build_network(str(path))
    assert all(line.startswith(f"{path}: ") and "\n" not in line for line in error.value.lines)
    assert sum(says in line for line in error.value.lines) == 1


def test_unknown_names() -> None:
    with pytest.raises(UserError, match="did you mean 'cloud-2015'"):
        build_network("cloud-2016")
    with pytest.raises(UserError, match=r"absent\.toml: cannot be read"):
        build_network("absent.toml")
