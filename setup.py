"""Builds the native kernels; everything else about the package is in pyproject.toml.

Where no compiler is at hand the package installs all the same, and works through torch's own
operators. ``GVC_CUDA=1`` also builds the CUDA kernels, with the nvcc on the path or in CUDA_HOME.
"""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path

from pybind11.setup_helpers import Pybind11Extension, build_ext
from setuptools import setup
from setuptools.errors import CompileError, LinkError

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


def cuda_library_dirs(nvcc: str) -> list[str]:
    """Where the CUDA runtime lies, as nvcc itself says."""
    told = subprocess.run(
        [nvcc, "--dryrun", "-x", "cu", os.devnull], capture_output=True, text=True, check=False
    ).stderr
    tops = [Path(line.partition("TOP=")[2]) for line in told.splitlines() if "TOP=" in line]
    return [str(top / name) for top in tops for name in ("lib64", "lib")]


class OptionalBuild(build_ext):
    """Builds what can be built."""

    def build_extension(self, ext: Pybind11Extension) -> None:
        """Build the module, with the CUDA kernels if they were asked for and can be had."""
        nvcc = find_nvcc()
        if nvcc is not None:
            plain = copy.copy(ext.__dict__)
            try:
                self.add_cuda(ext, nvcc)
                super().build_extension(ext)
                return
            except (subprocess.CalledProcessError, CompileError, LinkError) as error:
                print(f"gvc: no CUDA kernels: {error}", file=sys.stderr)
                ext.__dict__.update(plain)
        super().build_extension(ext)

    def add_cuda(self, ext: Pybind11Extension, nvcc: str) -> None:
        """Compile the CUDA kernels and make them part of ``ext``."""
        ext.extra_objects = [*ext.extra_objects, *self.compile_cuda(nvcc)]
        names = " ".join(f"sm_{number}" for number in _CUDA_ARCHITECTURES)
        ext.define_macros = [*ext.define_macros, ("GVC_CUDA", f'"{names}"')]
        ext.library_dirs = [*ext.library_dirs, *cuda_library_dirs(nvcc)]
        ext.libraries = [*ext.libraries, "cudart_static", "rt", "pthread", "dl"]

    def compile_cuda(self, nvcc: str) -> list[str]:
        """Compile each file of CUDA kernels to an object file."""
        folder = Path(self.build_temp) / "cuda"
        folder.mkdir(parents=True, exist_ok=True)
        architectures = [
            f"-gencode=arch=compute_{number},code=sm_{number}" for number in _CUDA_ARCHITECTURES
        ]
        objects = []
        for source in sorted(Path("csrc/cuda").glob("*.cu")):
            target = folder / f"{source.stem}.o"
            # As on the CPU, products are not fused into sums: so the arithmetic is that of the
            # same code compiled for the CPU, where tests hold it to references.
            subprocess.run(
                [nvcc, "-std=c++17", "-O3", "-fmad=false", "-Xcompiler", "-fPIC", "-Icsrc/include",
                 *architectures, "-c", str(source), "-o", str(target)],
                check=True,
            )  # fmt: skip
            objects.append(str(target))
        return objects


setup(
    ext_modules=[
        Pybind11Extension(
            "gvc._native",
            sorted(
                str(path)
                for path in (*Path("bindings").glob("*.cpp"), *Path("csrc/cpu").glob("*.cpp"))
            ),
            include_dirs=["csrc/include", "csrc/cpu", "bindings"],
            # Part of the source distribution, which otherwise would build without the kernels.
            depends=sorted(
                str(path)
                for folder in ("bindings", "csrc/cpu", "csrc/cuda", "csrc/include")
                for path in Path(folder).rglob("*.*")
                if path.suffix != ".cpp"
            ),
            # Without contraction every vector width and thread count rounds alike.
            extra_compile_args=["-O3", "-ffp-contract=off"] if os.name == "posix" else [],
            cxx_std=17,
            # A compiler that is missing or fails costs speed, not the installation.
            optional=True,
        )
    ],
    cmdclass={"build_ext": OptionalBuild},
)
