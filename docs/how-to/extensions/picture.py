"""A picture of one's own on the page: the training loss over the rounds, row by row.

In the ``pyproject.toml`` of the package that holds this file::

    [project.entry-points."fedasr.pictures"]
    loss = "picture:loss_pictures"
"""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from fedasr.report.pictures.drawing.labels import label_ends
from fedasr.report.pictures.drawing.looks import looks
from fedasr.report.pictures.drawing.style import drawing, new_figure
from fedasr.report.pictures.picture import Picture
from fedasr.report.words.groups import Group, groups
from fedasr.runs.data import RunData

Curve = list[tuple[int, float]]


def loss_pictures(data: RunData) -> Iterator[Picture]:
    """Yield the picture of a run; none where no row has two rounds with a loss."""
    curves = {group.name: curve for group in groups(data) if len(curve := loss_by_round(group)) > 1}
    if curves:
        caption = "Mean loss of the silos' batches in each round; of several seeds, the first."
        numbers = "; ".join(f"{name} ends at {curve[-1][1]:.2f}" for name, curve in curves.items())
        yield Picture("loss", "Training loss", caption, numbers, figure(data, curves))


def loss_by_round(group: Group) -> Curve:
    """Return (round, loss) of a row's first seed."""
    return [(line.round, line.train_loss) for line in group.rows[0].metrics if line.train_loss is not None]


def figure(data: RunData, curves: dict[str, Curve]) -> Figure:
    """Draw each curve in its row's colour, its name at its end."""
    with drawing():
        canvas = new_figure(2.6)
        axes = canvas.add_subplot()
        look = looks(groups(data))
        for name, curve in curves.items():
            axes.plot(*zip(*curve, strict=True), color=look[name].colour, linewidth=1.6)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("round")
        axes.set_ylabel("training loss")
        axes.grid(axis="y")
        label_ends(axes, {name: curve[-1] for name, curve in curves.items()}, look, 1.04)
    return canvas
