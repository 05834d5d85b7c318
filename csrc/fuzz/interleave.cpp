#include "gvc/interleave.h"

#include "input.h"

namespace {

template <typename Element>
void run(fuzz::Input& input, fuzz::Size size) {
    const fuzz::Size folded{size.n, 4 * size.c, size.h / 2 + 1, size.w / 2 + 1};
    fuzz::Tensor<Element> maps(input, fuzz::spoilt(input, folded), fuzz::Layout::interleaved);
    maps.fill_bytes(input);
    const float step = input.real(1.0f);
    auto made = fuzz::outputs(fuzz::Floats(input, size, fuzz::Layout::interleaved));
    fuzz::check(made, [&](auto& out, int threads) {
        return gvc::interleave(maps.in(), step, out[0].out(), threads);
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
    fuzz::Input input(data, length);
    const std::int64_t height = fuzz::side(input), width = fuzz::side(input);
    const bool odd = input.one_in(16);
    const fuzz::Size size{input.whole(0, 3), fuzz::channels(input), 2 * height + odd, 2 * width};
    input.one_in(2) ? run<float>(input, size) : run<std::uint8_t>(input, size);
    return 0;
}
