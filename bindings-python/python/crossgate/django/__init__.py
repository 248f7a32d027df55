"""CORS for Django, with the settings of django-cors-headers.

INSTALLED_APPS = [..., "crossgate.django"]
MIDDLEWARE = ["crossgate.django.CorsMiddleware", ...]
CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
"""

from .defaults import default_headers, default_methods
from .middleware import CorsMiddleware
from .signals import check_request_enabled

__all__ = ["CorsMiddleware", "check_request_enabled", "default_headers", "default_methods"]
