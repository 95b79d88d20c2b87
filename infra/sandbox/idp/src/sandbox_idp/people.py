"""Who may sign in: the realm's users by password, and clients' own service accounts."""

import hmac
import uuid

from sandbox_idp.memory import Attempts
from sandbox_idp.realm import Client, Realm, User


class People:
    def __init__(self, realm: Realm, issuer: str, attempts: Attempts) -> None:
        self._realm = realm
        self._issuer = issuer
        self._attempts = attempts
        accounts = [self.service_account(c) for c in realm.clients.values() if c.service_account]
        self._by_id = {user.id: user for user in (*realm.users.values(), *accounts)}

    def by_id(self, subject: str) -> User | None:
        return self._by_id.get(subject)

    def sign_in(self, username: str, password: str) -> User | None:
        """None for a wrong name, a wrong password and a closed account alike."""
        user = self._realm.users.get(username.strip().lower())
        expected = (user.password if user else None) or "no-such-person"
        right = hmac.compare_digest(password.encode(), expected.encode())
        if user is None or user.password is None or self._attempts.closed(user.username):
            return None
        if not right:
            self._attempts.failure(user.username)
            return None
        self._attempts.success(user.username)
        return user

    def service_account(self, client: Client) -> User:
        return User(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._issuer}#{client.client_id}")),
            username=f"service-account-{client.client_id.lower()}",
            first_name="",
            last_name="",
            email="",
            email_verified=False,
            password=None,
            groups=(),
            roles=frozenset(),
        )
