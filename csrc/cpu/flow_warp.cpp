#include "gvc/flow_warp.h"

#include <algorithm>
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
        if (has_few_channels(warp.features)) {
            picture = packed(warp.features);
        }
    }

    // Floats that one thread needs: places, gate, packed values, scratch of the gate's resize.
    std::int64_t room() const {
        return placing_room(flow) + (1 + kPacked) * flow.width + 3 * gate.from_width;
    }
};

// One line of the output: where it reads, then what.
void warp_line(const FlowWarp& warp, const FlowPlan& plan, std::int64_t n, std::int64_t y,
               float* floats, std::int32_t* whole) {
    const std::int64_t channels = warp.output.size[1], width = warp.output.size[3];
    const std::int64_t height = warp.output.size[2];
    float* values = floats + placing_room(plan.flow);
    float* scratch = values + kPacked * width;
    float* gate = warp.gate.data == nullptr ? nullptr : scratch + 3 * plan.gate.from_width;
    if (gate != nullptr) {
        resize_line(warp.gate, n, 0, plan.gate, y, scratch, gate);
    }
    const bool is_packed = !plan.picture.empty();
    const Axis down = is_packed ? packed_down(height, width)
                                : Axis{static_cast<std::int32_t>(height), 1};
    const Axis across = is_packed ? packed_across(width)
                                  : Axis{static_cast<std::int32_t>(width), 1};
    const Places at =
        place_line(warp.displacement, plan.flow, n, y, down, across, floats, whole);
    const Line<const float> inner = line_of(warp.inner, n, y);
    const Line<float> output = line_of(warp.output, n, y);
    const std::int64_t frame = warp.features.size[0] == 1 ? 0 : n;
    if (is_packed) {
        read_packed(plan.picture.data() + frame * height * width * kPacked, at, width, channels,
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

// One line of all flows: the places of a pixel's flows are side by side.
void warps_line(const FlowWarps& warps, const float* picture, std::int64_t n, std::int64_t y,
                float* floats, std::int32_t* whole) {
    const auto& flows = warps.flows;
    const std::int64_t count = flows.size[1] / 2, width = flows.size[3];
    const std::int64_t channels = warps.picture.size[1];
    const Axis across = packed_across(warps.picture.size[3]);
    const Axis down = packed_down(warps.picture.size[2], warps.picture.size[3]);
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
        const float carried_x = carried.data[x * carried.column];
        const float carried_y = carried.data[x * carried.column + carried.channel];
        for (std::int64_t k = 0; k < warps.guided; ++k) {
            flow_x[k] += carried_x;
            flow_y[k] += carried_y;
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
        const std::vector<float> pictures = packed(warps.picture);
        const std::int64_t one = warps.picture.size[2] * warps.picture.size[3] * kPacked;
        const std::int64_t step = warps.picture.size[0] == 1 ? 0 : one;
        const std::int64_t count = warps.flows.size[1] / 2;
        for_lines(warps.flows.size[0], warps.flows.size[2],
                  lines_of(warps.flows.size[3] * warps.output.size[1]), threads,
                  (4 + kPacked) * count, 4 * count,
                  [&](std::int64_t n, std::int64_t y, float* floats, std::int32_t* whole) {
                      warps_line(warps, pictures.data() + n * step, n, y, floats, whole);
                  });
    } catch (const std::bad_alloc&) {
        return Status::out_of_memory;
    }
    return Status::ok;
}

}  // namespace gvc
