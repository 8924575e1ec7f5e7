"""The same campaign on a Dask cluster of two processes: identical numbers, clear errors."""

from __future__ import annotations

import socket

import pytest
from campaigns import numbers, written
from distributed import LocalCluster

import spicebridge as sb
from bench.networks import grid
from spicebridge.campaign import run
from spicebridge.campaign.execution import state
from spicebridge.cli import main
from spicebridge.errors import NetworkError, WorkersError


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as running:
        yield running


def test_a_cluster_gives_the_numbers_of_this_machine_bit_for_bit(cluster, finished, tmp_path):
    campaign, folder = finished
    summary = run(campaign, folder=tmp_path / "dask", scheduler=cluster.scheduler_address)
    assert (summary.ran, summary.failed) == (6, 0)
    assert numbers(campaign, tmp_path / "dask") == numbers(campaign, folder)


def test_the_command_runs_on_a_cluster_and_resumes_there(cluster, tmp_path):
    campaign = written(tmp_path)
    arguments = ["campaign", str(campaign.path), "--scheduler", cluster.scheduler_address, "--quiet"]
    assert main(arguments) == 0
    assert len(state(campaign).done) == 4
    (campaign.folder / "points" / f"{campaign.points[2].key}.parquet").unlink()
    assert main(arguments) == 0
    assert len(state(campaign).done) == 4


def test_no_scheduler_is_an_error_with_a_remedy(tmp_path, monkeypatch):
    from spicebridge import pools

    monkeypatch.setattr(pools, "PATIENCE", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(WorkersError, match=f"no Dask scheduler answers at tcp://127.0.0.1:{port}"):
        run(written(tmp_path), scheduler=f"tcp://127.0.0.1:{port}")


def test_an_address_that_is_none_is_an_error(tmp_path):
    with pytest.raises(WorkersError, match="no Dask scheduler answers at nonsense://x:1: unknown address scheme"):
        run(written(tmp_path), scheduler="nonsense://x:1")


def test_a_cluster_without_workers_is_an_error(tmp_path, monkeypatch):
    from spicebridge import pools

    monkeypatch.setattr(pools, "PATIENCE", 0.5)
    campaign = written(tmp_path)
    cluster = LocalCluster(n_workers=0, processes=False, dashboard_address=":0")
    with cluster, pytest.raises(WorkersError, match="has no workers"):
        run(campaign, scheduler=cluster.scheduler_address)


def test_patches_of_a_network_on_a_cluster_are_those_of_this_process(cluster):
    network, t = grid(4), [0.0, 2.0]
    here, there = (
        sb.validate(network, t, patches=2, scheduler=address) for address in (None, cluster.scheduler_address)
    )
    strip = [[(p.number, p.outcome, p.error, p.uncertainty, p.departure) for p in v.patches] for v in (here, there)]
    assert strip[0] == strip[1]
    with pytest.raises(NetworkError, match="exclude each other"):
        sb.validate(network, t, patches=True, workers=2, scheduler=cluster.scheduler_address)
