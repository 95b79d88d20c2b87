import pytest

from mcp_playbook.new_server.names import RefusedError, names


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "^NAME is missing: make new-server NAME=billing THING=invoice$"),
        ("Billing", "lower-case letters"),
        ("sales_orders", "No underscore"),
        ("7days", "lower-case letters"),
        ("../crm", "lower-case letters"),
        ("billing service", "lower-case letters"),
        ("billing\n", "lower-case letters"),
        ("b" * 32, "31 characters"),
        ("sales--orders", "one dash"),
        ("billing-", "one dash"),
        ("class", "something else inside"),
        ("models", "something else inside"),
        ("mcp", "something else inside"),
        ("text", "something else inside"),
        ("utils", "something else inside"),
    ],
)
def test_a_name_that_would_not_work_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        names(name, "invoice")


@pytest.mark.parametrize(
    "thing", ["", "Rechnung-Nr.", "x", "note", "status line", "import", "../x", "i" * 21, "{{ x }}"]
)
def test_a_thing_that_would_not_work_is_refused(thing: str) -> None:
    with pytest.raises(RefusedError, match="THING"):
        names("billing", thing)


def test_a_server_called_like_what_it_keeps_is_refused() -> None:
    with pytest.raises(RefusedError, match="what keeps the invoices"):
        names("invoice", "invoice")
    with pytest.raises(RefusedError, match="what keeps the invoices"):
        names("invoice-list", "invoice")


def test_everything_is_named_after_server_and_thing() -> None:
    made = names("sales-orders", "Purchase-Order").values()
    assert made["package"] == "mcp_sales_orders"
    assert made["env"] == "SALES_ORDERS"
    assert made["Port"] == "SalesOrders"
    assert (made["item"], made["items"]) == ("purchase_order", "purchase_orders")
    assert made["Item"] == "PurchaseOrder"


@pytest.mark.parametrize(
    ("thing", "things"),
    [
        ("invoice", "invoices"),
        ("company", "companies"),
        ("survey", "surveys"),
        ("box", "boxes"),
        ("batch", "batches"),
    ],
)
def test_things_are_more_than_one(thing: str, things: str) -> None:
    assert names("billing", thing).items == things
