"""Segments: an attribute that says who is in, kept so that those who leave are reported, too.

The service keeps what it was last sent, so a segment that is pushed by its present members alone never loses one. The
members file remembers who was sent the attribute: a push compares the frame with it, and sends only the difference. It
is written twice in a run. Before the first request every id of the difference is put in doubt there, so whatever a
crash leaves behind, the next run knows whom to send the attribute again. After the last outcome it holds what is
certain.

::

    verbs    `push_segment`
    segment  which segment; its plan, a push that keeps the members file, and its result
    members  the members file: read, replaced, locked
"""

from growlytics_pandas.segments.members import find_members
from growlytics_pandas.segments.segment import Segment, SegmentPlan, SegmentResult
from growlytics_pandas.segments.verbs import push_segment

__all__ = ["Segment", "SegmentPlan", "SegmentResult", "find_members", "push_segment"]
