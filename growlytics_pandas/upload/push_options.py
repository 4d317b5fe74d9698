"""The options of a push, and what they refuse before anything is sent."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import numpy as np

from growlytics_pandas._rules import Severity
from growlytics_pandas.client import Client, default_client, require_client
from growlytics_pandas.errors import ConstraintViolationError, InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.upload.plan import AnyPlan
from growlytics_pandas.views.progress import ProgressOption

if TYPE_CHECKING:
    from growlytics_pandas.upload.batches.plan import BatchPlan
    from growlytics_pandas.upload.plan import Plan

PlanT = TypeVar("PlanT", "Plan", "BatchPlan")
Errors = Literal["raise", "drop"]
MAX_CONCURRENCY: Final = 65_535  # requests: the ports that one machine has for connections to one address
MAX_LABEL_CHARS: Final = 100
_SHOWN_GROUPS: Final = 10


@dataclass(frozen=True, slots=True)
class PushOptions:
    """How to push; the defaults are written here, once."""

    errors: Errors = "raise"
    dry_run: bool = False
    skip_unchanged: bool = False
    chunk_size: int = 1000
    max_concurrency: int = 64
    max_rate: float | None = None
    max_failures: float | None = None
    label: str | None = None
    progress: ProgressOption = "auto"
    client: Client | None = None

    def __post_init__(self) -> None:
        if self.errors not in ("raise", "drop"):
            raise InvalidArgumentError(f"errors: found {self.errors!r}; allowed are 'raise', 'drop'.")
        for argument in ("chunk_size", "max_concurrency"):
            found = getattr(self, argument)
            if not isinstance(found, int) or isinstance(found, bool) or found < 1:
                raise InvalidArgumentError(f"{argument}: found {found!r}; it must be a whole number from 1 up.")
        if self.max_concurrency > MAX_CONCURRENCY:
            found, most = self.max_concurrency, f"{MAX_CONCURRENCY:,}"
            raise InvalidArgumentError(f"max_concurrency: found {found!r}; it must be a whole number from 1 to {most}.")
        _check_label(self.label)
        for argument in ("dry_run", "skip_unchanged"):
            found = getattr(self, argument)
            if not isinstance(found, (bool, np.bool_)):
                raise InvalidArgumentError(f"{argument}: found {found!r}; it must be True or False.")
        for argument in ("max_rate", "max_failures"):
            found = getattr(self, argument)
            if found is not None and not _is_finite_above_0(found):
                raise InvalidArgumentError(
                    f"{argument}: found {found!r}; it must be a finite number above 0, or None for no limit."
                )
        if isinstance(self.max_failures, float) and self.max_failures > 1:
            raise InvalidArgumentError(
                f"max_failures: found {self.max_failures!r}; a float is a share from 0 to 1, an int a number of rows."
            )

    def would_refuse(self, plan: AnyPlan) -> bool:
        """Whether this is a dry run of what a push would refuse."""
        return self.dry_run and self.errors == "raise" and plan.has_errors


def _check_label(label: Any) -> None:
    if label is None:
        return
    if not isinstance(label, str):
        raise InvalidArgumentTypeError(f"label: found a {type(label).__name__}; it must be text.")
    if not label.strip() or not label.isprintable() or len(label) > MAX_LABEL_CHARS:
        raise InvalidArgumentError(
            f"label: it must be one line of 1 to {MAX_LABEL_CHARS} visible characters, such as 'nightly import'."
        )


def _is_finite_above_0(found: Any) -> bool:
    # Not math.isfinite, which fails for a whole number that no float can hold.
    return isinstance(found, (int, float)) and not isinstance(found, bool) and 0 < found <= sys.float_info.max


def settle(plan: PlanT, options: PushOptions) -> tuple[PlanT, Client | None]:
    """Return the plan for the client that it goes through, and that client; refuse what could not arrive."""
    client = settle_client(options, plan.client)
    if client is not None:
        plan = plan.of(client)
    has_errors = plan.has_errors  # whatever `errors` says: every row is checked before the first is sent
    if has_errors and options.errors == "raise" and not options.dry_run:
        raise refusal(plan)
    return plan, client


def settle_client(options: PushOptions, planned: Client | None) -> Client | None:
    """Return the client to push through, None for a dry run without any; refuse what it cannot do."""
    client = require_client(options.client) or planned or default_client()
    if client is None and not options.dry_run:
        client = Client()  # says what is missing
    if options.skip_unchanged and (client is None or client.ledger is None):
        lacks = "this client has none (ledger=None)" if client else "there is no client: set GROWLYTICS_API_KEY"
        raise InvalidArgumentError(f"skip_unchanged: it needs a ledger, and {lacks}.")
    return client


def _ways_out(plan: AnyPlan) -> str:
    """Say how to go on: with the options that the data call for, where there are any, and without the values."""
    has_suggestions = bool(plan.suggestions["value"].notna().any())
    suggested = "Options that the data call for: .plan.suggestions, or **suggest(df, id_col) in the call. "
    return (suggested if has_suggestions else "") + "To leave those values out and send the rest: errors='drop'."


def refusal(plan: AnyPlan, sent: str = "nothing was sent") -> ConstraintViolationError:
    """Return the error of a plan with values that would be rejected: by rule and column, each with its fix."""
    errors = [group for group in plan.findings.groups() if group.severity is Severity.ERROR]
    n_errors = plan.findings.count(Severity.ERROR)
    lines = [f"  {group.rule} ({group.cells:,}): {group.message}\n    {group.fix}" for group in errors[:_SHOWN_GROUPS]]
    if len(errors) > _SHOWN_GROUPS:
        lines.append(f"  +{len(errors) - _SHOWN_GROUPS:,} more, by rule and column")
    return ConstraintViolationError(
        f"{sent}: {n_errors:,} {'violation' if n_errors == 1 else 'violations'} of severity error.\n"
        + "\n".join(lines)
        + "\nAll are in the error's .violations. "
        + _ways_out(plan),
        plan=plan,
    )
