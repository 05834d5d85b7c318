// exp as plain arithmetic, which compilers turn into vectors of any width, with the same result.
#pragma once

#include <cstdint>
#include <cstring>

#include "multiversion.h"

namespace gvc {

// exp(x) for x ≤ 0 to about one unit in the last place; what would be below 1e-38 becomes that.
GVC_INLINE float exp_of_negative(float x) {
    x = x > -87.0f ? x : -87.0f;
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
