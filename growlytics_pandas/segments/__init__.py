"""Segments: an attribute that marks the members, and is reset for customers who leave.

The service keeps the last value of an attribute, so pushing only the current members never removes one. The members
file lists the customers with the attribute: a push compares the frame with it, and sends only the difference. A run
writes the file twice: before the first request it marks all ids that will be sent as uncertain, so that after a crash
the next run sends them again; after the last response it contains the confirmed members.

::

    api      `push_segment`
    segment  which segment; its plan, a push that keeps the members file, and its result
    members  the members file: read, replaced, locked
"""

from growlytics_pandas.segments.api import push_segment
from growlytics_pandas.segments.members import find_members
from growlytics_pandas.segments.segment import Segment, SegmentPlan, SegmentResult

__all__ = ["Segment", "SegmentPlan", "SegmentResult", "find_members", "push_segment"]
