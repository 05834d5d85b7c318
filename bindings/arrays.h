// How arrays and failures pass between Python and csrc.
#pragma once

#include <array>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "gvc/array.h"

namespace gvc::bindings {

using Sides = std::array<std::int64_t, 4>;

// address, sizes, strides (in elements)
using Described = std::tuple<std::uintptr_t, Sides, Sides>;

template <typename Element>
Array4<Element> array_of(const Described& described) {
    const auto& [address, size, stride] = described;
    Array4<Element> array{reinterpret_cast<Element*>(address), {}, {}};
    for (int i = 0; i < 4; ++i) {
        array.size[i] = size[static_cast<std::size_t>(i)];
        array.stride[i] = stride[static_cast<std::size_t>(i)];
    }
    return array;
}

// A cudaStream_t as torch tells it.
inline void* stream_at(std::uintptr_t address) { return reinterpret_cast<void*>(address); }

// Throws what a status other than "ok" means.
inline void check(Status status, const std::string& operation) {
    switch (status) {
        case Status::ok:
            return;
        case Status::bad_argument:
            throw std::invalid_argument(operation + ": sizes do not fit each other");
        case Status::out_of_memory:
            throw std::bad_alloc();
        case Status::device_error:
            throw std::runtime_error(operation + ": the CUDA device refused");
    }
}

// Runs what gives a Status while other threads of Python's may run, and checks it.
template <typename Operation>
void run(const std::string& name, const Operation& operation) {
    Status status;
    {
        pybind11::gil_scoped_release released;
        status = operation();
    }
    check(status, name);
}

}  // namespace gvc::bindings
