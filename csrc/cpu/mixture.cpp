#include "gvc/mixture.h"

#include <algorithm>
#include <new>
#include <vector>

#include "gvc/exponential.h"
#include "multiversion.h"
#include "parallel.h"
#include "resizing.h"

namespace gvc {
namespace {

// Least pixels times components for which starting a thread pays.
constexpr std::int64_t kLeastWork = 1 << 16;

GVC_MULTIVERSION void raise(const float* __restrict from, std::int64_t count,
                            float* __restrict most) {
    for (std::int64_t i = 0; i < count; ++i) {
        most[i] = most[i] > from[i] ? most[i] : from[i];
    }
}

GVC_MULTIVERSION void exponentiate(const float* __restrict logit, const float* __restrict most,
                                   std::int64_t count, float* __restrict weight,
                                   float* __restrict total) {
    for (std::int64_t i = 0; i < count; ++i) {
        weight[i] = exp_of_negative(logit[i] - most[i]);
        total[i] += weight[i];
    }
}

// Two lines of one flow, (x, y) one after the other, mixed and added with a weight.
GVC_MULTIVERSION void add_flow(const float* __restrict low, const float* __restrict high,
                               float share, const float* __restrict weight, std::int64_t count,
                               float* __restrict x, float* __restrict y) {
    const float rest = 1.0f - share;
    for (std::int64_t i = 0; i < count; ++i) {
        x[i] += weight[i] * (low[i] * rest + high[i] * share);
        y[i] += weight[i] * (low[count + i] * rest + high[count + i] * share);
    }
}

GVC_MULTIVERSION void divide(const float* __restrict sum, const float* __restrict total,
                             std::int64_t count, float* __restrict to) {
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = sum[i] / total[i];
    }
}

GVC_MULTIVERSION void carry(const float* __restrict own, const float* __restrict share,
                            const float* __restrict carried, std::int64_t count,
                            float* __restrict to) {
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = own[i] + carried[i] * share[i];
    }
}

// A line of an array with its channels one after the other, [C][width].
void gather_line(const Array4<const float>& array, std::int64_t n, std::int64_t y, float* to) {
    const std::int64_t channels = array.size[1], width = array.size[3];
    const float* from = array.data + n * array.stride[0] + y * array.stride[2];
    if (array.stride[1] != 1) {
        for (std::int64_t c = 0; c < channels; ++c) {
            copy_line(from + c * array.stride[1], array.stride[3], width, to + c * width);
        }
        return;
    }
    // Side by side in memory: read in that order.
    for (std::int64_t x = 0; x < width; ++x) {
        const float* pixel = from + x * array.stride[3];
        for (std::int64_t c = 0; c < channels; ++c) {
            to[c * width + x] = pixel[c];
        }
    }
}

// A line of the flows at the width of the weights, [2·K][width], and which one it is.
struct WideLine {
    float* data;
    std::int64_t n = -1;
    std::int64_t y = -1;
};

void widen_flows(const Array4<const float>& flows, const Taps& columns, std::int64_t width,
                 std::int64_t n, std::int64_t y, float* scratch, WideLine* line) {
    if (line->n == n && line->y == y) {
        return;
    }
    *line = {line->data, n, y};
    const std::int64_t count = flows.size[3];
    gather_line(flows, n, y, scratch);
    for (std::int64_t c = 0; c < flows.size[1]; ++c) {
        widen_line(scratch + c * count, count, columns, width, line->data + c * width);
    }
}

// Weighs the components [first, last) of one line: sums of x and y into `x` and `y`, and the
// weights of the guided ones into `share` if there is one.
struct Sums {
    float *x, *y, *share;
};

void weigh(const float* logits, const float* low, const float* high, float down,
           std::int64_t first, std::int64_t last, std::int64_t guided, std::int64_t width,
           float* scratch, const Sums& sums) {
    float* most = scratch;
    float* total = most + width;
    float* weight = total + width;
    std::copy_n(logits + first * width, width, most);
    for (std::int64_t k = first + 1; k < last; ++k) {
        raise(logits + k * width, width, most);
    }
    std::fill_n(total, width, 0.0f);
    std::fill_n(sums.x, width, 0.0f);
    std::fill_n(sums.y, width, 0.0f);
    for (std::int64_t k = first; k < last; ++k) {
        if (k == guided && sums.share != nullptr) {
            std::copy_n(total, width, sums.share);
        }
        exponentiate(logits + k * width, most, width, weight, total);
        add_flow(low + 2 * k * width, high + 2 * k * width, down, weight, width, sums.x, sums.y);
    }
    if (sums.share != nullptr) {
        if (guided == last) {
            std::copy_n(total, width, sums.share);
        }
        divide(sums.share, total, width, weight);
        std::copy_n(weight, width, sums.share);
    }
    divide(sums.x, total, width, weight);
    std::copy_n(weight, width, sums.x);
    divide(sums.y, total, width, weight);
    std::copy_n(weight, width, sums.y);
}

// Everything at the size of the weights; `own` is the foreground's [N, 3, H, W]: x, y, share.
void mix_at_weights(const Mixture& mixture, const MixedMotion& motion, int threads, float* own) {
    const auto& logits = mixture.logits;
    const std::int64_t components = logits.size[1], height = logits.size[2];
    const std::int64_t width = logits.size[3];
    const Resizing resizing(mixture.flows.size[2], mixture.flows.size[3], height, width);
    const std::int64_t room =
        components * width + 2 * 2 * components * width + 3 * width +
        2 * components * resizing.from_width;
    std::vector<float> scratch(static_cast<std::size_t>(room * threads));
    const std::int64_t work = std::max<std::int64_t>(1, components * width);
    const auto lines = [&](std::int64_t part, std::int64_t begin, std::int64_t end) {
        float* table = scratch.data() + part * room;
        // Neighbouring lines mix the same two lines of the flows: those are kept.
        WideLine wide[2] = {{table + components * width}, {table + 3 * components * width}};
        float* rest = table + 5 * components * width;
        float* narrow = rest + 3 * width;
        for (std::int64_t line = begin; line < end; ++line) {
            const std::int64_t n = line / height, y = line % height;
            gather_line(logits, n, y, table);
            const auto at = static_cast<std::size_t>(y);
            const std::int64_t low = resizing.rows.low[at], high = resizing.rows.high[at];
            WideLine& top = wide[low % 2];
            WideLine& bottom = low == high ? top : wide[high % 2];
            widen_flows(mixture.flows, resizing.columns, width, n, low, narrow, &top);
            widen_flows(mixture.flows, resizing.columns, width, n, high, narrow, &bottom);
            const float down = resizing.rows.share[at];
            float* x = own + (n * 3 * height + y) * width;
            weigh(table, top.data, bottom.data, down, 0, mixture.foreground, mixture.guided, width,
                  rest, {x, x + height * width, x + 2 * height * width});
            const auto& back = motion.background;
            float* to = back.data + n * back.stride[0] + y * back.stride[2];
            weigh(table, top.data, bottom.data, down, mixture.foreground, components, 0, width,
                  rest, {to, to + back.stride[1], nullptr});
        }
    };
    parallel_for(logits.size[0] * height, threads, kLeastWork / work + 1, lines);
}

// own [N, 3, H, W] resized, and what is carried added by its share.
void carry_along(const Mixture& mixture, const Array4<float>& foreground, int threads,
                 const float* own) {
    const std::int64_t from_height = mixture.logits.size[2], from_width = mixture.logits.size[3];
    const std::int64_t height = foreground.size[2], width = foreground.size[3];
    const Resizing resizing(from_height, from_width, height, width);
    const std::int64_t plane = from_height * from_width;
    const Array4<const float> source{own,
                                     {foreground.size[0], 3, from_height, from_width},
                                     {3 * plane, plane, from_width, 1}};
    const std::int64_t room = 3 * from_width + 4 * width;
    std::vector<float> scratch(static_cast<std::size_t>(room * threads));
    const auto lines = [&](std::int64_t part, std::int64_t begin, std::int64_t end) {
        float* wide = scratch.data() + part * room;
        float* carried = wide + 3 * width;
        float* rest = carried + width;
        for (std::int64_t line = begin; line < end; ++line) {
            const std::int64_t n = line / height, y = line % height;
            for (std::int64_t c = 0; c < 3; ++c) {
                resize_line(source, n, c, resizing, y, rest, wide + c * width);
            }
            for (std::int64_t c = 0; c < 2; ++c) {
                const auto& by = mixture.carried;
                copy_line(by.data + n * by.stride[0] + c * by.stride[1] + y * by.stride[2],
                          by.stride[3], width, carried);
                carry(wide + c * width, wide + 2 * width, carried, width,
                      foreground.data + n * foreground.stride[0] + c * foreground.stride[1] +
                          y * foreground.stride[2]);
            }
        }
    };
    parallel_for(foreground.size[0] * height, threads, kLeastWork / (8 * width) + 1, lines);
}

}  // namespace

Status mix_flows(const Mixture& mixture, const MixedMotion& motion, int threads) {
    if (threads < 1 || !fits(mixture, motion)) {
        return Status::bad_argument;
    }
    try {
        const auto& size = mixture.logits.size;
        std::vector<float> own(static_cast<std::size_t>(size[0] * 3 * size[2] * size[3]));
        mix_at_weights(mixture, motion, threads, own.data());
        carry_along(mixture, motion.foreground, threads, own.data());
    } catch (const std::bad_alloc&) {
        return Status::out_of_memory;
    }
    return Status::ok;
}

}  // namespace gvc
