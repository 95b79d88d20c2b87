from decimal import Decimal

from seed_warehouse.customers import Customer, customers


def test_the_first_customer_of_every_scale_is_the_one_of_the_warehouse() -> None:
    found = customers(0.01)
    assert len(found) == 1500
    assert found[0] == Customer(
        custkey=1,
        name="Customer#000000001",
        nation="MOROCCO",
        region="AFRICA",
        segment="BUILDING",
        phone="25-989-741-2988",
        acctbal=Decimal("711.56"),
    )
    assert [c.custkey for c in found] == list(range(1, 1501))
