//go:build tools

// Package tools names the program to build, for `go mod tidy`.
package tools

import _ "github.com/argoproj/argo-cd/v3/cmd"
