#include "composite.h"

#include <algorithm>
#include <array>

#include "arrays.h"
#include "gvc/composite.h"

namespace gvc::bindings {
namespace {

using Matrix = std::array<std::array<float, 4>, 3>;

void compose(const Described& foreground, const Described& background, const Described& person,
             const Described& key, const Described& foreground_motion,
             const Described& background_motion, const Matrix& matrix, const Described& planes,
             int threads) {
    Composite frames{array_of<const float>(foreground),
                     array_of<const float>(background),
                     array_of<const float>(person),
                     array_of<const float>(key),
                     array_of<const float>(foreground_motion),
                     array_of<const float>(background_motion),
                     {},
                     array_of<std::uint8_t>(planes)};
    for (std::size_t row = 0; row < matrix.size(); ++row) {
        std::copy(matrix[row].begin(), matrix[row].end(), frames.matrix[row]);
    }
    Status status;
    {
        pybind11::gil_scoped_release released;
        status = compose_planes(frames, threads);
    }
    check(status, "compose_planes");
}

}  // namespace

void add_composite(pybind11::module_& module) {
    using pybind11::arg;
    module.def("compose_planes", &compose, arg("foreground"), arg("background"), arg("person"),
               arg("key"), arg("foreground_motion"), arg("background_motion"), arg("matrix"),
               arg("planes"), arg("threads"), "See gvc::compose_planes; planes are uint8.");
}

}  // namespace gvc::bindings
