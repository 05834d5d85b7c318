// Work (see grid.h) on a CUDA device.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "gvc/array.h"
#include "grid.h"

namespace gvc {

template <typename Work>
__global__ void __launch_bounds__(kThreadsOfBlock) work_kernel(Work work, std::int64_t count) {
    do_share(work, blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x,
             static_cast<std::int64_t>(gridDim.x) * blockDim.x, count);
}

// Queues work on a stream of the caller's, behind what is there already.
class OnStream {
  public:
    explicit OnStream(void* stream) : stream_(static_cast<cudaStream_t>(stream)) {}

    template <typename Work>
    Status operator()(const Work& work, std::int64_t count) const {
        if (count > 0) {
            work_kernel<<<blocks_for(count), kThreadsOfBlock, 0, stream_>>>(work, count);
        }
        return cudaGetLastError() == cudaSuccess ? Status::ok : Status::device_error;
    }

  private:
    cudaStream_t stream_;
};

}  // namespace gvc
