// The last step of decoding: what two branches say of a frame to its 8-bit planes, in one pass.
#pragma once

#include <cstdint>

#include "gvc/array.h"

namespace gvc {

// A branch's logits come before their unfolding: channel m·f² + dy·f + dx of the place (y, x)
// belongs to map m at (f·y + dy, f·x + dx). With a gate, a branch shows
// gate·own + (1 − gate)·key, the key picture warped by the branch's motion as in
// gvc/flow_warp.h; without, its own picture. The frame is background + mask·(foreground −
// background).
struct Composite {
    Array4<const float> foreground;  // [N, 4·f² or 5·f², H/f, W/f]: RGB, mask, gate
    Array4<const float> background;  // [N, 3·f² or 4·f², H/f, W/f]: RGB, gate; if both have one
    Array4<const float> person;      // [N, 1, h, w], resized to H×W bilinearly, added to the mask
    Array4<const float> key;         // [N or 1, 3, H, W] in [0, 1]; not looked at without gates,
    Array4<const float> foreground_motion;  // nor are these: [N, 2, h', w']
    Array4<const float> background_motion;  // [N, 2, h", w"]
    // Y, Cb and Cr of 0 to 255 from red, green, blue in [0, 1] and 1.
    float matrix[3][4];
    // [N, 1, H·3/2, W]: lines of Y, then all of Cb, then all of Cr, each half as wide and high;
    // those of one frame without gaps. H and W are even.
    Array4<std::uint8_t> planes;
};

// Maps of a branch's picture; of the foreground before its gate.
constexpr std::int64_t kColours = 3;
constexpr std::int64_t kForegroundMaps = 4;

// What the sizes of the arrays say.
struct CompositeLayout {
    std::int64_t height, width;
    std::int64_t fold;  // f
    bool gated;

    explicit CompositeLayout(const Composite& frames)
        : height(frames.planes.size[2] / 3 * 2),
          width(frames.planes.size[3]),
          fold(frames.foreground.size[3] > 0 ? width / frames.foreground.size[3] : 0),
          gated(frames.foreground.size[1] != kForegroundMaps * fold * fold) {}
};

// Chroma is that of the mean of 2×2 pixels. Logits and motion may be anything: what is not a
// number is a logit of minus infinity, or reads the first pixel. `threads`: at most so many, at
// least one; results do not depend on it.
Status compose_planes(const Composite& frames, int threads);

// The same on a CUDA device, on the caller's stream (a cudaStream_t); all pointers are device
// pointers. Returns once the work is queued. Logits are best channels-last.
Status compose_planes_cuda(const Composite& frames, void* stream);

// Whether everything is there and fits; the operations check this themselves.
inline bool fits(const Composite& frames) {
    const auto is_motion = [&](const Array4<const float>& motion) {
        return is_picture(motion) && motion.size[0] == frames.planes.size[0] &&
               motion.size[1] == 2;
    };
    const auto& size = frames.planes.size;
    const auto& front = frames.foreground;
    if (!is_picture(frames.planes) || !is_picture(front) || size[1] != 1 || size[2] % 3 != 0 ||
        size[3] % 2 != 0 || frames.planes.stride[3] != 1 || frames.planes.stride[2] != size[3]) {
        return false;
    }
    const CompositeLayout layout(frames);
    const std::int64_t area = layout.fold * layout.fold, gates = layout.gated ? 1 : 0;
    const auto& key = frames.key;
    return layout.fold >= 1 && front.size[2] * layout.fold == layout.height &&
           front.size[3] * layout.fold == layout.width &&
           has_size(front, size[0], (kForegroundMaps + gates) * area, front.size[2],
                    front.size[3]) &&
           has_size(frames.background, size[0], (kColours + gates) * area, front.size[2],
                    front.size[3]) &&
           is_picture(frames.person) && frames.person.size[0] == size[0] &&
           frames.person.size[1] == 1 &&
           (!layout.gated ||
            ((key.size[0] == 1 || key.size[0] == size[0]) &&
             has_size(key, key.size[0], kColours, layout.height, layout.width) &&
             is_motion(frames.foreground_motion) && is_motion(frames.background_motion)));
}

}  // namespace gvc
