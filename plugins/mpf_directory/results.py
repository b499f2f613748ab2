"""What an LDAP result code becomes: the HRESULT that ADSI gives its callers (FACILITY_WIN32 around ERROR_DS_*).

One table for both directories, so that a caught error has the same code on the embedded directory and on a server.
"""

from __future__ import annotations

from enum import IntEnum

from mpf_core.errors import Code, MpfError
from mpf_directory.extended_errors import logon_error, win32_error

#: E_ADS_UNKNOWN_OBJECT (spec: helpers, 3.17): an object of another kind than the procedure is for.
UNKNOWN_OBJECT = 0x80005004


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
    COMPARE_FALSE = 0x80072025
    COMPARE_TRUE = 0x80072026
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
    LOCAL_ERROR = 0x8007203B
    ENCODING_ERROR = 0x8007203C
    DECODING_ERROR = 0x8007203D
    CLIENT_LOOP = 0x80072043
    REFERRAL_LIMIT_EXCEEDED = 0x80072044
    SORT_CONTROL_MISSING = 0x80072045
    OFFSET_RANGE_ERROR = 0x80072046
    NO_SUCH_USER = 0x80070525
    LOGON_FAILURE = 0x8007052E
    INVALID_LOGON_HOURS = 0x80070530
    INVALID_WORKSTATION = 0x80070531
    PASSWORD_EXPIRED = 0x80070532
    ACCOUNT_DISABLED = 0x80070533
    TOO_MANY_CONTEXT_IDS = 0x80070568
    ACCOUNT_EXPIRED = 0x80070701
    PASSWORD_MUST_CHANGE = 0x80070773
    ACCOUNT_LOCKED_OUT = 0x80070775
    GEN_FAILURE = 0x8007001F
    DISK_FULL = 0x80070070
    WRITE_FAULT = 0x8007001D
    FILE_CORRUPT = 0x80070570


#: LDAP result code (RFC 4511 and RFC 2891) -> HRESULT. What is missing here says nothing more precise than GEN_FAILURE.
HRESULTS: dict[int, int] = {
    1: Result.OPERATIONS_ERROR,
    2: Result.PROTOCOL_ERROR,
    3: Result.TIMELIMIT_EXCEEDED,
    4: Result.SIZELIMIT_EXCEEDED,
    5: Result.COMPARE_FALSE,
    6: Result.COMPARE_TRUE,
    7: Result.AUTH_METHOD_NOT_SUPPORTED,
    8: Result.STRONG_AUTH_REQUIRED,
    9: Result.REFERRAL,  # partial results, as LDAP version 2 called it
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
    60: Result.SORT_CONTROL_MISSING,
    61: Result.OFFSET_RANGE_ERROR,
    64: Result.NAMING_VIOLATION,
    65: Result.OBJ_CLASS_VIOLATION,
    66: Result.CANT_ON_NON_LEAF,
    67: Result.CANT_ON_RDN,
    68: Code.OBJECT_ALREADY_EXISTS,
    69: Result.CANT_MOD_OBJ_CLASS,
    70: Result.OBJECT_RESULTS_TOO_LARGE,
    71: Result.AFFECTS_MULTIPLE_DSAS,
}


#: Errors that say, in words of their own, that an account could not log on (LDAP: invalidCredentials).
LOGON_REFUSALS = frozenset(
    {
        Result.NO_SUCH_USER,
        Result.LOGON_FAILURE,
        Result.INVALID_LOGON_HOURS,
        Result.INVALID_WORKSTATION,
        Result.PASSWORD_EXPIRED,
        Result.ACCOUNT_DISABLED,
        Result.TOO_MANY_CONTEXT_IDS,
        Result.ACCOUNT_EXPIRED,
        Result.PASSWORD_MUST_CHANGE,
        Result.ACCOUNT_LOCKED_OUT,
    }
)


def hresult(ldap_code: int, message: str = "") -> int:
    """The HRESULT for an LDAP result code other than success.

    The server's ``message`` counts only where the code says less: why a logon failed (``data 533``), and what "other"
    stands for (``0000208C:``). Everywhere else the code is the one that ADSI's callers know, whatever the server adds.
    """
    if ldap_code == 49:  # noqa: SIM102 - invalidCredentials
        if (logon := 0x80070000 | (logon_error(message) or 0)) in LOGON_REFUSALS:
            return logon
    known = HRESULTS.get(ldap_code)
    if known is not None:
        return known
    inside = win32_error(message)
    return 0x80070000 | inside if inside else Result.GEN_FAILURE


def no_such_object(name: object) -> MpfError:
    """The error for a name that names nothing, in the words of ADSI (spec: helpers, common exceptions)."""
    return MpfError(Code.NO_SUCH_OBJECT, f"Unable to open object '{name}'. There is no such object on the server.")


class NoAnswerError(MpfError):
    """A server did not answer, or not this request.

    ``sent`` is false when the request certainly did not reach it: then it was not done. ``passing`` says that trying again
    at once may help: a connection ended, but nobody waited in vain and no certificate was refused.
    """

    def __init__(self, code: int, description: str, *, sent: bool, passing: bool) -> None:
        super().__init__(code, description)
        self.sent = sent
        self.passing = passing
