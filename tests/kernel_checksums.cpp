// Runs every CPU kernel on fixed numbers and prints a checksum of the bytes of its results, so that
// programs for different processors can be compared.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "gvc/composite.h"
#include "gvc/flow_warp.h"
#include "gvc/interleave.h"
#include "gvc/keypoint_spread.h"
#include "gvc/mixture.h"
#include "gvc/quantise.h"
#include "gvc/warp.h"

namespace {

using gvc::Array4;
using gvc::Status;

std::uint32_t state = 1;

// Whole numbers over a power of two: the same float on every machine.
float drawn(float scale) {
    state = state * 1664525u + 1013904223u;
    return scale * (static_cast<float>(state >> 16) / 32768.0f - 1.0f);
}

template <typename Element>
class Tensor {
public:
    Tensor(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, float scale = 0.0f)
        : size_{n, c, h, w}, values_(static_cast<std::size_t>(n * c * h * w)) {
        for (Element& value : values_) {
            value = static_cast<Element>(scale == 0.0f ? 0.0f : drawn(scale));
        }
    }

    // Channels side by side, or planes.
    Array4<Element> array(bool interleaved = false) {
        const auto [n, c, h, w] = size_;
        if (interleaved) {
            return {values_.data(), {n, c, h, w}, {c * h * w, 1, w * c, c}};
        }
        return {values_.data(), {n, c, h, w}, {c * h * w, h * w, w, 1}};
    }

    Array4<const Element> given(bool interleaved = false) {
        const Array4<Element> own = array(interleaved);
        Array4<const Element> same{own.data, {}, {}};
        std::memcpy(same.size, own.size, sizeof same.size);
        std::memcpy(same.stride, own.stride, sizeof same.stride);
        return same;
    }

    std::uint64_t checksum() const {
        std::uint64_t hash = 14695981039346656037u;
        const auto* bytes = reinterpret_cast<const unsigned char*>(values_.data());
        for (std::size_t i = 0; i < values_.size() * sizeof(Element); ++i) {
            hash = (hash ^ bytes[i]) * 1099511628211u;
        }
        return hash;
    }

private:
    struct {
        std::int64_t n, c, h, w;
    } size_;
    std::vector<Element> values_;
};

using Floats = Tensor<float>;

template <typename... Results>
void report(const char* name, Status status, const Results&... results) {
    if (status != Status::ok) {
        std::printf("%s failed\n", name);
        std::exit(1);
    }
    std::printf("%s", name);
    (std::printf(" %016llx", static_cast<unsigned long long>(results.checksum())), ...);
    std::printf("\n");
}

void warps() {
    for (const bool interleaved : {false, true}) {
        for (const std::int64_t channels : {3, 32}) {
            Floats features(1, channels, 24, 40, 1.0f), flow(2, 2, 12, 20, 0.3f);
            Floats gate(2, 1, 6, 10, 0.5f), inner(2, channels, 24, 40, 1.0f);
            Floats output(2, channels, 24, 40);
            const gvc::FlowWarp warp{features.given(interleaved), flow.given(), gate.given(),
                                     inner.given(interleaved), output.array(interleaved)};
            report("warp_by_flow", gvc::warp_by_flow(warp, 2), output);
        }
        Floats picture(1, 4, 16, 16, 1.0f), flows(2, 14, 8, 8, 0.3f), carried(2, 2, 8, 8, 0.2f);
        Floats under(2, 28, 8, 8);
        const gvc::FlowWarps many{picture.given(), flows.given(interleaved), carried.given(), 3,
                                  under.array(interleaved)};
        report("warp_by_flows", gvc::warp_by_flows(many, 2), under);
    }
}

void mixture() {
    Floats logits(2, 9, 16, 24, 4.0f), flows(2, 18, 8, 12, 0.3f), carried(2, 2, 32, 48, 0.2f);
    Floats foreground(2, 2, 32, 48), background(2, 2, 16, 24);
    const gvc::Mixture mixture{logits.given(true), flows.given(), carried.given(), 6, 3};
    const gvc::MixedMotion motion{foreground.array(), background.array()};
    report("mix_flows", gvc::mix_flows(mixture, motion, 2), foreground, background);
}

void keypoints() {
    Floats centres(2, 1, 11, 2, 1.0f), displacements(2, 1, 11, 2, 0.1f), labels(1, 1, 11, 4, 1.0f);
    Floats narrow(1, 1, 1, 11), frame(2, 1, 1, 3), constants(1, 1, 1, 3);
    for (int i = 0; i < 11; ++i) {
        narrow.array().data[i] = 20.0f + static_cast<float>(i);
    }
    for (int i = 0; i < 6; ++i) {
        frame.array().data[i] = 0.25f;
    }
    constants.array().data[0] = 2.0f;
    constants.array().data[1] = 0.01f;
    constants.array().data[2] = 0.001f;
    Floats moved(2, 2, 32, 32), share(2, 1, 32, 32), spread(2, 4, 32, 32);
    const gvc::KeypointSpread points{centres.given(), displacements.given(), labels.given(),
                                     narrow.given(),  frame.given(),         constants.given()};
    const gvc::SpreadMaps maps{moved.array(), share.array(), spread.array()};
    report("spread_keypoints", gvc::spread_keypoints(points, maps, 2), moved, share, spread);
}

void composite() {
    Floats foreground(2, 20, 16, 24, 3.0f), background(2, 16, 16, 24, 3.0f), key(1, 3, 32, 48, 1.0f);
    Floats person(2, 1, 16, 16, 2.0f), motion(2, 2, 16, 16, 0.2f), behind(2, 2, 8, 8, 0.2f);
    Tensor<std::uint8_t> planes(2, 1, 48, 48);
    const gvc::Composite frames{foreground.given(true),
                                background.given(true),
                                person.given(),
                                key.given(true),
                                motion.given(),
                                behind.given(),
                                {{54.0f, 150.0f, 15.0f, 16.0f},
                                 {-28.0f, -84.0f, 112.0f, 128.0f},
                                 {112.0f, -102.0f, -10.0f, 128.0f}},
                                planes.array()};
    report("compose_planes", gvc::compose_planes(frames, 2), planes);
}

void integers() {
    Floats features(2, 12, 9, 7, 3.0f);
    Tensor<std::uint8_t> numbers(2, 12, 9, 7);
    report("quantise",
           gvc::quantise(features.given(true), {40.7f, 77.0f}, numbers.array(true), 2), numbers);
    Floats doubled(2, 3, 16, 12);
    report("interleave", gvc::interleave(features.given(true), 1.0f, doubled.array(true), 2),
           doubled);
    report("interleave of integers",
           gvc::interleave(numbers.given(true), 0.3f, doubled.array(true), 2), doubled);
}

}  // namespace

int main() {
    warps();
    mixture();
    keypoints();
    composite();
    integers();
}
