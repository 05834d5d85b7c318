#include "gvc/warp.h"

#include <cmath>
#include <new>
#include <vector>

#include "gvc/sampling.h"
#include "multiversion.h"
#include "parallel.h"

namespace gvc {
namespace {

// Least pixels times channels for which starting a thread pays.
constexpr std::int64_t kLeastWork = 1 << 15;

// Four neighbours of one output pixel: offsets into a channel plane, and weights.
struct Corners {
    std::int64_t offset[4];
    float weight[4];
};

Corners corners_of(const AxisSample& x, const AxisSample& y, const std::int64_t* stride) {
    const float top = 1.0f - y.share;
    const float left = 1.0f - x.share;
    return {{y.low * stride[2] + x.low * stride[3], y.low * stride[2] + x.high * stride[3],
             y.high * stride[2] + x.low * stride[3], y.high * stride[2] + x.high * stride[3]},
            {top * left, top * x.share, y.share * left, y.share * x.share}};
}

// Channels side by side in memory: one vector loop over them for each pixel.
GVC_MULTIVERSION void gather_channels(const float* input, const Corners& corners, float* output,
                                      std::int64_t channels) {
    const float* a = input + corners.offset[0];
    const float* b = input + corners.offset[1];
    const float* c = input + corners.offset[2];
    const float* d = input + corners.offset[3];
    const float wa = corners.weight[0], wb = corners.weight[1];
    const float wc = corners.weight[2], wd = corners.weight[3];
    for (std::int64_t i = 0; i < channels; ++i) {
        output[i] = wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
    }
}

// Any other layout: one loop over a row of pixels for each channel.
GVC_MULTIVERSION void gather_row(const float* plane, const Corners* row, float* output,
                                 std::int64_t stride, std::int64_t width) {
    for (std::int64_t x = 0; x < width; ++x) {
        const Corners& at = row[x];
        output[x * stride] = at.weight[0] * plane[at.offset[0]] + at.weight[1] * plane[at.offset[1]] +
                             at.weight[2] * plane[at.offset[2]] + at.weight[3] * plane[at.offset[3]];
    }
}

GVC_MULTIVERSION void scatter_channels(const float* grad, const Corners& corners, float* grad_input,
                                       std::int64_t first, std::int64_t last) {
    for (int corner = 0; corner < 4; ++corner) {
        float* target = grad_input + corners.offset[corner];
        const float weight = corners.weight[corner];
        for (std::int64_t i = first; i < last; ++i) {
            target[i] += weight * grad[i];
        }
    }
}

std::int64_t input_batch(const Array4<const float>& input, std::int64_t n) {
    return input.size[0] == 1 ? 0 : n * input.stride[0];
}

GridSample sample_at(const Array4<const float>& grid, std::int64_t n, std::int64_t y,
                     std::int64_t x, const std::int64_t (&input_size)[4], bool align_corners) {
    const float* at = grid.data + n * grid.stride[0] + y * grid.stride[1] + x * grid.stride[2];
    return sample_grid(at[0], at[grid.stride[3]], input_size, align_corners);
}

void forward_rows(const Array4<const float>& input, const Array4<const float>& grid,
                  const Array4<float>& output, bool align_corners, std::int64_t first,
                  std::int64_t last, Corners* row) {
    const std::int64_t channels = output.size[1], height = output.size[2], width = output.size[3];
    const bool interleaved = input.stride[1] == 1 && output.stride[1] == 1;
    for (std::int64_t line = first; line < last; ++line) {
        const std::int64_t n = line / height, y = line % height;
        const float* source = input.data + input_batch(input, n);
        float* target = output.data + n * output.stride[0] + y * output.stride[2];
        for (std::int64_t x = 0; x < width; ++x) {
            const GridSample at = sample_at(grid, n, y, x, input.size, align_corners);
            row[x] = corners_of(at.x, at.y, input.stride);
            if (interleaved) {
                gather_channels(source, row[x], target + x * output.stride[3], channels);
            }
        }
        for (std::int64_t c = 0; !interleaved && c < channels; ++c) {
            gather_row(source + c * input.stride[1], row, target + c * output.stride[1],
                       output.stride[3], width);
        }
    }
}

// Gradient with respect to grid positions: independent for each pixel.
void backward_grid_rows(const Array4<const float>& grad, const Array4<const float>& input,
                        const Array4<const float>& grid, const Array4<float>& grad_grid,
                        bool align_corners, std::int64_t first, std::int64_t last) {
    const std::int64_t channels = grad.size[1], height = grad.size[2], width = grad.size[3];
    for (std::int64_t line = first; line < last; ++line) {
        const std::int64_t n = line / height, y = line % height;
        const float* source = input.data + input_batch(input, n);
        for (std::int64_t x = 0; x < width; ++x) {
            const GridSample at = sample_at(grid, n, y, x, input.size, align_corners);
            const Corners corners = corners_of(at.x, at.y, input.stride);
            const float* from = grad.data + n * grad.stride[0] + y * grad.stride[2] + x * grad.stride[3];
            float along_x = 0.0f, along_y = 0.0f;
            for (std::int64_t c = 0; c < channels; ++c) {
                const float* plane = source + c * input.stride[1];
                const float a = plane[corners.offset[0]], b = plane[corners.offset[1]];
                const float d = plane[corners.offset[2]], e = plane[corners.offset[3]];
                const float g = from[c * grad.stride[1]];
                along_x += g * ((1.0f - at.y.share) * (b - a) + at.y.share * (e - d));
                along_y += g * ((1.0f - at.x.share) * (d - a) + at.x.share * (e - b));
            }
            float* to = grad_grid.data + n * grad_grid.stride[0] + y * grad_grid.stride[1] +
                        x * grad_grid.stride[2];
            to[0] += along_x * at.x.slope;
            to[grad_grid.stride[3]] += along_y * at.y.slope;
        }
    }
}

// Gradient with respect to the input, of the channels [first, last): every thread owns whole
// channels, so that sums have the same order whatever the number of threads.
void backward_input_channels(const Array4<const float>& grad, const Array4<const float>& input,
                             const Array4<const float>& grid, const Array4<float>& grad_input,
                             bool align_corners, std::int64_t first, std::int64_t last) {
    const std::int64_t batch = grad.size[0], height = grad.size[2], width = grad.size[3];
    const bool interleaved = grad_input.stride[1] == 1 && grad.stride[1] == 1;
    for (std::int64_t n = 0; n < batch; ++n) {
        float* target = grad_input.data + (input.size[0] == 1 ? 0 : n * grad_input.stride[0]);
        for (std::int64_t y = 0; y < height; ++y) {
            for (std::int64_t x = 0; x < width; ++x) {
                const GridSample at = sample_at(grid, n, y, x, input.size, align_corners);
                const Corners corners = corners_of(at.x, at.y, grad_input.stride);
                const float* from =
                    grad.data + n * grad.stride[0] + y * grad.stride[2] + x * grad.stride[3];
                if (interleaved) {
                    scatter_channels(from, corners, target, first, last);
                    continue;
                }
                for (std::int64_t c = first; c < last; ++c) {
                    float* plane = target + c * grad_input.stride[1];
                    const float g = from[c * grad.stride[1]];
                    for (int corner = 0; corner < 4; ++corner) {
                        plane[corners.offset[corner]] += corners.weight[corner] * g;
                    }
                }
            }
        }
    }
}

}  // namespace

Status warp_forward(const Array4<const float>& input, const Array4<const float>& grid,
                    const Array4<float>& output, const WarpOptions& options) {
    if (output.data == nullptr || options.threads < 1 ||
        !warp_shapes_fit(input, grid, output.size)) {
        return Status::bad_argument;
    }
    const std::int64_t lines = output.size[0] * output.size[2];
    const std::int64_t width = output.size[3];
    const std::int64_t line_work = std::max<std::int64_t>(1, width * output.size[1]);
    try {
        // A row for each possible thread, allocated here: nothing may throw inside a thread.
        std::vector<Corners> rows(static_cast<std::size_t>(width * options.threads));
        parallel_for(lines, options.threads, kLeastWork / line_work + 1,
                     [&](std::int64_t part, std::int64_t first, std::int64_t last) {
                         forward_rows(input, grid, output, options.align_corners, first, last,
                                      rows.data() + part * width);
                     });
    } catch (const std::bad_alloc&) {
        return Status::out_of_memory;
    }
    return Status::ok;
}

Status warp_backward(const Array4<const float>& grad_output, const Array4<const float>& input,
                     const Array4<const float>& grid, const Array4<float>& grad_input,
                     const Array4<float>& grad_grid, const WarpOptions& options) {
    if (grad_output.data == nullptr || options.threads < 1 ||
        !warp_shapes_fit(input, grid, grad_output.size) ||
        (grad_input.data != nullptr && !same_size(grad_input.size, input.size)) ||
        (grad_grid.data != nullptr && !same_size(grad_grid.size, grid.size))) {
        return Status::bad_argument;
    }
    const std::int64_t lines = grad_output.size[0] * grad_output.size[2];
    const std::int64_t line_work =
        std::max<std::int64_t>(1, grad_output.size[3] * grad_output.size[1]);
    try {
        if (grad_grid.data != nullptr) {
            parallel_for(lines, options.threads, kLeastWork / line_work + 1,
                         [&](std::int64_t, std::int64_t first, std::int64_t last) {
                             backward_grid_rows(grad_output, input, grid, grad_grid,
                                                options.align_corners, first, last);
                         });
        }
        if (grad_input.data != nullptr) {
            const std::int64_t channel_work =
                std::max<std::int64_t>(1, lines * grad_output.size[3]);
            parallel_for(grad_output.size[1], options.threads, kLeastWork / channel_work + 1,
                         [&](std::int64_t, std::int64_t first, std::int64_t last) {
                             backward_input_channels(grad_output, input, grid, grad_input,
                                                     options.align_corners, first, last);
                         });
        }
    } catch (const std::bad_alloc&) {
        return Status::out_of_memory;
    }
    return Status::ok;
}

}  // namespace gvc
