#include "resizing.h"

#include <algorithm>

#include "multiversion.h"

namespace gvc {

Taps::Taps(std::int64_t from, std::int64_t to)
    : low(static_cast<std::size_t>(to)),
      high(static_cast<std::size_t>(to)),
      share(static_cast<std::size_t>(to)) {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const std::int64_t last = from - 1;
    for (std::int64_t i = 0; i < to; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const double position = std::max(0.0, (static_cast<double>(i) + 0.5) * scale - 0.5);
        const std::int64_t first = std::min(static_cast<std::int64_t>(position), last);
        low[at] = static_cast<std::int32_t>(first);
        high[at] = static_cast<std::int32_t>(std::min(first + 1, last));
        share[at] = static_cast<float>(std::min(position - static_cast<double>(first), 1.0));
    }
}

Resizing::Resizing(std::int64_t from_height, std::int64_t from_width_, std::int64_t height,
                   std::int64_t width_)
    : from_width(from_width_),
      width(width_),
      same(from_height == height && from_width_ == width_),
      rows(from_height, height),
      columns(from_width_, width_) {}

GVC_MULTIVERSION void mix_lines(const float* __restrict one, const float* __restrict other,
                                float share, std::int64_t count, float* __restrict to) {
    const float rest = 1.0f - share;
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = one[i] * rest + other[i] * share;
    }
}

namespace {

GVC_INLINE void widen(const float* __restrict from, const std::int32_t* __restrict low,
                      const std::int32_t* __restrict high, const float* __restrict share,
                      std::int64_t first, std::int64_t last, float* __restrict to) {
    for (std::int64_t i = first; i < last; ++i) {
        to[i] = from[low[i]] * (1.0f - share[i]) + from[high[i]] * share[i];
    }
}

GVC_MULTIVERSION void widen_anyhow(const float* from, std::int64_t from_count,
                                   const std::int32_t* low, const std::int32_t* high,
                                   const float* share, std::int64_t count, std::int64_t lines,
                                   float* to) {
    for (std::int64_t line = 0; line < lines; ++line) {
        widen(from + line * from_count, low, high, share, 0, count, to + line * count);
    }
}

// The same where every kFactor-th pixel has the same share: no table is looked up but for the
// first and the last pixels. Results are those of widen().
template <std::int64_t kFactor>
GVC_INLINE void multiply(const float* __restrict from, const float* __restrict share,
                         std::int64_t from_count, float* __restrict to) {
    const float* phase = share + kFactor;  // of the second pixel, whose neighbours are all there
    for (std::int64_t j = 1; j + 1 < from_count; ++j) {
        for (std::int64_t p = 0; p < kFactor; ++p) {
            const std::int64_t low = p < kFactor / 2 ? j - 1 : j;
            to[kFactor * j + p] = from[low] * (1.0f - phase[p]) + from[low + 1] * phase[p];
        }
    }
}

template <std::int64_t kFactor>
GVC_INLINE void multiply_lines(const float* from, std::int64_t from_count,
                               const std::int32_t* low, const std::int32_t* high,
                               const float* share, std::int64_t lines, float* to) {
    const std::int64_t count = kFactor * from_count;
    for (std::int64_t line = 0; line < lines; ++line, from += from_count, to += count) {
        widen(from, low, high, share, 0, kFactor, to);
        multiply<kFactor>(from, share, from_count, to);
        widen(from, low, high, share, count - kFactor, count, to);
    }
}

GVC_MULTIVERSION void twice(const float* from, std::int64_t from_count, const std::int32_t* low,
                            const std::int32_t* high, const float* share, std::int64_t lines,
                            float* to) {
    multiply_lines<2>(from, from_count, low, high, share, lines, to);
}

GVC_MULTIVERSION void four_times(const float* from, std::int64_t from_count,
                                 const std::int32_t* low, const std::int32_t* high,
                                 const float* share, std::int64_t lines, float* to) {
    multiply_lines<4>(from, from_count, low, high, share, lines, to);
}

}  // namespace

void widen_lines(const float* from, std::int64_t from_count, const Taps& columns,
                 std::int64_t count, std::int64_t lines, float* to) {
    const std::int32_t* low = columns.low.data();
    const std::int32_t* high = columns.high.data();
    const float* share = columns.share.data();
    if (from_count >= 3 && count == 2 * from_count) {
        twice(from, from_count, low, high, share, lines, to);
    } else if (from_count >= 3 && count == 4 * from_count) {
        four_times(from, from_count, low, high, share, lines, to);
    } else {
        widen_anyhow(from, from_count, low, high, share, count, lines, to);
    }
}

namespace {

// Two numbers in turn, a stride that compilers know: they shuffle vectors.
GVC_MULTIVERSION void copy_every_other(const float* __restrict from, std::int64_t count,
                                       float* __restrict to) {
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = from[2 * i];
    }
}

}  // namespace

void copy_line(const float* from, std::int64_t stride, std::int64_t count, float* to) {
    if (stride == 1) {
        std::copy_n(from, count, to);
        return;
    }
    if (stride == 2) {
        copy_every_other(from, count, to);
        return;
    }
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = from[i * stride];
    }
}

void resize_line(const Array4<const float>& array, std::int64_t n, std::int64_t c,
                 const Resizing& resizing, std::int64_t y, float* scratch, float* to) {
    const float* plane = array.data + n * array.stride[0] + c * array.stride[1];
    if (resizing.same) {
        copy_line(plane + y * array.stride[2], array.stride[3], resizing.width, to);
        return;
    }
    const auto at = static_cast<std::size_t>(y);
    const std::int64_t count = resizing.from_width;
    const float* low = plane + resizing.rows.low[at] * array.stride[2];
    const float* high = plane + resizing.rows.high[at] * array.stride[2];
    if (array.stride[3] != 1) {
        copy_line(low, array.stride[3], count, scratch + count);
        copy_line(high, array.stride[3], count, scratch + 2 * count);
        low = scratch + count;
        high = scratch + 2 * count;
    }
    mix_lines(low, high, resizing.rows.share[at], count, scratch);
    widen_lines(scratch, count, resizing.columns, resizing.width, 1, to);
}

}  // namespace gvc
