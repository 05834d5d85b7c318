// Warps of pictures and feature maps by coarse flows that are never made into sampling grids.
//
// A displacement (x, y) is in normalised coordinates, in which the picture is 2 wide and 2 high;
// reading is bilinear, with pixel centres (align_corners=False). What would lie outside is read
// from the border; a position that is not a number is read as the first pixel.
#pragma once

#include <cstdint>

#include "gvc/array.h"

namespace gvc {

struct FlowWarp {
    Array4<const float> features;      // [N or 1, C, H, W]; 1: the same for every flow
    Array4<const float> displacement;  // [N, 2, h, w], resized to H×W bilinearly
    Array4<const float> gate;          // [N, 1, h', w'], resized likewise; null data: no gate
    Array4<const float> inner;         // [N, C, H, W]; not looked at without a gate
    Array4<float> output;              // [N, C, H, W]
};

// output = warped features; with a gate, output = inner + gate·(warped features − inner).
//
// The output may be `inner` itself (same address and strides), and must not overlap anything
// otherwise. `threads`: at most so many, at least one; results do not depend on it.
Status warp_by_flow(const FlowWarp& warp, int threads);

struct FlowWarps {
    Array4<const float> picture;  // [N or 1, C ≤ 4, H, W]
    Array4<const float> flows;    // [N, 2·K, h, w]: x and y of each flow in turn
    Array4<const float> carried;  // [N, 2, h, w], added to the first `guided` flows
    std::int64_t guided;
    Array4<float> output;  // [N, C·K, h, w]: the channels under each flow in turn
};

// The picture under each of K flows. `threads` as above; the output must not overlap anything.
Status warp_by_flows(const FlowWarps& warps, int threads);

// The same on a CUDA device, on the caller's stream (a cudaStream_t); all pointers are device
// pointers. They return once the work is queued. Work is spread over the elements of the output as
// they lie in memory, so that outputs and inner maps are best laid out as the features are.
Status warp_by_flow_cuda(const FlowWarp& warp, void* stream);

Status warp_by_flows_cuda(const FlowWarps& warps, void* stream);

// Pictures of at most so many channels have few.
constexpr std::int64_t kFewChannels = 4;

// Whether a picture has few channels, and offsets into it are small enough when they are packed.
inline bool has_few_channels(const Array4<const float>& picture) {
    return picture.size[1] <= kFewChannels &&
           (picture.size[2] + 1) * (picture.size[3] + 1) <
               (std::int64_t{1} << 31) / kFewChannels;
}

// Whether everything is there and fits; the operations check this themselves.
inline bool fits(const FlowWarp& warp) {
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

inline bool fits(const FlowWarps& warps) {
    const auto& size = warps.flows.size;
    return is_picture(warps.flows) && is_picture(warps.picture) && is_picture(warps.output) &&
           size[1] > 0 && size[1] % 2 == 0 && has_few_channels(warps.picture) &&
           (warps.picture.size[0] == 1 || warps.picture.size[0] == size[0]) &&
           warps.guided >= 0 && warps.guided <= size[1] / 2 &&
           has_size(warps.carried, size[0], 2, size[2], size[3]) &&
           has_size(warps.output, size[0], size[1] / 2 * warps.picture.size[1], size[2], size[3]);
}

}  // namespace gvc
