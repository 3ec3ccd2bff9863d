"""What a prefix scorer would write by itself: the transcript that votes of equal teachers must spell."""

from __future__ import annotations

from fedasr.asr.decoding.prefix import PrefixScorer


def greedy_labels(scorer: PrefixScorer, maximum_labels: int) -> list[list[int]]:
    """Return each utterance's labels, the most probable next one at a time."""
    said: list[list[int]] = [[] for _ in scorer.finished_B]
    for _ in range(maximum_labels):
        best_B = scorer.next_log_probabilities().argmax(-1)
        for row, label, is_finished in zip(said, best_B.tolist(), scorer.finished_B.tolist(), strict=True):
            if not is_finished and label != scorer.end:
                row.append(label)
        scorer.append(best_B)
    return said
