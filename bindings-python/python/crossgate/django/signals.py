"""The signal whose receivers can allow a request."""

# Django brings no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUntypedBaseClass=false

from django.dispatch import Signal

# Sent with a request that the settings do not allow. A receiver that returns a true value allows
# its origin.
check_request_enabled = Signal()
