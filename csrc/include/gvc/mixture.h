// From logits of weights and coarse flows to dense motion, foreground and background in one pass.
#pragma once

#include <cstdint>

#include "gvc/array.h"

namespace gvc {

// The first `foreground` of K components belong to the foreground, the first `guided` of those are
// relative to the motion `carried`. Weights are a softmax over the components of either kind.
struct Mixture {
    Array4<const float> logits;   // [N, K, H, W]
    Array4<const float> flows;    // [N, 2·K, h, w]: x and y in turn; resized to H×W bilinearly
    Array4<const float> carried;  // [N, 2, H', W']
    std::int64_t foreground;
    std::int64_t guided;
};

struct MixedMotion {
    // [N, 2, H', W']: the foreground's weighted sum, and the guided components' share of the
    // weights, both resized to H'×W' bilinearly; sum + share·carried
    Array4<float> foreground;
    Array4<float> background;  // [N, 2, H, W]: the background's weighted sum
};

// `threads`: at most so many, at least one; results do not depend on it. Outputs must not overlap
// inputs, and their last stride is 1.
Status mix_flows(const Mixture& mixture, const MixedMotion& motion, int threads);

}  // namespace gvc
