"""What `presync config` shows: the settings, or the rights in AWS that they need."""

from __future__ import annotations

from functools import partial

from hook.log import Style
from hook.render.config import config_object, render_config
from hook.render.delivery import Delivery
from hook.render.iam_policy import policy_notes, render_policy
from hook.render.palette import Palette
from hook.settings import Settings
from hook.settings.sources import Inputs


def prepare(settings: Settings, delivery: Delivery, inputs: Inputs) -> None:
    """Have *delivery* print what *inputs* ask for.

    That is no report: whoever looks for what keeps one from being written has to see it.

    Raises:
        ConfigError: A policy is asked for, and nothing of the settings is in AWS.
    """
    delivery.output = delivery.output._replace(report=None)
    if inputs.orders.wants_policy:
        policy = render_policy(settings, inputs.environment)
        for note in policy_notes(settings):
            delivery.events("settings.note", note)
        delivery.list_instead(partial(delivery.print_text, policy))
    elif delivery.style is Style.JSON:
        shown = config_object(settings)
        delivery.list_instead(partial(delivery.print_object, shown))
    else:
        text = render_config(settings, Palette(delivery.style), delivery.layout())
        delivery.list_instead(partial(delivery.print_text, text))
