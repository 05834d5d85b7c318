#include "gvc/quantise.h"

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
    fuzz::Input input(data, length);
    const fuzz::Size size{input.whole(0, 3), fuzz::channels(input), fuzz::side(input),
                          fuzz::side(input)};
    const auto layout = input.one_in(8)   ? fuzz::Layout::any
                        : input.one_in(2) ? fuzz::Layout::planes
                                          : fuzz::Layout::interleaved;
    const auto features = fuzz::drawn(input, size, 3.0f, layout);
    const gvc::Quantisation by{input.real(100.0f), static_cast<float>(input.byte())};
    auto made =
        fuzz::outputs(fuzz::Tensor<std::uint8_t>(input, fuzz::spoilt(input, size), layout));
    fuzz::check(made, [&](auto& out, int threads) {
        return gvc::quantise(features.in(), by, out[0].out(), threads);
    });
    return 0;
}
