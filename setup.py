"""Builds the native kernels; everything else about the package is in pyproject.toml.

Where no compiler is at hand the package installs all the same, and works through torch's own
operators. ``GVC_CUDA=1`` also builds the CUDA kernels, with the nvcc on the path or in CUDA_HOME.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pybind11.setup_helpers import Pybind11Extension, build_ext
from setuptools import setup

#: GPU generations that the CUDA kernels are built for: A100, Ada, H100 and H200, Blackwell.
_CUDA_ARCHITECTURES = ("80", "89", "90", "100")


def find_nvcc() -> str | None:
    """The CUDA compiler, if the CUDA kernels were asked for and it exists."""
    if os.environ.get("GVC_CUDA") != "1":
        return None
    home = os.environ.get("CUDA_HOME")
    nvcc = shutil.which("nvcc") or (shutil.which("nvcc", path=f"{home}/bin") if home else None)
    if nvcc is None:
        print("gvc: GVC_CUDA=1, but no nvcc was found: no CUDA kernels", file=sys.stderr)
    return nvcc


class OptionalBuild(build_ext):
    """Builds what can be built."""

    def build_extension(self, ext: Pybind11Extension) -> None:
        """Build the module, with the CUDA kernels if there is a compiler for them."""
        nvcc = find_nvcc()
        if nvcc is not None:
            ext.extra_objects.append(self.compile_cuda(nvcc))
            ext.define_macros.append(("GVC_CUDA", "1"))
            ext.library_dirs.append(str(Path(nvcc).resolve().parents[1] / "lib64"))
            ext.libraries.append("cudart_static")
            ext.libraries += ["rt", "pthread", "dl"]
        super().build_extension(ext)

    def compile_cuda(self, nvcc: str) -> str:
        """Compile the CUDA kernels to one object file."""
        target = Path(self.build_temp) / "warp_cuda.o"
        target.parent.mkdir(parents=True, exist_ok=True)
        architectures = [
            f"-gencode=arch=compute_{number},code=sm_{number}" for number in _CUDA_ARCHITECTURES
        ]
        subprocess.run(
            [nvcc, "-std=c++17", "-O3", "-Xcompiler", "-fPIC", "-Icsrc/include", *architectures,
             "-c", "csrc/cuda/warp.cu", "-o", str(target)],
            check=True,
        )  # fmt: skip
        return str(target)


setup(
    ext_modules=[
        Pybind11Extension(
            "gvc._native",
            sorted(
                str(path)
                for path in (*Path("bindings").glob("*.cpp"), *Path("csrc/cpu").glob("*.cpp"))
            ),
            include_dirs=["csrc/include", "csrc/cpu", "bindings"],
            depends=[str(path) for path in Path("csrc").rglob("*.h")],
            # Without contraction every vector width and thread count rounds alike.
            extra_compile_args=["-O3", "-ffp-contract=off"] if os.name == "posix" else [],
            cxx_std=17,
            # A compiler that is missing or fails costs speed, not the installation.
            optional=True,
        )
    ],
    cmdclass={"build_ext": OptionalBuild},
)
