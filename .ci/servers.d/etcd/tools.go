//go:build tools

// Package tools names the programs to build, for `go mod tidy`.
package tools

import _ "go.etcd.io/etcd/server/v3"
