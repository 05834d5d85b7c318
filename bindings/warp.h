#pragma once

#include <pybind11/pybind11.h>

namespace gvc::bindings {

// Adds warp_forward and warp_backward to the module.
void add_warp(pybind11::module_& module);

}  // namespace gvc::bindings
