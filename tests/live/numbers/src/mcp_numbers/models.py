"""What the tools answer."""

from pydantic import BaseModel, Field


class Factors(BaseModel):
    factors: list[int] = Field(description="Prime factors, smallest first, with repeats.")
    prime: bool = Field(description="Whether the number is prime.")


class Roman(BaseModel):
    numeral: str = Field(description="The Roman spelling, in capital letters.")


class Summary(BaseModel):
    count: int = Field(description="How many numbers were given.")
    total: int = Field(description="Their sum.")
    smallest: int = Field(description="The smallest of them.")
    largest: int = Field(description="The largest of them.")
    mean: float = Field(description="Their arithmetic mean.")
