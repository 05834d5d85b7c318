// What the CUDA kernels of gvc/mixture.h do for one pixel.
#pragma once

#include <cstdint>

#include "gvc/exponential.h"
#include "gvc/mixture.h"
#include "grid.h"
#include "reading.h"

namespace gvc {

// One pixel at the size of the weights, foreground and background.
struct MixturePixel {
    Mixture mixture;
    Array4<float> own;  // of the foreground, [N, 3, H, W]: x, y, share of the guided components
    Array4<float> background;

    struct Sum {
        float x, y, share;
    };

    GVC_DEVICE void operator()(std::int64_t index) const {
        const std::int64_t* size = mixture.logits.size;
        const Place at = place_of(index, {size[0], 1, size[2], size[3]}, false);
        const Resized flow(mixture.flows, at, size[2], size[3]);
        const Sum front = weigh(at, flow, 0, mixture.foreground);
        element(own, {at.n, 0, at.y, at.x}) = front.x;
        element(own, {at.n, 1, at.y, at.x}) = front.y;
        element(own, {at.n, 2, at.y, at.x}) = front.share;
        const Sum back = weigh(at, flow, mixture.foreground, size[1]);
        element(background, {at.n, 0, at.y, at.x}) = back.x;
        element(background, {at.n, 1, at.y, at.x}) = back.y;
    }

    // The components [first, last), weighed by the softmax of their logits.
    GVC_DEVICE Sum weigh(const Place& at, const Resized& flow, std::int64_t first,
                         std::int64_t last) const {
        const std::int64_t step = mixture.logits.stride[1];
        const float* logit = &element(mixture.logits, {at.n, 0, at.y, at.x});
        float most = logit[first * step];
        for (std::int64_t k = first + 1; k < last; ++k) {
            most = most > logit[k * step] ? most : logit[k * step];
        }
        float total = 0.0f;
        Sum sum{0.0f, 0.0f, 0.0f};
        for (std::int64_t k = first; k < last; ++k) {
            const float weight = exp_of_negative(logit[k * step] - most);
            total += weight;
            sum.x += weight * flow.channel(2 * k);
            sum.y += weight * flow.channel(2 * k + 1);
            sum.share += k < mixture.guided ? weight : 0.0f;
        }
        return {sum.x / total, sum.y / total, sum.share / total};
    }
};

// One element of the foreground's motion at its final size.
struct CarriedElement {
    Array4<const float> own;
    Array4<const float> carried;
    Array4<float> foreground;

    GVC_DEVICE void operator()(std::int64_t index) const {
        const Place at = place_of(index, foreground.size, foreground.stride[1] == 1);
        const Resized sum(own, at, foreground.size[2], foreground.size[3]);
        element(foreground, at) = sum.channel(at.c) + element(carried, at) * sum.channel(2);
    }
};

// The operation, but for who runs the work: launch(work, count) does so for all indices below
// count, one launch after the other, and says whether it could.
template <typename Launch>
Status mix_flows_with(const Launch& launch, const Mixture& mixture, const MixedMotion& motion,
                      const Array4<float>& own) {
    const auto& size = mixture.logits.size;
    if (!fits(mixture, motion) || !has_size(own, size[0], 3, size[2], size[3])) {
        return Status::bad_argument;
    }
    const Status mixed = launch(MixturePixel{mixture, own, motion.background},
                                size[0] * size[2] * size[3]);
    if (mixed != Status::ok) {
        return mixed;
    }
    return launch(CarriedElement{read_only(own), mixture.carried, motion.foreground},
                  elements_of(motion.foreground.size));
}

}  // namespace gvc
