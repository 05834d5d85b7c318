// Bilinear warp of a feature map by a sampling grid, forward and backward.
//
// CPU and CUDA offer the same two operations.
//
// Coordinates are those of torch.nn.functional.grid_sample with padding_mode="border": grid values
// (x, y) in [-1, 1] span the picture, from the centres of its outermost pixels with align_corners,
// from their outer edges without. Positions outside are moved to the border; a position that is not
// a number is read as the first pixel. Gradients with respect to moved positions are zero.
#pragma once

#include <cstdint>

#include "gvc/array.h"

namespace gvc {

struct WarpOptions {
    bool align_corners;
    int threads;  // CPU: at most so many, at least one; results do not depend on it
};

// output[n, c, y, x] = input[n, c] sampled at grid[n, y, x]
//
// input is [N or 1, C, H, W] (1: the same input for every grid), grid [N, Ho, Wo, 2],
// output [N, C, Ho, Wo]. output must not overlap the others.
Status warp_forward(const Array4<const float>& input, const Array4<const float>& grid,
                    const Array4<float>& output, const WarpOptions& options);

// Adds the gradients of a loss to grad_input and grad_grid (the caller zeroes them first), given
// its gradient with respect to the output. Shapes as above; a single input collects the gradients
// of all grids. Either gradient is left out where its data is null.
Status warp_backward(const Array4<const float>& grad_output, const Array4<const float>& input,
                     const Array4<const float>& grid, const Array4<float>& grad_input,
                     const Array4<float>& grad_grid, const WarpOptions& options);

// The same on a CUDA device, on the caller's stream (a cudaStream_t); all pointers are device
// pointers. They return once the work is queued.
Status warp_forward_cuda(const Array4<const float>& input, const Array4<const float>& grid,
                         const Array4<float>& output, const WarpOptions& options, void* stream);

Status warp_backward_cuda(const Array4<const float>& grad_output, const Array4<const float>& input,
                          const Array4<const float>& grid, const Array4<float>& grad_input,
                          const Array4<float>& grad_grid, const WarpOptions& options, void* stream);

// Whether the shapes and pointers fit each other; the operations check this themselves.
inline bool warp_shapes_fit(const Array4<const float>& input, const Array4<const float>& grid,
                            const std::int64_t (&output_size)[4]) {
    return input.data != nullptr && grid.data != nullptr && countable(input.size) &&
           countable(grid.size) && countable(output_size) && input.size[2] > 0 &&
           input.size[3] > 0 && grid.size[3] == 2 &&
           (input.size[0] == grid.size[0] || input.size[0] == 1) &&
           output_size[0] == grid.size[0] && output_size[1] == input.size[1] &&
           output_size[2] == grid.size[1] && output_size[3] == grid.size[2];
}

}  // namespace gvc
