/* The layout is what programs were compiled with: a change here is a new ABI number. */
#include "check.h"

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(crossgate_status) == 4, "status");
_Static_assert(sizeof(crossgate_str) == 16, "crossgate_str");
_Static_assert(offsetof(crossgate_str, data) == 0, "crossgate_str.data");
_Static_assert(offsetof(crossgate_str, len) == 8, "crossgate_str.len");
_Static_assert(sizeof(crossgate_lines) == 16, "crossgate_lines");
_Static_assert(offsetof(crossgate_lines, data) == 0, "crossgate_lines.data");
_Static_assert(offsetof(crossgate_lines, count) == 8, "crossgate_lines.count");
_Static_assert(sizeof(crossgate_header) == 64, "crossgate_header");
_Static_assert(offsetof(crossgate_header, name) == 0, "crossgate_header.name");
_Static_assert(offsetof(crossgate_header, lower_name) == 16, "crossgate_header.lower_name");
_Static_assert(offsetof(crossgate_header, value) == 32, "crossgate_header.value");
_Static_assert(offsetof(crossgate_header, op) == 48, "crossgate_header.op");
_Static_assert(offsetof(crossgate_header, id) == 52, "crossgate_header.id");
_Static_assert(offsetof(crossgate_header, source) == 56, "crossgate_header.source");
_Static_assert(sizeof(crossgate_request) == 448, "crossgate_request");
_Static_assert(offsetof(crossgate_request, struct_size) == 0, "crossgate_request.struct_size");
_Static_assert(offsetof(crossgate_request, verdict) == 4, "crossgate_request.verdict");
_Static_assert(offsetof(crossgate_request, method) == 8, "crossgate_request.method");
_Static_assert(offsetof(crossgate_request, reserved) == 24, "crossgate_request.reserved");
_Static_assert(offsetof(crossgate_request, origin) == 368, "crossgate_request.origin");
_Static_assert(offsetof(crossgate_request, acrm) == 384, "crossgate_request.acrm");
_Static_assert(offsetof(crossgate_request, acrh) == 400, "crossgate_request.acrh");
_Static_assert(offsetof(crossgate_request, acrpn) == 416, "crossgate_request.acrpn");
_Static_assert(
    offsetof(crossgate_request, sec_fetch_site) == 432, "crossgate_request.sec_fetch_site");
_Static_assert(sizeof(crossgate_decision) == 1224, "crossgate_decision");
_Static_assert(offsetof(crossgate_decision, struct_size) == 0, "crossgate_decision.struct_size");
_Static_assert(offsetof(crossgate_decision, flags) == 4, "crossgate_decision.flags");
_Static_assert(offsetof(crossgate_decision, kind) == 8, "crossgate_decision.kind");
_Static_assert(offsetof(crossgate_decision, reason) == 12, "crossgate_decision.reason");
_Static_assert(offsetof(crossgate_decision, action) == 16, "crossgate_decision.action");
_Static_assert(offsetof(crossgate_decision, allowed) == 20, "crossgate_decision.allowed");
_Static_assert(offsetof(crossgate_decision, status) == 24, "crossgate_decision.status");
_Static_assert(offsetof(crossgate_decision, depends_on) == 28, "crossgate_decision.depends_on");
_Static_assert(offsetof(crossgate_decision, header_count) == 32, "crossgate_decision.header_count");
_Static_assert(offsetof(crossgate_decision, remove_count) == 36, "crossgate_decision.remove_count");
_Static_assert(offsetof(crossgate_decision, headers) == 40, "crossgate_decision.headers");
_Static_assert(offsetof(crossgate_decision, remove) == 48, "crossgate_decision.remove");
_Static_assert(offsetof(crossgate_decision, reserved) == 56, "crossgate_decision.reserved");
_Static_assert(offsetof(crossgate_decision, origin) == 1208, "crossgate_decision.origin");
_Static_assert(sizeof(crossgate_response_functions) == 32, "crossgate_response_functions");
_Static_assert(offsetof(crossgate_response_functions, struct_size) == 0,
    "crossgate_response_functions.struct_size");
_Static_assert(
    offsetof(crossgate_response_functions, get) == 8, "crossgate_response_functions.get");
_Static_assert(
    offsetof(crossgate_response_functions, set) == 16, "crossgate_response_functions.set");
_Static_assert(
    offsetof(crossgate_response_functions, remove) == 24, "crossgate_response_functions.remove");
_Static_assert(sizeof(crossgate_problem) == 88, "crossgate_problem");
_Static_assert(offsetof(crossgate_problem, struct_size) == 0, "crossgate_problem.struct_size");
_Static_assert(offsetof(crossgate_problem, severity) == 4, "crossgate_problem.severity");
_Static_assert(offsetof(crossgate_problem, code) == 8, "crossgate_problem.code");
_Static_assert(offsetof(crossgate_problem, path) == 24, "crossgate_problem.path");
_Static_assert(offsetof(crossgate_problem, value) == 40, "crossgate_problem.value");
_Static_assert(offsetof(crossgate_problem, message) == 56, "crossgate_problem.message");
_Static_assert(offsetof(crossgate_problem, hint) == 72, "crossgate_problem.hint");
_Static_assert(sizeof(crossgate_difference) == 48, "crossgate_difference");
_Static_assert(
    offsetof(crossgate_difference, struct_size) == 0, "crossgate_difference.struct_size");
_Static_assert(offsetof(crossgate_difference, differs) == 4, "crossgate_difference.differs");
_Static_assert(offsetof(crossgate_difference, kind) == 8, "crossgate_difference.kind");
_Static_assert(offsetof(crossgate_difference, headers) == 12, "crossgate_difference.headers");
_Static_assert(
    offsetof(crossgate_difference, live_reason) == 16, "crossgate_difference.live_reason");
_Static_assert(
    offsetof(crossgate_difference, live_action) == 20, "crossgate_difference.live_action");
_Static_assert(
    offsetof(crossgate_difference, live_allowed) == 24, "crossgate_difference.live_allowed");
_Static_assert(
    offsetof(crossgate_difference, live_status) == 28, "crossgate_difference.live_status");
_Static_assert(
    offsetof(crossgate_difference, shadow_reason) == 32, "crossgate_difference.shadow_reason");
_Static_assert(
    offsetof(crossgate_difference, shadow_action) == 36, "crossgate_difference.shadow_action");
_Static_assert(
    offsetof(crossgate_difference, shadow_allowed) == 40, "crossgate_difference.shadow_allowed");
_Static_assert(
    offsetof(crossgate_difference, shadow_status) == 44, "crossgate_difference.shadow_status");
#endif
