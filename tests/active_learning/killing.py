"""Kills the processes of a run at moments that are chosen by its progress, not by the clock."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil


def seeds(few: int) -> range:
    """Of random numbers: a few, or as many as KILL_SEEDS says."""
    return range(int(os.environ.get("KILL_SEEDS", few)))


def run_and_kill(
    script: Path, folder: Path, progress: Callable[[], int], seed: int, kills: int
) -> list[str]:
    """Run a driver until it ends by itself, started again after each kill; who was killed.

    Parameters
    ----------
    progress : grows while the run goes on; a kill comes whenever it has grown by one to three
    kills : of the driver, its workers or their calculations, at most
    """
    random = np.random.default_rng(seed)
    victims: list[str] = []
    while True:
        driver = subprocess.Popen([sys.executable, str(script), str(folder)])
        while len(victims) < kills and _grows(progress, int(random.integers(1, 4)), driver):
            victim = _victim(driver, folder, random)
            victims.append(_role(victim))
            with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended meanwhile
                victim.send_signal(signal.SIGKILL)
            if victim.pid == driver.pid:
                break
        if driver.wait() == 0:
            return victims
        assert driver.returncode == -signal.SIGKILL, "the driver failed by itself"


def _grows(progress: Callable[[], int], by: int, driver: subprocess.Popen) -> bool:
    """Wait until there is so much more progress; False if the driver ends before."""
    start = progress()
    while progress() < start + by:
        if driver.poll() is not None:
            return False
        threading.Event().wait(0.01)
    return driver.poll() is None


def _victim(
    driver: subprocess.Popen, folder: Path, random: np.random.Generator
) -> psutil.Process | subprocess.Popen:
    """The driver, a worker or a calculation."""
    below = [p for p in psutil.process_iter() if _belongs(p, folder) and p.pid != driver.pid]
    if not below or random.random() < 0.4:
        return driver
    return below[random.integers(len(below))]


def _belongs(process: psutil.Process, folder: Path) -> bool:
    """Whether it is of the run; commands of the queue are the driver's words, not its workers."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return any(str(folder) in word for word in words) and "sbatch" not in " ".join(words)


def _role(process: psutil.Process | subprocess.Popen) -> str:
    if isinstance(process, subprocess.Popen):
        return "driver"
    try:
        words = " ".join(process.cmdline())
    except psutil.Error:
        return "nobody"
    workers = ("labelling.worker", "process_worker_pool")
    return "worker" if any(name in words for name in workers) else "calculation"
