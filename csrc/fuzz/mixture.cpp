#include "gvc/mixture.h"

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
    fuzz::Input input(data, length);
    const std::int64_t n = input.whole(0, 3), parts = fuzz::channels(input);
    const std::int64_t height = fuzz::side(input), width = fuzz::side(input);
    const std::int64_t high = fuzz::side(input), wide = fuzz::side(input);
    const std::int64_t foreground = input.whole(0, parts), guided = input.whole(0, parts);
    const auto layout = fuzz::Layout::any;
    const auto logits = fuzz::drawn(input, {n, parts, height, width}, 4.0f);
    const auto flows = fuzz::drawn(
        input, fuzz::spoilt(input, {n, 2 * parts, fuzz::side(input), fuzz::side(input)}), 0.3f,
        layout);
    const auto carried = fuzz::drawn(input, fuzz::spoilt(input, {n, 2, high, wide}), 0.3f);
    auto made = fuzz::outputs(
        fuzz::Floats(input, {n, 2, high, wide}, fuzz::Layout::lines),
        fuzz::Floats(input, fuzz::spoilt(input, {n, 2, height, width}), fuzz::Layout::lines));
    const gvc::Mixture mixture{logits.in(), flows.in(), carried.in(), foreground, guided};
    fuzz::check(made, [&](auto& out, int threads) {
        return gvc::mix_flows(mixture, {out[0].out(), out[1].out()}, threads);
    });
    return 0;
}
