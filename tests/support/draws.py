"""Which examples hypothesis draws: the same few in every run, or, with `--many`, as many others as one wants."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

USUAL = 60
"""Examples a test, where it does not say how many."""


def draw(many: int | None) -> None:
    """Draw the same examples in every run; with `many`, that many times as many, and others each time."""
    common = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=USUAL * (many or 1))
    settings.register_profile("same", common, derandomize=True)
    settings.register_profile("many", common, print_blob=True)
    settings.load_profile("many" if many else "same")


def examples(count: int) -> settings:
    """Draw `count` examples where the others draw `USUAL`."""
    return settings(max_examples=count * settings.default.max_examples // USUAL)
