#include "gvc/keypoint_spread.h"

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
    fuzz::Input input(data, length);
    const std::int64_t n = input.whole(0, 3), points = fuzz::channels(input);
    const std::int64_t labels = input.whole(0, 9), size = fuzz::side(input);
    const auto centres = fuzz::drawn(input, {n, 1, points, 2}, 1.0f);
    const auto displacements = fuzz::drawn(input, fuzz::spoilt(input, {n, 1, points, 2}), 0.2f);
    const auto names = fuzz::drawn(input, fuzz::spoilt(input, {1, 1, points, labels}), 1.0f);
    const auto narrow = fuzz::drawn(input, fuzz::spoilt(input, {1, 1, 1, points}), 30.0f);
    const auto frame = fuzz::drawn(input, fuzz::spoilt(input, {n, 1, 1, 3}), 1.0f);
    const auto constants = fuzz::drawn(input, fuzz::spoilt(input, {1, 1, 1, 3}), 2.0f);
    const auto layout = fuzz::Layout::lines;
    auto made = fuzz::outputs(
        fuzz::Floats(input, {n, 2, size, size}, layout),
        fuzz::Floats(input, fuzz::spoilt(input, {n, 1, size, size}), layout),
        fuzz::Floats(input, fuzz::spoilt(input, {n, labels, size, size}), layout));
    const gvc::KeypointSpread spread{centres.in(), displacements.in(), names.in(),
                                     narrow.in(),  frame.in(),         constants.in()};
    fuzz::check(made, [&](auto& out, int threads) {
        return gvc::spread_keypoints(spread, {out[0].out(), out[1].out(), out[2].out()}, threads);
    });
    return 0;
}
