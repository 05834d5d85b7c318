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

// The largest of `count` lines.
GVC_MULTIVERSION void find_most(const float* __restrict lines, std::int64_t count,
                                std::int64_t width, float* __restrict most) {
    for (std::int64_t i = 0; i < width; ++i) {
        most[i] = lines[i];
    }
    for (std::int64_t k = 1; k < count; ++k) {
        const float* line = lines + k * width;
        GVC_INDEPENDENT
        for (std::int64_t i = 0; i < width; ++i) {
            most[i] = most[i] > line[i] ? most[i] : line[i];
        }
    }
}

// A line of all components at the width of the weights: logits [K][width], and flows [2·K][width]
// of the lines above and below, of which the second has the share `down`.
struct Components {
    const float *logits, *above, *below;
    float down;
};

// Sums over components, a line each.
struct Sums {
    float *x, *y, *total;
};

// Adds the components [first, last) with the weights exp(logit − most).
GVC_MULTIVERSION void add_components(Components from, const float* most, std::int64_t first,
                                     std::int64_t last, std::int64_t width, Sums to) {
    const float down = from.down, rest = 1.0f - down;
    float *x = to.x, *y = to.y, *total = to.total;
    for (std::int64_t k = first; k < last; ++k) {
        const float* logit = from.logits + k * width;
        const float *x_above = from.above + 2 * k * width, *y_above = x_above + width;
        const float *x_below = from.below + 2 * k * width, *y_below = x_below + width;
        GVC_INDEPENDENT
        for (std::int64_t i = 0; i < width; ++i) {
            const float weight = exp_of_negative(logit[i] - most[i]);
            total[i] += weight;
            x[i] += weight * (x_above[i] * rest + x_below[i] * down);
            y[i] += weight * (y_above[i] * rest + y_below[i] * down);
        }
    }
}

GVC_MULTIVERSION void divide(const float* __restrict total, std::int64_t count,
                             float* __restrict sum) {
    for (std::int64_t i = 0; i < count; ++i) {
        sum[i] /= total[i];
    }
}

GVC_MULTIVERSION void carry(const float* __restrict own, const float* __restrict share,
                            const float* __restrict carried, std::int64_t count,
                            float* __restrict to) {
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = own[i] + carried[i] * share[i];
    }
}

// Channels [width][channels], pixels `column` apart, to lines [channels][width].
GVC_MULTIVERSION void transpose(const float* __restrict from, std::int64_t column,
                                std::int64_t channels, std::int64_t width, float* __restrict to) {
    constexpr std::int64_t kSide = 4;
    std::int64_t x = 0;
    for (; x + kSide <= width; x += kSide) {
        std::int64_t c = 0;
        for (; c + kSide <= channels; c += kSide) {
            for (std::int64_t i = 0; i < kSide; ++i) {
                for (std::int64_t j = 0; j < kSide; ++j) {
                    to[(c + i) * width + x + j] = from[(x + j) * column + c + i];
                }
            }
        }
        for (; c < channels; ++c) {
            for (std::int64_t j = 0; j < kSide; ++j) {
                to[c * width + x + j] = from[(x + j) * column + c];
            }
        }
    }
    for (; x < width; ++x) {
        for (std::int64_t c = 0; c < channels; ++c) {
            to[c * width + x] = from[x * column + c];
        }
    }
}

// A line of an array with its channels one after the other, [C][width].
void gather_line(const Array4<const float>& array, std::int64_t n, std::int64_t y, float* to) {
    const std::int64_t channels = array.size[1], width = array.size[3];
    const float* from = array.data + n * array.stride[0] + y * array.stride[2];
    if (array.stride[1] == 1) {
        transpose(from, array.stride[3], channels, width, to);
        return;
    }
    for (std::int64_t c = 0; c < channels; ++c) {
        copy_line(from + c * array.stride[1], array.stride[3], width, to + c * width);
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
    widen_lines(scratch, count, columns, width, flows.size[1], line->data);
}

// Weighs the components [first, last) of one line: means of x and y into `x` and `y`, and what the
// components up to `guided` have of the weights into `share` if there is one.
struct Means {
    float *x, *y, *share;
};

void weigh(const Components& components, std::int64_t first, std::int64_t last,
           std::int64_t guided, std::int64_t width, float* scratch, const Means& means) {
    float* most = scratch;
    const Sums sums{means.x, means.y, most + width};
    find_most(components.logits + first * width, last - first, width, most);
    for (float* sum : {sums.x, sums.y, sums.total}) {
        std::fill_n(sum, width, 0.0f);
    }
    if (means.share != nullptr) {
        add_components(components, most, first, guided, width, sums);
        std::copy_n(sums.total, width, means.share);
        first = guided;
    }
    add_components(components, most, first, last, width, sums);
    for (float* sum : {means.x, means.y, means.share}) {
        if (sum != nullptr) {
            divide(sums.total, width, sum);
        }
    }
}

// Everything at the size of the weights; `own` is the foreground's [N, 3, H, W]: x, y, share.
void mix_at_weights(const Mixture& mixture, const MixedMotion& motion, int threads, float* own) {
    const auto& logits = mixture.logits;
    const std::int64_t components = logits.size[1], height = logits.size[2];
    const std::int64_t width = logits.size[3];
    const Resizing resizing(mixture.flows.size[2], mixture.flows.size[3], height, width);
    const std::int64_t room =
        components * width + 2 * 2 * components * width + 2 * width +
        2 * components * resizing.from_width;
    std::vector<float> scratch(static_cast<std::size_t>(room * threads));
    const std::int64_t work = std::max<std::int64_t>(1, components * width);
    const auto lines = [&](std::int64_t part, std::int64_t begin, std::int64_t end) {
        float* table = scratch.data() + part * room;
        // Neighbouring lines mix the same two lines of the flows: those are kept.
        WideLine wide[2] = {{table + components * width}, {table + 3 * components * width}};
        float* rest = table + 5 * components * width;
        float* narrow = rest + 2 * width;
        for (std::int64_t line = begin; line < end; ++line) {
            const std::int64_t n = line / height, y = line % height;
            gather_line(logits, n, y, table);
            const auto at = static_cast<std::size_t>(y);
            const std::int64_t low = resizing.rows.low[at], high = resizing.rows.high[at];
            WideLine& top = wide[low % 2];
            WideLine& bottom = low == high ? top : wide[high % 2];
            widen_flows(mixture.flows, resizing.columns, width, n, low, narrow, &top);
            widen_flows(mixture.flows, resizing.columns, width, n, high, narrow, &bottom);
            const Components all{table, top.data, bottom.data, resizing.rows.share[at]};
            float* x = own + (n * 3 * height + y) * width;
            weigh(all, 0, mixture.foreground, mixture.guided, width, rest,
                  {x, x + height * width, x + 2 * height * width});
            const auto& back = motion.background;
            float* to = back.data + n * back.stride[0] + y * back.stride[2];
            weigh(all, mixture.foreground, components, 0, width, rest,
                  {to, to + back.stride[1], nullptr});
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
