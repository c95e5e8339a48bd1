"""report.html of a campaign: what was learned, what it cost, and what the potential knows."""

from mlip.active_learning.report.page import write_campaign_report

__all__ = ["write_campaign_report"]
