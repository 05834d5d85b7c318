#include "gvc/warp.h"

#include <cuda_runtime.h>

#include "gvc/sampling.h"

namespace gvc {
namespace {

constexpr int kThreads = 256;

// Arrays travel to the kernels by value, without their sizes' types changing on the way.
template <typename Element>
struct View {
    Element* data;
    std::int64_t stride[4];
};

template <typename Element>
View<Element> view(const Array4<Element>& array) {
    return {array.data,
            {array.stride[0], array.stride[1], array.stride[2], array.stride[3]}};
}

struct Shape {
    std::int64_t batch, channels, height, width;  // of the output
    std::int64_t input_batch, input_height, input_width;
    bool align_corners;
};

struct Position {
    std::int64_t n, c, y, x;
};

// Neighbouring threads take neighbouring channels where those are side by side in memory, else
// neighbouring pixels, so that reads and writes coalesce.
__device__ Position position_of(std::int64_t index, const Shape& shape, bool interleaved) {
    Position at{};
    if (interleaved) {
        at.c = index % shape.channels;
        index /= shape.channels;
    }
    at.x = index % shape.width;
    index /= shape.width;
    at.y = index % shape.height;
    index /= shape.height;
    if (!interleaved) {
        at.c = index % shape.channels;
        index /= shape.channels;
    }
    at.n = index;
    return at;
}

__device__ void samples(const View<const float>& grid, const Shape& shape, const Position& at,
                        AxisSample* x, AxisSample* y) {
    const float* value =
        grid.data + at.n * grid.stride[0] + at.y * grid.stride[1] + at.x * grid.stride[2];
    *x = sample_axis(value[0], shape.input_width, shape.align_corners);
    *y = sample_axis(value[grid.stride[3]], shape.input_height, shape.align_corners);
}

__global__ void forward_kernel(View<const float> input, View<const float> grid, View<float> output,
                               Shape shape, bool interleaved, std::int64_t count) {
    for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x;
         i < count; i += static_cast<std::int64_t>(gridDim.x) * blockDim.x) {
        const Position at = position_of(i, shape, interleaved);
        AxisSample x, y;
        samples(grid, shape, at, &x, &y);
        const float* plane = input.data + (shape.input_batch == 1 ? 0 : at.n * input.stride[0]) +
                             at.c * input.stride[1];
        const float* low = plane + y.low * input.stride[2];
        const float* high = plane + y.high * input.stride[2];
        const float top =
            low[x.low * input.stride[3]] * (1.0f - x.share) + low[x.high * input.stride[3]] * x.share;
        const float bottom = high[x.low * input.stride[3]] * (1.0f - x.share) +
                             high[x.high * input.stride[3]] * x.share;
        output.data[at.n * output.stride[0] + at.c * output.stride[1] + at.y * output.stride[2] +
                    at.x * output.stride[3]] = top * (1.0f - y.share) + bottom * y.share;
    }
}

__global__ void backward_input_kernel(View<const float> grad, View<const float> grid,
                                      View<float> grad_input, Shape shape, bool interleaved,
                                      std::int64_t count) {
    for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x;
         i < count; i += static_cast<std::int64_t>(gridDim.x) * blockDim.x) {
        const Position at = position_of(i, shape, interleaved);
        AxisSample x, y;
        samples(grid, shape, at, &x, &y);
        const float g = grad.data[at.n * grad.stride[0] + at.c * grad.stride[1] +
                                  at.y * grad.stride[2] + at.x * grad.stride[3]];
        float* plane = grad_input.data +
                       (shape.input_batch == 1 ? 0 : at.n * grad_input.stride[0]) +
                       at.c * grad_input.stride[1];
        float* low = plane + y.low * grad_input.stride[2];
        float* high = plane + y.high * grad_input.stride[2];
        const std::int64_t left = x.low * grad_input.stride[3];
        const std::int64_t right = x.high * grad_input.stride[3];
        atomicAdd(low + left, g * (1.0f - y.share) * (1.0f - x.share));
        atomicAdd(low + right, g * (1.0f - y.share) * x.share);
        atomicAdd(high + left, g * y.share * (1.0f - x.share));
        atomicAdd(high + right, g * y.share * x.share);
    }
}

__global__ void backward_grid_kernel(View<const float> grad, View<const float> input,
                                     View<const float> grid, View<float> grad_grid, Shape shape,
                                     std::int64_t count) {
    for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x;
         i < count; i += static_cast<std::int64_t>(gridDim.x) * blockDim.x) {
        const Shape pixel{shape.batch, 1, shape.height, shape.width, shape.input_batch,
                          shape.input_height, shape.input_width, shape.align_corners};
        const Position at = position_of(i, pixel, false);
        AxisSample x, y;
        samples(grid, shape, at, &x, &y);
        const float* source = input.data + (shape.input_batch == 1 ? 0 : at.n * input.stride[0]);
        const std::int64_t left = x.low * input.stride[3], right = x.high * input.stride[3];
        const std::int64_t low = y.low * input.stride[2], high = y.high * input.stride[2];
        float along_x = 0.0f, along_y = 0.0f;
        for (std::int64_t c = 0; c < shape.channels; ++c) {
            const float* plane = source + c * input.stride[1];
            const float a = plane[low + left], b = plane[low + right];
            const float d = plane[high + left], e = plane[high + right];
            const float g = grad.data[at.n * grad.stride[0] + c * grad.stride[1] +
                                      at.y * grad.stride[2] + at.x * grad.stride[3]];
            along_x += g * ((1.0f - y.share) * (b - a) + y.share * (e - d));
            along_y += g * ((1.0f - x.share) * (d - a) + x.share * (e - b));
        }
        float* to = grad_grid.data + at.n * grad_grid.stride[0] + at.y * grad_grid.stride[1] +
                    at.x * grad_grid.stride[2];
        to[0] += along_x * x.slope;
        to[grad_grid.stride[3]] += along_y * y.slope;
    }
}

unsigned blocks_for(std::int64_t count) {
    const std::int64_t blocks = (count + kThreads - 1) / kThreads;
    return static_cast<unsigned>(blocks < 65535 ? blocks : 65535);
}

Shape shape_of(const Array4<const float>& input, const std::int64_t (&output)[4],
               const WarpOptions& options) {
    return {output[0],     output[1],     output[2],    output[3],
            input.size[0], input.size[2], input.size[3], options.align_corners};
}

Status queued() { return cudaGetLastError() == cudaSuccess ? Status::ok : Status::device_error; }

}  // namespace

Status warp_forward_cuda(const Array4<const float>& input, const Array4<const float>& grid,
                         const Array4<float>& output, const WarpOptions& options, void* stream) {
    if (output.data == nullptr || !warp_shapes_fit(input, grid, output.size)) {
        return Status::bad_argument;
    }
    const Shape shape = shape_of(input, output.size, options);
    const std::int64_t count = shape.batch * shape.channels * shape.height * shape.width;
    if (count > 0) {
        forward_kernel<<<blocks_for(count), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
            view(input), view(grid), view(output), shape, output.stride[1] == 1, count);
    }
    return queued();
}

Status warp_backward_cuda(const Array4<const float>& grad_output, const Array4<const float>& input,
                          const Array4<const float>& grid, const Array4<float>& grad_input,
                          const Array4<float>& grad_grid, const WarpOptions& options,
                          void* stream) {
    if (grad_output.data == nullptr || !warp_shapes_fit(input, grid, grad_output.size)) {
        return Status::bad_argument;
    }
    const Shape shape = shape_of(input, grad_output.size, options);
    const std::int64_t pixels = shape.batch * shape.height * shape.width;
    const std::int64_t count = pixels * shape.channels;
    const auto queue = static_cast<cudaStream_t>(stream);
    if (count > 0 && grad_input.data != nullptr) {
        backward_input_kernel<<<blocks_for(count), kThreads, 0, queue>>>(
            view(grad_output), view(grid), view(grad_input), shape, grad_output.stride[1] == 1,
            count);
    }
    if (count > 0 && grad_grid.data != nullptr) {
        backward_grid_kernel<<<blocks_for(pixels), kThreads, 0, queue>>>(
            view(grad_output), view(input), view(grid), view(grad_grid), shape, pixels);
    }
    return queued();
}

}  // namespace gvc
