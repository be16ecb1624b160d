"""Azure Resource Manager: one subscription, its resource groups and Data Lake Store accounts."""

from .ids import SUBSCRIPTION_ID
from .service import ResourceManager

__all__ = ["SUBSCRIPTION_ID", "ResourceManager"]
