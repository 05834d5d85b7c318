// What the CUDA kernels of gvc/warp.h do for one element or pixel.
#pragma once

#include <cstdint>

#include "gvc/sampling.h"
#include "gvc/warp.h"
#include "grid.h"
#include "reading.h"

namespace gvc {

// Where a pixel of the output reads; `size` is the input's.
GVC_DEVICE inline GridSample grid_sample(const Array4<const float>& grid, const Place& at,
                                         const std::int64_t (&size)[4], bool align_corners) {
    return sample_grid(element(grid, {at.n, at.y, at.x, 0}), element(grid, {at.n, at.y, at.x, 1}),
                       size, align_corners);
}

struct WarpElement {
    Array4<const float> input, grid;
    Array4<float> output;
    bool align_corners;

    GVC_DEVICE void operator()(std::int64_t index) const {
        const Place at = place_of(index, output.size, output.stride[1] == 1);
        const GridSample from = grid_sample(grid, at, input.size, align_corners);
        element(output, at) = read_between(plane_of(input, at.n, at.c), input.stride[2],
                                           input.stride[3], from.y, from.x);
    }
};

// Adds to what other threads may be adding to at the same time.
GVC_DEVICE inline void add_to(float* sum, float value) {
#if defined(__CUDA_ARCH__)
    atomicAdd(sum, value);
#else
    *sum += value;
#endif
}

// One element of the gradient of the output, brought back to the four that it was made of.
struct InputGradientElement {
    Array4<const float> grad, grid;
    Array4<float> grad_input;
    bool align_corners;

    GVC_DEVICE void operator()(std::int64_t index) const {
        const Place at = place_of(index, grad.size, grad.stride[1] == 1);
        const GridSample from = grid_sample(grid, at, grad_input.size, align_corners);
        const float g = element(grad, at);
        float* plane = plane_of(grad_input, at.n, at.c);
        float* low = plane + from.y.low * grad_input.stride[2];
        float* high = plane + from.y.high * grad_input.stride[2];
        const std::int64_t left = from.x.low * grad_input.stride[3];
        const std::int64_t right = from.x.high * grad_input.stride[3];
        add_to(low + left, g * (1.0f - from.y.share) * (1.0f - from.x.share));
        add_to(low + right, g * (1.0f - from.y.share) * from.x.share);
        add_to(high + left, g * from.y.share * (1.0f - from.x.share));
        add_to(high + right, g * from.y.share * from.x.share);
    }
};

// The gradient of one position of the grid, over all channels.
struct GridGradientPixel {
    Array4<const float> grad, input, grid;
    Array4<float> grad_grid;
    bool align_corners;

    GVC_DEVICE void operator()(std::int64_t index) const {
        const Place at = place_of(index, {grad.size[0], 1, grad.size[2], grad.size[3]}, false);
        const GridSample from = grid_sample(grid, at, input.size, align_corners);
        const std::int64_t left = from.x.low * input.stride[3];
        const std::int64_t right = from.x.high * input.stride[3];
        const std::int64_t low = from.y.low * input.stride[2];
        const std::int64_t high = from.y.high * input.stride[2];
        float along_x = 0.0f, along_y = 0.0f;
        for (std::int64_t c = 0; c < grad.size[1]; ++c) {
            const float* plane = plane_of(input, at.n, c);
            const float a = plane[low + left], b = plane[low + right];
            const float d = plane[high + left], e = plane[high + right];
            const float g = element(grad, {at.n, c, at.y, at.x});
            along_x += g * ((1.0f - from.y.share) * (b - a) + from.y.share * (e - d));
            along_y += g * ((1.0f - from.x.share) * (d - a) + from.x.share * (e - b));
        }
        element(grad_grid, {at.n, at.y, at.x, 0}) += along_x * from.x.slope;
        element(grad_grid, {at.n, at.y, at.x, 1}) += along_y * from.y.slope;
    }
};

// The operations, but for who runs the work: launch(work, count) does so for all indices below
// count, one launch after the other, and says whether it could.
template <typename Launch>
Status warp_forward_with(const Launch& launch, const Array4<const float>& input,
                         const Array4<const float>& grid, const Array4<float>& output,
                         bool align_corners) {
    if (output.data == nullptr || !warp_shapes_fit(input, grid, output.size)) {
        return Status::bad_argument;
    }
    return launch(WarpElement{input, grid, output, align_corners}, elements_of(output.size));
}

template <typename Launch>
Status warp_backward_with(const Launch& launch, const Array4<const float>& grad_output,
                          const Array4<const float>& input, const Array4<const float>& grid,
                          const Array4<float>& grad_input, const Array4<float>& grad_grid,
                          bool align_corners) {
    if (grad_output.data == nullptr || !warp_shapes_fit(input, grid, grad_output.size)) {
        return Status::bad_argument;
    }
    if ((grad_input.data != nullptr && !same_size(grad_input.size, input.size)) ||
        (grad_grid.data != nullptr && !same_size(grad_grid.size, grid.size))) {
        return Status::bad_argument;
    }
    Status status = Status::ok;
    if (grad_input.data != nullptr) {
        status = launch(InputGradientElement{grad_output, grid, grad_input, align_corners},
                        elements_of(grad_output.size));
    }
    if (status == Status::ok && grad_grid.data != nullptr) {
        const auto& size = grad_output.size;
        status = launch(GridGradientPixel{grad_output, input, grid, grad_grid, align_corners},
                        size[0] * size[2] * size[3]);
    }
    return status;
}

}  // namespace gvc
