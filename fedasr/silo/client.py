"""Client halves: what an algorithm does in a silo, and which there are (the entry-point group ``fedasr.clients``)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from flwr.app import RecordDict

from fedasr.common.errors import UserError
from fedasr.common.plug_ins import plugged_in
from fedasr.common.registry import Registry
from fedasr.common.settings import Settings, from_table
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import Kind
from fedasr.silo.work import Work

Answer = Callable[[Work, RecordDict], RecordDict]
"""Makes a reply's content of a message's."""


CATEGORIES = ("train", "evaluate", "query")
"""What a Flower ClientApp can be asked for."""


class ClientHalf(Settings, ABC):
    """The half of an algorithm that runs in the silos; a frozen dataclass of its settings.

    It travels to the silos, so it holds no speech and no model. What a silo must remember stands in the state that its
    `Work` gives it. A kind of message that it declares under a name that fedasr knows takes the place of fedasr's own;
    all other messages are answered as ever.
    """

    heeds: ClassVar[tuple[str, ...]] = ()
    """The names of settings that its messages hold and it reads itself, beside those of a request to train."""

    reads_rounds: ClassVar[bool] = True
    """Whether what it does in a round may depend on how many there are; ``False`` lets a row go on with more."""

    @abstractmethod
    def answers(self) -> Mapping[Kind, Answer]:
        """Return what each kind of message is answered by."""

    def check(self, training: TrainingSpec) -> None:
        """Refuse local training for which the algorithm is not stated; by default nothing.

        Raises
        ------
        UserError
            Naming the setting and the mend.
        """

    def kinds(self) -> dict[str, Kind]:
        """Return the kinds of messages that it declares, by name.

        Raises
        ------
        UserError
            Where ``answers`` is no table of functions by kind, or raises anything.
        """
        name = f"{type(self).__name__}.answers"
        with plugged_in(name, type(self).__module__):
            declared = self.answers()
        if not isinstance(declared, Mapping):
            raise UserError(f"{name} gives a {type(declared).__name__}, not a table of functions by Kind")
        for kind, answer in declared.items():
            _check_answer(name, kind, answer)
        return {kind.name: kind for kind in declared}


def _check_answer(lead: str, kind: object, answer: object) -> None:
    if not isinstance(kind, Kind):
        raise UserError(f"{lead} has the key {kind!r}, which is no Kind")
    if kind.category not in CATEGORIES or not kind.action.isidentifier():
        known = ", ".join(f"'{category}'" for category in CATEGORIES)
        raise UserError(f"{lead} has the Kind '{kind.name}'; Flower takes {known}, and after a full stop one more name")
    if not callable(answer):
        raise UserError(f"{lead} answers '{kind.name}' by a {type(answer).__name__}, which is no function")


def refuse_all_but_sgd(training: TrainingSpec, algorithm: str) -> None:
    """Refuse local training whose steps are no sums of gradients.

    Raises
    ------
    UserError
        Naming the setting and the mend.
    """
    if training.optimizer != "sgd":
        raise UserError(f"training.optimizer is '{training.optimizer}', and {algorithm} is stated for SGD; set 'sgd'")


CLIENTS: Registry[type[ClientHalf]] = Registry("client half", "fedasr.clients")


def build_client(name: str, options: Mapping[str, Any]) -> ClientHalf:
    """Return the client half of a registered name, or of ``module:Class``, with its options.

    Raises
    ------
    UserError
        Where the name, an option or its value is unknown or out of range.
    """
    found = CLIENTS.find(name)
    if not (isinstance(found, type) and issubclass(found, ClientHalf)):
        raise UserError(f"'{name}' is no client half (a subclass of {ClientHalf.__module__}.ClientHalf)")
    return from_table(found, options, "", "client_options.")
