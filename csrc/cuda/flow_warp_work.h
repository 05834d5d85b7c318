// What the CUDA kernels of gvc/flow_warp.h do for one element of the output.
#pragma once

#include <cstdint>

#include "gvc/flow_warp.h"
#include "grid.h"
#include "reading.h"

namespace gvc {

struct FlowWarpElement {
    FlowWarp warp;

    GVC_DEVICE void operator()(std::int64_t index) const {
        const std::int64_t height = warp.output.size[2], width = warp.output.size[3];
        const Place at = place_of(index, warp.output.size, warp.output.stride[1] == 1);
        const Resized flow(warp.displacement, at, height, width);
        const Tap across = moved_tap(static_cast<float>(at.x), flow.channel(0), width);
        const Tap down = moved_tap(static_cast<float>(at.y), flow.channel(1), height);
        const std::int64_t* stride = warp.features.stride;
        float value =
            read_between(plane_of(warp.features, at.n, at.c), stride[2], stride[3], down, across);
        if (warp.gate.data != nullptr) {
            const float own = element(warp.inner, at);
            value = own + Resized(warp.gate, at, height, width).channel(0) * (value - own);
        }
        element(warp.output, at) = value;
    }
};

struct FlowWarpsElement {
    FlowWarps warps;

    GVC_DEVICE void operator()(std::int64_t index) const {
        const Array4<const float>& picture = warps.picture;
        const std::int64_t channels = picture.size[1], height = picture.size[2];
        const std::int64_t width = picture.size[3];
        const Place at = place_of(index, warps.output.size, warps.output.stride[1] == 1);
        const std::int64_t k = at.c / channels;
        float flow_x = element(warps.flows, {at.n, 2 * k, at.y, at.x});
        float flow_y = element(warps.flows, {at.n, 2 * k + 1, at.y, at.x});
        if (k < warps.guided) {
            flow_x += element(warps.carried, {at.n, 0, at.y, at.x});
            flow_y += element(warps.carried, {at.n, 1, at.y, at.x});
        }
        const Tap across = moved_tap(origin(at.x, width, warps.output.size[3]), flow_x, width);
        const Tap down = moved_tap(origin(at.y, height, warps.output.size[2]), flow_y, height);
        element(warps.output, at) =
            read_between(plane_of(picture, at.n, at.c % channels), picture.stride[2],
                         picture.stride[3], down, across);
    }

    // The centre of pixel `i` of the output in pixels of the picture.
    GVC_DEVICE static float origin(std::int64_t i, std::int64_t size, std::int64_t output_size) {
        const float scale = static_cast<float>(size) / static_cast<float>(output_size);
        return (static_cast<float>(i) + 0.5f) * scale - 0.5f;
    }
};

// The operations, but for who runs the work: launch(work, count) does so for all indices below
// count, and says whether it could.
template <typename Launch>
Status warp_by_flow_with(const Launch& launch, const FlowWarp& warp) {
    if (!fits(warp)) {
        return Status::bad_argument;
    }
    return launch(FlowWarpElement{warp}, elements_of(warp.output.size));
}

template <typename Launch>
Status warp_by_flows_with(const Launch& launch, const FlowWarps& warps) {
    if (!fits(warps)) {
        return Status::bad_argument;
    }
    return launch(FlowWarpsElement{warps}, elements_of(warps.output.size));
}

}  // namespace gvc
