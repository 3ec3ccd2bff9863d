"""The client half of a row: what it names, else what its strategy names."""

from __future__ import annotations

from flwr.serverapp.strategy import Strategy

from fedasr.common.errors import UserError, told_of
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.silo.client import ClientHalf, build_client


def client_of(row: RowSpec, strategy: Strategy, training: TrainingSpec) -> ClientHalf | None:
    """Return the client half of a row, None where its silos answer as fedasr's own do.

    A strategy names it by its attribute ``client``: a `ClientHalf`, or the name of one.

    Raises
    ------
    UserError
        Where there is none of that name, an option is refused, or it is not stated for such local training.
    """
    with told_of(f"compare.{row.name}"):
        client = _named(row, strategy)
        if client is not None:
            client.check(training)
            client.kinds()
    return client


def _named(row: RowSpec, strategy: Strategy) -> ClientHalf | None:
    if row.client != "auto":
        return build_client(row.client, row.client_options)
    if row.client_options:
        raise UserError("client_options need the client half they are for; set client")
    proposed = getattr(strategy, "client", None)
    if proposed is None or isinstance(proposed, ClientHalf):
        return proposed
    if isinstance(proposed, str):
        return build_client(proposed, {})
    raise UserError(f"{type(strategy).__name__}.client is a {type(proposed).__name__}, not a ClientHalf or its name")
