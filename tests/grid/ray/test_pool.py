"""A pool on this machine tells what it is."""

from fedasr.grid.ray.pool import RayWorkers


def test_a_pool_of_this_machine_is_one_machine_with_its_actors(pool: RayWorkers) -> None:
    assert pool.describe() == {"workers": 3, "machines": 1}
    assert len(set(pool.process_ids())) == 3
