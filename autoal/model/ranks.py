"""The processes that compute one run together, whoever starts them: Lightning, torchrun or SLURM.

The first of them does the run as if it were alone. The others, started with the same command, only
share the work that the first sends them: a training, a test, a look.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count, pairwise
from threading import Thread
from typing import Any, NamedTuple

import torch
import torch.distributed
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from autoal.errors import UserError
from autoal.model.contained import contained

PATIENCE = timedelta(days=365)  # of those waiting for the first: people may take long to answer
GRACE = 5.0  # seconds in which one process notices that another has ended
STARTER = "AUTOAL_STARTER"  # the process from which Lightning started this one

_here: Ranks | None = None


class RankLostError(UserError):
    """Another process of the run has ended, and the run with it."""

    code = 1

    def __init__(self) -> None:
        super().__init__(
            "another process of the run has ended, and the run with it; finished rounds are safe, "
            "and the same command goes on"
        )


class _Call(NamedTuple):
    """Work for the other processes."""

    work: Callable[..., object]
    arguments: tuple[Any, ...]
    number: int  # of the inputs to read
    inputs: Any  # the inputs themselves, if the others do not have them yet
    needed: Sequence[int]  # the numbers of all inputs that may be read again


class Ranks:
    """All processes of a run, from the point of view of one.

    Args:
        accelerator: Lightning's name for it.
        devices: processes on every machine, each with its own device.
        num_nodes: machines.
    """

    def __init__(self, accelerator: str, devices: int, num_nodes: int) -> None:
        with contained():
            self._fabric = Fabric(
                accelerator=accelerator,
                devices=devices,
                num_nodes=num_nodes,
                strategy=DDPStrategy(timeout=PATIENCE),
            )
        self.world = devices * num_nodes
        self._machines = num_nodes
        self._sent = WeakTensorKeyDictionary()  # the numbers of the inputs that the others have
        self._numbers = count()
        self._kept: dict[int, Any] = {}  # inputs by their numbers, in the others
        self._talk: Any = None  # the group through which the first addresses the others
        self._over = False

    @property
    def rank(self) -> int:
        """The number of this process, once all have met."""
        return self._fabric.global_rank

    @property
    def first(self) -> bool:
        """Whether this process does the run."""
        environment = self._strategy.cluster_environment
        return environment.local_rank() == environment.node_rank() == 0

    @property
    def started_outside(self) -> bool:
        """Whether something other than Lightning starts the processes."""
        return self._strategy.cluster_environment.creates_processes_externally

    @contextmanager
    def lead(self) -> Iterator[None]:
        """Do the run while the others help; they end with it."""
        global _here
        self._join()
        children: list[subprocess.Popen[bytes]] = self._strategy.launcher.procs
        watches = [Thread(target=self._watch, args=(child,), daemon=True) for child in children]
        for watch in watches:
            watch.start()
        _here = self
        try:
            yield
            self._dismiss()
            for watch in watches:
                watch.join(GRACE)
        except RuntimeError as error:
            if _unheard(error):
                raise RankLostError from error
            raise
        finally:
            self._over, _here = True, None
            for child in children:
                child.kill()

    def follow(self) -> None:
        """Do the first process's bidding until it has no more work, or is gone."""
        global _here
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first, which ends this one
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _die_with_parent()
        self._join()
        _here = self
        while (call := self._heard()) is not None:
            try:
                self._do(call)
            except BaseException as error:
                if _unheard(error):
                    return
                time.sleep(GRACE)  # so that the first, if it failed as well, can end this process
                raise

    def tell(self, work: Callable[..., object], *arguments: Any, inputs: Tensor) -> None:
        """Make the others do this too.

        Args:
            work: a function that they can import.
            arguments: for it.
            inputs: its last argument, sent once, and kept there as long as here.
        """
        new = inputs not in self._sent
        if new:
            self._sent[inputs] = next(self._numbers)
        number, needed = self._sent[inputs], [*self._sent.values()]
        call = _Call(work, arguments, number, sendable(inputs) if new else None, needed)
        try:
            message = pickle.dumps(call)
        except Exception as error:
            raise UserError(
                f"the task, or its data, cannot be sent to the other processes ({error}): "
                "give trainer.devices=1"
            ) from error
        self._say(message)

    def run(self, rows: int, block: int) -> slice:
        """The rows that this process looks at, in the same blocks as a single process would."""
        return runs(rows, block, self.world)[self.rank]

    def gathered(self, part: Tensor, rows: int, block: int) -> Tensor:
        """The processes' results, one after another; only the first process gets all."""
        if self.rank:
            torch.distributed.send(part.contiguous(), 0, group=self._talk)
            return part
        whole = part.new_empty(rows, *part.shape[1:])
        whole[: len(part)] = part
        for rank, run in enumerate(runs(rows, block, self.world)[1:], start=1):
            torch.distributed.recv(whole[run], rank, group=self._talk)
        return whole

    @property
    def _strategy(self) -> Any:
        return self._fabric.strategy

    def _join(self) -> None:
        """Wait until all processes are there."""
        if self._machines > 1 and not self.started_outside and "MASTER_ADDR" not in os.environ:
            raise UserError(
                f"trainer.num_nodes={self._machines}: the processes of several machines are "
                "started by torchrun or by srun; docs/scale.md tells how"
            )
        os.environ[STARTER] = str(os.getpid())
        try:
            with contained():
                self._fabric.launch()
        except ValueError as error:  # the processes are not those asked for
            if not self.first:  # which reports it
                sys.exit(UserError.code)
            raise UserError(" ".join(str(error).split())) from error
        # Through the CPU, on which waiting costs nothing.
        self._talk = torch.distributed.new_group(backend="gloo", timeout=PATIENCE)

    def _say(self, message: bytes) -> None:
        """Send this to the others; None ends them."""
        torch.distributed.broadcast_object_list([message], 0, group=self._talk)

    def _heard(self) -> _Call | None:
        heard = [b""]
        with suppress(RuntimeError):  # the first is gone
            torch.distributed.broadcast_object_list(heard, 0, group=self._talk)
        return pickle.loads(heard[0]) if heard[0] else None

    def _do(self, call: _Call) -> None:
        if call.inputs is not None:
            self._kept[call.number] = call.inputs
        self._kept = {number: self._kept[number] for number in call.needed}
        call.work(*call.arguments, self._kept[call.number])

    def _dismiss(self) -> None:
        self._over = True
        with suppress(RuntimeError):  # processes that are gone need no dismissal
            self._say(b"")

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        """End the run if another process ends before it."""
        child.wait()
        child.returncode = 0  # or Lightning would kill this process without a message
        if self._over:
            return
        time.sleep(GRACE)
        if not self._over:  # waiting code does not always notice that the other is gone
            print(f"error: {RankLostError()}", file=sys.stderr)
            os._exit(RankLostError.code)


def together() -> Ranks | None:
    """All processes of the current run; None if this one is alone."""
    return _here


def runs(rows: int, size: int, world: int) -> list[slice]:
    """The rows that each process reads, in the same blocks as a single process would."""
    blocks = -(-rows // size)
    ends = [min(rows, size * (blocks * rank // world)) for rank in range(world + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]


def sendable(tensor: Tensor) -> Tensor:
    """A tensor in memory that brings along nothing but itself."""
    held = tensor.cpu()
    return held if held.untyped_storage().nbytes() == held.nbytes else held.clone()


def _unheard(error: BaseException) -> bool:
    """Whether this error is torch's for an unreachable process."""
    gloo = isinstance(error, RuntimeError) and "gloo" in str(error)
    return gloo or isinstance(error, torch.distributed.DistError)


def _die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, for whatever reason."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG of Linux
    parent = str(os.getppid())
    if os.environ.get(STARTER, parent) != parent:  # it has already ended
        os.kill(os.getpid(), signal.SIGKILL)
