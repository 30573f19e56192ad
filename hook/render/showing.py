"""What `presync config` shows: the settings, or the rights in AWS that they need."""

from __future__ import annotations

from hook.errors import ExitCode
from hook.log import Style
from hook.render.config import config_object, render_config
from hook.render.delivery import Delivery
from hook.render.iam_policy import policy_notes, render_policy
from hook.render.palette import Palette
from hook.settings import Settings
from hook.settings.sources import Inputs


def show(settings: Settings, delivery: Delivery, inputs: Inputs) -> ExitCode:
    """Print what *inputs* ask for.

    Raises:
        ConfigError: A policy is asked for, and nothing of the settings is in AWS.
        ReportFailed: Standard output does not take it.
    """
    if inputs.orders.wants_policy:
        policy = render_policy(settings, inputs.environment)
        for note in policy_notes(settings):
            delivery.events("settings.note", note)
        delivery.print_text(policy)
    elif delivery.style is Style.JSON:
        delivery.print_object(config_object(settings))
    else:
        delivery.print_text(render_config(settings, Palette(delivery.style)))
    delivery.raise_unwritten()
    return ExitCode.OK
