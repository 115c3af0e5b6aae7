"""Support tickets with planted defects whose truth is known; two generators with different habits."""

from planted.helpdesk import make_helpdesk
from planted.shop import make_shop

GENERATORS = {"shop": make_shop, "helpdesk": make_helpdesk}
