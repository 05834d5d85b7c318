// Where the pixels of a warped line read, and reading pictures of few channels there.
#pragma once

#include <cstdint>
#include <vector>

#include "gvc/array.h"
#include "gvc/flow_warp.h"
#include "multiversion.h"
#include "resizing.h"

namespace gvc {

// Pictures of few channels are copied to this many, side by side in memory.
constexpr std::int64_t kPacked = kFewChannels;

// Where each pixel of a line reads: two columns, two rows, and the shares of the second ones.
struct Places {
    std::int32_t *left, *right, *top, *bottom;
    float *across, *down;
};

inline Places places_in(std::int32_t* whole, float* shares, std::int64_t count) {
    return {whole, whole + count, whole + 2 * count, whole + 3 * count, shares, shares + count};
}

// One axis of a picture: its pixels, and by how much each of them counts in Places.
struct Axis {
    std::int32_t size;
    std::int32_t unit;
};

// Along an axis, `origin + i·step` moved by `flow[i]`, which spans the axis from -1 to 1.
void locate(const float* flow, float origin, float step, Axis axis, std::int64_t count,
            std::int32_t* low, std::int32_t* high, float* share);

// Floats that place_line needs for lines of resizing.width, beside four whole numbers a pixel.
inline std::int64_t placing_room(const Resizing& resizing) {
    return 3 * resizing.from_width + 4 * resizing.width;
}

// Where line y reads in a picture of down.size × across.size, from which the displacements
// [N, 2, h, w], resized, move it. The places lie in `floats` and `whole`.
Places place_line(const Array4<const float>& displacement, const Resizing& resizing,
                  std::int64_t n, std::int64_t y, Axis down, Axis across, float* floats,
                  std::int32_t* whole);

struct Corners {
    const float *a, *b, *c, *d;
    float wa, wb, wc, wd;
};

GVC_INLINE Corners corners_at(const float* source, std::int64_t row, std::int64_t column,
                              const Places& at, std::int64_t x) {
    const float* top = source + at.top[x] * row;
    const float* bottom = source + at.bottom[x] * row;
    const std::int64_t left = at.left[x] * column, right = at.right[x] * column;
    const float below = at.down[x], above = 1.0f - below;
    const float after = at.across[x], before = 1.0f - after;
    return {top + left,     top + right,   bottom + left,  bottom + right,
            above * before, above * after, below * before, below * after};
}

GVC_INLINE float read(const Corners& at, std::int64_t i) {
    return (at.wa * at.a[i] + at.wb * at.b[i]) + (at.wc * at.c[i] + at.wd * at.d[i]);
}

// Pictures [N, C ≤ kPacked, H, W] with their channels side by side: [N][H][W][kPacked]. May throw
// std::bad_alloc.
std::vector<float> packed(const Array4<const float>& picture);

// The axes of a packed picture.
inline Axis packed_down(std::int64_t height, std::int64_t width) {
    return {static_cast<std::int32_t>(height), static_cast<std::int32_t>(width * kPacked)};
}

inline Axis packed_across(std::int64_t width) {
    return {static_cast<std::int32_t>(width), static_cast<std::int32_t>(kPacked)};
}

// All four channels of a packed picture at once, of which `channels` are kept: values is
// [count][channels], and has room for [count][kPacked].
void read_packed(const float* source, const Places& at, std::int64_t count, std::int64_t channels,
                 float* values);

}  // namespace gvc
