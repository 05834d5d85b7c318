#include "gvc/flow_warp.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

#include "multiversion.h"
#include "parallel.h"
#include "resizing.h"
#include "sampling.h"

namespace gvc {
namespace {

// Least pixels times channels for which starting a thread pays.
constexpr std::int64_t kLeastWork = 1 << 15;

// How many lines of so many pixels times channels pay.
std::int64_t lines_of(std::int64_t line_work) {
    return kLeastWork / std::max<std::int64_t>(1, line_work) + 1;
}

// Channels of a vector loop without a remainder.
constexpr std::int64_t kBlock = 16;

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

// values [width][kChannels] to a line of any layout, through a gate if there is one.
template <std::int64_t kChannels>
void unpack_channels(const float* values, const float* gate, const Line<const float>& inner,
                     std::int64_t width, const Line<float>& output) {
    if (gate == nullptr) {
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

// What warp_by_flow knows before its first line.
struct FlowPlan {
    Resizing flow;
    Resizing gate;
    PackedPictures pictures;  // if they have few channels

    explicit FlowPlan(const FlowWarp& warp)
        : flow(warp.displacement.size[2], warp.displacement.size[3], warp.output.size[2],
               warp.output.size[3]),
          gate(warp.gate.data == nullptr ? 1 : warp.gate.size[2],
               warp.gate.data == nullptr ? 1 : warp.gate.size[3], warp.output.size[2],
               warp.output.size[3]) {
        if (has_few_channels(warp.features)) {
            pictures = PackedPictures(warp.features);
        }
    }

    // Floats that one thread needs: places, gate, packed values, scratch of the gate's resize.
    std::int64_t room() const {
        return placing_room(flow) + (1 + kPacked) * flow.width + 3 * gate.from_width;
    }
};

// Whether the channels of one pixel and those of the next follow each other.
template <typename Element>
bool is_dense(const Line<Element>& line, std::int64_t channels) {
    return line.column == channels && (line.channel == 1 || channels == 1);
}

// One line of the output from a packed picture; `floats` has room for kPacked a pixel.
void read_packed_line(const float* source, std::int64_t row, const Samples& at, const float* gate,
                      const Line<const float>& inner, std::int64_t width, std::int64_t channels,
                      const Line<float>& output, float* floats) {
    const bool dense = is_dense(output, channels);
    if (dense && gate == nullptr) {
        read_packed(source, row, at, width, channels, output.data);
    } else if (dense && channels > 1 && is_dense(inner, channels)) {
        blend_packed(source, row, at, width, channels, inner.data, gate, output.data);
    } else {
        read_packed(source, row, at, width, channels, floats);
        unpack(floats, gate, inner, width, channels, output);
    }
}

// One line of the output: where it reads, then what.
void warp_line(const FlowWarp& warp, const FlowPlan& plan, std::int64_t n, std::int64_t y,
               float* floats, std::int32_t* whole) {
    const std::int64_t channels = warp.output.size[1], height = warp.output.size[2];
    const std::int64_t width = warp.output.size[3];
    const bool gated = warp.gate.data != nullptr;
    float* values = floats + width;
    float* rest = values + kPacked * width;
    const float* gate = nullptr;
    if (gated && plan.gate.same && warp.gate.stride[3] == 1) {
        gate = line_of(warp.gate, n, y).data;
    } else if (gated) {
        resize_line(warp.gate, n, 0, plan.gate, y, rest, floats);
        gate = floats;
    }
    const Line<const float> inner = line_of(warp.inner, n, y);
    const Line<float> output = line_of(warp.output, n, y);
    if (!plan.pictures.values.empty()) {
        const Samples at =
            sample_line(warp.displacement, plan.flow, n, y, plan.pictures, rest, whole);
        read_packed_line(plan.pictures.frame(n), plan.pictures.row(), at, gate, inner, width,
                         channels, output, values);
        return;
    }
    const Places at = place_line(warp.displacement, plan.flow, n, y, height, rest, whole);
    const std::int64_t frame = warp.features.size[0] == 1 ? 0 : n;
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

// Where a pixel is in the picture before any flow, and what its guided flows are relative to.
struct Unmoved {
    float x, y;
    float carried_x, carried_y;
};

// The value where all bits of `mask` are set, zero where none is. By bits: compilers make a loop
// with a vector for each side of a comparison, and short ones of both.
GVC_INLINE float masked(float value, std::int32_t mask) {
    std::int32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits &= mask;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// What the pixel reads under each of its flows, [count][2]; `guided` masks those that are.
GVC_MULTIVERSION void locate_flows(const float* __restrict flows,
                                   const std::int32_t* __restrict guided, Unmoved at,
                                   std::int64_t count, std::int64_t height, std::int64_t width,
                                   std::int32_t* __restrict offset, float* __restrict across,
                                   float* __restrict down) {
    const float half_width = 0.5f * static_cast<float>(width);
    const float half_height = 0.5f * static_cast<float>(height);
    const float right = static_cast<float>(width - 1), bottom = static_cast<float>(height - 1);
    const auto row = static_cast<std::int32_t>((width + 1) * kPacked);
    for (std::int64_t k = 0; k < count; ++k) {
        const float flow_x = flows[2 * k] + masked(at.carried_x, guided[k]);
        const float flow_y = flows[2 * k + 1] + masked(at.carried_y, guided[k]);
        const std::int32_t left = pixel_before(at.x + flow_x * half_width, right, across + k);
        const std::int32_t top = pixel_before(at.y + flow_y * half_height, bottom, down + k);
        offset[k] = top * row + left * static_cast<std::int32_t>(kPacked);
    }
}

// One line of all flows: those of a pixel are side by side.
void warps_line(const FlowWarps& warps, const PackedPictures& pictures, std::int64_t n,
                std::int64_t y, float* floats, std::int32_t* whole) {
    const auto& flows = warps.flows;
    const std::int64_t count = flows.size[1] / 2, width = flows.size[3];
    const std::int64_t channels = warps.picture.size[1];
    // Pixel centres of the flows in those of the picture.
    const float scale_x = static_cast<float>(pictures.width) / static_cast<float>(width);
    const float scale_y = static_cast<float>(pictures.height) / static_cast<float>(flows.size[2]);
    const Samples at{whole, floats, floats + count};
    float* pairs = floats + 2 * count;
    float* values = pairs + 2 * count;
    std::int32_t* guided = whole + count;
    for (std::int64_t k = 0; k < count; ++k) {
        guided[k] = k < warps.guided ? -1 : 0;
    }
    const Line<const float> in = line_of(flows, n, y);
    const Line<const float> carried = line_of(warps.carried, n, y);
    const Line<float> out = line_of(warps.output, n, y);
    for (std::int64_t x = 0; x < width; ++x) {
        const float* from = in.data + x * in.column;
        if (in.channel != 1) {
            copy_line(from, in.channel, 2 * count, pairs);
            from = pairs;
        }
        const float* by = carried.data + x * carried.column;
        const Unmoved unmoved{(static_cast<float>(x) + 0.5f) * scale_x - 0.5f,
                              (static_cast<float>(y) + 0.5f) * scale_y - 0.5f, by[0],
                              by[carried.channel]};
        locate_flows(from, guided, unmoved, count, pictures.height, pictures.width, at.offset,
                     at.across, at.down);
        // A line of flows takes the place of a line of pixels.
        const Line<float> to{out.data + x * out.column, out.channel, channels * out.channel};
        read_packed_line(pictures.frame(n), pictures.row(), at, nullptr, {nullptr, 0, 0}, count,
                         channels, to, values);
    }
}

}  // namespace

Status warp_by_flow(const FlowWarp& warp, int threads) {
    if (threads < 1 || !fits(warp)) {
        return Status::bad_argument;
    }
    try {
        const FlowPlan plan(warp);
        const std::int64_t width = warp.output.size[3];
        for_lines(warp.output.size[0], warp.output.size[2], lines_of(width * warp.output.size[1]),
                  threads, plan.room(), 4 * width,
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
        const PackedPictures pictures(warps.picture);
        const std::int64_t count = warps.flows.size[1] / 2;
        for_lines(warps.flows.size[0], warps.flows.size[2],
                  lines_of(warps.flows.size[3] * warps.output.size[1]), threads,
                  (4 + kPacked) * count, 2 * count,
                  [&](std::int64_t n, std::int64_t y, float* floats, std::int32_t* whole) {
                      warps_line(warps, pictures, n, y, floats, whole);
                  });
    } catch (const std::bad_alloc&) {
        return Status::out_of_memory;
    }
    return Status::ok;
}

}  // namespace gvc
