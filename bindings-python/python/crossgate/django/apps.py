"""The Django application, which registers the system checks."""

# Django brings no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUntypedBaseClass=false

from django.apps import AppConfig
from django.core.checks import Tags, register

from .checks import check_settings


class CrossgateConfig(AppConfig):
    """Registers the checks."""

    name = "crossgate.django"
    label = "crossgate"
    verbose_name = "crossgate"

    def ready(self) -> None:
        """Called by Django."""
        register(check_settings, Tags.security)
