"""What Active Directory says in the text beside an LDAP result: a Win32 error (``0000202B: RefErr: ...``, ``data 52e``)."""

from __future__ import annotations

import re

#: The text begins with it: ``0000052D: SvcErr: DSID-031A129B, problem 5003 (WILL_NOT_PERFORM), data 0``.
_LEADING = re.compile(r"\s*([0-9A-Fa-f]{8}):")
#: Binds have one of the security package in front (``80090308: LdapErr: ...``), and the reason further on.
_LOGON = re.compile(r"\bdata ([0-9A-Fa-f]{1,8})\b")

#: Win32 errors that directories give, by number, with the names that their documentation has.
_NAMES: dict[int, str] = {
    0x5: "ERROR_ACCESS_DENIED",
    0x1F: "ERROR_GEN_FAILURE",
    0x56: "ERROR_INVALID_PASSWORD",
    0x57: "ERROR_INVALID_PARAMETER",
    0x4DC: "ERROR_NOT_AUTHENTICATED",
    0x523: "ERROR_INVALID_ACCOUNT_NAME",
    0x524: "ERROR_USER_EXISTS",
    0x525: "ERROR_NO_SUCH_USER",
    0x526: "ERROR_GROUP_EXISTS",
    0x529: "ERROR_MEMBER_NOT_IN_GROUP",
    0x52B: "ERROR_WRONG_PASSWORD",
    0x52C: "ERROR_ILL_FORMED_PASSWORD",
    0x52D: "ERROR_PASSWORD_RESTRICTION",
    0x52E: "ERROR_LOGON_FAILURE",
    0x52F: "ERROR_ACCOUNT_RESTRICTION",
    0x530: "ERROR_INVALID_LOGON_HOURS",
    0x531: "ERROR_INVALID_WORKSTATION",
    0x532: "ERROR_PASSWORD_EXPIRED",
    0x533: "ERROR_ACCOUNT_DISABLED",
    0x55B: "ERROR_SPECIAL_ACCOUNT",
    0x568: "ERROR_TOO_MANY_CONTEXT_IDS",
    0x701: "ERROR_ACCOUNT_EXPIRED",
    0x773: "ERROR_PASSWORD_MUST_CHANGE",
    0x775: "ERROR_ACCOUNT_LOCKED_OUT",
    0x200A: "ERROR_DS_NO_ATTRIBUTE_OR_VALUE",
    0x200B: "ERROR_DS_INVALID_ATTRIBUTE_SYNTAX",
    0x200C: "ERROR_DS_ATTRIBUTE_TYPE_UNDEFINED",
    0x200D: "ERROR_DS_ATTRIBUTE_OR_VALUE_EXISTS",
    0x200E: "ERROR_DS_BUSY",
    0x200F: "ERROR_DS_UNAVAILABLE",
    0x2010: "ERROR_DS_NO_RIDS_ALLOCATED",
    0x2012: "ERROR_DS_INCORRECT_ROLE_OWNER",
    0x2014: "ERROR_DS_OBJ_CLASS_VIOLATION",
    0x2015: "ERROR_DS_CANT_ON_NON_LEAF",
    0x2016: "ERROR_DS_CANT_ON_RDN",
    0x2017: "ERROR_DS_CANT_MOD_OBJ_CLASS",
    0x2018: "ERROR_DS_CROSS_DOM_MOVE_ERROR",
    0x2020: "ERROR_DS_OPERATIONS_ERROR",
    0x2021: "ERROR_DS_PROTOCOL_ERROR",
    0x2022: "ERROR_DS_TIMELIMIT_EXCEEDED",
    0x2023: "ERROR_DS_SIZELIMIT_EXCEEDED",
    0x2024: "ERROR_DS_ADMIN_LIMIT_EXCEEDED",
    0x2028: "ERROR_DS_STRONG_AUTH_REQUIRED",
    0x202B: "ERROR_DS_REFERRAL",
    0x202D: "ERROR_DS_CONFIDENTIALITY_REQUIRED",
    0x202F: "ERROR_DS_CONSTRAINT_VIOLATION",
    0x2030: "ERROR_DS_NO_SUCH_OBJECT",
    0x2032: "ERROR_DS_INVALID_DN_SYNTAX",
    0x2035: "ERROR_DS_UNWILLING_TO_PERFORM",
    0x2037: "ERROR_DS_NAMING_VIOLATION",
    0x206F: "ERROR_DS_ATT_NOT_DEF_IN_SCHEMA",
    0x2071: "ERROR_DS_OBJ_STRING_NAME_EXISTS",
    0x2073: "ERROR_DS_RDN_DOESNT_MATCH_SCHEMA",
    0x2077: "ERROR_DS_ILLEGAL_MOD_OPERATION",
    0x2078: "ERROR_DS_OBJ_TOO_LARGE",
    0x207C: "ERROR_DS_MISSING_REQUIRED_ATT",
    0x207D: "ERROR_DS_ATT_NOT_DEF_FOR_CLASS",
    0x2081: "ERROR_DS_SINGLE_VALUE_CONSTRAINT",
    0x2082: "ERROR_DS_RANGE_CONSTRAINT",
    0x2083: "ERROR_DS_ATT_VAL_ALREADY_EXISTS",
    0x2085: "ERROR_DS_CANT_REM_MISSING_ATT_VAL",
    0x2089: "ERROR_DS_NO_PARENT_OBJECT",
    0x208C: "ERROR_DS_CHILDREN_EXIST",
    0x208D: "ERROR_DS_OBJ_NOT_FOUND",
    0x208F: "ERROR_DS_BAD_NAME_SYNTAX",
    0x2093: "ERROR_DS_OBJECT_BEING_REMOVED",
    0x2094: "ERROR_DS_CANT_DELETE_DSA_OBJ",
    0x2098: "ERROR_DS_INSUFF_ACCESS_RIGHTS",
    0x2099: "ERROR_DS_ILLEGAL_SUPERIOR",
    0x209A: "ERROR_DS_ATTRIBUTE_OWNED_BY_SAM",
    0x20B1: "ERROR_DS_CANT_MOD_SYSTEM_ONLY",
    0x20B3: "ERROR_DS_OBJ_CLASS_NOT_DEFINED",
    0x20B5: "ERROR_DS_NAME_REFERENCE_INVALID",
    0x20CE: "ERROR_DS_CANT_DELETE",
    0x20E7: "ERROR_DS_SECURITY_ILLEGAL_MODIFY",
    0x2132: "ERROR_DS_CANT_MOVE_ACCOUNT_GROUP",
    0x2141: "ERROR_DS_INVALID_GROUP_TYPE",
    0x2142: "ERROR_DS_NO_NEST_GLOBALGROUP_IN_MIXEDDOMAIN",
    0x2144: "ERROR_DS_GLOBAL_CANT_HAVE_LOCAL_MEMBER",
    0x2147: "ERROR_DS_GLOBAL_CANT_HAVE_CROSSDOMAIN_MEMBER",
    0x21C7: "ERROR_DS_SPN_VALUE_NOT_UNIQUE_IN_FOREST",
    0x21C8: "ERROR_DS_UPN_VALUE_NOT_UNIQUE_IN_FOREST",
}


def win32_error(message: str) -> int | None:
    """The Win32 error that ``message`` begins with; ``None`` without one (zero, or one of a security package, is none)."""
    found = _LEADING.match(message)
    return _win32(found[1]) if found else None


def logon_error(message: str) -> int | None:
    """The Win32 error that says why a bind was refused."""
    found = _LOGON.search(message)
    return _win32(found[1]) if found else None


def explain(message: str) -> str:
    """The message, and behind it the name of the Win32 error in it, where there is one that is known."""
    for number in (win32_error(message), logon_error(message)):
        if number in _NAMES:
            return f"{message} [{_NAMES[number]}]"
    return message


def _win32(digits: str) -> int | None:
    number = int(digits, 16)
    return number if 0 < number <= 0xFFFF else None
