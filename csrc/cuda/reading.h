// Values between the pixels of an array, for one place.
#pragma once

#include <cstdint>

#include "gvc/array.h"
#include "gvc/sampling.h"
#include "grid.h"

namespace gvc {

// Where pixel `i` of an axis of `to` pixels lies among `from`, as torch's interpolate has it
// without align_corners.
GVC_DEVICE inline Tap resizing_tap(std::int64_t i, std::int64_t from, std::int64_t to) {
    // In units of 1/(2·to) of a pixel everything is whole, and nothing rounded but the share.
    const std::int64_t ahead = (2 * i + 1) * from - to;
    const auto unit = static_cast<std::uint64_t>(2 * to);
    const std::uint64_t position = ahead > 0 ? static_cast<std::uint64_t>(ahead) : 0;
    const std::uint64_t low = position / unit;
    const auto first = static_cast<std::int64_t>(low);
    return {first, first + 1 < from ? first + 1 : first,
            static_cast<float>(position - low * unit) / static_cast<float>(unit)};
}

// An array resized to height × width bilinearly, at one of its pixels.
struct Resized {
    const Array4<const float>& array;
    bool same;  // nothing to interpolate
    std::int64_t n, y, x;
    Tap down, across;

    GVC_DEVICE Resized(const Array4<const float>& from, const Place& at, std::int64_t height,
                       std::int64_t width)
        : array(from),
          same(from.size[2] == height && from.size[3] == width),
          n(at.n),
          y(at.y),
          x(at.x),
          down(resizing_tap(at.y, from.size[2], height)),
          across(resizing_tap(at.x, from.size[3], width)) {}

    GVC_DEVICE float channel(std::int64_t c) const {
        if (same) {
            return element(array, {n, c, y, x});
        }
        const float rest = 1.0f - down.share;
        const float left = element(array, {n, c, down.low, across.low}) * rest +
                           element(array, {n, c, down.high, across.low}) * down.share;
        const float right = element(array, {n, c, down.low, across.high}) * rest +
                            element(array, {n, c, down.high, across.high}) * down.share;
        return left * (1.0f - across.share) + right * across.share;
    }
};

// Where a flow reads along an axis: `origin` is the pixel that no flow reads.
GVC_DEVICE inline Tap moved_tap(float origin, float flow, std::int64_t size) {
    return tap_at(origin + flow * (0.5f * static_cast<float>(size)), size);
}

// A plane with these strides of rows and columns, between four of its pixels.
GVC_DEVICE inline float read_between(const float* plane, std::int64_t row, std::int64_t column,
                                     const Tap& down, const Tap& across) {
    const float* top = plane + down.low * row;
    const float* bottom = plane + down.high * row;
    const std::int64_t left = across.low * column, right = across.high * column;
    const float above = 1.0f - down.share, before = 1.0f - across.share;
    return (above * before * top[left] + above * across.share * top[right]) +
           (down.share * before * bottom[left] + down.share * across.share * bottom[right]);
}

}  // namespace gvc
