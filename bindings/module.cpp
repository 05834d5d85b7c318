// gvc._native: what csrc offers, for Python. Knows nothing of torch or of codecs.
#include <pybind11/pybind11.h>

#include "build_info.h"
#include "composite.h"
#include "flow_warp.h"
#include "interleave.h"
#include "keypoint_spread.h"
#include "mixture.h"
#include "quantise.h"
#include "warp.h"

PYBIND11_MODULE(_native, module) {
    module.doc() = "Native kernels of gvc; addresses and strides come in as integers.";
    gvc::bindings::add_warp(module);
    gvc::bindings::add_flow_warp(module);
    gvc::bindings::add_mixture(module);
    gvc::bindings::add_keypoint_spread(module);
    gvc::bindings::add_composite(module);
    gvc::bindings::add_quantise(module);
    gvc::bindings::add_interleave(module);
    gvc::bindings::add_build_info(module);
}
