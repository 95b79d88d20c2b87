import pytest
from servers.docs.reading import Knowledge, session, text

STAFF = ("analyst", "sales", "support", "operator")


@pytest.mark.parametrize(
    ("query", "doc_id", "rank"),
    [
        ("What does our discount policy allow for a large account that lost revenue?", "policies/discount-policy", 1),
        ("which of our largest accounts lost revenue, who owns them", "data/answering-with-agents", 4),
        ("refund for late delivery", "policies/refund-policy", 3),
        ("how is revenue defined", "data/revenue-definition", 1),
        ("who approves a retention discount of three points", "policies/discount-approvals", 2),
        ("first answer time for a P1 ticket", "support/ticket-priorities", 1),
        ("gateway refuses calls ledger_down", "operations/runbook-gateway-refuses", 1),
        ("slow warehouse query missing index", "operations/runbook-warehouse-slow", 1),
        ("onboard a new supplier", "logistics/supplier-onboarding", 1),
        ("probability of a pipeline stage", "sales/pipeline-stages", 1),
        ("invoice more than 30 days overdue credit hold", "finance/credit-holds", 2),
        ("working from abroad", "people/remote-work", 1),
        ("what counts as a large account", "policies/account-size-classes", 2),
        ("who wears the pager", "operations/on-call", 1),
        ("deals without next step duplicates", "sales/crm-hygiene", 1),
        ("which data may be used in an agent", "security/data-classification", 3),
    ],
)  # fmt: skip
async def test_the_page_a_person_means_is_near_the_top(
    handbook: Knowledge, query: str, doc_id: str, rank: int
) -> None:
    async with session(handbook.reader_url, *STAFF) as docs:
        found = await docs.call_tool("search_docs", {"query": query})
    assert found.structured_content is not None
    assert doc_id in [hit["doc_id"] for hit in found.structured_content["results"]][:rank]


async def test_the_discount_question_is_answered_by_one_section(handbook: Knowledge) -> None:
    """The demo's question: thresholds, points and approvers must stand where the search leads."""
    async with session(handbook.reader_url, "analyst", "region-all") as docs:
        found = await docs.call_tool(
            "search_docs",
            {"query": "what does our discount policy allow for a large account that lost revenue?"},
        )
        assert found.structured_content is not None
        best = found.structured_content["results"][0]
        read = await docs.call_tool(
            "read_doc", {"doc_id": best["doc_id"], "section": best["section"]}
        )
    for words in ("10 % to below 25 %", "up to 4 percentage points", "Finance Controller together"):
        assert words in text(read)


async def test_a_slip_of_the_fingers_is_forgiven_and_said(handbook: Knowledge) -> None:
    async with session(handbook.reader_url, "sales") as docs:
        found = await docs.call_tool("search_docs", {"query": "discuont polcy"})
    assert found.structured_content is not None
    assert found.structured_content["results"][0]["doc_id"] == "policies/discount-policy"
    assert found.structured_content["also_searched"] == ["discount", "polici"]
