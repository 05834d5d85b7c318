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

// The same on a CUDA device, on the caller's stream (a cudaStream_t); all pointers are device
// pointers. Returns once the work is queued. `own` is scratch, [N, 3, H, W], that nothing else may
// use until the work is done: x and y of the foreground's sum, and the guided components' share.
// Logits are best contiguous: neighbouring threads take neighbouring pixels.
Status mix_flows_cuda(const Mixture& mixture, const MixedMotion& motion, const Array4<float>& own,
                      void* stream);

// Whether everything is there and fits; the operations check this themselves.
inline bool fits(const Mixture& mixture, const MixedMotion& motion) {
    const auto& size = mixture.logits.size;
    const auto& wide = motion.foreground.size;
    return is_picture(mixture.logits) && is_picture(mixture.flows) &&
           is_picture(mixture.carried) && is_picture(motion.foreground) &&
           is_picture(motion.background) && mixture.foreground > 0 &&
           mixture.foreground < size[1] && mixture.guided >= 0 &&
           mixture.guided <= mixture.foreground &&
           has_size(mixture.flows, size[0], 2 * size[1], mixture.flows.size[2],
                    mixture.flows.size[3]) &&
           has_size(motion.background, size[0], 2, size[2], size[3]) &&
           has_size(motion.foreground, size[0], 2, wide[2], wide[3]) &&
           has_size(mixture.carried, size[0], 2, wide[2], wide[3]) &&
           motion.foreground.stride[3] == 1 && motion.background.stride[3] == 1;
}

}  // namespace gvc
