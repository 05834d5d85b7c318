#include "gvc/flow_warp.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

#include "multiversion.h"
#include "parallel.h"
#include "resizing.h"

namespace gvc {
namespace {

// Least pixels times channels for which starting a thread pays.
constexpr std::int64_t kLeastWork = 1 << 15;

// Channels of a vector loop without a remainder.
constexpr std::int64_t kBlock = 16;

// Pictures of at most so many channels are copied to this many, side by side in memory.
constexpr std::int64_t kPacked = 4;

// Where each pixel of a line reads: two columns, two rows, and the shares of the second ones.
struct Places {
    std::int32_t *left, *right, *top, *bottom;
    float *across, *down;
};

Places places_in(std::int32_t* whole, float* shares, std::int64_t count) {
    return {whole, whole + count, whole + 2 * count, whole + 3 * count, shares, shares + count};
}

// One axis of a picture: its pixels, and by how much each of them counts in Places.
struct Axis {
    std::int32_t size;
    std::int32_t unit;
};

// Along an axis, `origin + i·step` moved by `flow[i]`.
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

// One line of an array, from a given pixel and channel on.
template <typename Element>
struct Line {
    Element* data;
    std::int64_t channel;  // stride
    std::int64_t column;   // stride
};

template <typename Element>
Line<Element> line_of(const Array4<Element>& array, std::int64_t n, std::int64_t y) {
    if (array.data == nullptr) {
        return {nullptr, 0, 0};
    }
    return {array.data + n * array.stride[0] + y * array.stride[2], array.stride[1],
            array.stride[3]};
}

// Channels side by side in memory: vector loops over them for each pixel.
GVC_MULTIVERSION void read_channels(const float* source, std::int64_t row, std::int64_t column,
                                    Places at, std::int64_t width, std::int64_t channels,
                                    Line<float> output) {
    for (std::int64_t x = 0; x < width; ++x) {
        const Corners corners = corners_at(source, row, column, at, x);
        float* to = output.data + x * output.column;
        std::int64_t first = 0;
        for (; first + kBlock <= channels; first += kBlock) {
            GVC_INDEPENDENT
            for (std::int64_t i = 0; i < kBlock; ++i) {
                to[first + i] = read(corners, first + i);
            }
        }
        for (; first < channels; ++first) {
            to[first] = read(corners, first);
        }
    }
}

GVC_MULTIVERSION void blend_channels(const float* source, std::int64_t row, std::int64_t column,
                                     Places at, const float* gate, Line<const float> inner,
                                     std::int64_t width, std::int64_t channels,
                                     Line<float> output) {
    for (std::int64_t x = 0; x < width; ++x) {
        const Corners corners = corners_at(source, row, column, at, x);
        const float* from = inner.data + x * inner.column;
        float* to = output.data + x * output.column;
        const float open = gate[x];
        std::int64_t first = 0;
        for (; first + kBlock <= channels; first += kBlock) {
            GVC_INDEPENDENT
            for (std::int64_t i = 0; i < kBlock; ++i) {
                const float own = from[first + i];
                to[first + i] = own + open * (read(corners, first + i) - own);
            }
        }
        for (; first < channels; ++first) {
            const float own = from[first];
            to[first] = own + open * (read(corners, first) - own);
        }
    }
}

// Any other layout: one loop over the line for each channel.
void read_planes(const float* source, const std::int64_t* stride, const Places& at,
                 const float* gate, const Line<const float>& inner, std::int64_t width,
                 std::int64_t channels, const Line<float>& output) {
    for (std::int64_t c = 0; c < channels; ++c) {
        const float* plane = source + c * stride[1];
        for (std::int64_t x = 0; x < width; ++x) {
            float value = read(corners_at(plane, stride[2], stride[3], at, x), 0);
            if (gate != nullptr) {
                const float own = inner.data[c * inner.channel + x * inner.column];
                value = own + gate[x] * (value - own);
            }
            output.data[c * output.channel + x * output.column] = value;
        }
    }
}

// All four channels of a packed picture at once, of which `channels` are kept: values is
// [width][channels], and has room for [width][kPacked]. Four floats are the vectors of every
// x86-64 and of NEON; wider ones do not help.
void read_packed(const float* source, const Places& at, std::int64_t width, std::int64_t channels,
                 float* values) {
    for (std::int64_t x = 0; x < width; ++x) {
        const Corners corners = corners_at(source, 1, 1, at, x);
        float pixel[kPacked];
        for (std::int64_t i = 0; i < kPacked; ++i) {
            pixel[i] = read(corners, i);
        }
        // The next pixel overwrites what is too much.
        std::memcpy(values + x * channels, pixel, sizeof pixel);
    }
}

// values [width][kChannels] to a line of any layout, through a gate if there is one.
template <std::int64_t kChannels>
void unpack_channels(const float* values, const float* gate, const Line<const float>& inner,
                     std::int64_t width, const Line<float>& output) {
    if (gate == nullptr && output.channel == 1 && output.column == kChannels) {
        std::copy_n(values, width * kChannels, output.data);
    } else if (gate == nullptr) {
        for (std::int64_t x = 0; x < width; ++x) {
            for (std::int64_t c = 0; c < kChannels; ++c) {
                output.data[x * output.column + c * output.channel] = values[x * kChannels + c];
            }
        }
    } else {
        const Line<const float> from = inner;
        const Line<float> to = output;
        GVC_INDEPENDENT
        for (std::int64_t x = 0; x < width; ++x) {
            const float open = gate[x];
            for (std::int64_t c = 0; c < kChannels; ++c) {
                const float own = from.data[x * from.column + c * from.channel];
                to.data[x * to.column + c * to.channel] =
                    own + open * (values[x * kChannels + c] - own);
            }
        }
    }
}

void unpack(const float* values, const float* gate, const Line<const float>& inner,
            std::int64_t width, std::int64_t channels, const Line<float>& output) {
    switch (channels) {
        case 1:
            return unpack_channels<1>(values, gate, inner, width, output);
        case 2:
            return unpack_channels<2>(values, gate, inner, width, output);
        case 3:
            return unpack_channels<3>(values, gate, inner, width, output);
        case kPacked:
            return unpack_channels<kPacked>(values, gate, inner, width, output);
        default:
            return;
    }
}

// Whether a picture is to be packed: it has few channels, and offsets into it are small enough.
bool packable(const Array4<const float>& picture) {
    return picture.size[1] <= kPacked &&
           picture.size[2] * picture.size[3] < (std::int64_t{1} << 31) / kPacked;
}

// Pictures [N, C ≤ kPacked, H, W] with their channels side by side: [N][H][W][kPacked].
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

// What warp_by_flow knows before its first line.
struct FlowPlan {
    Resizing flow;
    Resizing gate;
    std::vector<float> picture;  // packed, or empty

    explicit FlowPlan(const FlowWarp& warp)
        : flow(warp.displacement.size[2], warp.displacement.size[3], warp.output.size[2],
               warp.output.size[3]),
          gate(warp.gate.data == nullptr ? 1 : warp.gate.size[2],
               warp.gate.data == nullptr ? 1 : warp.gate.size[3], warp.output.size[2],
               warp.output.size[3]) {
        if (packable(warp.features)) {
            picture = packed(warp.features);
        }
    }

    // Floats that one thread needs: scratch of the resize, flows, gate, shares, packed values.
    std::int64_t room() const {
        return 3 * std::max(flow.from_width, gate.from_width) + (5 + kPacked) * flow.width;
    }
};

// One line of the output: where it reads, then what.
void warp_line(const FlowWarp& warp, const FlowPlan& plan, std::int64_t n, std::int64_t y,
               float* floats, std::int32_t* whole) {
    const std::int64_t channels = warp.output.size[1], width = warp.output.size[3];
    float* flow_x = floats;
    float* flow_y = flow_x + width;
    float* gate = warp.gate.data == nullptr ? nullptr : flow_y + width;
    float* shares = flow_y + 2 * width;
    float* values = shares + 2 * width;
    float* scratch = values + kPacked * width;
    resize_line(warp.displacement, n, 0, plan.flow, y, scratch, flow_x);
    resize_line(warp.displacement, n, 1, plan.flow, y, scratch, flow_y);
    if (gate != nullptr) {
        resize_line(warp.gate, n, 0, plan.gate, y, scratch, gate);
    }
    const Places at = places_in(whole, shares, width);
    const auto rows = static_cast<std::int32_t>(warp.features.size[2]);
    const auto columns = static_cast<std::int32_t>(width);
    const bool is_packed = !plan.picture.empty();
    const Axis down{rows, is_packed ? columns * static_cast<std::int32_t>(kPacked) : 1};
    const Axis across{columns, is_packed ? static_cast<std::int32_t>(kPacked) : 1};
    locate(flow_x, 0.0f, 1.0f, across, width, at.left, at.right, at.across);
    locate(flow_y, static_cast<float>(y), 0.0f, down, width, at.top, at.bottom, at.down);
    const Line<const float> inner = line_of(warp.inner, n, y);
    const Line<float> output = line_of(warp.output, n, y);
    const std::int64_t frame = warp.features.size[0] == 1 ? 0 : n;
    if (is_packed) {
        read_packed(plan.picture.data() + frame * rows * width * kPacked, at, width, channels,
                    values);
        unpack(values, gate, inner, width, channels, output);
        return;
    }
    const std::int64_t* stride = warp.features.stride;
    const float* source = warp.features.data + frame * stride[0];
    const bool interleaved =
        stride[1] == 1 && output.channel == 1 && (gate == nullptr || inner.channel == 1);
    if (!interleaved) {
        read_planes(source, stride, at, gate, inner, width, channels, output);
    } else if (gate == nullptr) {
        read_channels(source, stride[2], stride[3], at, width, channels, output);
    } else {
        blend_channels(source, stride[2], stride[3], at, gate, inner, width, channels, output);
    }
}

bool fits(const FlowWarp& warp) {
    const auto& size = warp.output.size;
    const bool gated = warp.gate.data != nullptr;
    return is_picture(warp.output) && is_picture(warp.features) && is_picture(warp.displacement) &&
           (warp.features.size[0] == 1 || warp.features.size[0] == size[0]) &&
           has_size(warp.features, warp.features.size[0], size[1], size[2], size[3]) &&
           warp.displacement.size[0] == size[0] && warp.displacement.size[1] == 2 &&
           (!gated || (is_picture(warp.gate) && warp.gate.size[0] == size[0] &&
                       warp.gate.size[1] == 1 &&
                       has_size(warp.inner, size[0], size[1], size[2], size[3])));
}

// One line of all flows: the places of a pixel's flows are side by side.
void warps_line(const FlowWarps& warps, const float* picture, std::int64_t n, std::int64_t y,
                float* floats, std::int32_t* whole) {
    const auto& flows = warps.flows;
    const std::int64_t count = flows.size[1] / 2, width = flows.size[3];
    const std::int64_t channels = warps.picture.size[1];
    constexpr auto kUnit = static_cast<std::int32_t>(kPacked);
    const Axis across{static_cast<std::int32_t>(warps.picture.size[3]), kUnit};
    const Axis down{static_cast<std::int32_t>(warps.picture.size[2]), kUnit * across.size};
    // Pixel centres of the flows in those of the picture.
    const float scale_x = static_cast<float>(across.size) / static_cast<float>(width);
    const float scale_y = static_cast<float>(down.size) / static_cast<float>(flows.size[2]);
    const float origin_y = (static_cast<float>(y) + 0.5f) * scale_y - 0.5f;
    float* flow_x = floats;
    float* flow_y = flow_x + count;
    const Places at = places_in(whole, flow_y + count, count);
    float* values = flow_y + 3 * count;
    const Line<const float> in = line_of(flows, n, y);
    const Line<const float> carried = line_of(warps.carried, n, y);
    const Line<float> out = line_of(warps.output, n, y);
    for (std::int64_t x = 0; x < width; ++x) {
        const float* from = in.data + x * in.column;
        copy_line(from, 2 * in.channel, count, flow_x);
        copy_line(from + in.channel, 2 * in.channel, count, flow_y);
        for (std::int64_t k = 0; k < warps.guided; ++k) {
            flow_x[k] += carried.data[x * carried.column];
            flow_y[k] += carried.data[x * carried.column + carried.channel];
        }
        const float origin_x = (static_cast<float>(x) + 0.5f) * scale_x - 0.5f;
        locate(flow_x, origin_x, 0.0f, across, count, at.left, at.right, at.across);
        locate(flow_y, origin_y, 0.0f, down, count, at.top, at.bottom, at.down);
        read_packed(picture, at, count, channels, values);
        // A line of flows takes the place of a line of pixels.
        const Line<float> to{out.data + x * out.column, out.channel, channels * out.channel};
        unpack(values, nullptr, {nullptr, 0, 0}, count, channels, to);
    }
}

bool fits(const FlowWarps& warps) {
    const auto& size = warps.flows.size;
    return is_picture(warps.flows) && is_picture(warps.picture) && is_picture(warps.output) &&
           size[1] > 0 && size[1] % 2 == 0 && packable(warps.picture) &&
           (warps.picture.size[0] == 1 || warps.picture.size[0] == size[0]) &&
           warps.guided >= 0 && warps.guided <= size[1] / 2 &&
           has_size(warps.carried, size[0], 2, size[2], size[3]) &&
           has_size(warps.output, size[0], size[1] / 2 * warps.picture.size[1], size[2], size[3]);
}

// Calls line(n, y, floats, whole numbers) for all lines, with `floats` and `whole` of scratch.
template <typename Work>
void for_lines(std::int64_t batch, std::int64_t height, std::int64_t line_work, int threads,
               std::int64_t floats, std::int64_t whole, const Work& line) {
    // Everything that threads need is allocated here: nothing may throw inside one.
    std::vector<float> reals(static_cast<std::size_t>(floats * threads));
    std::vector<std::int32_t> integers(static_cast<std::size_t>(whole * threads));
    const std::int64_t least = kLeastWork / std::max<std::int64_t>(1, line_work) + 1;
    parallel_for(batch * height, threads, least,
                 [&](std::int64_t part, std::int64_t first, std::int64_t last) {
                     for (std::int64_t i = first; i < last; ++i) {
                         line(i / height, i % height, reals.data() + part * floats,
                              integers.data() + part * whole);
                     }
                 });
}

}  // namespace

Status warp_by_flow(const FlowWarp& warp, int threads) {
    if (threads < 1 || !fits(warp)) {
        return Status::bad_argument;
    }
    try {
        const FlowPlan plan(warp);
        const std::int64_t width = warp.output.size[3];
        for_lines(warp.output.size[0], warp.output.size[2], width * warp.output.size[1], threads,
                  plan.room(), 4 * width,
                  [&](std::int64_t n, std::int64_t y, float* floats, std::int32_t* whole) {
                      warp_line(warp, plan, n, y, floats, whole);
                  });
    } catch (const std::bad_alloc&) {
        return Status::out_of_memory;
    }
    return Status::ok;
}

Status warp_by_flows(const FlowWarps& warps, int threads) {
    if (threads < 1 || !fits(warps)) {
        return Status::bad_argument;
    }
    try {
        const std::vector<float> pictures = packed(warps.picture);
        const std::int64_t one = warps.picture.size[2] * warps.picture.size[3] * kPacked;
        const std::int64_t step = warps.picture.size[0] == 1 ? 0 : one;
        const std::int64_t count = warps.flows.size[1] / 2;
        for_lines(warps.flows.size[0], warps.flows.size[2],
                  warps.flows.size[3] * warps.output.size[1], threads, (4 + kPacked) * count,
                  4 * count,
                  [&](std::int64_t n, std::int64_t y, float* floats, std::int32_t* whole) {
                      warps_line(warps, pictures.data() + n * step, n, y, floats, whole);
                  });
    } catch (const std::bad_alloc&) {
        return Status::out_of_memory;
    }
    return Status::ok;
}

}  // namespace gvc
