#!/usr/bin/env python3
"""Makes kubernetes.txt from the sources Kubernetes publishes as Go modules; README.md says how.

Reads api/openapi-spec/swagger.json (fields, types, required, lists), the generated Go OpenAPI
(enums, which the specification leaves out) and the prerelease lifecycle of each API (deprecated,
removed, replacement). Knows nothing of Rust.
"""

import json
import pathlib
import re
import subprocess
import sys

VERSIONS = ["1.33.13", "1.34.4", "1.35.4", "1.36.3"]
# Old enough to know the APIs whose types have been deleted since.
LIFECYCLES = ["0.22.17", "0.24.17"]

PREFIXES = [
    "io.k8s.apimachinery.pkg.apis.",
    "io.k8s.apimachinery.pkg.",
    "io.k8s.apiextensions-apiserver.pkg.apis.",
    "io.k8s.kube-aggregator.pkg.apis.",
    "io.k8s.api.",
]
SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "micro-time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "object",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "object",
}
# The specification asks for these, and a server takes an object without: what is absent is zero, false or
# empty to it, and allowed. Seen by the tests against a real API server.
OPTIONAL = {
    "ControllerRevision": ["revision"],
    "CustomResourceDefinitionVersion": ["served", "storage"],
    "HTTPHeader": ["value"],
    "LimitRangeSpec": ["limits"],
    "PodFailurePolicy": ["rules"],
    "PreferredSchedulingTerm": ["preference"],
    "ResourceClaim": ["spec"],
    "SleepAction": ["seconds"],
    "Sysctl": ["value"],
    "TypedLocalObjectReference": ["kind", "name"],
}
# Types without a field, which Go checks; other objects without a field may have any.
EMPTY = {
    "CustomResourceSubresourceStatus",
    "StorageVersionSpec",
    "BasicSchedulingPolicy",
}
SCALARS = {
    ("string", None): "string",
    ("string", "byte"): "bytes",
    ("boolean", None): "bool",
    ("integer", "int32"): "int32",
    ("integer", "int64"): "int64",
    ("integer", None): "int64",
    ("number", "double"): "number",
    ("number", None): "number",
}


def module(path):
    """The folder of a Go module, downloaded when it is not there."""
    out = subprocess.run(["go", "mod", "download", "-json", path], check=True, stdout=subprocess.PIPE)
    return pathlib.Path(json.loads(out.stdout)["Dir"])


def short(name):
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix):]
    return name


def reference(schema):
    name = schema["$ref"].removeprefix("#/definitions/")
    return name


def type_of(schema, needed):
    """The type of a field as the table spells it; definitions it names are added to `needed`."""
    if "$ref" in schema:
        name = reference(schema)
        if name in SPECIAL:
            return SPECIAL[name]
        needed.append(name)
        return short(name)
    kind = schema.get("type")
    if kind == "array":
        return "[]" + type_of(schema["items"], needed)
    if kind == "object":
        inner = schema.get("additionalProperties")
        return "{}" + type_of(inner, needed) if inner else "object"
    if kind is None:
        return "any"
    return SCALARS[kind, schema.get("format")]


def enums(folder):
    """`{(definition, field): [values]}` from the generated Go code."""
    text = (folder / "pkg/generated/openapi/zz_generated.openapi.go").read_text()
    found = {}
    for part in re.split(r"\nfunc schema_", text)[1:]:
        function = part[: part.index("(")]
        for field, body in re.findall(r'\n\t{5}"([\w$-]+)": \{\n\t{6}SchemaProps: (.*?)\n\t{5}\},', part, re.S):
            values = re.search(r"Enum: +\[\]interface\{\}\{(.*?)\}", body)
            if values and "Items:" not in body:
                found[function, field] = re.findall(r'"([^"]*)"', values[1])
    return found


def function_name(definition):
    """The generated function of a definition: the Go import path with every other sign replaced."""
    path = definition.removeprefix("io.k8s.")
    return "k8sio_" + re.sub(r"[.-]", lambda sign: "" if sign[0] == "-" else "_", path)


def lines_of(version):
    """`(kinds, types)` of one version: kind lines, and `{type: {line}}`."""
    folder = module(f"k8s.io/kubernetes@v{version}")
    spec = json.loads((folder / "api/openapi-spec/swagger.json").read_text())
    enum = enums(folder)
    kinds, needed = set(), []
    for path, methods in spec["paths"].items():
        match = re.fullmatch(r"/apis?/(?:([^/]+)/)?(v[^/]+)/(namespaces/\{namespace\}/)?([a-z]+)", path)
        post = methods.get("post", {})
        if not match or post.get("x-kubernetes-action") != "post":
            continue
        gvk = post["x-kubernetes-group-version-kind"]
        body = next(p for p in post["parameters"] if p.get("in") == "body")["schema"]
        definition = reference(body)
        api_version = "/".join(filter(None, [gvk["group"], gvk["version"]]))
        scope = "namespaced" if match[3] else "cluster"
        needed.append(definition)
        kinds.add(f"kind {api_version} {gvk['kind']} {match[4]} {scope} {short(definition)}")
    types, used = {}, set()
    while needed:
        name = needed.pop()
        if short(name) in types:
            continue
        schema = spec["definitions"][name]
        fields = types.setdefault(short(name), set())
        kind = name.rsplit(".", 1)[-1]
        if "properties" not in schema and kind in EMPTY:
            continue
        if "properties" not in schema:
            fields.add("= " + type_of({**schema, "type": schema.get("type")}, needed))
            continue
        for field, inner in schema["properties"].items():
            required = field in schema.get("required", []) and field not in OPTIONAL.get(kind, [])
            line = field + ("!" if required else "")
            line += " " + type_of(inner, needed)
            list_type = inner.get("x-kubernetes-list-type")
            if list_type == "set":
                line += " set"
            if list_type == "map":
                line += " map=" + ",".join(inner["x-kubernetes-list-map-keys"])
            key = function_name(name), field
            if key in enum:
                used.add(key)
                line += " enum=" + "|".join(sorted(enum[key]))
            fields.add(line)
    print(f"{version}: {len(kinds)} kinds, {len(types)} types, {len(used)} enums", file=sys.stderr)
    return kinds, types


def marked(versions_of_line):
    """Lines with the versions they are for, where that is not every one: `@1.34-`, `@1.33-1.34`."""
    names = [version.rsplit(".", 1)[0] for version in VERSIONS]
    for line in sorted(versions_of_line):
        present = [name in versions_of_line[line] for name in names]
        runs, start = [], None
        for index, here in enumerate([*present, False]):
            if here and start is None:
                start = index
            if not here and start is not None:
                runs.append((start, index - 1))
                start = None
        if runs == [(0, len(names) - 1)]:
            yield line
            continue
        end = lambda last: "" if last == len(names) - 1 else names[last]
        yield f"{line} @" + ",".join(f"{names[first]}-{end(last)}" for first, last in runs)


def lifecycles():
    """`old` lines: deprecated in, removed in, and what replaces it."""
    modules = [f"k8s.io/api@v{version}" for version in LIFECYCLES]
    newest = VERSIONS[-1].removeprefix("1.")
    modules += [f"k8s.io/{name}@v0.{newest}" for name in ["api", "apiextensions-apiserver", "kube-aggregator"]]
    found = {}
    for path in modules:
        for file in sorted(module(path).rglob("zz_generated.prerelease-lifecycle.go")):
            register = file.parent / "register.go"
            group = re.search(r'GroupName += "([^"]*)"', register.read_text())
            if not group:
                continue
            prefix = f"{group[1]}/" if group[1] else ""
            text = file.read_text()
            for kind in dict.fromkeys(re.findall(r"func \(in \*(\w+)\) APILifecycle", text)):
                body = dict(re.findall(rf"func \(in \*{kind}\) APILifecycle(\w+)\(\)[^{{]*\{{\n\treturn (.*)\n", text))
                release = lambda name: body[name].replace(", ", ".") if name in body else None
                replacement = re.findall(r'"([^"]*)"', body.get("Replacement", ""))
                removed = release("Removed")
                gone = removed and int(removed.split(".")[1]) <= int(newest.split(".")[0])
                if kind.endswith("List") or not (gone or replacement):
                    continue
                new = "/".join(filter(None, replacement[:2])) + " " + replacement[2].removesuffix("List") if replacement else "-"
                line = f"old {prefix}{file.parent.name} {kind} {release('Deprecated') or '-'} {removed or '-'} {new}"
                # The newest word counts.
                found[prefix, file.parent.name, kind] = line
    return sorted(found.values())


def main():
    kinds, types = {}, {}
    for version in VERSIONS:
        name = version.rsplit(".", 1)[0]
        these_kinds, these_types = lines_of(version)
        for line in these_kinds:
            kinds.setdefault(line, []).append(name)
        for type_name, fields in these_types.items():
            for line in fields:
                types.setdefault(type_name, {}).setdefault(line, []).append(name)
    out = pathlib.Path(__file__).with_name("kubernetes.txt").open("w")
    print("# Made by generate.py from Kubernetes " + ", ".join(VERSIONS) + " (Apache-2.0). Do not edit.", file=out)
    print("versions " + " ".join(version.rsplit(".", 1)[0] for version in VERSIONS), file=out)
    for line in [*marked(kinds), *lifecycles()]:
        print(line, file=out)
    for name in sorted(types):
        print(f"type {name}", file=out)
        for line in marked(types[name]):
            print(" " + line, file=out)


main()
