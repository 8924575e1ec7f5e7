"""Where many independent tasks run: processes of this machine, or the workers of a Dask cluster.

Both are `concurrent.futures` executors, and `finished` is the one loop for both. A task is what a top-level function
`work` takes; points of campaigns and patches of large networks are such tasks.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from spicebridge import __version__
from spicebridge.errors import SpiceBridgeError, WorkersError

if TYPE_CHECKING:
    from distributed import Client

    from spicebridge.circuit.engines.engine import Engine, Job, RunRecord

PATIENCE = 10.0
"""Seconds that an interrupted worker gets to end its simulator, and a cluster to show its first worker."""

GRACE = 2.0
"""Seconds that a worker gets to put things in order when its parent is gone."""

CLUSTER_WINDOW = 5000
"""Tasks that a cluster knows of at once; Dask decides where they go."""

Task = TypeVar("Task")
Done = TypeVar("Done")


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_this_machine(
    work: Callable[[Task], Done], tasks: Iterable[Task], workers: int, lost: Callable[[Task, str], Done]
) -> Generator[tuple[Task, Done], None, None]:
    """Run tasks in `workers` processes; yields each with what `work` made of it, as they finish.

    A task whose process dies (a crash, or the system out of memory) is found by running those that were under way
    again, one by one; what `lost` makes of it and the reason is its result. The others go on.
    """
    waiting, guarded = iter(tasks), partial(_unless_ending, work)
    while True:
        under_way: dict[Future[Done], Task] = {}
        first: list[Task] = []
        # The first tasks are made while the processes start.
        with _processes(workers, partial(first.extend, itertools.islice(waiting, 2 * workers))) as pool:
            try:
                yield from finished(pool, itertools.chain(first, waiting), under_way, 2 * workers, guarded, lost)
                return
            except BrokenProcessPool:
                suspects = list(under_way.values())
        yield from _one_by_one(guarded, suspects, lost)


def _one_by_one(
    work: Callable[[Task], Done], suspects: list[Task], lost: Callable[[Task, str], Done]
) -> Generator[tuple[Task, Done], None, None]:
    """Run each alone; the one whose process dies is the one."""
    waiting = iter(suspects)
    while True:
        alone: dict[Future[Done], Task] = {}
        with _processes(1) as pool:
            try:
                yield from finished(pool, waiting, alone, 1, work, lost)
                return
            except BrokenProcessPool:
                (guilty,) = alone.values()
        yield guilty, lost(guilty, "the process that ran it died: it crashed, was killed or ran out of memory")


def on_cluster(
    work: Callable[[Task], Done],
    tasks: Iterable[Task],
    address: str,
    lost: Callable[[Task, str], Done],
    window: int = CLUSTER_WINDOW,
) -> Generator[tuple[Task, Done], None, None]:
    """Run tasks on the Dask cluster at `address` (such as tcp://host:8786), `window` at a time; yields as they
    finish."""
    with _cluster(address) as pool:
        yield from finished(pool, iter(tasks), {}, window, work, lost)


def finished(
    pool: Executor,
    tasks: Iterator[Task],
    under_way: dict[Future[Done], Task],
    window: int,
    work: Callable[[Task], Done],
    lost: Callable[[Task, str], Done],
) -> Generator[tuple[Task, Done], None, None]:
    """Keep `window` tasks under way and yield each with what became of it."""
    for task in itertools.islice(tasks, window):
        under_way[pool.submit(work, task)] = task
    while under_way:
        ready, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in ready:
            try:
                done = future.result()
            except BrokenProcessPool:
                raise
            except CancelledError:
                raise WorkersError(
                    "the cluster dropped a task: the scheduler ended or the connection is lost; "
                    "what is finished is stored, so run it again"
                ) from None
            except Exception as error:
                done = lost(under_way[future], f"{type(error).__name__}: {error}")
            task = under_way.pop(future)
            for following in itertools.islice(tasks, 1):
                under_way[pool.submit(work, following)] = following
            yield task, done


@contextmanager
def _processes(workers: int, meanwhile: Callable[[], object] = lambda: None) -> Iterator[Executor]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        try:
            started = pool.submit(hello)
            meanwhile()
            started.result()
        except BrokenProcessPool:
            raise WorkersError(
                "worker processes cannot start; in a script of your own, do this below "
                "`if __name__ == '__main__':`, as every use of multiprocessing needs"
            ) from None
        yield pool
    except BaseException:
        _end(pool)
        raise
    pool.shutdown()


def _end(pool: ProcessPoolExecutor) -> None:
    """Ask the workers to end, with their simulators; whoever does not is killed."""
    # no public way to the processes before Python 3.14
    children = list((pool._processes or {}).values())

    def kill() -> None:
        for child in children:
            child.kill()

    for child in children:
        child.terminate()
    last_resort = threading.Timer(PATIENCE, kill)
    last_resort.start()
    try:
        pool.shutdown(wait=True, cancel_futures=True)
    finally:
        last_resort.cancel()


_kept: list[object] = []
_ending = threading.Event()
"""In a worker: it was told to end, and starts nothing more."""


def _start_worker() -> None:
    """In a worker: Ctrl-C is the parent's business; an order to end, or the parent's death, ends the simulator too."""
    from spicebridge.circuit.engines import FallbackWarning
    from spicebridge.circuit.engines.process import interruptible

    context = interruptible()
    context.__enter__()
    _kept.append(context)
    kill_simulators: Callable[..., object] = signal.getsignal(signal.SIGTERM)  # type: ignore[assignment]

    def end(number: int, frame: object) -> None:
        _ending.set()
        # a second order must not disturb the way out
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with contextlib.suppress(KeyboardInterrupt):
            kill_simulators(number, frame)
        sys.exit(1)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # the parent has said it once already
    warnings.simplefilter("ignore", FallbackWarning)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _unless_ending(work: Callable[[Task], Done], task: Task) -> Done:
    if _ending.is_set():
        sys.exit(1)
    return work(task)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os._exit(1)


def hello() -> str:
    """The version of spicebridge on a worker."""
    return __version__


@contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
        from distributed.comm import resolve_address
    except ImportError:
        raise WorkersError("--scheduler needs dask.distributed; pip install 'dask[distributed]'") from None
    try:
        # a client that cannot even parse its address complains once more when it is collected
        resolve_address(address)
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise WorkersError(
            f"no Dask scheduler answers at {address}: {error}; start one with 'dask scheduler', or leave "
            "--scheduler away to run on this machine"
        ) from None
    try:
        _check_workers(client, address)
        yield client.get_executor(pure=False)
    finally:
        client.close()


def _check_workers(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise WorkersError(
            f"the scheduler at {address} has no workers; start some with 'dask worker {address}'"
        ) from None
    try:
        found = client.run(hello)
    except SpiceBridgeError:
        raise
    except Exception as error:
        raise WorkersError(
            f"a worker of {address} cannot import spicebridge: {error}; install version {__version__} there"
        ) from None
    others = {f"{version} on {worker}" for worker, version in found.items() if version != __version__}
    if others:
        raise WorkersError(f"workers have spicebridge {', '.join(sorted(others))}; install {__version__} as here")


@dataclass
class OneAtATime:
    """An engine that runs one job at a time and sums up its time.

    There is a worker for every core; the threads in which a comparison runs its ladder would only
    compete with the other tasks. `seconds` is the wall time inside the simulator, `runs` their number.
    """

    door: Engine
    seconds: float = 0.0
    runs: int = 0
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def name(self) -> str:
        return self.door.name

    @property
    def dialect(self) -> str:
        return self.door.dialect

    def version(self) -> str:
        return self.door.version()

    def available(self) -> bool:
        return self.door.available()

    def identity(self) -> Hashable:
        return self.door.identity()

    def capabilities(self) -> Mapping[str, str]:
        return self.door.capabilities()

    def run(self, job: Job) -> RunRecord:
        with self._turn:
            record = self.door.run(job)
            self.seconds += record.wall_time
            self.runs += 1
        return record
