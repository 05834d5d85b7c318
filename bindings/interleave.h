#pragma once

#include <pybind11/pybind11.h>

namespace gvc::bindings {

// Adds interleave to the module.
void add_interleave(pybind11::module_& module);

}  // namespace gvc::bindings
