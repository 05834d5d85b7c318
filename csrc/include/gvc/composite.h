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

// Chroma is that of the mean of 2×2 pixels. Logits and motion may be anything: what is not a
// number is a logit of minus infinity, or reads the first pixel. `threads`: at most so many, at
// least one; results do not depend on it.
Status compose_planes(const Composite& frames, int threads);

}  // namespace gvc
