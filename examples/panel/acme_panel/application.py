"""The panel: an ASGI application with two pages.

MPF_PANEL=FOLDER PANEL_PASSWORD=... uvicorn --factory acme_panel.application:trial
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from string import Template

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from acme_panel.authentication import Accounts, FormTokens, ask_for_credentials, hashed
from acme_panel.provisioning import Provisioning, Tenant
from acme_panel.trial import TENANTS, make_directory, prepare
from mpf_core import MpfError, TransactionState

_PAGE = Template("""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>$title</title>
<h1>$title</h1>
$body
</html>
""")
_USERS = Template("""<table><tr><th>User<th>Address</tr>
$rows
</table>
<form method="post" action="/users">
  <input type="hidden" name="token" value="$token">
  <label>User <input name="user" required></label>@$domain
  <button>Enable for Office Communications Server</button>
</form>
<h2>Lately</h2>
<ul>$lately</ul>
""")

#: How a request that failed has ended. In any other state, only the journal knows, and recovery goes on.
_ENDED = {
    TransactionState.ROLLED_BACK: "Nothing was changed.",
    TransactionState.INCONSISTENT: "A part of it was changed and could not be put back: please tell your provider.",
    TransactionState.IN_DOUBT: "It was decided, and a part of it is not done yet: please tell your provider.",
}
_UNKNOWN = "How it ended is not known yet: please look again later."


class Pages:
    """The two pages, for the tenants of one engine."""

    def __init__(self, provisioning: Provisioning, tenants: Mapping[str, Tenant]) -> None:
        self.provisioning = provisioning
        self._by_account = {tenant.administrator: tenant for tenant in tenants.values()}
        self._tokens = FormTokens()

    async def users(self, request: Request) -> Response:
        """GET: the organization's SIP users, and a form for one more."""
        if not request.user.is_authenticated:
            return ask_for_credentials()
        tenant = self._by_account[request.user.username]
        try:
            found = await self.provisioning.sip_users(tenant)
        except MpfError as error:
            return _failed(error)
        rows = "\n".join(f"<tr><td>{escape(user.name)}<td>{escape(user.address)}</tr>" for user in found)
        lately = "".join(f"<li>{escape(line)}" for line in self.provisioning.lately.of(tenant.administrator))
        token = self._tokens.of(request.user.username)
        body = _USERS.substitute(rows=rows, token=token, domain=escape(tenant.domain), lately=lately)
        return _page(f"SIP users of {tenant.name}", body)

    async def enable(self, request: Request) -> Response:
        """POST: enable one user, and say what became of it."""
        if not request.user.is_authenticated:
            return ask_for_credentials()
        account = request.user.username
        async with request.form() as form:
            user, token = str(form.get("user", "")), str(form.get("token", ""))
        if not self._tokens.is_right(account, token):
            return _page("Refused", "<p>This form does not come from the panel.", 403)
        try:
            result = await self.provisioning.enable(self._by_account[account], user)
        except MpfError as error:
            return _failed(error)
        if result.error is not None:
            ended = _ENDED.get(result.state, _UNKNOWN)
            return _failed(result.error, f"{ended} The transaction is {result.transaction_id}.")
        done = f"<p>{escape(user)} is enabled; the transaction is {escape(result.transaction_id)}."
        return _page("Done", f'{done}<p><a href="/users">Back</a>')


def application(folder: Path, tenants: Mapping[str, Tenant], accounts: Mapping[str, bytes]) -> Starlette:
    """The panel over the store and the directory in ``folder``; ``accounts`` are the administrators' (`hashed`)."""
    provisioning = Provisioning(folder)
    pages = Pages(provisioning, tenants)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        # Begins to recover what a panel that was killed has left; at the end, running requests are waited for.
        async with provisioning.engine:
            await prepare(provisioning)
            yield

    app = Starlette(
        routes=[Route("/users", pages.users, methods=["GET"]), Route("/users", pages.enable, methods=["POST"])],
        middleware=[Middleware(AuthenticationMiddleware, backend=Accounts(accounts), on_error=ask_for_credentials)],
        lifespan=lifespan,
    )
    app.state.provisioning = provisioning
    return app


def trial() -> Starlette:
    """A panel to try: every sample organization's administrator has the password in PANEL_PASSWORD."""
    folder = Path(os.environ.get("MPF_PANEL", ".")).absolute()
    if not (folder / "directory.db").exists():
        make_directory(folder)
    password = hashed(os.environ["PANEL_PASSWORD"])
    return application(folder, TENANTS, {tenant.administrator: password for tenant in TENANTS.values()})


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_PAGE.substitute(title=escape(title), body=body), status)


def _failed(error: MpfError, ended: str = "") -> HTMLResponse:
    """The engine's own words: they are made for callers, with secrets masked."""
    return _page("That did not work", f'<p>{escape(error.description)} {escape(ended)}<p><a href="/users">Back</a>', 422)
