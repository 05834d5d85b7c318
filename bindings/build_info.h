#pragma once

#include <pybind11/pybind11.h>

namespace gvc::bindings {

// Adds build_info() to the module.
void add_build_info(pybind11::module_& module);

}  // namespace gvc::bindings
