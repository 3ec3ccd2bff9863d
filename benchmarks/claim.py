"""The table of a claim from the results of its draws: files that `python -m fedasr.simulate … --results FOLDER` wrote.

python benchmarks/claim.py an4_50_silos                         # benchmarks/results/an4_50_silos/draw-*.json
python benchmarks/claim.py an4_50_silos --reference fedavg
python benchmarks/claim.py adamix --reference dp-sgd-8 --floor centralised   # and increases over a row without privacy
python benchmarks/claim.py clipping clipping_core --reference fedavgm   # the rows that the draws of both folders have

Draws may come from different days and machines; all must have the same settings but for the draw. Errors of all draws
are taken together; ratios are paired by draw, seed and speaker (`fedasr.comparison`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.comparison.increases import increase_interval
from fedasr.comparison.intervals import Interval
from fedasr.report.words.findings import findings
from fedasr.report.words.groups import Group, groups, paired
from fedasr.report.words.pairs import ratio_text, trainings_text
from fedasr.report.words.units import percent
from fedasr.runs.data import DECODED, GREEDY, LEFT_BEHIND, NEW_SPEAKERS, NOISY, OWN_SPEAKERS, RunData
from fedasr.runs.draw_results import DrawResult, read_results

RESULTS = Path(__file__).parent / "results"
SCORES = {
    "WER %, greedy": (NEW_SPEAKERS, GREEDY), "WER %, decoded": (NEW_SPEAKERS, DECODED),
    "noisy, greedy": (NOISY, GREEDY), "noisy, decoded": (NOISY, DECODED),
    "own speakers, greedy": (OWN_SPEAKERS, GREEDY), "own speakers, decoded": (OWN_SPEAKERS, DECODED),
    "left behind, greedy": (LEFT_BEHIND, GREEDY),
}  # fmt: skip


def run_of(name: str, results: Sequence[DrawResult]) -> RunData:
    """Return the rows of all draws as those of one run; rows that a draw lacks are left out."""
    shared = set.intersection(*({row.name for row in result.rows} for result in results))
    return RunData(name, None, "", tuple(row for result in results for row in result.rows if row.name in shared))


def table(everyone: Sequence[Group], reference: str | None) -> list[str]:
    """Return the claim's table as lines of Markdown; columns that nothing was scored for are left out."""
    columns = {title: by for title, by in SCORES.items() if any(group.rate(*by) for group in everyone)}
    beside = next((group for group in everyone if group.name == reference), everyone[0])
    head = ["row", *columns, *(f"{title} by {beside.name}'s" for title in columns)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for group in everyone:
        rates = [_rate(group.rate(*by)) for by in columns.values()]
        ratios = ["" if group is beside else _ratio(paired(group, beside, *by)) for by in columns.values()]
        lines.append(f"| {' | '.join([group.name, *rates, *ratios])} |")
    return lines


def _rate(found: Interval | None) -> str:
    if found is None:
        return "–"
    if found.low is None or found.high is None:
        return percent(found.value)
    return f"{percent(found.value)} ({percent(found.low)}–{percent(found.high)})"


def _ratio(found: Interval | None) -> str:
    if found is None:
        return "–"
    return f"**{ratio_text(found)}**" if found.is_decided else ratio_text(found)


def increases(everyone: Sequence[Group], reference: str, floor: str) -> list[str]:
    """Return, as lines of Markdown, how far rows are above the floor, by how far the reference is; greedy."""
    tested = {group.name: group.tested() for group in everyone}
    rows = [name for name in tested if name not in (reference, floor)]
    shares = {name: increase_interval(tested[name], tested[reference], tested[floor]) for name in rows}
    lines = [f"| row | WER above {floor}'s, by {reference}'s above it |", "|---|---|"]
    return [*lines, *(f"| {name} | {_ratio(share)} |" for name, share in shares.items())]


def _made_on(results: Sequence[DrawResult]) -> list[str]:
    keys = ("fedasr", "sources", "torch", "processor")
    return [
        f"- draw {result.draw}: `{' '.join(result.command)}`; "
        + ", ".join(f"{key} {str(result.environment[key])[:60]}" for key in keys if key in result.environment)
        for result in results
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", help="folders of results")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--reference", help="the row that the others stand beside; by default the first")
    parser.add_argument("--floor", help="with --reference: the row that increases in WER are counted from")
    arguments = parser.parse_args()
    try:
        results = [result for name in arguments.names for result in read_results(arguments.results / name)]
    except UserError as error:
        raise SystemExit(str(error)) from None
    everyone = groups(run := run_of(arguments.names[0], results))
    names = [group.name for group in everyone]
    for option in ("reference", "floor"):
        if getattr(arguments, option) not in (None, *names):
            raise SystemExit(f"--{option} {getattr(arguments, option)}: no such row; rows: {', '.join(names)}")
    wer = next((wer for group in everyone if (wer := group.wer())), None)
    print("\n".join(table(everyone, arguments.reference)))
    if arguments.reference and arguments.floor:
        print("", *increases(everyone, arguments.reference, arguments.floor), sep="\n")
    print(f"\n{findings(run)}\n")
    if wer is not None:
        print(f"{trainings_text(wer) or '1 training'}, {wer.speakers} test speakers; 95% intervals; bold: decided.\n")
    print("\n".join(_made_on(results)))


if __name__ == "__main__":
    main()
