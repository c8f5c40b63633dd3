"""The right to write a store: held by one process at a time, freed by the kernel when it dies."""

import fcntl
import json
import os
import socket
from datetime import datetime
from pathlib import Path


class LeaseTakenError(RuntimeError):
    """Another process writes this store."""

    def __init__(self, store: Path, owner: str) -> None:
        """Name the store and who holds it."""
        self.owner = owner
        super().__init__(
            f"store {store}: already written by {owner}; expected to be the only writer; stop that"
            " process, or read the published files instead"
        )


class Lease:
    """An exclusive lock on `<store>.lease`, whose content names the holder.

    The kernel drops the lock with the last descriptor, so a killed holder needs no clean-up and no
    time-out. Descriptors are not inherited by spawned processes; a holder must not fork.
    """

    def __init__(self, store: Path, holder: str, now: datetime) -> None:
        """Take the lease; LeaseTakenError names the present holder."""
        self._descriptor = os.open(f"{store}.lease", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._descriptor, 4096, 0).decode("utf-8", "replace").strip()
            os.close(self._descriptor)
            raise LeaseTakenError(store, owner or "a writer that is just starting") from None
        self._write(
            json.dumps(
                {
                    "holder": holder,
                    "pid": os.getpid(),
                    "host": socket.gethostname(),
                    "since": now.isoformat(),
                }
            )
        )

    def release(self) -> None:
        """Free the lease. The file stays: removing it would let two writers lock two files."""
        self._write("")
        os.close(self._descriptor)

    def _write(self, text: str) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)


def is_held(store: Path) -> bool:
    """Whether a process has the lease, without touching it: a holder that was killed has not."""
    try:
        holder = json.loads(Path(f"{store}.lease").read_text(encoding="utf-8"))
        if holder["host"] != socket.gethostname():
            return True
        os.kill(holder["pid"], 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return False
    except PermissionError:  # somebody else's process
        return True
    return True
