"""What a thresholded codec does as training goes on: the share of values sent, and the threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import batched
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from fedasr.report.axes import LINE_INCHES, label_ends, set_ticks
from fedasr.report.canvas import Look, drawing, looks, new_figure
from fedasr.report.data import RoundData, RunData
from fedasr.report.groups import Group, groups

MOST_POINTS = 300
PANEL_INCHES = 1.6

Curve = list[tuple[float, float]]
