"""What is installed: bounds that are tested, what wheels hold, which copy the tests import."""

from __future__ import annotations

import os
import re
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import gvc

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

#: Where `make test-dist` has put a wheel and a source distribution.
DIST = os.environ.get("GVC_DIST")
BUILT = pytest.mark.skipif(DIST is None, reason="nothing was built: make test-dist")

#: Versions that only ever run as constraints.txt has them; the lowest bound is that one.
TOOLS = {"atheris", "mypy", "ruff"}


def requirements() -> Iterator[Requirement]:
    """All that pyproject.toml asks for, but for extras of gvc itself."""
    texts = [*PROJECT["build-system"]["requires"], *PROJECT["project"]["dependencies"]]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        texts += extra
    for requirement in map(Requirement, texts):
        if requirement.name != PROJECT["project"]["name"]:
            yield requirement


def constraints(name: str) -> dict[str, Version]:
    """The versions in a file of constraints, by name."""
    lines = (ROOT / name).read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    found = {canonicalize_name(package): Version(version) for package, version in pins}
    assert len(found) == len(pins), "a package is there twice"
    return found


def lowest(requirement: Requirement) -> Version:
    """The lower bound of a requirement."""
    bounds = [each for each in requirement.specifier if each.operator in (">=", "==")]
    assert len(bounds) == 1, f"{requirement} has no lower bound"
    return Version(bounds[0].version)


def test_every_lower_bound_is_tested():
    """constraints-lowest.txt has what `make test-lowest` installs."""
    wanted: dict[str, Version] = {}
    for requirement in requirements():
        if str(requirement.specifier).startswith("=="):
            continue  # One version only: an extra that is what it is.
        name = canonicalize_name(requirement.name)
        assert wanted.setdefault(name, lowest(requirement)) == lowest(requirement), name
    assert constraints("constraints-lowest.txt") == wanted


def test_what_ci_installs_is_allowed_by_every_bound():
    pinned = constraints("constraints.txt")
    for requirement in requirements():
        name = canonicalize_name(requirement.name)
        if name in pinned:
            assert pinned[name] in requirement.specifier, name
    for name in TOOLS:
        assert pinned[name] == constraints("constraints-lowest.txt")[name]


def test_old_commands_still_install():
    assert PROJECT["project"]["optional-dependencies"]["canvas"] == []
    assert any(
        requirement.startswith("dlib-bin") for requirement in PROJECT["project"]["dependencies"]
    )


@pytest.mark.skipif("GVC_INSTALLED" not in os.environ, reason="tests of the checkout")
def test_the_installed_package_is_tested():
    assert "site-packages" in Path(gvc.__file__).parts


@BUILT
def test_the_wheel_holds_the_package_and_nothing_else():
    (path,) = Path(str(DIST)).glob("*.whl")
    names = {name for name in zipfile.ZipFile(path).namelist() if ".dist-info/" not in name}
    package = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "gvc").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".so"
    }
    kernels = {name for name in names if re.fullmatch(r"gvc/_native\.[^/]*\.(so|pyd)", name)}
    assert names - kernels == package
    assert len(kernels) == 1
    for kind in ("py.typed", ".safetensors", ".ranges", ".prior", "header-5.bin", ".css", ".js"):
        assert any(name.endswith(kind) for name in names), kind


@BUILT
def test_the_source_distribution_holds_all_sources():
    (path,) = Path(str(DIST)).glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("bindings", "csrc/cpu", "csrc/cuda", "csrc/include", "gvc"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".so":
                assert file.relative_to(ROOT).as_posix() in names
    assert {"setup.py", "pyproject.toml", "README.md", "LICENSE"} <= names
