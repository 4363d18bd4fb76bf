module narae.dev/ci/gateway-api

go 1.26.0

// Its source is read, not built.
require sigs.k8s.io/gateway-api/conformance v1.6.3
