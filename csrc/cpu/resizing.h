// Bilinear resize of planes line by line, as torch's interpolate does it without align_corners.
#pragma once

#include <cstdint>
#include <vector>

#include "gvc/array.h"

namespace gvc {

// For each position along one axis, the two that it is made of and the share of the second.
struct Taps {
    std::vector<std::int32_t> low;
    std::vector<std::int32_t> high;
    std::vector<float> share;

    // May throw std::bad_alloc.
    Taps(std::int64_t from, std::int64_t to);
};

// One plane's sizes to another's.
struct Resizing {
    std::int64_t from_width;
    std::int64_t width;
    bool same;  // nothing to interpolate: lines are copied
    Taps rows;
    Taps columns;

    // May throw std::bad_alloc.
    Resizing(std::int64_t from_height, std::int64_t from_width, std::int64_t height,
             std::int64_t width);
};

// to[i] = one[i]·(1 − share) + other[i]·share, i < count
void mix_lines(const float* one, const float* other, float share, std::int64_t count, float* to);

// Lines of from_count to as many of `count`:
// to[i] = from[low[i]]·(1 − share[i]) + from[high[i]]·share[i], i < count
void widen_lines(const float* from, std::int64_t from_count, const Taps& columns,
                 std::int64_t count, std::int64_t lines, float* to);

// to[i] = from[i·stride], i < count
void copy_line(const float* from, std::int64_t stride, std::int64_t count, float* to);

// Line y of the resized plane array[n, c]; `scratch` has room for 3·from_width.
void resize_line(const Array4<const float>& array, std::int64_t n, std::int64_t c,
                 const Resizing& resizing, std::int64_t y, float* scratch, float* to);

}  // namespace gvc
