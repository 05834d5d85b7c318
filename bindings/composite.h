#pragma once

#include <pybind11/pybind11.h>

namespace gvc::bindings {

// Adds compose_planes to the module.
void add_composite(pybind11::module_& module);

}  // namespace gvc::bindings
