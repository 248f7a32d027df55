// net/http asks crossgate_evaluate_block() through cgo. Every buffer is Go's and holds no pointer,
// so nothing is allocated in C and nothing breaks cgo's rules. Argument: a policy file. Prints its
// address, and ends with its standard input.
package main

// #include "crossgate.h"
import "C"

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"unsafe"
)

type policy struct{ raw *C.crossgate_policy }

func (p policy) load(path string) (policy, error) {
	var fault *C.crossgate_error
	bytes := []byte(path)
	status := C.crossgate_policy_from_file((*C.char)(unsafe.Pointer(&bytes[0])),
		C.size_t(len(bytes)), &p.raw, &fault)
	if status != C.CROSSGATE_OK {
		defer C.crossgate_error_free(fault)
		return p, errors.New(C.GoString(C.crossgate_error_text(fault)))
	}
	return p, nil
}

func start(text []byte) *C.char {
	if len(text) == 0 {
		return nil
	}
	return (*C.char)(unsafe.Pointer(&text[0]))
}

func (p policy) evaluate(r *http.Request) (C.crossgate_answer, []string, error) {
	var lines strings.Builder
	for name, values := range r.Header {
		for _, value := range values {
			fmt.Fprintf(&lines, "%s: %s\r\n", name, value)
		}
	}
	method, block, out := []byte(r.Method), []byte(lines.String()), make([]byte, 1024)
	answer := C.crossgate_answer{struct_size: C.sizeof_crossgate_answer}
	for {
		var length C.size_t
		status := C.crossgate_evaluate_block(p.raw, start(method), C.size_t(len(method)),
			start(block), C.size_t(len(block)), C.CROSSGATE_VERDICT_ABSENT, &answer, start(out),
			C.size_t(len(out)), &length)
		if status == C.CROSSGATE_ERR_BUFFER_TOO_SMALL {
			out = make([]byte, length+1)
			continue
		}
		if status != C.CROSSGATE_OK {
			return answer, nil, errors.New(C.GoString(C.crossgate_status_string(status)))
		}
		return answer, strings.Split(strings.TrimSuffix(string(out[:length]), "\r\n"), "\r\n"), nil
	}
}

func apply(header http.Header, operations []string) {
	for _, operation := range operations {
		name, value, _ := strings.Cut(operation, ": ")
		switch operation[0] {
		case '-':
			header.Del(name[1:])
		case '+':
			header.Add(name[1:], value)
		default:
			header.Set(name, value)
		}
	}
}

func (p policy) middleware(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, operations, err := p.evaluate(r)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		apply(w.Header(), operations)
		if answer.action != C.CROSSGATE_ACTION_FORWARD {
			w.WriteHeader(int(answer.status))
			return
		}
		next(w, r)
	}
}

func main() {
	policy, err := policy{}.load(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, policy.middleware(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello")
	}))
	io.Copy(io.Discard, os.Stdin)
}
