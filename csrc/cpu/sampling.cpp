#include "sampling.h"

#include <algorithm>
#include <cstring>

namespace gvc {
namespace {

// Where pixels read along an axis: `origin + i·step` moved by a flow that spans it from -1 to 1.
struct Axis {
    float origin;
    float step;
    std::int64_t size;
};

GVC_MULTIVERSION void locate(const float* __restrict flow, Axis axis, std::int64_t count,
                             std::int32_t* __restrict low, std::int32_t* __restrict high,
                             float* __restrict share) {
    const float half = 0.5f * static_cast<float>(axis.size);
    const std::int32_t end = static_cast<std::int32_t>(axis.size) - 1;
    const float last = static_cast<float>(end);
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(count); ++i) {
        const float position = axis.origin + static_cast<float>(i) * axis.step + flow[i] * half;
        const std::int32_t first = pixel_before(position, last, share + i);
        low[i] = first;
        high[i] = first < end ? first + 1 : end;
    }
}

GVC_MULTIVERSION void locate_packed(const float* __restrict flow_x, const float* __restrict flow_y,
                                    float y, std::int64_t height, std::int64_t width,
                                    std::int64_t count, std::int32_t* __restrict offset,
                                    float* __restrict across, float* __restrict down) {
    const float half_width = 0.5f * static_cast<float>(width);
    const float half_height = 0.5f * static_cast<float>(height);
    const float right = static_cast<float>(width - 1), bottom = static_cast<float>(height - 1);
    const auto row = static_cast<std::int32_t>((width + 1) * kPacked);
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(count); ++i) {
        const float at_x = static_cast<float>(i) + flow_x[i] * half_width;
        const float at_y = y + flow_y[i] * half_height;
        const std::int32_t left = pixel_before(at_x, right, across + i);
        const std::int32_t top = pixel_before(at_y, bottom, down + i);
        offset[i] = top * row + left * static_cast<std::int32_t>(kPacked);
    }
}

// A displacement's line at the width of the picture.
struct FlowLine {
    const float *x, *y;
};

FlowLine resize_flow(const Array4<const float>& displacement, const Resizing& resizing,
                     std::int64_t n, std::int64_t y, float* floats, float* scratch) {
    float* flow_y = floats + resizing.width;
    resize_line(displacement, n, 0, resizing, y, scratch, floats);
    resize_line(displacement, n, 1, resizing, y, scratch, flow_y);
    return {floats, flow_y};
}

#if defined(__GNUC__)
// Compilers do not find out by themselves that two pixels side by side fit one vector.
using Pixel = float __attribute__((vector_size(kPacked * sizeof(float))));
using Pair = float __attribute__((vector_size(2 * kPacked * sizeof(float))));
#else
template <std::int64_t kCount>
struct Lanes {
    float at[kCount];

    friend Lanes operator+(Lanes one, const Lanes& other) {
        for (std::int64_t i = 0; i < kCount; ++i) {
            one.at[i] += other.at[i];
        }
        return one;
    }
    friend Lanes operator-(Lanes one, const Lanes& other) {
        for (std::int64_t i = 0; i < kCount; ++i) {
            one.at[i] -= other.at[i];
        }
        return one;
    }
    friend Lanes operator*(float factor, Lanes one) {
        for (std::int64_t i = 0; i < kCount; ++i) {
            one.at[i] *= factor;
        }
        return one;
    }
};
using Pixel = Lanes<kPacked>;
using Pair = Lanes<2 * kPacked>;
#endif

template <typename Vector>
GVC_INLINE void load(const float* from, Vector* vector) {
    std::memcpy(vector, from, sizeof *vector);
}

GVC_INLINE void store(const Pixel& pixel, float* to) { std::memcpy(to, &pixel, sizeof pixel); }

// One sample, from the first of its two upper and of its two lower pixels on.
GVC_INLINE void sample(const float* top, const float* bottom, float across, float down,
                       Pixel* pixel) {
    Pair above, below;
    load(top, &above);
    load(bottom, &below);
    const union {
        Pair pair;
        Pixel half[2];
    } mixed{above + down * (below - above)};
    *pixel = mixed.half[0] + across * (mixed.half[1] - mixed.half[0]);
}

void read_pixel(const float* source, std::int64_t row, const Samples& at, std::int64_t x,
                float* values) {
    const float* top = source + at.offset[x];
    Pixel pixel;
    sample(top, top + row, at.across[x], at.down[x], &pixel);
    store(pixel, values);
}

// Pixels are written whole, the next one over what is too much: the last ones are not for these.
GVC_MULTIVERSION void read_pixels(const float* source, std::int64_t row, Samples at,
                                  std::int64_t count, std::int64_t channels, float* values) {
    const float* lower = source + row;
    GVC_UNROLL
    for (std::int64_t x = 0; x < count; ++x) {
        Pixel pixel;
        sample(source + at.offset[x], lower + at.offset[x], at.across[x], at.down[x], &pixel);
        store(pixel, values + x * channels);
    }
}

// The pixel after the last of `inner` is read as well.
GVC_MULTIVERSION void blend_pixels(const float* source, std::int64_t row, Samples at,
                                   std::int64_t count, std::int64_t channels, const float* inner,
                                   const float* gate, float* values) {
    if (count == 0) {
        return;
    }
    const float* lower = source + row;
    Pixel own;
    load(inner, &own);
    GVC_UNROLL
    for (std::int64_t x = 0; x < count; ++x) {
        // Before it is written over, if that is where values go.
        Pixel next, pixel;
        load(inner + (x + 1) * channels, &next);
        sample(source + at.offset[x], lower + at.offset[x], at.across[x], at.down[x], &pixel);
        store(own + gate[x] * (pixel - own), values + x * channels);
        own = next;
    }
}

}  // namespace

Places place_line(const Array4<const float>& displacement, const Resizing& resizing,
                  std::int64_t n, std::int64_t y, std::int64_t height, float* floats,
                  std::int32_t* whole) {
    const std::int64_t width = resizing.width;
    float* shares = floats + 2 * width;
    const FlowLine flow = resize_flow(displacement, resizing, n, y, floats, shares + 2 * width);
    const Places at{whole,  whole + width,  whole + 2 * width, whole + 3 * width,
                    shares, shares + width};
    locate(flow.x, {0.0f, 1.0f, width}, width, at.left, at.right, at.across);
    locate(flow.y, {static_cast<float>(y), 0.0f, height}, width, at.top, at.bottom, at.down);
    return at;
}

Samples sample_line(const Array4<const float>& displacement, const Resizing& resizing,
                    std::int64_t n, std::int64_t y, const PackedPictures& pictures, float* floats,
                    std::int32_t* whole) {
    const std::int64_t width = resizing.width;
    float* shares = floats + 2 * width;
    const FlowLine flow = resize_flow(displacement, resizing, n, y, floats, shares + 2 * width);
    const Samples at{whole, shares, shares + width};
    locate_packed(flow.x, flow.y, static_cast<float>(y), pictures.height, pictures.width, width,
                  at.offset, at.across, at.down);
    return at;
}

namespace {

// A line of a picture, channels side by side, to kPacked of them a pixel.
template <std::int64_t kChannels>
void pack_line(const float* from, std::int64_t column, std::int64_t count, float* to) {
    for (std::int64_t x = 0; x < count; ++x) {
        std::memcpy(to + x * kPacked, from + x * column, kChannels * sizeof(float));
    }
}

}  // namespace

PackedPictures::PackedPictures(const Array4<const float>& pictures)
    : values(static_cast<std::size_t>(pictures.size[0] * (pictures.size[2] + 1) *
                                      (pictures.size[3] + 1) * kPacked)),
      frames(pictures.size[0]),
      height(pictures.size[2]),
      width(pictures.size[3]) {
    const std::int64_t channels = pictures.size[1];
    const std::int64_t* stride = pictures.stride;
    float* to = values.data();
    for (std::int64_t n = 0; n < frames; ++n) {
        for (std::int64_t y = 0; y <= height; ++y, to += row()) {
            const float* from =
                pictures.data + n * stride[0] + std::min(y, height - 1) * stride[2];
            if (stride[1] == 1 && channels == 3) {
                pack_line<3>(from, stride[3], width, to);
            } else if (stride[1] == 1 && channels == kPacked) {
                pack_line<kPacked>(from, stride[3], width, to);
            } else {
                for (std::int64_t c = 0; c < channels; ++c) {
                    for (std::int64_t x = 0; x < width; ++x) {
                        to[x * kPacked + c] = from[c * stride[1] + x * stride[3]];
                    }
                }
            }
            std::copy_n(to + (width - 1) * kPacked, kPacked, to + width * kPacked);
        }
    }
}

void read_packed(const float* source, std::int64_t row, const Samples& at, std::int64_t count,
                 std::int64_t channels, float* values) {
    if (channels == 0) {
        return;
    }
    // Those that are written whole do not pass the end of the last one.
    const std::int64_t whole = std::max<std::int64_t>(0, count - (kPacked - 1) / channels);
    read_pixels(source, row, at, whole, channels, values);
    for (std::int64_t x = whole; x < count; ++x) {
        float pixel[kPacked];
        read_pixel(source, row, at, x, pixel);
        std::copy_n(pixel, channels, values + x * channels);
    }
}

void blend_packed(const float* source, std::int64_t row, const Samples& at, std::int64_t count,
                  std::int64_t channels, const float* inner, const float* gate, float* values) {
    // Those after which as much as a whole pixel of `inner` is left.
    const std::int64_t whole =
        std::max<std::int64_t>(0, count - (kPacked + channels - 1) / channels);
    float kept[2 * kPacked];  // whole pixels are written over what comes after them
    std::copy_n(inner + whole * channels, (count - whole) * channels, kept);
    blend_pixels(source, row, at, whole, channels, inner, gate, values);
    const float* own = kept;
    for (std::int64_t x = whole; x < count; ++x) {
        float pixel[kPacked];
        read_pixel(source, row, at, x, pixel);
        for (std::int64_t i = 0; i < channels; ++i, ++own) {
            values[x * channels + i] = *own + gate[x] * (pixel[i] - *own);
        }
    }
}

}  // namespace gvc
