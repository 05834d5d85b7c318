// Where a grid position reads, for CPU and CUDA alike.
#pragma once

#include <cstdint>

#include "gvc/attributes.h"

namespace gvc {

// The two neighbours of a position along an axis, and the share of the second.
struct Tap {
    std::int64_t low;
    std::int64_t high;
    float share;
};

// A position in pixels, moved to the border if it lies outside; one that is not a number is 0.
GVC_DEVICE inline Tap tap_at(float position, std::int64_t size) {
    const float last = static_cast<float>(size - 1);
    // Written so that "not a number" fails both comparisons and becomes 0.
    position = position > 0.0f ? position : 0.0f;
    position = position < last ? position : last;
    const std::int64_t low = static_cast<std::int64_t>(position);
    const std::int64_t high = low + 1 < size ? low + 1 : low;
    return {low, high, position - static_cast<float>(low)};
}

// One axis, and the derivative of the position in pixels with respect to the grid value.
struct AxisSample : Tap {
    float slope;
};

GVC_DEVICE inline AxisSample sample_axis(float value, std::int64_t size, bool align_corners) {
    const float last = static_cast<float>(size - 1);
    const float slope =
        align_corners ? 0.5f * last : 0.5f * static_cast<float>(size);
    const float position = align_corners
                               ? (value + 1.0f) * slope
                               : ((value + 1.0f) * static_cast<float>(size) - 1.0f) * 0.5f;
    const bool inside = position > 0.0f && position < last;
    return {tap_at(position, size), inside ? slope : 0.0f};
}

// Where a position of a grid reads.
struct GridSample {
    AxisSample x, y;
};

// `size` is that of the input, [N, C, H, W].
GVC_DEVICE inline GridSample sample_grid(float x, float y, const std::int64_t (&size)[4],
                                         bool align_corners) {
    return {sample_axis(x, size[3], align_corners), sample_axis(y, size[2], align_corners)};
}

}  // namespace gvc
