//go:build tools

// Package tools names the programs to build, for `go mod tidy`.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
