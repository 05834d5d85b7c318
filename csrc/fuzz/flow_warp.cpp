#include "gvc/flow_warp.h"

#include "input.h"

namespace {

void warp_by_flow(fuzz::Input& input) {
    const std::int64_t n = input.whole(0, 3), channels = fuzz::channels(input);
    const fuzz::Size size{n, channels, fuzz::side(input), fuzz::side(input)};
    const auto layout = input.one_in(2) ? fuzz::Layout::any : fuzz::Layout::interleaved;
    const fuzz::Size read{input.one_in(2) ? 1 : n, channels, size.h, size.w};
    const auto features = fuzz::drawn(input, fuzz::spoilt(input, read), 1.0f, layout);
    const auto flow = fuzz::drawn(
        input, fuzz::spoilt(input, {n, 2, fuzz::side(input), fuzz::side(input)}), 0.3f);
    const auto gate = fuzz::drawn(
        input, fuzz::spoilt(input, {n, 1, fuzz::side(input), fuzz::side(input)}), 0.5f);
    const bool gated = input.one_in(2), in_place = input.one_in(2);
    const auto inner = fuzz::drawn(input, fuzz::spoilt(input, size), 1.0f, layout);
    auto made = fuzz::outputs(fuzz::drawn(input, size, 1.0f, layout));
    fuzz::check(made, [&](auto& out, int threads) {
        gvc::FlowWarp warp{features.in(), flow.in(), {}, {}, out[0].out()};
        if (gated) {
            warp.gate = gate.in();
            warp.inner = in_place ? out[0].in() : inner.in();
        }
        return gvc::warp_by_flow(warp, threads);
    });
}

void warp_by_flows(fuzz::Input& input) {
    const std::int64_t n = input.whole(0, 3), flows = fuzz::channels(input);
    const std::int64_t channels = input.whole(0, 5);
    const std::int64_t height = fuzz::side(input), width = fuzz::side(input);
    const auto layout = input.one_in(2) ? fuzz::Layout::any : fuzz::Layout::interleaved;
    const fuzz::Size read{input.one_in(2) ? 1 : n, channels, fuzz::side(input), fuzz::side(input)};
    const auto picture = fuzz::drawn(input, fuzz::spoilt(input, read), 1.0f, layout);
    const auto moved = fuzz::drawn(
        input, fuzz::spoilt(input, {n, 2 * flows, height, width}), 0.3f, layout);
    const auto carried = fuzz::drawn(input, fuzz::spoilt(input, {n, 2, height, width}), 0.3f);
    const std::int64_t guided = input.whole(0, flows + 1);
    auto made = fuzz::outputs(fuzz::Floats(input, {n, channels * flows, height, width}, layout));
    fuzz::check(made, [&](auto& out, int threads) {
        const gvc::FlowWarps warps{picture.in(), moved.in(), carried.in(), guided, out[0].out()};
        return gvc::warp_by_flows(warps, threads);
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
    fuzz::Input input(data, length);
    input.one_in(2) ? warp_by_flow(input) : warp_by_flows(input);
    return 0;
}
