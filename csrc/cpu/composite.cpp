#include "gvc/composite.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

#include "gvc/exponential.h"
#include "gvc/flow_warp.h"
#include "multiversion.h"
#include "parallel.h"
#include "resizing.h"
#include "sampling.h"

namespace gvc {
namespace {

// Least pixels for which starting a thread pays.
constexpr std::int64_t kLeastWork = 1 << 12;

// Lines of one map each, one after the other: [maps][width].
//
// From channels side by side in memory, kFold·kFold of them to a map.
template <std::int64_t kFold>
void unfold_pixels(const float* from, std::int64_t column, std::int64_t maps, std::int64_t count,
                   float* to) {
    const std::int64_t width = kFold * count;
    for (std::int64_t x = 0; x < count; ++x) {
        for (std::int64_t m = 0; m < maps; ++m) {
            std::memcpy(to + m * width + kFold * x, from + x * column + m * kFold * kFold,
                        kFold * sizeof(float));
        }
    }
}

// Line y of all maps of folded logits.
void unfold_line(const Array4<const float>& logits, std::int64_t n, std::int64_t y,
                 std::int64_t fold, std::int64_t maps, float* to) {
    const std::int64_t count = logits.size[3], width = fold * count;
    const std::int64_t channel = logits.stride[1], column = logits.stride[3];
    const float* from = logits.data + n * logits.stride[0] + y / fold * logits.stride[2] +
                        y % fold * fold * channel;
    if (channel == 1 && fold == 2) {
        unfold_pixels<2>(from, column, maps, count, to);
        return;
    }
    if (channel == 1 && fold == 1) {
        unfold_pixels<1>(from, column, maps, count, to);
        return;
    }
    for (std::int64_t m = 0; m < maps; ++m) {
        for (std::int64_t dx = 0; dx < fold; ++dx) {
            const float* plane = from + (m * fold * fold + dx) * channel;
            for (std::int64_t x = 0; x < count; ++x) {
                to[m * width + fold * x + dx] = plane[x * column];
            }
        }
    }
}

GVC_MULTIVERSION void add(const float* __restrict other, std::int64_t count,
                          float* __restrict to) {
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] += other[i];
    }
}

// Written so that "not a number" fails the comparisons and becomes 0.
GVC_MULTIVERSION void squash(float* values, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        const float x = values[i];
        const float small = exp_of_negative(x);
        values[i] = (x >= 0.0f ? 1.0f : small) / (1.0f + small);
    }
}

// own[3][count] through gate[count] over pixels [count][kPacked] of the key picture.
GVC_MULTIVERSION void show_key(const float* __restrict pixels, const float* __restrict gate,
                               std::int64_t count, float* __restrict own) {
    for (std::int64_t i = 0; i < count; ++i) {
        const float open = gate[i];
        const float* key = pixels + i * kPacked;
        const float red = key[0], green = key[1], blue = key[2];
        own[i] = red + open * (own[i] - red);
        own[count + i] = green + open * (own[count + i] - green);
        own[2 * count + i] = blue + open * (own[2 * count + i] - blue);
    }
}

// One map of what both branches show, through the mask.
GVC_MULTIVERSION void mix(const float* __restrict front, const float* __restrict back,
                          const float* __restrict mask, std::int64_t count,
                          float* __restrict to) {
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = back[i] + mask[i] * (front[i] - back[i]);
    }
}

// Levels within 0 to 255 of one plane, from RGB [3][count]; what is not a number becomes 0.
GVC_MULTIVERSION void convert(const float* __restrict rgb, const float* __restrict row,
                              std::int64_t count, float* __restrict levels) {
    const float red = row[0], green = row[1], blue = row[2], black = row[3];
    for (std::int64_t i = 0; i < count; ++i) {
        float level = (red * rgb[i] + green * rgb[count + i]) + (blue * rgb[2 * count + i] + black);
        level = level > 0.0f ? level : 0.0f;
        levels[i] = level < 255.0f ? level : 255.0f;
    }
}

// To the nearest whole numbers. AVX-512F has no vectors of bytes: the plain version is as good.
void round_levels(const float* __restrict levels, std::int64_t count,
                  std::uint8_t* __restrict to) {
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(levels[i] + 0.5f));
    }
}

// A line of one plane; `levels` has room for it.
void lay_line(const float* rgb, const float* row, std::int64_t count, float* levels,
              std::uint8_t* to) {
    convert(rgb, row, count, levels);
    round_levels(levels, count, to);
}

// Two lines [3][2·count] to the means of 2×2 pixels, [3][count].
GVC_MULTIVERSION void halve(const float* __restrict one, const float* __restrict other,
                            std::int64_t count, float* __restrict to) {
    for (std::int64_t i = 0; i < kColours * count; ++i) {
        const float left = one[2 * i] + other[2 * i];
        const float right = one[2 * i + 1] + other[2 * i + 1];
        to[i] = 0.25f * (left + right);
    }
}

// What is known before the first line.
struct Plan : CompositeLayout {
    Resizing person;
    Resizing front;
    Resizing back;
    PackedPictures key;

    explicit Plan(const Composite& frames)
        : CompositeLayout(frames),
          person(frames.person.size[2], frames.person.size[3], height, width),
          front(gated ? frames.foreground_motion.size[2] : 1,
                gated ? frames.foreground_motion.size[3] : 1, height, width),
          back(gated ? frames.background_motion.size[2] : 1,
               gated ? frames.background_motion.size[3] : 1, height, width) {
        if (gated) {
            key = PackedPictures(frames.key);
        }
    }

    // Lines of the maps of both branches, with a gate each.
    std::int64_t lines() const { return kForegroundMaps + 1 + kColours + 1; }

    // Floats that one thread needs: the maps, two lines of RGB, the warped key picture, and what
    // resizing and placing take in turn.
    std::int64_t room() const {
        const std::int64_t places = std::max(placing_room(front), placing_room(back));
        return (lines() + 2 * kColours + kPacked) * width +
               std::max(places, width + 3 * person.from_width);
    }
};

// Shows the key picture, warped, in own[3][width] as far as the gate leaves room for it.
void show_warped(const Plan& plan, const Array4<const float>& motion, const Resizing& resizing,
                 std::int64_t n, std::int64_t y, float* own, const float* gate, float* scratch,
                 std::int32_t* whole) {
    float* pixels = scratch;
    const Samples at =
        sample_line(motion, resizing, n, y, plan.key, pixels + kPacked * plan.width, whole);
    read_packed(plan.key.frame(n), plan.key.row(), at, plan.width, kPacked, pixels);
    show_key(pixels, gate, plan.width, own);
}

// Line y of frame n, RGB: [3][width].
void paint_line(const Composite& frames, const Plan& plan, std::int64_t n, std::int64_t y,
                float* rgb, float* scratch, std::int32_t* whole) {
    const std::int64_t width = plan.width, gates = plan.gated ? 1 : 0;
    float* front = scratch;
    float* mask = front + kColours * width;
    float* back = front + (kForegroundMaps + gates) * width;
    float* rest = front + plan.lines() * width;
    unfold_line(frames.foreground, n, y, plan.fold, kForegroundMaps + gates, front);
    unfold_line(frames.background, n, y, plan.fold, kColours + gates, back);
    resize_line(frames.person, n, 0, plan.person, y, rest + width, rest);
    add(rest, width, mask);
    squash(front, (kForegroundMaps + kColours + 2 * gates) * width);
    if (plan.gated) {
        show_warped(plan, frames.foreground_motion, plan.front, n, y, front,
                    front + kForegroundMaps * width, rest, whole);
        show_warped(plan, frames.background_motion, plan.back, n, y, back,
                    back + kColours * width, rest, whole);
    }
    for (std::int64_t c = 0; c < kColours; ++c) {
        mix(front + c * width, back + c * width, mask, width, rgb + c * width);
    }
}

// Lines 2·pair and 2·pair + 1 of frame n, and the line of chroma that belongs to them.
void composite_pair(const Composite& frames, const Plan& plan, std::int64_t n, std::int64_t pair,
                    float* floats, std::int32_t* whole) {
    const std::int64_t width = plan.width, half = width / 2;
    float* above = floats;
    float* below = above + kColours * width;
    float* scratch = below + kColours * width;
    paint_line(frames, plan, n, 2 * pair, above, scratch, whole);
    paint_line(frames, plan, n, 2 * pair + 1, below, scratch, whole);
    std::uint8_t* planes = frames.planes.data + n * frames.planes.stride[0];
    std::uint8_t* luma = planes + 2 * pair * width;
    std::uint8_t* blue = planes + plan.height * width + pair * half;
    std::uint8_t* red = blue + plan.height / 2 * half;
    lay_line(above, frames.matrix[0], width, scratch, luma);
    lay_line(below, frames.matrix[0], width, scratch, luma + width);
    float* mean = scratch + width;
    halve(above, below, half, mean);
    lay_line(mean, frames.matrix[1], half, scratch, blue);
    lay_line(mean, frames.matrix[2], half, scratch, red);
}

}  // namespace

Status compose_planes(const Composite& frames, int threads) {
    if (threads < 1 || !fits(frames) ||
        (CompositeLayout(frames).gated && !has_few_channels(frames.key))) {
        return Status::bad_argument;
    }
    try {
        const Plan plan(frames);
        for_lines(frames.planes.size[0], plan.height / 2, kLeastWork / (2 * plan.width) + 1,
                  threads, plan.room(), plan.width,
                  [&](std::int64_t n, std::int64_t pair, float* floats, std::int32_t* whole) {
                      composite_pair(frames, plan, n, pair, floats, whole);
                  });
    } catch (const std::bad_alloc&) {
        return Status::out_of_memory;
    }
    return Status::ok;
}

}  // namespace gvc
