// Runs a fuzz target without libFuzzer: over files, and over so many inputs of a fixed seed.
//
//   target COUNT [FILE…]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length);

int main(int count, char** arguments) {
    for (int i = 2; i < count; ++i) {
        std::ifstream file(arguments[i], std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    const int inputs = count > 1 ? std::atoi(arguments[1]) : 0;
    std::uint64_t state = 1;
    for (int i = 0; i < inputs; ++i) {
        std::uint8_t bytes[32];
        for (std::uint8_t& byte : bytes) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            byte = static_cast<std::uint8_t>(state >> 56);
        }
        LLVMFuzzerTestOneInput(bytes, sizeof bytes);
    }
    std::printf("%d inputs\n", inputs + (count > 2 ? count - 2 : 0));
    return 0;
}
