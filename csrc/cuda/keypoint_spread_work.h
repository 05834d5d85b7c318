// What the CUDA kernels of gvc/keypoint_spread.h do for one pixel.
#pragma once

#include <cstdint>

#include "gvc/keypoint_spread.h"
#include "grid.h"
#include "reading.h"

namespace gvc {

// What a keypoint spreads around one pixel.
struct KeypointsAround {
    const KeypointSpread& spread;
    std::int64_t n;
    float x, y;  // of the pixel, in the units of the face

    GVC_DEVICE KeypointsAround(const KeypointSpread& keypoints, const Place& at,
                               std::int64_t size)
        : spread(keypoints), n(at.n) {
        const float scale = element(spread.frame, {n, 0, 0, 2});
        x = (centre(at.x, size) - element(spread.frame, {n, 0, 0, 0})) / scale;
        y = (centre(at.y, size) - element(spread.frame, {n, 0, 0, 1})) / scale;
    }

    // Of a pixel, in normalised coordinates.
    GVC_DEVICE static float centre(std::int64_t i, std::int64_t size) {
        return static_cast<float>(2 * i + 1) / static_cast<float>(size) - 1.0f;
    }

    GVC_DEVICE float weight(std::int64_t k, float narrow) const {
        const float across = x - element(spread.centres, {n, 0, k, 0});
        const float down = y - element(spread.centres, {n, 0, k, 1});
        const float inverse = 1.0f / ((across * across + down * down) * narrow + 1.0f);
        return inverse * inverse * inverse;
    }

    GVC_DEVICE float moved(std::int64_t k, std::int64_t axis) const {
        return element(spread.displacements, {n, 0, k, axis});
    }
};

// One pixel of the far part: sums of x, y and weights.
struct FarPixel {
    KeypointSpread spread;
    Array4<float> far;

    GVC_DEVICE void operator()(std::int64_t index) const {
        const Place at = place_of(index, {far.size[0], 1, far.size[2], far.size[3]}, false);
        const KeypointsAround around(spread, at, far.size[2]);
        const float narrow = spread.constants.data[0];
        float x = 0.0f, y = 0.0f, total = 0.0f;
        for (std::int64_t k = 0; k < spread.centres.size[2]; ++k) {
            const float weight = around.weight(k, narrow);
            x += weight * around.moved(k, 0);
            y += weight * around.moved(k, 1);
            total += weight;
        }
        element(far, {at.n, 0, at.y, at.x}) = x;
        element(far, {at.n, 1, at.y, at.x}) = y;
        element(far, {at.n, 2, at.y, at.x}) = total;
    }
};

// One pixel of all maps.
struct SpreadPixel {
    KeypointSpread spread;
    SpreadMaps maps;
    Array4<const float> far;

    // Labels that are summed up at once, in registers; for more of them weights are made again.
    static constexpr int kTogether = 8;

    struct Near {
        float x, y, total;
        float labels[kTogether];
    };

    GVC_DEVICE void operator()(std::int64_t index) const {
        const Place at = place_of(index, maps.share.size, false);
        const KeypointsAround around(spread, at, maps.share.size[2]);
        std::int64_t first = 0;
        do {
            const std::int64_t left = maps.labels.size[1] - first;
            const Near near = sum(around, first, left);
            if (first == 0) {
                move(at, near);
            }
            for (int i = 0; i < kTogether; ++i) {
                if (i < left) {
                    element(maps.labels, {at.n, first + i, at.y, at.x}) =
                        near.labels[i] / (near.total + kUnlabelled);
                }
            }
            first += kTogether;
        } while (first < maps.labels.size[1]);
    }

    // Over all keypoints, with `left` labels from `first` on.
    GVC_DEVICE Near sum(const KeypointsAround& around, std::int64_t first,
                        std::int64_t left) const {
        Near near{};
        for (std::int64_t k = 0; k < spread.centres.size[2]; ++k) {
            const float weight = around.weight(k, element(spread.narrow, {0, 0, 0, k}));
            near.x += weight * around.moved(k, 0);
            near.y += weight * around.moved(k, 1);
            near.total += weight;
            // Of a fixed length: what is indexed otherwise does not stay in registers.
            for (int i = 0; i < kTogether; ++i) {
                if (i < left) {
                    near.labels[i] += weight * element(spread.labels, {0, 0, k, first + i});
                }
            }
        }
        return near;
    }

    GVC_DEVICE void move(const Place& at, const Near& near) const {
        const std::int64_t step = spread.constants.stride[3];
        const float far_share = spread.constants.data[step];
        const Resized smooth(far, at, maps.share.size[2], maps.share.size[3]);
        const float weight = near.total + far_share * smooth.channel(2);
        const float whole = weight + spread.constants.data[2 * step];
        element(maps.displacement, {at.n, 0, at.y, at.x}) =
            -(near.x + far_share * smooth.channel(0)) / whole;
        element(maps.displacement, {at.n, 1, at.y, at.x}) =
            -(near.y + far_share * smooth.channel(1)) / whole;
        element(maps.share, at) = weight / whole;
    }
};

// The operation, but for who runs the work: launch(work, count) does so for all indices below
// count, one launch after the other, and says whether it could.
template <typename Launch>
Status spread_keypoints_with(const Launch& launch, const KeypointSpread& spread,
                             const SpreadMaps& maps, const Array4<float>& far) {
    if (!fits(spread, maps)) {
        return Status::bad_argument;
    }
    const std::int64_t side = far_side(maps.share.size[2]);
    if (!has_size(far, spread.centres.size[0], 3, side, side)) {
        return Status::bad_argument;
    }
    const Status coarse = launch(FarPixel{spread, far}, far.size[0] * side * side);
    if (coarse != Status::ok) {
        return coarse;
    }
    return launch(SpreadPixel{spread, maps, read_only(far)}, elements_of(maps.share.size));
}

}  // namespace gvc
