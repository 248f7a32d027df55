"""The signal that lets code decide about a request."""

# Django brings no types. pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false,
# reportUnknownVariableType=false pyright: reportUnknownArgumentType=false,
# reportUnknownParameterType=false, reportUntypedBaseClass=false

from django.dispatch import Signal

# Sent with the request if the settings do not allow it; a receiver that returns something true
# allows its origin.
check_request_enabled = Signal()
