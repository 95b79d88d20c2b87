"""The control map for auditors: which checks are evidence for which control.

Generated, so that it names no check that does not exist. The words beside the control numbers are
ours: the standards' own text is theirs to quote.
"""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mcp_playbook.checks.catalogue import CHECKS

PAGE = "playbook/reviewers/control-map.md"

SOC2 = {
    "A1.2": "Environment, backup and recovery infrastructure",
    "A1.3": "Recovery is tested",
    "CC2.3": "What outsiders and users must know is told",
    "CC4.1": "Controls are looked at as they run",
    "CC6.1": "Logical access to systems and data",
    "CC6.2": "People are registered, and removed",
    "CC6.3": "Access follows roles and least privilege",
    "CC6.6": "Protection against threats from outside the boundary",
    "CC6.7": "Information on its way is restricted and protected",
    "CC6.8": "Unwanted or hostile software and input",
    "CC7.1": "Vulnerabilities and changes of configuration are found",
    "CC7.2": "Anomalies are monitored",
    "CC7.3": "Events are judged",
    "CC7.4": "Incidents are answered",
    "CC7.5": "Recovery from incidents",
    "CC8.1": "Changes are authorised, tested and approved",
    "CC9.2": "Vendors and their risks",
    "PI1.1": "What processing is for is defined",
    "PI1.2": "Inputs are complete and accurate",
    "PI1.4": "Outputs are complete and accurate",
}
ISO27001 = {
    "A.5.2": "Roles and responsibilities",
    "A.5.9": "Inventory of information and assets",
    "A.5.15": "Access control",
    "A.5.18": "Access rights",
    "A.5.19": "Security in supplier relationships",
    "A.5.21": "The supply chain of information technology",
    "A.5.24": "Incidents are planned for",
    "A.5.26": "Incidents are answered",
    "A.5.28": "Evidence is collected",
    "A.5.29": "Security during disruption",
    "A.5.30": "Readiness for business continuity",
    "A.5.33": "Records are protected",
    "A.5.34": "Privacy and personal data",
    "A.5.37": "Operating procedures are written down",
    "A.8.2": "Privileged access",
    "A.8.3": "Access to information is restricted",
    "A.8.5": "Secure authentication",
    "A.8.6": "Capacity",
    "A.8.8": "Technical vulnerabilities",
    "A.8.9": "Configuration",
    "A.8.11": "Masking of data",
    "A.8.12": "Leakage of data",
    "A.8.13": "Backup",
    "A.8.14": "Redundancy",
    "A.8.15": "Logging",
    "A.8.16": "Monitoring",
    "A.8.20": "Security of networks",
    "A.8.22": "Separation of networks",
    "A.8.24": "Cryptography",
    "A.8.26": "Security requirements of applications",
    "A.8.28": "Secure coding",
    "A.8.29": "Security testing",
    "A.8.31": "Separation of environments",
    "A.8.32": "Changes",
}


def render() -> str:
    pages = Environment(
        loader=PackageLoader("mcp_playbook", "pages"),
        autoescape=False,  # noqa: S701  Markdown, of our own words alone
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    standards = [_standard("SOC 2", SOC2), _standard("ISO/IEC 27001", ISO27001)]
    return pages.get_template("control-map.md.j2").render(standards=standards, checks=CHECKS)


def _standard(title: str, names: dict[str, str]) -> dict[str, Any]:
    found = {control: [c.id for c in CHECKS if control in c.controls] for control in names}
    return {
        "title": title,
        "rows": [(control, names[control], ids) for control, ids in found.items() if ids],
        "without": [f"{control} ({names[control]})" for control, ids in found.items() if not ids],
    }
