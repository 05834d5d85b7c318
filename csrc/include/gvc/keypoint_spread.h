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

struct KeypointSpread {
    Array4<const float> centres;        // [N, 1, K, 2], (x, y)
    Array4<const float> displacements;  // [N, 1, K, 2]
    Array4<const float> labels;         // [1, 1, K, L]
    Array4<const float> narrow;         // [1, 1, 1, K]
    Array4<const float> frame;          // [N, 1, 1, 3]: middle (x, y) and scale
    float far_narrow;
    float far_share;  // weight of the far part
    float still;      // weight of what does not move
};

struct SpreadMaps {
    Array4<float> displacement;  // [N, 2, S, S]: −Σ weight·displacement / (Σ weight + still)
    Array4<float> share;         // [N, 1, S, S]: Σ weight / (Σ weight + still)
    Array4<float> labels;        // [N, L, S, S]: Σ near weight·labels / (Σ near weight + 0.1)
};

// `threads`: at most so many, at least one; results do not depend on it. Outputs must not overlap
// inputs.
Status spread_keypoints(const KeypointSpread& spread, const SpreadMaps& maps, int threads);

}  // namespace gvc
