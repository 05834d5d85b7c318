#include "gvc/composite.h"

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
    fuzz::Input input(data, length);
    const std::int64_t fold = input.whole(1, 4), n = input.whole(0, 3);
    // Pictures have even sides.
    const std::int64_t height = input.whole(1, 12) * (fold % 2 ? 2 : 1);
    const std::int64_t width = input.whole(1, 20) * (fold % 2 ? 2 : 1);
    const std::int64_t high = height * fold, wide = width * fold, area = fold * fold;
    const bool gated = input.one_in(2);
    const auto logits = [&](std::int64_t maps) {
        const auto layout = input.one_in(2) ? fuzz::Layout::interleaved : fuzz::Layout::any;
        return fuzz::drawn(input, fuzz::spoilt(input, {n, (maps + gated) * area, height, width}),
                           3.0f, layout);
    };
    const auto motion = [&] {
        const fuzz::Size size{n, 2, fuzz::side(input), fuzz::side(input)};
        return fuzz::drawn(input, fuzz::spoilt(input, size), 0.3f);
    };
    const auto foreground = logits(gvc::kForegroundMaps), background = logits(gvc::kColours);
    const auto person = fuzz::drawn(
        input, fuzz::spoilt(input, {n, 1, fuzz::side(input), fuzz::side(input)}), 2.0f);
    const std::int64_t keys = input.one_in(2) ? 1 : n;
    const auto key = fuzz::drawn(input, fuzz::spoilt(input, {keys, 3, high, wide}), 1.0f);
    const auto front = motion(), back = motion();
    gvc::Composite frames{foreground.in(), background.in(), person.in(), key.in(),
                          front.in(),      back.in(),       {},          {}};
    for (auto& row : frames.matrix) {
        for (float& weight : row) {
            weight = 100.0f * static_cast<float>(input.whole(-128, 127)) / 128.0f;
        }
    }
    const fuzz::Size planes{n, 1, high * 3 / 2, wide};
    auto made = fuzz::outputs(fuzz::Tensor<std::uint8_t>(input, fuzz::spoilt(input, planes),
                                                         fuzz::Layout::planes));
    fuzz::check(made, [&](auto& out, int threads) {
        frames.planes = out[0].out();
        return gvc::compose_planes(frames, threads);
    });
    return 0;
}
