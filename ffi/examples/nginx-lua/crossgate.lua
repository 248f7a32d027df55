-- crossgate in nginx with Lua: libcrossgate.so through LuaJIT's FFI, no compiler needed. See
-- nginx.conf beside this.
local ffi = require "ffi"

-- From crossgate.h: the part that is used here.
ffi.cdef [[
typedef struct crossgate_policy crossgate_policy;
typedef struct crossgate_error crossgate_error;
typedef struct { const char *data; size_t len; } crossgate_str;
typedef struct { const crossgate_str *data; size_t count; } crossgate_lines;
typedef struct {
    uint32_t struct_size;
    int32_t verdict;
    crossgate_str method;
    uint64_t reserved[43];
    crossgate_lines origin, acrm, acrh, acrpn, sec_fetch_site;
} crossgate_request;
typedef struct {
    crossgate_str name, lower_name, value;
    int32_t op, id, source, reserved;
} crossgate_header;
typedef struct {
    uint32_t struct_size, flags;
    int32_t kind, reason, action, allowed, status;
    uint32_t depends_on, header_count, remove_count;
    const crossgate_header *headers;
    const crossgate_str *remove;
    uint64_t reserved[144];
    crossgate_str origin;
} crossgate_decision;
uint32_t crossgate_abi_version(void);
const char *crossgate_status_string(int32_t status);
const char *crossgate_error_text(const crossgate_error *error);
void crossgate_error_free(crossgate_error *error);
int32_t crossgate_policy_from_file(const char *path, size_t path_len, crossgate_policy **policy,
                                   crossgate_error **error);
size_t crossgate_policy_scratch_size(const crossgate_policy *policy);
void crossgate_policy_free(crossgate_policy *policy);
int32_t crossgate_request_init(crossgate_request *request, size_t size, const char *method,
                               size_t method_len);
int32_t crossgate_request_add_header(crossgate_request *request, const char *name,
                                     size_t name_len, const char *value, size_t value_len);
int32_t crossgate_decision_init(crossgate_decision *decision, size_t size);
int32_t crossgate_evaluate(const crossgate_policy *policy, const crossgate_request *request,
                           crossgate_decision *decision, char *scratch, size_t scratch_size);
int32_t crossgate_header_merge(const crossgate_header *header, const char *existing,
                               size_t existing_len, char *buffer, size_t buffer_size,
                               size_t *length);
]]
local library = ffi.load "crossgate"
assert(library.crossgate_abi_version() == 0,
    "crossgate: libcrossgate.so is of another version than this file")

local FORWARD, MERGE, VARY, KEEP_UPSTREAM = 0, 1, 7, 1

local Policy = {}
Policy.__index = Policy

-- One worker runs one piece of Lua at a time, and nothing below yields: these do for all requests.
local request, decision = ffi.new "crossgate_request", ffi.new "crossgate_decision"
local length = ffi.new "size_t[1]"

-- Reads a policy. Call it in init_by_lua_block: an error there stops nginx before it listens, and
-- with every problem named.
local function from_file(path)
    local policy, failure = ffi.new "crossgate_policy *[1]", ffi.new "crossgate_error *[1]"
    if library.crossgate_policy_from_file(path, #path, policy, failure) ~= 0 then
        local text = ffi.string(library.crossgate_error_text(failure[0]))
        library.crossgate_error_free(failure[0])
        error(text, 0)
    end
    local size = tonumber(library.crossgate_policy_scratch_size(policy[0]))
    return setmetatable({
        policy = ffi.gc(policy[0], library.crossgate_policy_free),
        scratch = ffi.new("char[?]", size + 1),
        scratch_size = size,
    }, Policy)
end

local function decide(self)
    local method = ngx.req.get_method()
    -- 0: all of them. The default is the first hundred, and a second Origin must not go unseen.
    local lines = ngx.req.get_headers(0)
    library.crossgate_request_init(request, ffi.sizeof(request), method, #method)
    for name, value in pairs(lines) do
        for _, line in ipairs(type(value) == "table" and value or { value }) do
            line = line == true and "" or line
            library.crossgate_request_add_header(request, name, #name, line, #line)
        end
    end
    library.crossgate_decision_init(decision, ffi.sizeof(decision))
    local outcome = library.crossgate_evaluate(
        self.policy, request, decision, self.scratch, self.scratch_size)
    if outcome ~= 0 then
        ngx.log(ngx.ERR, "crossgate: ", ffi.string(library.crossgate_status_string(outcome)))
    end
    return lines -- the request borrows from them: they have to live until here
end

local function text(str)
    return ffi.string(str.data, str.len)
end

local function merge(header)
    local existing = ngx.header[text(header.name)]
    existing = type(existing) == "table" and table.concat(existing, ", ") or existing or ""
    local size = 2 * (#existing + tonumber(header.value.len)) + 1
    local buffer = ffi.new("char[?]", size)
    if library.crossgate_header_merge(header, existing, #existing, buffer, size, length) ~= 0 then
        return text(header.value)
    end
    return ffi.string(buffer, length[0])
end

-- For rewrite_by_lua_block: answers preflights and refusals. header_filter() adds their headers.
function Policy:rewrite()
    decide(self)
    if decision.action ~= FORWARD then
        -- With ngx.exit(403) nginx would add its error page.
        ngx.status = decision.status
        ngx.header["Content-Type"] = nil
        if decision.status ~= 204 then
            ngx.header["Content-Length"] = 0
        end
        ngx.send_headers()
        return ngx.exit(ngx.OK)
    end
end

-- For header_filter_by_lua_block: puts the decision on every response, whoever made it. May run
-- twice for one response (nginx does that for its own error pages), so it only sets, removes and
-- merges. Not with crossgate_decision_apply(): C cannot call back into compiled LuaJIT code.
function Policy:header_filter()
    decide(self)
    local keep = decision.flags % 2 == KEEP_UPSTREAM
        and ngx.header["Access-Control-Allow-Origin"] ~= nil
    if not keep then
        for i = 0, decision.remove_count - 1 do
            ngx.header[text(decision.remove[i])] = nil
        end
    end
    for i = 0, decision.header_count - 1 do
        local header = decision.headers[i]
        if not keep or header.id == VARY then
            local value = header.op == MERGE and merge(header) or text(header.value)
            ngx.header[text(header.name)] = value
        end
    end
end

return { from_file = from_file }
