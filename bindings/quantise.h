#pragma once

#include <pybind11/pybind11.h>

namespace gvc::bindings {

// Adds quantise to the module.
void add_quantise(pybind11::module_& module);

}  // namespace gvc::bindings
