#include "gvc/keypoint_spread.h"

#include <algorithm>
#include <new>
#include <vector>

#include "multiversion.h"
#include "parallel.h"
#include "resizing.h"

namespace gvc {
namespace {

// Keypoints that are added to the sums at once, so that sums are read and written less often.
constexpr std::int64_t kTogether = 4;

// Least pixels times keypoints for which starting a thread pays.
constexpr std::int64_t kLeastWork = 1 << 18;

GVC_MULTIVERSION void weigh_line(const float* __restrict x, float y, float centre_x,
                                 float centre_y, float narrow, std::int64_t count,
                                 float* __restrict weight) {
    const float down = (y - centre_y) * (y - centre_y);
    for (std::int64_t i = 0; i < count; ++i) {
        const float across = x[i] - centre_x;
        const float inverse = 1.0f / ((across * across + down) * narrow + 1.0f);
        weight[i] = inverse * inverse * inverse;
    }
}

// sum[c][i] += Σ_k weight[k][i]·value[k][c] for kTogether keypoints
GVC_MULTIVERSION void add_weighted(const float* __restrict weight, const float* __restrict value,
                                   std::int64_t channels, std::int64_t count,
                                   float* __restrict sum) {
    const float* a = weight;
    const float* b = a + count;
    const float* c = b + count;
    const float* d = c + count;
    for (std::int64_t channel = 0; channel < channels; ++channel) {
        const float va = value[channel], vb = value[channels + channel];
        const float vc = value[2 * channels + channel], vd = value[3 * channels + channel];
        float* to = sum + channel * count;
        for (std::int64_t i = 0; i < count; ++i) {
            to[i] += (a[i] * va + b[i] * vb) + (c[i] * vc + d[i] * vd);
        }
    }
}

// near: [3 + L][count]; far: [3][count]
GVC_MULTIVERSION void finish_line(const float* __restrict near, const float* __restrict far,
                                  float far_share, float still, std::int64_t count,
                                  float* __restrict x, float* __restrict y,
                                  float* __restrict share) {
    for (std::int64_t i = 0; i < count; ++i) {
        const float weight = near[2 * count + i] + far_share * far[2 * count + i];
        const float whole = weight + still;
        x[i] = -(near[i] + far_share * far[i]) / whole;
        y[i] = -(near[count + i] + far_share * far[count + i]) / whole;
        share[i] = weight / whole;
    }
}

GVC_MULTIVERSION void label_line(const float* __restrict sum, const float* __restrict weight,
                                 std::int64_t count, float* __restrict to) {
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = sum[i] / (weight[i] + kUnlabelled);
    }
}

// Keypoints of one frame in plain tables, their number rounded up by some that add nothing.
struct Table {
    std::int64_t points = 0;
    std::vector<float> x, y, narrow;
    std::vector<float> values;  // [points][3 + L]: displacement, 1, labels
    std::vector<float> coarse;  // the same without labels, [points][3]
};

Table table_of(const KeypointSpread& spread, std::int64_t n) {
    const std::int64_t points = spread.centres.size[2], labels = spread.labels.size[3];
    const auto& centres = spread.centres;
    const auto& moved = spread.displacements;
    Table table;
    table.points = (points + kTogether - 1) / kTogether * kTogether;
    const auto room = static_cast<std::size_t>(table.points);
    const std::int64_t channels = 3 + labels;
    table.x.resize(room);
    table.y.resize(room);
    table.narrow.resize(room);
    table.values.resize(room * static_cast<std::size_t>(channels));
    table.coarse.resize(room * 3);
    for (std::int64_t k = 0; k < points; ++k) {
        const auto at = static_cast<std::size_t>(k);
        const float* centre = centres.data + n * centres.stride[0] + k * centres.stride[2];
        const float* move = moved.data + n * moved.stride[0] + k * moved.stride[2];
        table.x[at] = centre[0];
        table.y[at] = centre[centres.stride[3]];
        table.narrow[at] = spread.narrow.data[k * spread.narrow.stride[3]];
        float* value = table.values.data() + k * channels;
        value[0] = move[0];
        value[1] = move[moved.stride[3]];
        value[2] = 1.0f;
        std::copy_n(value, 3, table.coarse.data() + k * 3);
        for (std::int64_t label = 0; label < labels; ++label) {
            value[3 + label] = spread.labels.data[k * spread.labels.stride[2] +
                                                  label * spread.labels.stride[3]];
        }
    }
    return table;
}

struct Frame {
    float x, y, scale;
};

Frame frame_of(const KeypointSpread& spread, std::int64_t n) {
    const float* at = spread.frame.data + n * spread.frame.stride[0];
    return {at[0], at[spread.frame.stride[3]], at[2 * spread.frame.stride[3]]};
}

// Pixel i of `size` in the units of the face.
float place(std::int64_t i, std::int64_t size, float middle, float scale) {
    const float at = static_cast<float>(2 * i + 1) / static_cast<float>(size) - 1.0f;
    return (at - middle) / scale;
}

// sum[c][x] over all keypoints, of one line of a map; `weight` has room for kTogether lines, `xs`
// for one.
void sum_line(const Table& table, const Frame& frame, std::int64_t y, std::int64_t size,
              const float* narrow, std::int64_t narrow_step, const std::vector<float>& values,
              std::int64_t channels, float* xs, float* weight, float* sum) {
    for (std::int64_t x = 0; x < size; ++x) {
        xs[x] = place(x, size, frame.x, frame.scale);
    }
    const float at = place(y, size, frame.y, frame.scale);
    std::fill_n(sum, channels * size, 0.0f);
    for (std::int64_t k = 0; k < table.points; k += kTogether) {
        for (std::int64_t i = 0; i < kTogether; ++i) {
            const auto point = static_cast<std::size_t>(k + i);
            weigh_line(xs, at, table.x[point], table.y[point], narrow[(k + i) * narrow_step], size,
                       weight + i * size);
        }
        add_weighted(weight, values.data() + k * channels, channels, size, sum);
    }
}

float* line_of(const Array4<float>& array, std::int64_t n, std::int64_t c, std::int64_t y) {
    return array.data + n * array.stride[0] + c * array.stride[1] + y * array.stride[2];
}

void spread_over(const KeypointSpread& spread, const SpreadMaps& maps, int threads) {
    const std::int64_t batch = spread.centres.size[0], labels = spread.labels.size[3];
    const std::int64_t size = maps.share.size[2], channels = 3 + labels;
    const std::int64_t side = far_side(size);
    const std::int64_t step = spread.constants.stride[3];
    const float far_narrow = spread.constants.data[0];
    const float far_share = spread.constants.data[step], still = spread.constants.data[2 * step];
    const Resizing resizing(side, side, size, size);
    std::vector<Table> tables;
    for (std::int64_t n = 0; n < batch; ++n) {
        tables.push_back(table_of(spread, n));
    }
    // Everything that threads need is allocated here: nothing may throw inside one.
    const std::int64_t room = (1 + kTogether + channels + 3) * size;
    std::vector<float> scratch(static_cast<std::size_t>(room * threads));
    // Lines of the far map, each already as wide as the others: [batch][side][3][size].
    std::vector<float> far(static_cast<std::size_t>(batch * side * 3 * size));
    const std::int64_t far_work = std::max<std::int64_t>(1, side * tables.front().points);
    parallel_for(batch * side, threads, kLeastWork / far_work + 1,
                 [&](std::int64_t part, std::int64_t first, std::int64_t last) {
                     float* xs = scratch.data() + part * room;
                     float* weight = xs + size;
                     float* sum = weight + kTogether * size;
                     for (std::int64_t line = first; line < last; ++line) {
                         const std::int64_t n = line / side;
                         const Table& table = tables[static_cast<std::size_t>(n)];
                         sum_line(table, frame_of(spread, n), line % side, side,
                                  &far_narrow, 0, table.coarse, 3, xs, weight, sum);
                         widen_lines(sum, side, resizing.columns, size, 3,
                                     far.data() + line * 3 * size);
                     }
                 });
    const std::int64_t work = std::max<std::int64_t>(1, size * tables.front().points);
    parallel_for(batch * size, threads, kLeastWork / work + 1,
                 [&](std::int64_t part, std::int64_t first, std::int64_t last) {
                     float* xs = scratch.data() + part * room;
                     float* weight = xs + size;
                     float* sum = weight + kTogether * size;
                     float* smooth = sum + channels * size;
                     for (std::int64_t line = first; line < last; ++line) {
                         const std::int64_t n = line / size, y = line % size;
                         const Table& table = tables[static_cast<std::size_t>(n)];
                         sum_line(table, frame_of(spread, n), y, size, table.narrow.data(), 1,
                                  table.values, channels, xs, weight, sum);
                         const auto at = static_cast<std::size_t>(y);
                         const float* rows = far.data() + n * side * 3 * size;
                         mix_lines(rows + resizing.rows.low[at] * 3 * size,
                                   rows + resizing.rows.high[at] * 3 * size,
                                   resizing.rows.share[at], 3 * size, smooth);
                         finish_line(sum, smooth, far_share, still, size,
                                     line_of(maps.displacement, n, 0, y),
                                     line_of(maps.displacement, n, 1, y),
                                     line_of(maps.share, n, 0, y));
                         for (std::int64_t label = 0; label < labels; ++label) {
                             label_line(sum + (3 + label) * size, sum + 2 * size, size,
                                        line_of(maps.labels, n, label, y));
                         }
                     }
                 });
}

}  // namespace

Status spread_keypoints(const KeypointSpread& spread, const SpreadMaps& maps, int threads) {
    if (threads < 1 || !fits(spread, maps)) {
        return Status::bad_argument;
    }
    if (spread.centres.size[0] == 0) {
        return Status::ok;
    }
    try {
        spread_over(spread, maps, threads);
    } catch (const std::bad_alloc&) {
        return Status::out_of_memory;
    }
    return Status::ok;
}

}  // namespace gvc
