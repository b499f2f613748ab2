"""Evaluate: integer expressions in XML, to put userAccountControl together (spec: helpers-and-ad-providers.md, 3.18)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Element, Output, output, read
from mpf_directory.provider_common import PathCalls

_FLAGS: Mapping[str, int] = {
    "ADS_UF_SCRIPT": 0x1,
    "ADS_UF_ACCOUNTDISABLE": 0x2,
    "ADS_UF_HOMEDIR_REQUIRED": 0x8,
    "ADS_UF_LOCKOUT": 0x10,
    "ADS_UF_PASSWD_NOTREQD": 0x20,
    "ADS_UF_PASSWD_CANT_CHANGE": 0x40,
    "ADS_UF_ENCRYPTED_TEXT_PASSWORD_ALLOWED": 0x80,
    "ADS_UF_TEMP_DUPLICATE_ACCOUNT": 0x100,
    "ADS_UF_NORMAL_ACCOUNT": 0x200,
    "ADS_UF_INTERDOMAIN_TRUST_ACCOUNT": 0x800,
    "ADS_UF_WORKSTATION_TRUST_ACCOUNT": 0x1000,
    "ADS_UF_SERVER_TRUST_ACCOUNT": 0x2000,
    "ADS_UF_DONT_EXPIRE_PASSWD": 0x10000,
    "ADS_UF_MNS_LOGON_ACCOUNT": 0x20000,
    "ADS_UF_SMARTCARD_REQUIRED": 0x40000,
    "ADS_UF_TRUSTED_FOR_DELEGATION": 0x80000,
    "ADS_UF_NOT_DELEGATED": 0x100000,
}


def _modulo(left: int, right: int) -> int:
    if right == 0:
        raise ValueError("division by zero")
    # As in C, and so in the original: the result has the sign of the left operand.
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


_BINARY: Mapping[str, Callable[[int, int], int]] = {
    "and": lambda left, right: left & right,
    "or": lambda left, right: left | right,
    "mod": _modulo,
}


class EvaluateCalls(PathCalls):
    """The procedure that computes."""

    @read("Evaluate")
    def evaluate(self, ctx: CallContext, data: Element) -> Output:
        """IN expression: one of value, hex, rand, enum, or, and, not, mod. OUT result, a signed 32-bit integer."""
        expression = data.find("expression")
        if expression is None:
            raise MpfError(Code.E_INVALIDARG, "The required argument expression was not supplied.")
        try:
            return [output("result", str(_only(expression)))]
        except ValueError as error:
            raise MpfError(Code.E_INVALIDARG, f"The expression cannot be evaluated: {error}.") from None


def _only(parent: Element) -> int:
    children = list(parent.iterchildren(etree.Element))
    if len(children) != 1:
        raise ValueError(f"<{parent.tag}> takes one element")
    return _evaluate(children[0])


def _evaluate(element: Element) -> int:
    tag = str(element.tag)
    text = (element.text or "").strip()
    if tag == "value":
        return _signed(int(text, 10))
    if tag == "hex":
        return _signed(int(text, 16))
    if tag == "rand":
        # What the C library's rand() gave: 15 bits, none of them negative.
        return secrets.randbelow(0x8000)
    if tag == "enum":
        if text not in _FLAGS:
            raise ValueError(f"'{text}' is no flag")
        return _FLAGS[text]
    if tag == "not":
        return _signed(~_only(element))
    if tag not in _BINARY:
        raise ValueError(f"<{tag}> is no operator")
    operands = [_evaluate(child) for child in element.iterchildren(etree.Element)]
    if len(operands) != 2:
        raise ValueError(f"<{tag}> takes two elements")
    return _signed(_BINARY[tag](*operands))


def _signed(number: int) -> int:
    """The number as a signed 32-bit integer; an unsigned one has the same bits."""
    if not -(2**31) <= number < 2**32:
        raise ValueError(f"{number} does not fit into 32 bits")
    return number - 2**32 if number >= 2**31 else number
