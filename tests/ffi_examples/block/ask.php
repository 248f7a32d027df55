<?php
// PHP's FFI asks crossgate_evaluate_block(). Arguments: library, policy file. Reads a JSON object
// {"method", "lines"} a line and prints {"status", "answer", "out"} a line.
$ffi = FFI::cdef('
    typedef struct crossgate_policy crossgate_policy;
    typedef struct crossgate_error crossgate_error;
    typedef struct {
        uint32_t struct_size, flags;
        int32_t kind, reason, action, allowed, status;
        uint32_t depends_on;
    } crossgate_answer;
    int32_t crossgate_policy_from_file(const char *path, size_t path_len,
        crossgate_policy **policy, crossgate_error **error);
    const char *crossgate_error_text(const crossgate_error *error);
    int32_t crossgate_evaluate_block(const crossgate_policy *policy, const char *method,
        size_t method_len, const char *lines, size_t lines_len, int32_t verdict,
        crossgate_answer *answer, char *out, size_t out_size, size_t *length);
', $argv[1]);
$policy = $ffi->new('crossgate_policy *');
$error = $ffi->new('crossgate_error *');
if ($ffi->crossgate_policy_from_file($argv[2], strlen($argv[2]), FFI::addr($policy),
        FFI::addr($error)) !== 0) {
    fwrite(STDERR, $ffi->crossgate_error_text($error));
    exit(1);
}
$answer = $ffi->new('crossgate_answer');
$out = $ffi->new('char[8192]');
$length = $ffi->new('size_t');
while (($line = fgets(STDIN)) !== false) {
    $asked = json_decode($line, true);
    $answer->struct_size = FFI::sizeof($answer);
    $status = $ffi->crossgate_evaluate_block($policy, $asked['method'], strlen($asked['method']),
        $asked['lines'], strlen($asked['lines']), 0, FFI::addr($answer), $out, 8192,
        FFI::addr($length));
    echo json_encode(['status' => $status, 'allowed' => $answer->allowed,
        'action' => $answer->action, 'out' => FFI::string($out, $length->cdata)]), "\n";
}
