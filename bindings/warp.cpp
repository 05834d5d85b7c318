#include "warp.h"

#include "arrays.h"
#include "gvc/warp.h"

namespace gvc::bindings {
namespace {

void forward(const Described& input, const Described& grid, const Described& output,
             bool align_corners, int threads, bool cuda, std::uintptr_t stream) {
    const WarpOptions options{align_corners, threads};
    const auto in = array_of<const float>(input);
    const auto positions = array_of<const float>(grid);
    const auto out = array_of<float>(output);
    run("warp", [&] {
        return cuda ? warp_forward_cuda(in, positions, out, options, stream_at(stream))
                    : warp_forward(in, positions, out, options);
    });
}

void backward(const Described& grad_output, const Described& input, const Described& grid,
              const Described& grad_input, const Described& grad_grid, bool align_corners,
              int threads, bool cuda, std::uintptr_t stream) {
    const WarpOptions options{align_corners, threads};
    const auto grad = array_of<const float>(grad_output);
    const auto in = array_of<const float>(input);
    const auto positions = array_of<const float>(grid);
    const auto to_input = array_of<float>(grad_input);
    const auto to_grid = array_of<float>(grad_grid);
    run("warp", [&] {
        return cuda ? warp_backward_cuda(grad, in, positions, to_input, to_grid, options,
                                         stream_at(stream))
                    : warp_backward(grad, in, positions, to_input, to_grid, options);
    });
}

}  // namespace

void add_warp(pybind11::module_& module) {
    using pybind11::arg;
    module.def("warp_forward", &forward, arg("input"), arg("grid"), arg("output"),
               arg("align_corners"), arg("threads"), arg("cuda") = false, arg("stream") = 0,
               "See gvc::warp_forward; an array is (address, sizes, strides in elements).");
    module.def("warp_backward", &backward, arg("grad_output"), arg("input"), arg("grid"),
               arg("grad_input"), arg("grad_grid"), arg("align_corners"), arg("threads"),
               arg("cuda") = false, arg("stream") = 0,
               "See gvc::warp_backward; a gradient that is not wanted has address 0.");
}

}  // namespace gvc::bindings
