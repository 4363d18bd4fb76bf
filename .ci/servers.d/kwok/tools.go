//go:build tools

// Package tools names the program to build, for `go mod tidy`.
package tools

import _ "sigs.k8s.io/kwok/cmd/kwok"
