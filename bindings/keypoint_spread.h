#pragma once

#include <pybind11/pybind11.h>

namespace gvc::bindings {

// Adds spread_keypoints to the module.
void add_keypoint_spread(pybind11::module_& module);

}  // namespace gvc::bindings
