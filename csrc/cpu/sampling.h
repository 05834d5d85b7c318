// Where the pixels of a warped line read, and reading pictures of few channels there.
#pragma once

#include <cstdint>
#include <vector>

#include "gvc/array.h"
#include "gvc/flow_warp.h"
#include "multiversion.h"
#include "resizing.h"

namespace gvc {

// Along an axis of `last` + 1 pixels, the one before a position, and the share of the next.
GVC_INLINE std::int32_t pixel_before(float position, float last, float* share) {
    // Written so that "not a number" fails both comparisons and becomes 0.
    position = position > 0.0f ? position : 0.0f;
    position = position < last ? position : last;
    const std::int32_t first = static_cast<std::int32_t>(position);
    *share = position - static_cast<float>(first);
    return first;
}

// Where each pixel of a line reads: two columns, two rows, and the shares of the second ones.
struct Places {
    std::int32_t *left, *right, *top, *bottom;
    float *across, *down;
};

// Floats that lines of resizing.width need to be placed, beside four whole numbers a pixel.
inline std::int64_t placing_room(const Resizing& resizing) {
    return 3 * resizing.from_width + 4 * resizing.width;
}

// Where line y of a picture of resizing.width reads, from which the displacements [N, 2, h, w],
// resized, move it. The places lie in `floats` and `whole`.
Places place_line(const Array4<const float>& displacement, const Resizing& resizing,
                  std::int64_t n, std::int64_t y, std::int64_t height, float* floats,
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

// Pictures of few channels are copied to this many, side by side in memory.
constexpr std::int64_t kPacked = kFewChannels;

// Pictures of few channels, [N][H + 1][W + 1][kPacked]. The last row and the last column are there
// twice: whatever is read between four pixels lies in two pairs side by side.
struct PackedPictures {
    std::vector<float> values;
    std::int64_t frames = 0, height = 0, width = 0;

    PackedPictures() = default;

    // May throw std::bad_alloc.
    explicit PackedPictures(const Array4<const float>& pictures);

    std::int64_t row() const { return (width + 1) * kPacked; }

    // A single frame is all of them.
    const float* frame(std::int64_t n) const {
        return values.data() + (frames == 1 ? 0 : n * (height + 1) * row());
    }
};

// What is read from a packed picture: where the first of four pixels is, and the shares of the
// right ones and the lower ones.
struct Samples {
    std::int32_t* offset;
    float *across, *down;
};

// As place_line, for a picture that is packed.
Samples sample_line(const Array4<const float>& displacement, const Resizing& resizing,
                    std::int64_t n, std::int64_t y, const PackedPictures& pictures, float* floats,
                    std::int32_t* whole);

// Samples of one packed picture with these rows, of which `channels` are kept: [count][channels].
void read_packed(const float* source, std::int64_t row, const Samples& at, std::int64_t count,
                 std::int64_t channels, float* values);

// The same mixed with inner [count][channels]: inner + gate·(samples − inner); of two channels at
// least. The values may take the place of `inner`.
void blend_packed(const float* source, std::int64_t row, const Samples& at, std::int64_t count,
                  std::int64_t channels, const float* inner, const float* gate, float* values);

}  // namespace gvc
