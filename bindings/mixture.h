#pragma once

#include <pybind11/pybind11.h>

namespace gvc::bindings {

// Adds mix_flows to the module.
void add_mixture(pybind11::module_& module);

}  // namespace gvc::bindings
