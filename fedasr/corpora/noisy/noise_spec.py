"""How much of an experiment's speech is noisy, and how."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fedasr.common.settings import Mistake, Settings, least, number, one_of, share

UNLABELLED, TRAINING = "unlabelled", "training"
"""Which speech is made noisy: what silos train on with public unlabelled speech, or labelled public speech too."""
_LOUDEST_DB = 60.0


@dataclass(frozen=True)
class NoiseSpec(Settings):
    """Babble of public voices under speech, in a simulated room; without `share` and `test_snr_db` there is none.

    Parameters
    ----------
    share : float
        How many of the utterances of `speech` are noisy, on average: each by dice of its own, before any row, and
        with a larger share the same ones and more.
    speech : str
        Which speech: ``"unlabelled"``, what silos train on, and public speech whose transcripts may not be used; or
        ``"training"``, labelled public speech, too. Never speech that silos hold out or that is scored.
    snr_db : tuple of float
        The lowest and the highest signal-to-noise ratio of noisy training speech; each has one between, all as likely.
    babble_voices : int
        So many public speakers, never the speaker, speak under an utterance; 0 leaves the room alone.
    room_seconds : float
        Reverberation time of the room (RT60); 0 is no room.
    test_snr_db : float, optional
        Test speech is scored a second time, noisy at this ratio, each utterance with voices of its own: "new speakers,
        noisy". Left out, it is not.
    """

    share: float = share(0.0)
    speech: str = one_of(UNLABELLED, UNLABELLED, TRAINING)
    snr_db: tuple[float, float] = number((5.0, 20.0), least=-_LOUDEST_DB, most=_LOUDEST_DB)
    babble_voices: int = least(4, 0)
    room_seconds: float = number(0.3, least=0.0, most=5.0)
    test_snr_db: float | None = number(None, least=-_LOUDEST_DB, most=_LOUDEST_DB)

    @property
    def is_off(self) -> bool:
        """Whether nothing is noisy."""
        return self.share == 0 and self.test_snr_db is None

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse ratios in the wrong order, noise of nothing, and what takes no effect."""
        usual, low, high = NoiseSpec.__dataclass_fields__, *self.snr_db
        if low > high:
            yield Mistake(f"{{0}} goes from {low:g} to {high:g}; name the lower first", ("snr_db",))
        if not self.is_off and not self.babble_voices and not self.room_seconds:
            yield Mistake("{0} and {1} are both 0, so nothing is noisy; set one", ("babble_voices", "room_seconds"))
        idle = [] if self.share else ["speech", "snr_db"]
        idle += ["babble_voices", "room_seconds"] if self.is_off else []
        for key in idle:
            if getattr(self, key) != usual[key].default:
                yield Mistake("{0} takes no effect, since {1} is 0; set it, or remove the key", (key, "share"))
