#pragma once

#include <pybind11/pybind11.h>

namespace gvc::bindings {

// Adds warp_by_flow and warp_by_flows to the module.
void add_flow_warp(pybind11::module_& module);

}  // namespace gvc::bindings
