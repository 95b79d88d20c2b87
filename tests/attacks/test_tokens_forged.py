"""T: tokens with a wrong signature, or none, under every header that might let them pass."""

import hmac
import json
from typing import Any

from attacks.forge import GONE, b64, dumped, listener, offering
from house.house import House
from joserfc.jwk import ECKey, OctKey, RSAKey

NONE: list[Any] = ["none", "None", "nOnE", "NONE", "none ", "", None, GONE]
OTHERS: list[Any] = [
    "rs256", "Rs256", "RS256 ", " RS256", "RS256\u0000", "RS256\n", "RS-256", "RS512", "PS256",
    "HS256", "EdDSA", "RSA-OAEP", "dir", ["RS256"], {"alg": "RS256"}, 5, True,
]  # fmt: skip


async def test_T01_no_algorithm_is_none(home: House) -> None:
    async with offering(home) as offered:
        good = offered.mint.token()
        for algorithm in NONE:
            token = offered.mint.relabelled(good, alg=algorithm)
            bare = token.rpartition(".")[0]
            for unsigned in (token, f"{bare}.", f"{bare}.{b64(b'none')}", bare):
                await offered.refused(unsigned, "header", "not a signed token")
        # and a right header does not help, where the signature is gone
        await offered.refused(f"{good.rpartition('.')[0]}.", "signature")
        await offered.refused(good.rpartition(".")[0], "not a signed token")


async def test_T02_the_public_key_is_no_shared_secret(home: House) -> None:
    async with offering(home) as offered:
        mint = offered.mint
        public = mint.key.as_dict(private=False)
        payload = b64(dumped(mint.claims))
        for algorithm in ("HS256", "HS384", "HS512"):
            text = f"{b64(dumped({**mint.header, 'alg': algorithm}))}.{payload}"
            for secret in (
                mint.key.as_pem(private=False), mint.key.as_pem(private=False).strip(),
                mint.key.as_der(private=False), json.dumps(public).encode(),
                str(public["n"]).encode(), str(mint.key.kid).encode(), b"",
            ):  # fmt: skip
                digest = hmac.digest(secret, text.encode(), algorithm.replace("HS", "sha"))
                await offered.refused(f"{text}.{b64(digest)}", "header")


async def test_T03_only_the_configured_algorithms_count(home: House) -> None:
    async with offering(home) as offered:
        for algorithm in OTHERS:
            await offered.refused(offered.mint.token({"alg": algorithm}), "header")
        # configured, and yet not what this key is for
        await offered.refused(offered.mint.token({"alg": "ES256"}), "signature")


async def test_T06_a_token_cannot_bring_its_own_key(home: House) -> None:
    async with listener() as (port, connections), offering(home) as offered:
        mint, address = offered.mint, f"http://127.0.0.1:{port}/keys"
        mallory = RSAKey.generate_key(2048, {"kid": str(mint.key.kid)})
        own = mallory.as_dict(private=False)
        for header in (
            {"jku": address}, {"x5u": address}, {"jwk": own}, {"x5c": [b64(mallory.as_der())]},
            {"jku": address, "x5u": address, "jwk": own}, {"x5t": b64(b"x" * 20)},
            {"jwk": OctKey.generate_key(256).as_dict()}, {"jwk": ECKey.generate_key("P-256").as_dict()},
        ):  # fmt: skip
            # a key id the issuer knows; one that it does not; and one that is an address
            for kid in (mint.key.kid, "mine", address):
                token = mint.token({**header, "kid": kid}, key=mallory)
                await offered.refused(token, "signature", "unknown key id", "not a signed token")
        critical: Any
        for critical in ({"crit": ["exp"]}, {"crit": []}, {"crit": ["b64"], "b64": False}):
            await offered.refused(mint.token(critical), "header", "not a signed token")
        assert connections == []
