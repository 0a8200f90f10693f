"""What is said where there is no Dask cluster: no address, nobody who answers, or no Dask."""

import socket
import sys

import pytest

from catalog.base.errors import DatasetError, UsageError
from dataset.parallel.dask_cluster import connect_cluster


@pytest.mark.parametrize(
    "address", ["", "here", "tcp://here", "ftp://here:1", "tcp://here:0", "tcp://here:65536", "a b:1"]
)
def test_what_is_no_address_is_wrong_usage(address: str) -> None:
    with pytest.raises(UsageError, match="is not the address of a Dask scheduler"), connect_cluster(address):
        pass


def test_where_nobody_answers_or_a_stranger_is_an_error_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with (
            pytest.raises(DatasetError, match="no Dask scheduler answers"),
            connect_cluster(f"127.0.0.1:{port}", patience_s=0.3),
        ):
            pass
    for address in (f"tcp://127.0.0.1:{port}", "tcp://nowhere.invalid:1"):
        with pytest.raises(DatasetError, match="no Dask scheduler answers"), connect_cluster(address, patience_s=0.3):
            pass


def test_without_dask_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DatasetError, match="pip install distributed"), connect_cluster("tcp://127.0.0.1:1"):
        pass
