"""Personal data: found by form, checksum and context; replaced by placeholders or by stand-ins."""

from tailor.data.cleaning.privacy.kinds import CHECKSUMMED, KINDS, TITLES, Kind
from tailor.data.cleaning.privacy.masking import mask
from tailor.data.cleaning.privacy.operation import Decision, MaskPersonalData

__all__ = ["CHECKSUMMED", "KINDS", "TITLES", "Decision", "Kind", "MaskPersonalData", "mask"]
