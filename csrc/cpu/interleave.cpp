#include "gvc/interleave.h"

#include <algorithm>

#include "multiversion.h"
#include "parallel.h"

namespace gvc {
namespace {

// Least numbers for which starting a thread pays.
constexpr std::int64_t kLeastWork = 1 << 17;

// A line of the output: pixels from two of the maps in turn, the second one pixel further on.
template <typename Element>
struct Sources {
    const Element* even;
    const Element* odd;
    std::int64_t pixel;
};

#define GVC_INTERLEAVE_LINE(Element)                                                          \
    GVC_MULTIVERSION void interleave_line(Sources<Element> from, std::int64_t half,           \
                                          std::int64_t channels, float step,                  \
                                          float* __restrict output, std::int64_t pixel) {     \
        for (std::int64_t x = 0; x < half; ++x) {                                             \
            const Element* even = from.even + x * from.pixel;                                 \
            const Element* odd = from.odd + x * from.pixel;                                   \
            float* left = output + 2 * x * pixel;                                             \
            float* right = left + pixel;                                                      \
            GVC_INDEPENDENT                                                                   \
            for (std::int64_t c = 0; c < channels; ++c) {                                     \
                left[c] = step * static_cast<float>(even[c]);                                 \
            }                                                                                 \
            GVC_INDEPENDENT                                                                   \
            for (std::int64_t c = 0; c < channels; ++c) {                                     \
                right[c] = step * static_cast<float>(odd[c]);                                 \
            }                                                                                 \
        }                                                                                     \
    }

// Versions by processor cannot be made of templates.
GVC_INTERLEAVE_LINE(float)
GVC_INTERLEAVE_LINE(std::uint8_t)

#undef GVC_INTERLEAVE_LINE

template <typename Element>
Status interleave_all(const Array4<const Element>& maps, float step, const Array4<float>& output,
                      int threads) {
    if (threads < 1 || !fits_doubled(maps, output)) {
        return Status::bad_argument;
    }
    const std::int64_t channels = output.size[1], height = output.size[2];
    const std::int64_t width = output.size[3];
    const auto lines = [&](std::int64_t, std::int64_t first, std::int64_t last) {
        for (std::int64_t line = first; line < last; ++line) {
            const std::int64_t n = line / height, y = line % height, down = y % 2;
            const Element* even = maps.data + n * maps.stride[0] +
                                  (y / 2 + down) * maps.stride[2] + 2 * down * channels;
            interleave_line({even, even + channels + maps.stride[3], maps.stride[3]}, width / 2,
                            channels, step, output.data + n * output.stride[0] + y * output.stride[2],
                            output.stride[3]);
        }
    };
    const std::int64_t work = std::max<std::int64_t>(1, channels * width);
    parallel_for(output.size[0] * height, threads, kLeastWork / work + 1, lines);
    return Status::ok;
}

}  // namespace

Status interleave(const Array4<const float>& maps, float step, const Array4<float>& output,
                  int threads) {
    return interleave_all(maps, step, output, threads);
}

Status interleave(const Array4<const std::uint8_t>& maps, float step,
                  const Array4<float>& output, int threads) {
    return interleave_all(maps, step, output, threads);
}

}  // namespace gvc
