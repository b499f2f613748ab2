"""What an LDAP result code becomes: the HRESULT that ADSI gives its callers (FACILITY_WIN32 around ERROR_DS_*).

One table for both directories, so that a caught error has the same code on the embedded directory and on a server.
"""

from __future__ import annotations

from enum import IntEnum

from mpf_core.errors import Code, MpfError


class Result(IntEnum):
    """HRESULTs of directory operations that the engine's own table does not have (spec: helpers, 3.17)."""

    NO_ATTRIBUTE_OR_VALUE = 0x8007200A
    INVALID_ATTRIBUTE_SYNTAX = 0x8007200B
    ATTRIBUTE_TYPE_UNDEFINED = 0x8007200C
    ATTRIBUTE_OR_VALUE_EXISTS = 0x8007200D
    BUSY = 0x8007200E
    UNAVAILABLE = 0x8007200F
    OBJ_CLASS_VIOLATION = 0x80072014
    CANT_ON_NON_LEAF = 0x80072015
    CANT_ON_RDN = 0x80072016
    CANT_MOD_OBJ_CLASS = 0x80072017
    OPERATIONS_ERROR = 0x80072020
    PROTOCOL_ERROR = 0x80072021
    TIMELIMIT_EXCEEDED = 0x80072022
    SIZELIMIT_EXCEEDED = 0x80072023
    ADMIN_LIMIT_EXCEEDED = 0x80072024
    AUTH_METHOD_NOT_SUPPORTED = 0x80072027
    STRONG_AUTH_REQUIRED = 0x80072028
    INAPPROPRIATE_AUTH = 0x80072029
    REFERRAL = 0x8007202B
    UNAVAILABLE_CRIT_EXTENSION = 0x8007202C
    CONFIDENTIALITY_REQUIRED = 0x8007202D
    INAPPROPRIATE_MATCHING = 0x8007202E
    CONSTRAINT_VIOLATION = 0x8007202F
    ALIAS_PROBLEM = 0x80072031
    INVALID_DN_SYNTAX = 0x80072032
    IS_LEAF = 0x80072033
    ALIAS_DEREF_PROBLEM = 0x80072034
    UNWILLING_TO_PERFORM = 0x80072035
    LOOP_DETECT = 0x80072036
    NAMING_VIOLATION = 0x80072037
    OBJECT_RESULTS_TOO_LARGE = 0x80072038
    AFFECTS_MULTIPLE_DSAS = 0x80072039
    LOGON_FAILURE = 0x8007052E
    GEN_FAILURE = 0x8007001F
    DISK_FULL = 0x80070070
    WRITE_FAULT = 0x8007001D
    FILE_CORRUPT = 0x80070570


#: LDAP result code (RFC 4511) -> HRESULT. What is missing here is GEN_FAILURE.
HRESULTS: dict[int, int] = {
    1: Result.OPERATIONS_ERROR,
    2: Result.PROTOCOL_ERROR,
    3: Result.TIMELIMIT_EXCEEDED,
    4: Result.SIZELIMIT_EXCEEDED,
    7: Result.AUTH_METHOD_NOT_SUPPORTED,
    8: Result.STRONG_AUTH_REQUIRED,
    10: Result.REFERRAL,
    11: Result.ADMIN_LIMIT_EXCEEDED,
    12: Result.UNAVAILABLE_CRIT_EXTENSION,
    13: Result.CONFIDENTIALITY_REQUIRED,
    16: Result.NO_ATTRIBUTE_OR_VALUE,
    17: Result.ATTRIBUTE_TYPE_UNDEFINED,
    18: Result.INAPPROPRIATE_MATCHING,
    19: Result.CONSTRAINT_VIOLATION,
    20: Result.ATTRIBUTE_OR_VALUE_EXISTS,
    21: Result.INVALID_ATTRIBUTE_SYNTAX,
    32: Code.NO_SUCH_OBJECT,
    33: Result.ALIAS_PROBLEM,
    34: Result.INVALID_DN_SYNTAX,
    35: Result.IS_LEAF,
    36: Result.ALIAS_DEREF_PROBLEM,
    48: Result.INAPPROPRIATE_AUTH,
    49: Result.LOGON_FAILURE,
    50: Code.E_ACCESSDENIED,
    51: Result.BUSY,
    52: Result.UNAVAILABLE,
    53: Result.UNWILLING_TO_PERFORM,
    54: Result.LOOP_DETECT,
    64: Result.NAMING_VIOLATION,
    65: Result.OBJ_CLASS_VIOLATION,
    66: Result.CANT_ON_NON_LEAF,
    67: Result.CANT_ON_RDN,
    68: Code.OBJECT_ALREADY_EXISTS,
    69: Result.CANT_MOD_OBJ_CLASS,
    70: Result.OBJECT_RESULTS_TOO_LARGE,
    71: Result.AFFECTS_MULTIPLE_DSAS,
}


def hresult(ldap_code: int) -> int:
    """The HRESULT for an LDAP result code other than success."""
    return HRESULTS.get(ldap_code, Result.GEN_FAILURE)


def no_such_object(name: object) -> MpfError:
    """The error for a name that names nothing, in the words of ADSI (spec: helpers, common exceptions)."""
    return MpfError(Code.NO_SUCH_OBJECT, f"Unable to open object '{name}'. There is no such object on the server.")
