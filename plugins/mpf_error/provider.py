"""The Error Provider (spec: helpers-and-ad-providers.md, 4.1; provisioning-schema.md, Error Provider)."""

from __future__ import annotations

from typing import NoReturn

from mpf_core.errors import Code, MpfError, parse_hresult
from mpf_core.log import logger
from mpf_core.provider import CallContext, Element, Provider, argument, optional_argument, read
from mpf_error.maps import DEFAULT_SET, ErrorMaps, error_id

#: English as spoken in the United States: the language of a request that names none.
_DEFAULT_LOCALE = "1033"
_LEVELS = {"error": "error", "warning": "warning", "information": "info"}
_YES, _NO = {"1", "true"}, {"0", "false"}


class ErrorProvider(Provider):
    """Raises errors, replaces them by others, reports events. All of it is reading: nothing is ever undone."""

    def __init__(self, maps: ErrorMaps, must_handle_error: bool | None = None) -> None:
        """``must_handle_error`` outranks what calls say; ``None`` leaves it to them."""
        self._maps = maps
        self._must_handle = must_handle_error

    @read("SetError")
    def set_error(self, ctx: CallContext, data: Element) -> None:
        """IN hr, desc. Raises that error."""
        raise MpfError(_code(data, "hr"), data.findtext("desc") or "")

    @read("TranslateProvisioningError")
    def translate_provisioning_error(self, ctx: CallContext, data: Element) -> None:
        """IN errorMessageContext, locId, errorSet, mustHandleError. Replaces the error that is being handled.

        Raises INVALID_OPERATION outside of a catch, where there is none.
        """
        current = ctx.context.find("errorContext")
        if current is None:
            raise MpfError(Code.INVALID_OPERATION, "There is no error to be translated: this procedure is for a catch.")
        self._translate(ctx, data, parse_hresult(current.get("code", "")), current.get("description", ""))

    @read("TranslateUserError")
    def translate_user_error(self, ctx: CallContext, data: Element) -> None:
        """IN errorMessageContext, hr, desc, locId, errorSet, mustHandleError. Raises what the map has for ``hr``."""
        self._translate(ctx, data, _code(data, "hr"), data.findtext("desc") or "")

    @read("ReportEvent")
    def report_event(self, ctx: CallContext, data: Element) -> None:
        """IN message, type, eventId, source. Writes to the engine's log; rolling back does not unwrite it."""
        type_ = (optional_argument(data, "type") or "information").lower()
        if type_ not in _LEVELS:
            raise MpfError(Code.E_INVALIDARG, f"The argument 'type' is '{type_}': error, warning or information.")
        fields = {"event_id": optional_argument(data, "eventId"), "source": optional_argument(data, "source")}
        given = {name: value for name, value in fields.items() if value is not None}
        log = logger(transaction=ctx.transaction_id, step=ctx.step, **given)
        getattr(log, _LEVELS[type_])("reported", text=argument(data, "message"))

    def _translate(self, ctx: CallContext, data: Element, code: int, description: str) -> NoReturn:
        context = argument(data, "errorMessageContext")
        found = self._maps.find(context, code, _locale(ctx, data), optional_argument(data, "errorSet") or DEFAULT_SET)
        if found is not None:
            raise MpfError(found.code, found.message)
        if self._must_be_handled(data):
            raise MpfError(Code.E_FAIL, f"The error map file has no message for the error '{error_id(context, code)}'.")
        raise MpfError(code, description)

    def _must_be_handled(self, data: Element) -> bool:
        if self._must_handle is not None:
            return self._must_handle
        text = (optional_argument(data, "mustHandleError") or "1").lower()
        if text not in _YES | _NO:
            raise MpfError(Code.E_INVALIDARG, f"The argument 'mustHandleError' is '{text}': 1 or 0.")
        return text in _YES


def _code(data: Element, name: str) -> int:
    text = argument(data, name)
    try:
        return parse_hresult(text)
    except ValueError:
        raise MpfError(Code.E_INVALIDARG, f"The argument '{name}' is '{text}', and no HRESULT.") from None


def _locale(ctx: CallContext, data: Element) -> str:
    client = ctx.context.find("clientContext")
    own = client.get("localeID") if client is not None else None
    return optional_argument(data, "locId") or own or _DEFAULT_LOCALE
