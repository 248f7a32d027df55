"""The application, for its system checks."""

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
