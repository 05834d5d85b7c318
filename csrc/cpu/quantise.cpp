#include "gvc/quantise.h"

#include <cstring>

#include "multiversion.h"
#include "parallel.h"

namespace gvc {
namespace {

// Least numbers for which starting a thread pays.
constexpr std::int64_t kLeastWork = 1 << 18;

GVC_MULTIVERSION void quantise_line(const float* __restrict features, std::int64_t count,
                                    Quantisation by, std::uint8_t* __restrict output) {
    constexpr std::int32_t kMost = 0x437f0000, kInfinity = 0x7f800000;  // 255, by bits
    // The low bits of a sum with 2²³ are those of the other summand, rounded.
    constexpr float kRounder = 8388608.0f;
    const float inverse = by.inverse, zero = by.zero;
    GVC_INDEPENDENT
    for (std::int64_t i = 0; i < count; ++i) {
        float value = features[i] * inverse + zero;
        // Limits by bits: compilers make branches of comparisons, and of those no vectors.
        std::int32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        bits &= ~((bits | (kInfinity - (bits & 0x7fffffff))) >> 31);
        const std::int32_t excess = bits - kMost;
        bits = kMost + (excess & (excess >> 31));
        std::memcpy(&value, &bits, sizeof value);
        value += kRounder;
        std::memcpy(&bits, &value, sizeof bits);
        output[i] = static_cast<std::uint8_t>(bits);
    }
}

}  // namespace

Status quantise(const Array4<const float>& features, const Quantisation& by,
                const Array4<std::uint8_t>& output, int threads) {
    if (threads < 1 || !fits(features, output)) {
        return Status::bad_argument;
    }
    std::int64_t count = 1;
    for (const std::int64_t side : features.size) {
        count *= side;
    }
    parallel_for(count, threads, kLeastWork,
                 [&](std::int64_t, std::int64_t first, std::int64_t last) {
                     quantise_line(features.data + first, last - first, by, output.data + first);
                 });
    return Status::ok;
}

}  // namespace gvc
