// Motion of keypoints spread to a dense motion, without a matrix of pixels times keypoints.
//
// A keypoint k weighs (1 + |z − centre_k|²·narrow_k)⁻³ at the position z, near it, and
// (1 + |z − centre_k|²·far_narrow)⁻³ around the whole face; positions and centres are relative to
// `middle`, in units of `scale`. The far part is smooth and is made on a map of a quarter of the
// size (at least 1), resized bilinearly.
#pragma once

#include <cstdint>

#include "gvc/array.h"

namespace gvc {

// Labels are divided by the weight near a position plus this: nothing where no keypoint is near.
constexpr float kUnlabelled = 0.1f;

struct KeypointSpread {
    Array4<const float> centres;        // [N, 1, K, 2], (x, y)
    Array4<const float> displacements;  // [N, 1, K, 2]
    Array4<const float> labels;         // [1, 1, K, L]
    Array4<const float> narrow;         // [1, 1, 1, K]
    Array4<const float> frame;          // [N, 1, 1, 3]: middle (x, y) and scale
    // [1, 1, 1, 3]: far_narrow, and the weights of the far part and of what does not move. They lie
    // where the other arrays do, so that nobody has to wait for a GPU to learn them.
    Array4<const float> constants;
};

struct SpreadMaps {
    Array4<float> displacement;  // [N, 2, S, S]: −Σ weight·displacement / (Σ weight + still)
    Array4<float> share;         // [N, 1, S, S]: Σ weight / (Σ weight + still)
    Array4<float> labels;        // [N, L, S, S]: Σ near weight·labels / (Σ near weight + 0.1)
};

// `threads`: at most so many, at least one; results do not depend on it. Outputs must not overlap
// inputs.
Status spread_keypoints(const KeypointSpread& spread, const SpreadMaps& maps, int threads);

// The same on a CUDA device, on the caller's stream (a cudaStream_t); all pointers are device
// pointers. Returns once the work is queued. `far` is scratch, [N, 3, s, s] with s = far_side(S),
// that nothing else may use until the work is done: the sums of the far part.
Status spread_keypoints_cuda(const KeypointSpread& spread, const SpreadMaps& maps,
                             const Array4<float>& far, void* stream);

// Side of the map of the far part.
inline std::int64_t far_side(std::int64_t size) { return size < 8 ? 1 : size / 4; }

// Whether everything is there and fits; the operations check this themselves.
inline bool fits(const KeypointSpread& spread, const SpreadMaps& maps) {
    const std::int64_t n = spread.centres.size[0], points = spread.centres.size[2];
    const std::int64_t labels = spread.labels.size[3], size = maps.share.size[2];
    return is_picture(maps.share) && is_picture(maps.displacement) &&
           countable(spread.centres.size) && points > 0 && countable(spread.labels.size) &&
           countable(maps.labels.size) && has_size(spread.centres, n, 1, points, 2) &&
           has_size(spread.displacements, n, 1, points, 2) &&
           has_size(spread.labels, 1, 1, points, labels) &&
           has_size(spread.narrow, 1, 1, 1, points) && has_size(spread.frame, n, 1, 1, 3) &&
           has_size(spread.constants, 1, 1, 1, 3) &&
           has_size(maps.displacement, n, 2, size, size) &&
           has_size(maps.share, n, 1, size, size) && has_size(maps.labels, n, labels, size, size) &&
           maps.displacement.stride[3] == 1 && maps.share.stride[3] == 1 &&
           maps.labels.stride[3] == 1;
}

}  // namespace gvc
