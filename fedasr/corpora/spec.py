"""Which speech an experiment uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fedasr.common.errors import nearest
from fedasr.common.settings import Mistake, Settings, least, number, one_of, share
from fedasr.corpora.checking.corpus import LEAVE_OUT, REFUSE
from fedasr.corpora.columns import Columns
from fedasr.corpora.load import READERS
from fedasr.corpora.noisy.noise_spec import NoiseSpec
from fedasr.corpora.text import AS_READ, RULES

SYNTHETIC = "synthetic"
"""The kind of corpus that is rendered, not read."""

NODES = "nodes"
"""The partition of silos whose speech lies with their own nodes."""

PUBLIC_SPEAKERS = 8
"""So many speakers of a corpus are public, where nobody says how many."""

DEVELOPMENT_SPEAKERS, TEST_SPEAKERS = 4, 8
"""So many speakers of a corpus are held out, where nobody says how many."""


@dataclass(frozen=True)
class CorpusSpec(Settings):
    """Which speech, and how its speakers are divided.

    Parameters
    ----------
    kind : str
        ``"synthetic"``, ``"manifest"``, ``"table"``, ``"librispeech"``, ``"speech-commands"``,
        ``"common-voice"``, ``"vctk"``, ``"kaldi"``, ``"lhotse"``, ``"datasets"``, or another reader
        (`fedasr.corpora.load.READERS`) by its name or as ``module:function``.
    path : str
        The corpus' folder or file; ``--data`` sets it. Not for synthetic speech.
    subset : str
        A part of the corpus by its own name for it: ``"dev-clean"``, ``"validated"``, a split, a data folder,
        a microphone of VCTK.
    columns : Columns
        What the columns of a table or of a data set are called.
    faulty : str
        What becomes of entries that cannot be used (no audio, no text, twice there): ``"refuse"`` refuses the
        corpus and names them, ``"leave out"`` goes on without them and says how many and why.
    text : str
        How transcripts are made: ``"as read"``, each kind of corpus by its own rule, or ``"normalised"``: lower
        case and no punctuation, letters, marks, digits and apostrophes alone, numbers as they are written. A model
        remembers it, and `evaluate` makes references so.
    connected : bool
        Join 2 to 5 clips of one speaker to one utterance (for single words and digits).
    grammar : str
        Synthetic speech only: what is said.
    speakers : int
        Synthetic speech only: how many speakers are rendered.
    utterances_per_speaker : int
        Synthetic speech only: how much each of them says.
    accents : tuple of str
        Synthetic speech only: which of the eight accents; empty means all.
    partition : str
        ``"natural"`` (one speaker, one silo), ``"grouped"`` (whole speakers dealt to `silos` silos of
        like size), ``"dirichlet"`` (whole speakers dealt unevenly) or ``"iid"`` (utterances dealt at
        random: a speaker is then in several silos, which no real party would have). ``"nodes"``: each silo's speech
        lies with its own SuperNode and nowhere else; the corpus here, if any, is the server's.
    silos : int
        How many silos; 0 with the natural partition means as many as there are speakers left.
    dirichlet_alpha : float
        Dirichlet partition: the concentration; the smaller, the less even.
    dirichlet_over : str
        Dirichlet partition: over what, ``"size"`` or a field of the corpus such as ``"accent"``.
    held_out : float
        The share of each silo's own utterances that no row trains on and every row is scored on, rounded down: with
        0.2 a silo of five utterances holds out one, and one of four none. 0 keeps all for training.
    public : str
        Where public speech comes from: ``"same"`` (speakers of this corpus), ``"other accent"``
        (speakers of the rarest accent, no silo having it) or the path of another corpus: a manifest or a
        table. Its speakers and ids are led by ``public/``.
    public_speakers : int, optional
        How many speakers are public; by default 8 of this corpus, or all of another.
    public_labelled : float
        The share of public speakers (at least one) whose transcripts may be used; the others are
        public unlabelled speech.
    unlabelled_speakers : int
        Further speakers of the silos' kind who are public too, their transcripts not to be used.
    development : str
        Speech to choose settings on that lies apart from the corpus; as `test`.
    development_speakers : int, optional
        How many speakers of the corpus are held out to choose settings on; by default 4, or none where `development`
        names others.
    test : str
        The corpus' own test set, all of it scored: a manifest or table, a folder of one or of the corpus' kind, or
        a subset by the corpus' own name for it (``"test-clean"`` of LibriSpeech, ``"test"`` of Common Voice,
        ``"testing"`` of Speech Commands). A name without a slash is a subset where the kind has such, so say
        ``"./set.jsonl"`` there. Its speakers may be nowhere else.
    test_speakers : int, optional
        How many speakers of the corpus are held out to report on; by default 8, or none where `test` names others.
    test_fold : int
        Which block of that many speakers is held out to report on, of one order of all that no seed changes; past the
        last block they begin anew. Over folds 1, 2, 3 … each speaker is tested once. 0: the seed draws them.
    noise : NoiseSpec
        Babble of public voices under training speech, and under a copy of test speech, in a simulated room.
    """

    kind: str = SYNTHETIC
    path: str = ""
    subset: str = ""
    faulty: str = one_of(REFUSE, REFUSE, LEAVE_OUT)
    columns: Columns = field(default_factory=Columns)
    text: str = one_of(AS_READ, *RULES)
    connected: bool = False
    grammar: str = one_of("digits", "digits", "commands", "mixed")
    speakers: int = least(48, 1)
    utterances_per_speaker: int = least(20, 1)
    accents: tuple[str, ...] = ()
    partition: str = one_of("natural", "natural", "grouped", "dirichlet", "iid", NODES)
    silos: int = least(0, 0)
    dirichlet_alpha: float = least(0.5, 1e-3)
    dirichlet_over: str = "size"
    held_out: float = number(0.2, least=0, below=1)
    public: str = "same"
    public_speakers: int | None = least(None, 0)
    public_labelled: float = share(1.0)
    unlabelled_speakers: int = least(0, 0)
    development: str = ""
    development_speakers: int | None = least(None, 0)
    test: str = ""
    test_speakers: int | None = least(None, 0)
    test_fold: int = least(0, 0)
    noise: NoiseSpec = field(default_factory=NoiseSpec)

    @property
    def public_speakers_within(self) -> int:
        """How many speakers of this corpus are public, where they come from it."""
        return PUBLIC_SPEAKERS if self.public_speakers is None else self.public_speakers

    @property
    def development_speakers_within(self) -> int:
        """How many speakers of this corpus are for development."""
        return _within(self.development, self.development_speakers, DEVELOPMENT_SPEAKERS)

    @property
    def test_speakers_within(self) -> int:
        """How many speakers of this corpus are for testing."""
        return _within(self.test, self.test_speakers, TEST_SPEAKERS)

    @property
    def has_folds(self) -> bool:
        """Whether draws may test different speakers of one corpus: of rendered speech each draw has others anyway."""
        return self.kind != SYNTHETIC and self.test_speakers_within > 0 and self.partition != NODES

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse a kind that nothing reads, a rule without texts, and a partition without its number of silos."""
        known = {SYNTHETIC, *READERS.known()}
        if self.kind not in known and ":" not in self.kind:
            yield Mistake(f"{{0}} is '{self.kind}'{nearest(self.kind, known)}", ("kind",))
        is_read = self.public not in ("same", "other accent") or self.test or self.development
        if self.kind == SYNTHETIC and not is_read and self.text != AS_READ:
            yield Mistake("{0} has no effect on synthetic speech; remove the key", ("text",))
        for key in ("path", "subset") if self.kind == SYNTHETIC else ():
            if getattr(self, key):
                yield Mistake("{0} takes no effect on synthetic speech; set {1} to its form", (key, "kind"))
        if self.test_fold and not self.has_folds:
            yield Mistake(
                "{0} takes no effect: no test speakers are drawn from a corpus; remove the key", ("test_fold",)
            )
        if self.partition != "natural" and self.silos == 0:
            yield Mistake(f"{{0}} must be at least 1 with the {self.partition} partition", ("silos",))
        if self.noise.share and self.partition == NODES:
            yield Mistake(
                "{0} takes no effect with {1} 'nodes': nobody mixes voices under what a node holds; remove the key",
                ("noise.share", "partition"),
            )
        for key in ("test", "development"):
            if getattr(self, key) and (drawn := getattr(self, f"{key}_speakers")):
                text = (
                    f"{{0}} is {drawn}, and {{1}} names other speakers to take their place; set it to 0, or remove one"
                )
                yield Mistake(text, (f"{key}_speakers", key))


def _within(others: str, speakers: int | None, usual: int) -> int:
    return (0 if others else usual) if speakers is None else speakers
