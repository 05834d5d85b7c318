"""The one-way flow between packages, and habits that a linter does not know."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gvc"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

#: What each package of gvc may import of the others (docs/architecture.md).
ALLOWED = {
    "errors": set(),
    "process": {"errors"},
    "clips": {"errors"},
    "page": set(),
    "container": {"errors"},
    "bitstream": {"errors", "container"},
    "entropy": {"errors", "bitstream"},
    "media": {"errors", "bitstream"},
    "keyframe": {"errors", "bitstream", "media"},
    "ops": {"_native"},
    "model": {"errors", "ops", "process"},
    "faces": {"errors"},
    "codec": {"errors", "bitstream", "entropy", "faces", "keyframe", "media", "model"},
    "sei": {"errors", "bitstream", "entropy", "codec"},
    "api": {"errors", "process", "bitstream", "faces", "media", "model", "codec", "metrics"},
    "metrics": {"errors"},
    "training": {
        *("errors", "clips", "bitstream", "entropy", "media", "keyframe", "model", "codec", "api"),
        "metrics",
    },
    "bench": {
        *("errors", "clips", "bitstream", "entropy", "media", "ops", "model", "codec", "api"),
        *("faces", "metrics", "page"),
    },
    "archive": {"errors", "bitstream", "media", "model", "codec", "api"},
    "report": {"errors", "bitstream", "media", "model", "codec", "api", "archive", "page"},
    "cli": {
        *("errors", "clips", "bitstream", "media", "ops", "codec", "api", "training", "bench"),
        *("archive", "page", "report", "sei"),
    },
}

#: Third-party packages that only some packages may import.
RESTRICTED = {
    "torch": {"ops", "model", "metrics", "training", "bench"},
    "av": {
        *("media", "keyframe", "faces", "codec", "api", "training", "bench", "archive", "report"),
    },
    "dlib": {"faces"},
    "imageio_ffmpeg": {"media"},
    "constriction": {"entropy"},
    "cv2": {"training"},
    "mediapipe": {"faces", "training"},
    "matplotlib": {"bench"},
    "bjontegaard": {"bench"},
    "click": {"cli"},
    "rich": {"cli"},
    "sqlite3": {"archive"},
    "ray": {"archive"},
}


def package_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Dotted names that a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names if node.module == "gvc" else {node.module}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_flow_one_way(path):
    package = package_of(path)
    if package in ("__init__", "__main__"):
        return
    for name in imports_of(path):
        top, _, rest = name.partition(".")
        if top == "gvc" and rest:
            other = rest.split(".")[0]
            allowed = ALLOWED[package] | {package, "__version__"}
            assert other in allowed, f"{package} must not import gvc.{other}"
        elif top in RESTRICTED:
            assert package in RESTRICTED[top], f"{package} must not import {top}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_are_short_and_named_for_what_they_hold(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert path.stem not in {"utils", "util", "helpers", "common", "misc"}


@pytest.mark.parametrize("package", sorted(ALLOWED.keys() - {"errors"}))
def test_packages_say_what_they_do(package):
    module = PACKAGE / f"{package}.py"
    path = module if module.exists() else PACKAGE / package / "__init__.py"
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring
    assert "ay import" in " ".join(docstring.split())


@pytest.mark.parametrize("statement", ["import gvc", "import gvc.cli.info, gvc.cli.main"])
def test_starting_is_cheap(statement):
    program = f"import sys; {statement}; print({{'torch', 'av'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"set()"


def test_decoding_to_a_pipe_loads_no_more_than_it_needs():
    program = (
        "import sys; from gvc.cli.main import cli; "
        "cli.main(['decode', 'examples/portrait.gvc', '-', '--size', '64'], standalone_mode=False);"
        "print({'rich', 'gvc.codec.encoder'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, cwd=ROOT
    )
    assert done.stdout.startswith(b"YUV4MPEG2")
    assert done.stderr.strip() == b"set()"


def test_native_code_keeps_to_itself():
    for path in (ROOT / "csrc").rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert "Python.h" not in text
        assert "pybind11" not in text
        assert "torch/" not in text
    for path in (ROOT / "bindings").glob("*"):
        assert "torch/" not in path.read_text(encoding="utf-8")


#: Modules that make objects out of bytes, or code; and functions of others that may.
_UNSAFE_MODULES = {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "runpy"}
_UNSAFE_CALLS = {"torch.load", "torch.jit.load", "torch.package", "np.load", "numpy.load"}

#: What only training and the networks of metrics need, and why each may: never what a file names.
UNPICKLING = {
    "training/trainer.py": "a run continues from a checkpoint of its own",
    "training/restoration.py": "the same",
    "training/clips.py": "the cache of clips that a run unpacked itself",
    "training/pack.py": "the same",
    "training/distance.py": "the same",
    "metrics/lpips.py": "published weights of LPIPS, which somebody named or installed",
    "metrics/mobilefacenet.py": "published weights of MobileFaceNet, likewise",
}


def unsafe_in(tree: ast.AST) -> list[ast.Call]:
    """Calls that could unpickle."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _UNSAFE_CALLS
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_that_is_read_becomes_code(path):
    tree, name = ast.parse(path.read_text(encoding="utf-8")), str(path.relative_to(PACKAGE))
    modules = {each.split(".")[0] for each in imports_of(path)} & _UNSAFE_MODULES
    calls = unsafe_in(tree)
    assert bool(modules or calls) is (name in UNPICKLING), f"{name}: {modules} {calls}"
    for call in calls:
        said = {each.arg: ast.unparse(each.value) for each in call.keywords}
        if ast.unparse(call.func) == "torch.load":
            assert said.get("weights_only") == "True"
        else:
            assert said.get("allow_pickle", "False") == "False"
            assert ast.unparse(call.func).endswith("p.load")
    # What is caught by name is not called.
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in _UNSAFE_MODULES:
            assert node.attr == "UnpicklingError"
        if isinstance(node, ast.Name):
            assert node.id not in ("eval", "exec")
