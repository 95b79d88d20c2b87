import pytest

from mcp_playbook.vet.subject import Subject, SubjectError, parse


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("npm:server", Subject("npm", "server")),
        ("npm:@scope/server@1.2.3", Subject("npm", "@scope/server", "1.2.3")),
        ("npm:@scope/server", Subject("npm", "@scope/server")),
        ("pypi:Some_Server==2025.4.25", Subject("pypi", "some-server", "2025.4.25")),
        ("https://mcp.example.com/mcp", Subject("remote", "https://mcp.example.com/mcp")),
        ("http://127.0.0.1:9/mcp", Subject("remote", "http://127.0.0.1:9/mcp")),
    ],
)
def test_a_package_or_an_address_is_read(text: str, subject: Subject) -> None:
    assert parse(text) == subject
    assert subject.kind == "remote" or parse(subject.shown) == subject


@pytest.mark.parametrize(
    "text",
    [
        "npm:--registry=x", "npm:-g", "npm:../elsewhere", "npm:a b", "npm:", "npm:UPPER", "npm:a@",
        "npm:a@--force", "pypi:-r", "pypi:x==", "pypi:x==-1", "pypi:a;b", "pypi:git+https://x",
        "http://mcp.example.com/mcp", "https://user:secret@mcp.example.com/", "https://", "server",
    ],
)  # fmt: skip
def test_what_a_client_could_read_as_an_option_or_a_path_is_refused(text: str) -> None:
    with pytest.raises(SubjectError):
        parse(text)
