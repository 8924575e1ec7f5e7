"""A stranger with a wheel and an empty folder: the main job, the plugin and the cases work without a clone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter of an environment that holds the wheel, what it depends on, and pytest."""
    wheels = sorted((ROOT / "out" / "dist").glob("*.whl"))
    assert wheels, "make dist builds it"
    place = tmp_path_factory.mktemp("wheel") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    made = place / "bin" / "python"
    subprocess.run([str(made), "-m", "pip", "install", "-q", str(wheels[-1]), "pytest"], check=True)
    return made


def run(python: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST"))}
    program = [str(python.parent / command[0]), *command[1:]]
    return subprocess.run(program, cwd=folder, env=clean, capture_output=True, text=True)


def test_a_theorist(python: Path, tmp_path: Path) -> None:
    assert run(python, tmp_path, "spicebridge", "init", "--ode").returncode == 0
    done = run(python, tmp_path, "spicebridge", "validate", "first.case.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "AGREES" in done.stdout
    done = run(python, tmp_path, "spicebridge", "validate", "first.case.toml", "--against", "my_ode.py:rhs")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_experimentalist(python: Path, tmp_path: Path) -> None:
    assert run(python, tmp_path, "spicebridge", "examples", "k4").returncode == 0
    done = run(python, tmp_path, "spicebridge", "lab", "k4.case.toml", "--out", "kit")
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(
        python, tmp_path, "spicebridge", "compare", "k4.case.toml", "--kit", "kit", "--measured", "kit/rehearsal.csv"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_author_of_models(python: Path, tmp_path: Path) -> None:
    assert run(python, tmp_path, "spicebridge", "init").returncode == 0
    done = run(python, tmp_path, "pytest", "--spice=required", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    done = run(python, tmp_path, "spicebridge", "check-model", "vteam", "--out", "vteam.html")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "vteam.html").stat().st_size > 10_000
