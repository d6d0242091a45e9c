"""What GitLab's jobs need of its API: ``ci/run -m ci.gitlab baseline|comment``.

``baseline`` fetches ``baseline/`` from the newest good pipeline of the default branch (with the job's own token).
``comment`` writes ``report/comment.md`` to the merge request, in the place of an earlier pipeline's note. The label
``bench-comment`` asks for it, and the project has a variable BENCH_GITLAB_TOKEN that may (a job's own token may not).
"""

from __future__ import annotations

import io
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

from ci.summary import MARKER

JOB = "bench-gather"
LABEL = "bench-comment"
LARGEST_BYTES = 512 * 1024**2
MOST_PAGES = 20
"""Pages of 100 notes that are searched for ours."""


def main() -> None:
    """Do what the argument says; what cannot be done is said and stops nothing."""
    try:
        sys.stdout.write((fetch_baseline() if sys.argv[1] == "baseline" else comment()) + "\n")
    except (urllib.error.URLError, zipfile.BadZipFile, ValueError) as error:
        sys.stdout.write(f"{sys.argv[1]}: {error}\n")


def fetch_baseline(target: Path = Path()) -> str:
    """Unpack ``baseline/`` of the default branch's last good gathering below ``target``."""
    branch = urllib.parse.quote(os.environ["CI_DEFAULT_BRANCH"], safe="")
    path = f"jobs/artifacts/{branch}/download?job={JOB}"
    content, _ = _ask(path, {"JOB-TOKEN": os.environ["CI_JOB_TOKEN"]})
    if len(content) > LARGEST_BYTES:
        raise ValueError("the baseline's archive is too large")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [member for member in archive.infolist() if member.filename.startswith("baseline/")]
        if sum(member.file_size for member in members) > LARGEST_BYTES:
            raise ValueError("the baseline is too large")
        # zipfile itself takes '..' and absolute names apart, so that nothing leaves the target.
        archive.extractall(target, members)
    return f"{len(members)} files of the baseline fetched"


def comment(text: Path = Path("report/comment.md")) -> str:
    """Write a note to the merge request, where one asked for it, or write this project's earlier one anew."""
    labels = os.environ.get("CI_MERGE_REQUEST_LABELS", "").split(",")
    request, token = os.environ.get("CI_MERGE_REQUEST_IID"), os.environ.get("BENCH_GITLAB_TOKEN")
    if not request or LABEL not in labels:
        return "no comment was asked for"
    if not token:
        return "a comment was asked for, and BENCH_GITLAB_TOKEN is not set"
    headers = {"PRIVATE-TOKEN": token, "Content-Type": "application/json"}
    notes = f"merge_requests/{urllib.parse.quote(request)}/notes"
    body = json.dumps({"body": text.read_text(encoding="utf-8")}).encode()
    earlier = own_note(notes, headers)
    if earlier is None:
        _, status = _ask(notes, headers, body)
        return f"comment written ({status})"
    _, status = _ask(f"{notes}/{earlier}", headers, body, "PUT")
    return f"comment written anew ({status})"


def own_note(notes: str, headers: dict[str, str]) -> int | None:
    """The number of the newest note that the token's own user wrote and that begins with our marker.

    Raises:
        ValueError: the answers are not what the API documents.
    """
    try:
        user = json.loads(_ask("/user", headers)[0])["id"]
        for page in range(1, MOST_PAGES + 1):
            content, _ = _ask(f"{notes}?sort=desc&order_by=created_at&per_page=100&page={page}", headers)
            found = json.loads(content)
            for note in found:
                if note["author"]["id"] == user and note["body"].startswith(MARKER):
                    return int(note["id"])
            if len(found) < 100:
                break
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the API answered otherwise than it documents: {error!r}") from None
    return None


def _ask(path: str, headers: dict[str, str], body: bytes | None = None, method: str | None = None) -> tuple[bytes, int]:
    """The content (one byte more than the largest at most) and the status of an answer.

    ``path`` is the project's, or begins with a slash.
    """
    home = "" if path.startswith("/") else f"/projects/{os.environ['CI_PROJECT_ID']}/"
    address = f"{os.environ['CI_API_V4_URL']}{home}{path}"
    request = urllib.request.Request(address, body, headers, method=method)  # noqa: S310 - the system's own address
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        return answer.read(LARGEST_BYTES + 1), answer.status


if __name__ == "__main__":
    main()
