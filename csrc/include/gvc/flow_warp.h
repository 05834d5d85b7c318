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

}  // namespace gvc
