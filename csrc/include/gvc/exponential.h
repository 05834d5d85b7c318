// exp as plain arithmetic, which compilers turn into vectors of any width, with the same result;
// on a GPU too, where products are not fused into sums.
#pragma once

#include <cstdint>
#include <cstring>

#include "gvc/attributes.h"

namespace gvc {

// exp(−|x|) to about one unit in the last place; what would be below 1e-38 becomes that, and so does
// what is not a number.
GVC_DEVICE GVC_INLINE float exp_of_negative(float x) {
    // At most 87, by bits: compilers make a branch of a comparison, and of that no vectors.
    std::int32_t magnitude;
    std::memcpy(&magnitude, &x, sizeof magnitude);
    magnitude &= 0x7fffffff;
    constexpr std::int32_t kMost = 0x42ae0000;  // 87.0f
    const std::int32_t excess = magnitude - kMost;
    magnitude = kMost + (excess & (excess >> 31));
    std::memcpy(&x, &magnitude, sizeof x);
    x = -x;
    // Rounds x / log 2 to a whole number: its low bits are what is left of the sum's mantissa.
    constexpr float kRounder = 12582912.0f;  // 1.5·2²³
    const float whole = (x * 1.44269504f + kRounder) - kRounder;
    // The rest within ±log 2 / 2; log 2 in two parts, the first with few bits.
    const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    // Cephes' polynomial of expf.
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    const std::int32_t bits = (static_cast<std::int32_t>(whole) + 127) * (1 << 23);
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return p * power;
}

}  // namespace gvc
