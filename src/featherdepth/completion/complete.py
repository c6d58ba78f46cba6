"""The third stage: a depth map and measured points to dense metric depth."""

import numpy as np
from jaxtyping import Float32

from featherdepth.completion import DEFAULT, METHODS, parse_method
from featherdepth.completion.auto import choose, expected_error
from featherdepth.completion.kriging import completed
from featherdepth.completion.learned import look, usable
from featherdepth.completion.pull_push import pull_push
from featherdepth.completion.scene import Scene
from featherdepth.geometry.align_points import aligned_to
from featherdepth.geometry.align_robust import FARTHEST, NEAREST
from featherdepth.geometry.anchors import anchors_of, numbers
from featherdepth.geometry.camera import best_known
from featherdepth.geometry.outliers import LEAST
from featherdepth.types import Aligned, Completion, Depth, DepthKind, Image

TOLERANCE = {
    **dict.fromkeys(("nearest", "linear", "ip-basic"), np.inf),
    "learned": 0.5,
}
"""How far, in log depth, a point may be from those around it before a method does not see it; by
default `featherdepth.geometry.outliers.LEAST`. Interpolation of the points alone takes all of them,
as it does everywhere: the test needs a map. The network weighs points itself, and a true point on
something small looks like a wrong one; it sees it where two neighbors measure the same."""
EXPECTED = np.float32(0.1)
"""|log error| at which confidence is 1/e."""


def complete_map(
    prior: Depth,
    sparse: Depth,
    *,
    photo: Image | None = None,
    method: str = DEFAULT,
    reject_outliers: bool = True,
    threads: int | None = None,
) -> Completion:
    """Bend a depth map of any kind to measured points.

    The map is aligned to the points (`featherdepth.geometry.align_points`), wrong points are left
    out, and the log-ratio of the others to the aligned map is spread over the picture by `method`
    (`featherdepth.completion.METHODS`). Multiplying all points by a number multiplies the result
    by it: metric scale comes from nowhere else.

    Args:
        prior: of any kind; pixels that it does not know are filled from those around them.
        sparse: METRIC, of the same size, valid at the measured points only.
        photo: of both, of any size; without one the default method is `auto`.
        method: a name of `METHODS`, or `learned@FOLDER` with a network of your own.
        reject_outliers: leave out points that disagree with those around them.
        threads: of the method's network; by default what its backend takes.

    Returns:
        Depth valid at every pixel, between 0.3 times the nearest and three times the farthest
        trusted point. Its camera is that of the prior or the points, whose source is surer; of
        equals the prior's.

    Raises:
        UsageError: an unknown method.
        InputError: another size, or no point.
        BackendError: a method of SciPy without it.
    """
    method = _possible(method, photo)
    scene, aligned = scene_of(
        prior,
        sparse,
        photo=photo,
        method=method,
        reject_outliers=reject_outliers,
        threads=threads,
    )
    support_px = scene.support()
    asked, _ = parse_method(method)
    if asked == "learned":
        found = look(scene)
        log_depth, name = found.log_depth, method
        sure = scene.upsampled(np.exp(-found.spread / EXPECTED))
    else:
        choice = choose(scene)
        if asked == "auto":
            log_depth, name = completed(scene, choice.made), choice.name
        else:
            log_depth, name = METHODS.load(asked)(scene), asked
        sure = np.exp(-expected_error(choice, support_px, aligned.log_error) / EXPECTED)
    return Completion(
        depth=_depth(log_depth, scene, sparse),
        confidence=sure,
        support_px=support_px,
        rejected=aligned.rejected,
        alignment=aligned.alignment,
        log_error=aligned.log_error,
        method=name,
    )


def complete_depth(
    prior: Depth,
    sparse: Depth,
    *,
    photo: Image | None = None,
    method: str = DEFAULT,
    threads: int | None = None,
) -> Depth:
    """The depth of `complete_map` alone, without the time that its confidence takes."""
    method = _possible(method, photo)
    scene, _ = scene_of(prior, sparse, photo=photo, method=method, threads=threads)
    name, _ = parse_method(method)
    return _depth(METHODS.load(name)(scene), scene, sparse)


def _possible(method: str, photo: Image | None) -> str:
    """The method, or `auto` in place of a default that has no photo or no weights."""
    return "auto" if method == DEFAULT and not usable(photo) else method


def scene_of(
    prior: Depth,
    sparse: Depth,
    *,
    photo: Image | None = None,
    method: str,
    reject_outliers: bool = True,
    threads: int | None = None,
) -> tuple[Scene, Aligned]:
    """Align, and leave out what is wrong; errors as `complete_map`."""
    name, network = parse_method(method)  # a wrong one is said before anything is done
    least = TOLERANCE.get(name, LEAST)
    anchors = anchors_of(sparse)
    aligned = aligned_to(
        prior,
        sparse,
        reject_outliers=reject_outliers,
        least=least,
        in_company=name == "learned",
        anchors=anchors,
    )
    trusted = anchors.only(~np.isin(numbers(anchors, sparse), aligned.rejected))
    scene = Scene(
        anchors=trusted,
        log_prior=_log_filled(aligned),
        prior=prior,
        photo=photo,
        all_right=not reject_outliers,
        threads=threads,
        network=network,
    )
    return scene, aligned


def _depth(log_depth: Float32[np.ndarray, "h w"], scene: Scene, sparse: Depth) -> Depth:
    meters, prior = scene.anchors.meters, scene.prior
    low, high = NEAREST * meters.min(), FARTHEST * meters.max()
    # In logs: what is far out of reach would overflow.
    logs = np.clip(log_depth, np.float32(np.log(low)), np.float32(np.log(high)))
    return Depth(
        values=np.exp(logs),
        valid=np.ones(logs.shape, dtype=np.bool_),
        kind=DepthKind.METRIC,
        intrinsics=best_known(prior.intrinsics, sparse.intrinsics),
        provenance=prior.provenance,
    )


def _log_filled(aligned: Aligned) -> Float32[np.ndarray, "h w"]:
    """Log of the aligned map; where it is not known, of what is around."""
    depth = aligned.depth
    everywhere = bool(depth.valid.all())
    known = depth.values if everywhere else np.where(depth.valid, depth.values, np.float32(1))
    logs: Float32[np.ndarray, "h w"] = np.log(known)
    return logs if everywhere else pull_push(logs, depth.valid.astype(np.float32))
