#include "warp_work.h"

#include "launch.cuh"

namespace gvc {

Status warp_forward_cuda(const Array4<const float>& input, const Array4<const float>& grid,
                         const Array4<float>& output, const WarpOptions& options, void* stream) {
    return warp_forward_with(OnStream(stream), input, grid, output, options.align_corners);
}

Status warp_backward_cuda(const Array4<const float>& grad_output, const Array4<const float>& input,
                          const Array4<const float>& grid, const Array4<float>& grad_input,
                          const Array4<float>& grad_grid, const WarpOptions& options,
                          void* stream) {
    return warp_backward_with(OnStream(stream), grad_output, input, grid, grad_input, grad_grid,
                              options.align_corners);
}

}  // namespace gvc
