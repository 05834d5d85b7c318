// Features to the 8-bit numbers that integer convolutions take.
#pragma once

#include <cstdint>

#include "gvc/array.h"

namespace gvc {

struct Quantisation {
    float inverse;  // numbers a unit of the features
    float zero;     // the number that stands for 0, in [0, 255]
};

// output = features·inverse + zero, rounded to the nearest even number of [0, 255]; what is not a
// number becomes 0. Both arrays are of one size and lie in memory alike, without gaps.
// `threads`: at most so many, at least one; results do not depend on it.
Status quantise(const Array4<const float>& features, const Quantisation& by,
                const Array4<std::uint8_t>& output, int threads);

// Whether everything is there and fits; the operation checks this itself.
inline bool fits(const Array4<const float>& features, const Array4<std::uint8_t>& output) {
    if (!is_picture(features) || output.data == nullptr ||
        !same_size(features.size, output.size)) {
        return false;
    }
    // Without gaps: in order of their strides, each is the product of the sizes before it.
    std::int64_t reached = 1;
    for (int step = 0; step < 4; ++step) {
        bool found = false;
        for (int i = 0; i < 4 && !found; ++i) {
            found = features.size[i] > 1 && features.stride[i] == reached;
            reached *= found ? features.size[i] : 1;
        }
    }
    std::int64_t total = 1;
    for (int i = 0; i < 4; ++i) {
        total *= features.size[i];
        if (features.size[i] > 1 && features.stride[i] != output.stride[i]) {
            return false;
        }
    }
    return reached == total;
}

}  // namespace gvc
