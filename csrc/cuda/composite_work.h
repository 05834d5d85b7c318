// What the CUDA kernel of gvc/composite.h does for 2×2 pixels, which share their chroma.
#pragma once

#include <cstdint>

#include "gvc/composite.h"
#include "gvc/exponential.h"
#include "grid.h"
#include "reading.h"

namespace gvc {

struct CompositeBlock {
    Composite frames;
    CompositeLayout layout;

    GVC_DEVICE void operator()(std::int64_t index) const {
        const std::int64_t rows = layout.height / 2, columns = layout.width / 2;
        const Place block = place_of(index, {frames.planes.size[0], 1, rows, columns}, false);
        std::uint8_t* planes = frames.planes.data + block.n * frames.planes.stride[0];
        float rgb[4][kColours];
        for (int i = 0; i < 4; ++i) {
            const Place at{block.n, 0, 2 * block.y + i / 2, 2 * block.x + i % 2};
            paint(at, rgb[i]);
            planes[at.y * layout.width + at.x] = level(frames.matrix[0], rgb[i]);
        }
        float mean[kColours];
        for (int c = 0; c < kColours; ++c) {
            mean[c] = 0.25f * ((rgb[0][c] + rgb[2][c]) + (rgb[1][c] + rgb[3][c]));
        }
        std::uint8_t* chroma = planes + layout.height * layout.width;
        const std::int64_t at = block.y * columns + block.x;
        chroma[at] = level(frames.matrix[1], mean);
        chroma[rows * columns + at] = level(frames.matrix[2], mean);
    }

    // Red, green and blue of one pixel.
    GVC_DEVICE void paint(const Place& at, float (&rgb)[kColours]) const {
        float back[kColours];
        for (int c = 0; c < kColours; ++c) {
            rgb[c] = sigmoid(logit(frames.foreground, c, at));
            back[c] = sigmoid(logit(frames.background, c, at));
        }
        if (layout.gated) {
            const float front_gate = logit(frames.foreground, kForegroundMaps, at);
            show_key(frames.foreground_motion, sigmoid(front_gate), at, rgb);
            const float back_gate = logit(frames.background, kColours, at);
            show_key(frames.background_motion, sigmoid(back_gate), at, back);
        }
        const Resized person(frames.person, at, layout.height, layout.width);
        const float seen = logit(frames.foreground, kColours, at) + person.channel(0);
        const float mask = sigmoid(seen);
        for (int c = 0; c < kColours; ++c) {
            rgb[c] = back[c] + mask * (rgb[c] - back[c]);
        }
    }

    // One map of folded logits.
    GVC_DEVICE float logit(const Array4<const float>& logits, std::int64_t map,
                           const Place& at) const {
        const std::int64_t fold = layout.fold;
        return element(logits, {at.n, (map * fold + at.y % fold) * fold + at.x % fold,
                                at.y / fold, at.x / fold});
    }

    // Written so that "not a number" fails the comparison and becomes 0.
    GVC_DEVICE static float sigmoid(float x) {
        const float small = exp_of_negative(x);
        return (x >= 0.0f ? 1.0f : small) / (1.0f + small);
    }

    // What a branch shows: its own colours as far as the gate is open, else the warped key picture.
    GVC_DEVICE void show_key(const Array4<const float>& motion, float gate, const Place& at,
                             float (&own)[kColours]) const {
        const Resized flow(motion, at, layout.height, layout.width);
        const Tap across = moved_tap(static_cast<float>(at.x), flow.channel(0), layout.width);
        const Tap down = moved_tap(static_cast<float>(at.y), flow.channel(1), layout.height);
        const std::int64_t* stride = frames.key.stride;
        for (int c = 0; c < kColours; ++c) {
            const float key =
                read_between(plane_of(frames.key, at.n, c), stride[2], stride[3], down, across);
            own[c] = key + gate * (own[c] - key);
        }
    }

    // The nearest level within 0 to 255; what is not a number becomes 0.
    GVC_DEVICE static std::uint8_t level(const float (&row)[4], const float (&rgb)[kColours]) {
        float value = (row[0] * rgb[0] + row[1] * rgb[1]) + (row[2] * rgb[2] + row[3]);
        value = value > 0.0f ? value : 0.0f;
        value = value < 255.0f ? value : 255.0f;
        return static_cast<std::uint8_t>(static_cast<std::int32_t>(value + 0.5f));
    }
};

// The operation, but for who runs the work: launch(work, count) does so for all indices below
// count, and says whether it could.
template <typename Launch>
Status compose_planes_with(const Launch& launch, const Composite& frames) {
    if (!fits(frames)) {
        return Status::bad_argument;
    }
    const CompositeLayout layout(frames);
    const std::int64_t blocks = layout.height / 2 * (layout.width / 2);
    return launch(CompositeBlock{frames, layout}, frames.planes.size[0] * blocks);
}

}  // namespace gvc
