import httpx2
from sandbox.crm.account import V

from sandbox_crm.people import OWNERS


async def test_owners_are_listed_paged_and_read(crm: httpx2.AsyncClient) -> None:
    first = (await crm.get(f"/crm/owners/{V}", params={"limit": 5})).json()
    rest = (
        await crm.get(f"/crm/owners/{V}", params={"after": first["paging"]["next"]["after"]})
    ).json()
    assert len(first["results"]) + len(rest["results"]) == len(OWNERS) == 12
    ben = (await crm.get(f"/crm/owners/{V}", params={"email": "ben@larkfield.example"})).json()
    [owner] = ben["results"]
    assert (owner["firstName"], owner["lastName"]) == ("Ben", "Okafor")
    assert owner["teams"][0]["name"] == "Europe"
    assert (await crm.get(f"/crm/owners/{V}/{owner['id']}")).json()["email"] == owner["email"]
    assert (await crm.get(f"/crm/owners/{V}/5")).status_code == 404
    assert (await crm.get(f"/crm/owners/{V}/../x")).status_code == 404


async def test_pipelines_say_which_stages_close(crm: httpx2.AsyncClient) -> None:
    pipelines = (await crm.get(f"/crm/pipelines/{V}/deals")).json()["results"]
    closing = {
        stage["label"]
        for one in pipelines
        for stage in one["stages"]
        if stage["metadata"]["isClosed"] == "true"
    }
    assert closing == {"Closed won", "Closed lost", "Renewed", "Lapsed"}
    stages = (await crm.get(f"/crm/pipelines/{V}/deals/default/stages")).json()["results"]
    assert [one["displayOrder"] for one in stages] == list(range(7))
    assert (await crm.get(f"/crm/pipelines/{V}/deals/none")).status_code == 404
    assert (await crm.get(f"/crm/pipelines/{V}/notes")).json()["results"] == []


async def test_properties_say_what_may_be_written(crm: httpx2.AsyncClient) -> None:
    found = (await crm.get(f"/crm/properties/{V}/notes")).json()["results"]
    by_name = {one["name"]: one for one in found}
    assert by_name["mcp_request_id"]["hasUniqueValue"]
    assert by_name["hs_object_id"]["modificationMetadata"]["readOnlyValue"]
    one = (await crm.get(f"/crm/properties/{V}/companies/region")).json()
    assert {option["value"] for option in one["options"]} >= {"EUROPE", "ASIA"}
    assert (await crm.get(f"/crm/properties/{V}/companies/colour")).status_code == 404
