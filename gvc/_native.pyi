Array = tuple[int, tuple[int, ...], tuple[int, ...]]

def warp_forward(
    input: Array,  # noqa: A002
    grid: Array,
    output: Array,
    align_corners: bool,
    threads: int,
    cuda: bool = False,
    stream: int = 0,
) -> None: ...
def warp_backward(
    grad_output: Array,
    input: Array,  # noqa: A002
    grid: Array,
    grad_input: Array,
    grad_grid: Array,
    align_corners: bool,
    threads: int,
    cuda: bool = False,
    stream: int = 0,
) -> None: ...
def build_info() -> dict[str, object]: ...
