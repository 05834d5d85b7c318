#include "gvc/warp.h"

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
    fuzz::Input input(data, length);
    const std::int64_t n = input.whole(0, 3), channels = fuzz::channels(input);
    const std::int64_t high = fuzz::side(input), wide = fuzz::side(input);
    const fuzz::Size read{input.one_in(2) ? 1 : n, channels, fuzz::side(input), fuzz::side(input)};
    const fuzz::Size made{n, channels, high, wide};
    const auto layout = input.one_in(2) ? fuzz::Layout::any : fuzz::Layout::interleaved;
    const auto source = fuzz::drawn(input, fuzz::spoilt(input, read), 1.0f, layout);
    const auto grid = fuzz::drawn(input, fuzz::spoilt(input, {n, high, wide, 2}), 1.0f);
    const bool corners = input.one_in(2);
    auto output = fuzz::outputs(fuzz::Floats(input, made, layout));
    fuzz::check(output, [&](auto& out, int threads) {
        return gvc::warp_forward(source.in(), grid.in(), out[0].out(), {corners, threads});
    });
    const auto grad = fuzz::drawn(input, fuzz::spoilt(input, made), 1.0f, layout);
    auto grads = fuzz::outputs(fuzz::Floats(input, read, layout),
                               fuzz::Floats(input, {n, high, wide, 2}, fuzz::Layout::any));
    const bool left_out[] = {input.one_in(4), input.one_in(4)};
    fuzz::check(grads, [&](auto& out, int threads) {
        auto to_input = out[0].out(), to_grid = out[1].out();
        to_input.data = left_out[0] ? nullptr : to_input.data;
        to_grid.data = left_out[1] ? nullptr : to_grid.data;
        return gvc::warp_backward(grad.in(), source.in(), grid.in(), to_input, to_grid,
                                  {corners, threads});
    });
    return 0;
}
