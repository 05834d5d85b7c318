#include "sampling.h"

#include <algorithm>
#include <cstring>

namespace gvc {

GVC_MULTIVERSION void locate(const float* __restrict flow, float origin, float step, Axis axis,
                             std::int64_t count, std::int32_t* __restrict low,
                             std::int32_t* __restrict high, float* __restrict share) {
    const std::int32_t size = axis.size, unit = axis.unit;
    const float half = 0.5f * static_cast<float>(size);
    const std::int32_t end = size - 1;
    const float last = static_cast<float>(end);
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(count); ++i) {
        float position = origin + static_cast<float>(i) * step + flow[i] * half;
        // Written so that "not a number" fails both comparisons and becomes 0.
        position = position > 0.0f ? position : 0.0f;
        position = position < last ? position : last;
        const std::int32_t first = static_cast<std::int32_t>(position);
        low[i] = first * unit;
        high[i] = (first < end ? first + 1 : end) * unit;
        share[i] = position - static_cast<float>(first);
    }
}

Places place_line(const Array4<const float>& displacement, const Resizing& resizing,
                  std::int64_t n, std::int64_t y, Axis down, Axis across, float* floats,
                  std::int32_t* whole) {
    const std::int64_t width = resizing.width;
    float* flow_x = floats;
    float* flow_y = flow_x + width;
    float* shares = flow_y + width;
    float* scratch = shares + 2 * width;
    resize_line(displacement, n, 0, resizing, y, scratch, flow_x);
    resize_line(displacement, n, 1, resizing, y, scratch, flow_y);
    const Places at = places_in(whole, shares, width);
    locate(flow_x, 0.0f, 1.0f, across, width, at.left, at.right, at.across);
    locate(flow_y, static_cast<float>(y), 0.0f, down, width, at.top, at.bottom, at.down);
    return at;
}

std::vector<float> packed(const Array4<const float>& picture) {
    const std::int64_t height = picture.size[2], width = picture.size[3];
    const std::int64_t pixels = picture.size[0] * height * width;
    std::vector<float> values(static_cast<std::size_t>(pixels * kPacked));
    for (std::int64_t n = 0; n < picture.size[0]; ++n) {
        for (std::int64_t y = 0; y < height; ++y) {
            float* to = values.data() + (n * height + y) * width * kPacked;
            const float* from = picture.data + n * picture.stride[0] + y * picture.stride[2];
            for (std::int64_t c = 0; c < picture.size[1]; ++c) {
                for (std::int64_t x = 0; x < width; ++x) {
                    to[x * kPacked + c] = from[c * picture.stride[1] + x * picture.stride[3]];
                }
            }
        }
    }
    return values;
}

namespace {

// Samples whose corners are worked out together.
constexpr std::int64_t kTogether = 64;

// Where the four corners of each sample are, and how much each counts.
struct Weighed {
    std::int32_t offset[4][kTogether];
    float weight[4][kTogether];
};

GVC_MULTIVERSION void weigh(const Places& at, std::int64_t first, std::int64_t count,
                            Weighed* weighed) {
    const std::int32_t *left = at.left + first, *right = at.right + first;
    const std::int32_t *top = at.top + first, *bottom = at.bottom + first;
    const float *across = at.across + first, *down = at.down + first;
    auto& offset = weighed->offset;
    auto& weight = weighed->weight;
    GVC_INDEPENDENT
    for (std::int64_t i = 0; i < count; ++i) {
        const float below = down[i], above = 1.0f - below;
        const float after = across[i], before = 1.0f - after;
        offset[0][i] = top[i] + left[i];
        offset[1][i] = top[i] + right[i];
        offset[2][i] = bottom[i] + left[i];
        offset[3][i] = bottom[i] + right[i];
        weight[0][i] = above * before;
        weight[1][i] = above * after;
        weight[2][i] = below * before;
        weight[3][i] = below * after;
    }
}

// Four floats are the vectors of every x86-64 and of NEON; wider ones do not help.
GVC_MULTIVERSION void gather(const float* source, const Weighed& weighed, std::int64_t count,
                             std::int64_t channels, float* values) {
    const auto& offset = weighed.offset;
    const auto& weight = weighed.weight;
    for (std::int64_t x = 0; x < count; ++x) {
        const Corners corners{source + offset[0][x], source + offset[1][x], source + offset[2][x],
                              source + offset[3][x], weight[0][x],          weight[1][x],
                              weight[2][x],          weight[3][x]};
        float pixel[kPacked];
        for (std::int64_t i = 0; i < kPacked; ++i) {
            pixel[i] = read(corners, i);
        }
        // The next pixel overwrites what is too much.
        std::memcpy(values + x * channels, pixel, sizeof pixel);
    }
}

}  // namespace

void read_packed(const float* source, const Places& at, std::int64_t count, std::int64_t channels,
                 float* values) {
    Weighed weighed;
    for (std::int64_t first = 0; first < count; first += kTogether) {
        const std::int64_t part = std::min(kTogether, count - first);
        weigh(at, first, part, &weighed);
        gather(source, weighed, part, channels, values + first * channels);
    }
}

}  // namespace gvc
