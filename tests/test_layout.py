"""The house's rules: arrows run one way, files stay short, what ships is written down."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from semantic_style.weights.manifest import entries, file_sha256

ROOT = Path(__file__).resolve().parents[1]
# Each folder may use itself and what stands lower.
FLOORS = {"weights": 0, "core": 1, "clipseg_bridge": 2, "plugin": 3}
# The words that errors and progress are reported in: every floor may use them, they use nothing.
GROUND = ("core.errors", "core.progress")
MODULES = sorted(path for folder in FLOORS for path in (ROOT / folder).rglob("*.py"))
LONGEST = 400


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def own_imports(path: Path) -> Iterator[str]:
    """Names inside the project that a module imports, such as 'core.errors.RequestError'."""
    package = path.parent.relative_to(ROOT).parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from (
                name.removeprefix("semantic_style.")
                for name in names
                if name.startswith("semantic_style.")
            )
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                base = package[: len(package) - node.level + 1]
                module = ".".join([*base, *([module] if module else [])])
            elif module.startswith("semantic_style"):
                module = module.removeprefix("semantic_style").lstrip(".")
            else:
                continue
            yield from (f"{module}.{alias.name}".lstrip(".") for alias in node.names)


def under(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_arrows_run_one_way(path: Path) -> None:
    me = dotted(path)
    for name in own_imports(path):
        if any(under(name, ground) for ground in GROUND):
            continue
        floor = name.split(".")[0]
        assert floor in FLOORS, f"{me} imports {name}"
        assert FLOORS[floor] <= FLOORS[me.split(".")[0]], f"{me} imports {name}"
        assert not any(under(me, ground) for ground in GROUND), f"{me} imports {name}"
        if under(me, "core.engines"):
            assert not under(name, "core.train"), f"{me} imports {name}"
        if under(me, "plugin.gimp"):
            assert under(name, "plugin.gimp"), f"{me} imports {name}"


def test_relative_and_absolute_imports_are_both_seen(tmp_path: Path) -> None:
    names = set(own_imports(ROOT / "weights" / "store.py"))
    assert {"core.errors.RequestError", "weights.manifest.entry"} <= names


@pytest.mark.parametrize(
    "path",
    [*MODULES, *sorted((ROOT / "tests").rglob("*.py")), ROOT / "install.sh"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_pyproject_lists_every_package() -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(table["tool"]["setuptools"]["packages"])
    there = {dotted(path) for path in MODULES if path.name == "__init__.py"}
    assert listed == {f"semantic_style.{name}" for name in there}


def test_every_safetensors_file_is_in_the_manifest() -> None:
    listed = {item.file for item in entries() if item.kind == "shipped"}
    there = {path.name for path in (ROOT / "weights").rglob("*.safetensors")}
    assert there == listed


@pytest.mark.parametrize("item", entries(), ids=lambda item: item.name)
def test_every_entry_has_a_card_and_what_ships_is_small_and_whole(item) -> None:
    assert (ROOT / "weights" / item.card).stat().st_size > 300
    assert item.licence
    assert item.description
    if item.kind == "shipped":
        path = ROOT / "weights" / item.file
        assert path.stat().st_size == item.size < 25_000_000
        assert file_sha256(path) == item.sha256


def test_what_help_needs_imports_without_the_heavy_libraries() -> None:
    code = (
        "import sys\n"
        "from semantic_style.core import errors, image, recipe\n"
        "from semantic_style.plugin import cli\n"
        "from semantic_style.weights import store, style_store\n"
        "print(*sorted({'torch', 'torchvision', 'scipy', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
